"""From a deal's lines to the lines of a journal entry: pure functions.

Amounts are rounded once, line by line, to the currency's digits, where the deal's net lines are
worked out; the remainder of an order discount stands on the last line. Here they are only added
up, so an entry balances to the digit whatever the amounts are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from ml_connector.core.errors import HeldError
from ml_connector.core.money import currency_digits
from ml_connector.integrations.sage_intacct_pipedrive import targets
from ml_connector.sync.values import plain
from ml_connector.vendors.pipedrive.deal_lines import DealLines
from ml_connector.vendors.pipedrive.models import Deal
from ml_connector.vendors.sage_intacct.drafts import (
    CENTS,
    CREDIT,
    DEBIT,
    GLBatchDraft,
    GLEntryDraft,
    Scalar,
    Side,
)
from ml_connector.vendors.sage_intacct.models import GLEntry

ZERO = Decimal(0)
_DIGEST = 16  # hex digits; tells the contents that one entry ever had apart

_ATTRIBUTES: Mapping[str, str] = {
    "LOCATION": "location",
    "DEPARTMENT": "department",
    "PROJECTID": "project_id",
    "TASKID": "task_id",
    "CUSTOMERID": "customer_id",
    "VENDORID": "vendor_id",
    "EMPLOYEEID": "employee_id",
    "ITEMID": "item_id",
    "CLASSID": "class_id",
}
"""Dimensions that a draft names itself; all others go along by their name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What one line of a deal brings to an account."""

    account: str
    net: Decimal
    """Below zero for what is given back: then the account is debited."""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    document: str | None = None
    further: Mapping[str, Scalar] = field(default_factory=dict)
    """Custom fields by their name."""
    is_recurring: bool = False
    what: str = ""
    """What messages call the line of the deal."""
    party: str = ""
    """Whose customer it concerns: ``organization:5512``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What every line says of its currency, in a company with several."""

    currency: str
    rate_type: str
    rate_on: date


# Amounts ----------------------------------------------------------------------------------------


def require_kept_digits(lines: DealLines) -> None:
    """Hold an amount that Intacct would round: it keeps two digits, whatever the currency has."""
    step = Decimal(1).scaleb(-CENTS)
    for line in lines.lines:
        if line.net != line.net.quantize(step):
            raise HeldError(
                f"Deal {lines.deal_id} has a line {line.name!r} of {line.net:f} {lines.currency}, "
                f"which has {currency_digits(lines.currency)} digits: Intacct keeps {CENTS}; "
                "round the line in Pipedrive",
                waits_for=f"deal:{lines.deal_id}",
            )


def merged(parts: Sequence[Credit]) -> list[Credit]:
    """Return one credit for each account and set of dimensions, in the order of the first."""
    found: dict[tuple[Any, ...], Credit] = {}
    for each in parts:
        key = (each.account, *sorted(each.dimensions.items()), repr(sorted(each.further.items())))
        before = found.get(key)
        if before is None:
            found[key] = replace(each, description=None, document=None)
        else:
            found[key] = replace(before, net=before.net + each.net)
    return list(found.values())


def entry_lines(
    parts: Sequence[Credit],
    *,
    offset_account: str,
    offset_requires: Iterable[str] = (),
    rates: Rates | None = None,
) -> tuple[GLEntryDraft, ...]:
    """Return the lines of a balanced entry: the offset account's first, then the credits.

    The offset carries the dimensions that all credits share. There is one offset line for each
    location, so that every entity balances by itself, and for each value of a dimension that the
    offset account requires. Amounts are unsigned: one below zero goes to the other side.
    """
    counted = [each for each in parts if each.net]
    offsets = _offsets(counted, offset_account, {targets.LOCATION, *offset_requires})
    return tuple(
        line
        for side, group in ((DEBIT, offsets), (CREDIT, counted))
        for each in group
        for line in _line(each, side, rates)
    )


def _offsets(parts: Sequence[Credit], account: str, apart: set[str]) -> list[Credit]:
    shared = _shared([each.dimensions for each in parts])
    groups: dict[tuple[tuple[str, str], ...], Decimal] = {}
    for each in parts:
        own = {name: value for name, value in each.dimensions.items() if name in apart}
        key = tuple(sorted({**shared, **own}.items()))
        groups[key] = groups.get(key, ZERO) + each.net
    return [
        Credit(account=account, net=net, dimensions=dict(key)) for key, net in groups.items() if net
    ]


def _shared(all_dimensions: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the dimensions that all lines have with the same value."""
    if not all_dimensions:
        return {}
    first, *others = all_dimensions
    return {
        name: value
        for name, value in first.items()
        if all(each.get(name) == value for each in others)
    }


def _line(each: Credit, side: Side, rates: Rates | None) -> list[GLEntryDraft]:
    swapped: Side = CREDIT if side == DEBIT else DEBIT
    named = {_ATTRIBUTES[name]: v for name, v in each.dimensions.items() if name in _ATTRIBUTES}
    others = {name: v for name, v in each.dimensions.items() if name not in _ATTRIBUTES}
    line = GLEntryDraft(
        account_no=each.account,
        side=side if each.net > 0 else swapped,
        trx_amount=abs(each.net),
        description=each.description or UNSET,
        document=each.document or UNSET,
        fields={**others, **each.further},
    )
    line = msgspec.structs.replace(line, **named)
    if rates is None:
        return [line]
    return [
        msgspec.structs.replace(
            line,
            currency=rates.currency,
            exchange_rate_on=rates.rate_on,
            exchange_rate_type=rates.rate_type,
        )
    ]


# Entries ----------------------------------------------------------------------------------------


def with_values(draft: GLBatchDraft, values: Mapping[str, Any]) -> GLBatchDraft:
    """Return an entry with what its mapping says of it."""
    named = {targets.TITLE, targets.COMMENT}
    return msgspec.structs.replace(
        draft,
        batch_title=values.get(targets.TITLE) or draft.batch_title,
        history_comment=values.get(targets.COMMENT) or UNSET,
        fields={name: value for name, value in values.items() if name not in named},
    )


def draft_fields(draft: GLBatchDraft) -> dict[str, Any]:
    """Return an entry's fields as a plan and the trail show them."""
    found: dict[str, Any] = plain(msgspec.to_builtins(draft, enc_hook=str))
    return found


# What was handed over, and what stands there ---------------------------------------------------


def handed_over(deal: Deal, lines: DealLines) -> dict[str, Any]:
    """Return what of a deal goes into its entry: a later difference is a change to tell."""
    return {
        "currency": lines.currency,
        "net": plain(lines.net),
        "party": [deal.org_id, None if deal.org_id else deal.person_id],
        "lines": [[line.product_id, plain(line.net)] for line in lines.lines],
    }


def difference_words(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say what of a handed-over deal is different now; nothing where nothing is."""
    parts = [
        f"{name} was {before.get(name)} and is {now[name]}"
        for name in ("net", "currency")
        if before.get(name) != now[name]
    ]
    if before.get("party") != now["party"]:
        parts.append("it is with another organization or person")
    if not parts and before.get("lines") != now["lines"]:
        parts.append("its lines differ")
    return "; ".join(parts)


Figures = list[list[str]]
"""Lines as account, side and amount, in their order."""


def figures_written(lines: Iterable[GLEntryDraft]) -> Figures:
    """Return what the lines of a draft say."""
    return [[line.account_no, str(line.side), _figure(line.trx_amount)] for line in lines]


def figures_standing(lines: Iterable[GLEntry]) -> Figures:
    """Return what the lines of an entry say now."""
    return [
        [
            line.account_no or "",
            str(line.side or 0),
            _figure(line.amount if line.trx_amount is None else line.trx_amount),
        ]
        for line in lines
    ]


def content_standing(lines: Iterable[GLEntry]) -> list[list[Any]]:
    """Return everything that finance could have changed of an entry's lines."""
    lines = tuple(lines)
    return [
        [*figures, line.currency or "", sorted(map(list, line.dimensions.items()))]
        for figures, line in zip(figures_standing(lines), lines, strict=True)
    ]


def shown(figures: Iterable[Sequence[Any]]) -> str:
    """Return lines as people read them."""
    words = {"1": "debit", "-1": "credit"}
    return "; ".join(
        f"{words.get(side, '?')} {account} {amount}" for account, side, amount, *_ in figures
    )


def digest_of(figures: Sequence[Sequence[str]]) -> str:
    """Return a short name for lines."""
    text = json.dumps([list(each) for each in figures], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


def _figure(amount: Decimal | None) -> str:
    """Return an amount without the zeros that a database adds or drops."""
    return f"{(amount or ZERO).quantize(Decimal(1).scaleb(-CENTS)):f}"
