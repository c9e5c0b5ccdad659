"""What went into a deal's document, what is in it, and where the two differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ml_connector.sync.values import plain, same
from ml_connector.vendors.acumatica.drafts import SalesOrderLineDraft
from ml_connector.vendors.acumatica.models import SalesInvoice, SalesOrder, SalesOrderLine
from ml_connector.vendors.pipedrive.deal_lines import DealLines
from ml_connector.vendors.pipedrive.models import Deal

_DIGEST = 16  # hex digits; tells the contents that one order ever had apart


def handed_over(deal: Deal, lines: DealLines, mapped: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a deal goes into its document: a later difference is a change to tell.

    ``mapped`` are the header's values that come from the deal.
    """
    return {
        "currency": lines.currency,
        "net": plain(lines.net),
        "party": [deal.org_id, None if deal.org_id else deal.person_id],
        "lines": [
            [
                line.product_id,
                line.product_variation_id,
                plain(line.quantity),
                plain(line.unit_price),
                plain(line.net),
            ]
            for line in lines.lines
        ],
        "mapped": plain(mapped),
    }


def difference_words(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say what of a handed-over deal is different now; nothing where nothing is."""
    parts = [
        f"{name} was {before.get(name)} and is {now[name]}"
        for name in ("net", "currency")
        if before.get(name) != now[name]
    ]
    if before.get("party") != now["party"]:
        parts.append(f"its party was {_party(before.get('party'))} and is {_party(now['party'])}")
    if not parts and before.get("lines") != now["lines"]:
        parts.append("its lines differ")
    was, is_now = before.get("mapped") or {}, now["mapped"]
    parts += [
        f"{name} was {was.get(name)!r} and is {is_now.get(name)!r}"
        for name in sorted({*was, *is_now})
        if not same(was.get(name), is_now.get(name))
    ]
    return "; ".join(parts)


def _party(party: Sequence[int | None] | None) -> str:
    organization, person = party or (None, None)
    if organization is not None:
        return f"organization {organization}"
    return f"person {person}" if person is not None else "nobody"


def net_total(document: SalesOrder | SalesInvoice) -> Decimal | None:
    """Return a document's total without tax, as the ERP computed it."""
    total = document.order_total if isinstance(document, SalesOrder) else document.amount
    return None if total is None else total - (document.tax_total or Decimal(0))


# The lines of an order, as they were written and as they stand ------------------------------------


def lines_as_written(lines: Sequence[SalesOrderLineDraft]) -> list[list[str]]:
    """Return what the lines of a draft say, in the form in which orders are compared."""
    return [
        _line(str(line.inventory_id), line.order_qty, line.unit_price, line.discount_amount)
        for line in lines
    ]


def lines_as_they_stand(order: SalesOrder) -> list[list[str]]:
    """Return what the lines of an order say now."""
    return [_as_it_stands(line) for line in order.details]


def _as_it_stands(line: SalesOrderLine) -> list[str]:
    return _line(line.inventory_id or "", line.order_qty, line.unit_price, line.discount_amount)


def _line(item: str, *figures: Any) -> list[str]:
    return [item.strip().upper(), *(_figure(each) for each in figures)]


def _figure(value: Any) -> str:
    """Return a number without the zeros that a database adds; what was not sent is zero."""
    number = value if isinstance(value, Decimal) else Decimal(0)
    return format(number.normalize() if number else Decimal(0), "f")


def digest_of(lines: Sequence[Sequence[str]]) -> str:
    """Return a short name for the lines' content."""
    text = json.dumps(list(map(list, lines)), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
