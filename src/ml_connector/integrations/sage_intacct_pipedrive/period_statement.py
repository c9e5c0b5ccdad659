"""The period statement: what was won beside what the ledger has of it, to the cent (INT-12).

Deals that count now are read from Pipedrive, their entries from Intacct; nothing is believed of
what we remember but which entry is whose. Whatever does not add up stands in the last column.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ml_connector.core.errors import HeldError, InvalidRecordError, NotFoundError
from ml_connector.core.money import currency_digits
from ml_connector.integrations.from_pipedrive.amounts import amounts_of
from ml_connector.integrations.from_pipedrive.taking_up import moment_of, why_not
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.integrations.sage_intacct_pipedrive.flows import postings
from ml_connector.integrations.sage_intacct_pipedrive.flows.postings import Posting
from ml_connector.vendors.pipedrive.models import Deal
from ml_connector.vendors.sage_intacct.models import GLBatchInFull

COLUMNS = (
    "period",
    "entity",
    "currency",
    "deals",
    "won",
    "posted",
    "not posted yet",
    "reversed",
    "held",
    "difference",
)
_NOT_POSTED_YET = frozenset({"Draft", "Declined", "Submitted", "Partially Approved"})
_TOP_LEVEL = "top level"
_NO_CURRENCY = "none"

Place = tuple[str, str, str]
"""Period, entity and currency."""


@dataclass(slots=True)
class _Sums:
    """What one line of the statement comes to."""

    deals: int = 0
    won: Decimal = Decimal(0)
    posted: Decimal = Decimal(0)
    not_posted_yet: Decimal = Decimal(0)
    reversed: Decimal = Decimal(0)
    held: Decimal = Decimal(0)

    @property
    def difference(self) -> Decimal:
        """What was won and stands nowhere; below zero what stands and was not won."""
        return self.won - self.posted - self.not_posted_yet - self.reversed - self.held


@dataclass(slots=True)
class _Statement:
    """The lines of the statement by their place."""

    sums: dict[Place, _Sums] = field(default_factory=dict)

    def at(self, day: date | None, entity: str | None, currency: str) -> _Sums:
        """Return the sums of a place."""
        place = (f"{day:%Y-%m}" if day else "?", entity or _TOP_LEVEL, currency)
        return self.sums.setdefault(place, _Sums())

    def rows(self) -> list[Mapping[str, str]]:
        """Return the statement in the order of its places."""
        return [
            {
                "period": period,
                "entity": entity,
                "currency": currency,
                "deals": str(sums.deals),
                "won": _shown(sums.won, currency),
                "posted": _shown(sums.posted, currency),
                "not posted yet": _shown(sums.not_posted_yet, currency),
                "reversed": _shown(sums.reversed, currency),
                "held": _shown(sums.held, currency),
                "difference": _shown(sums.difference, currency),
            }
            for (period, entity, currency), sums in sorted(self.sums.items())
        ]


def _shown(amount: Decimal, currency: str) -> str:
    """Return an amount with the currency's digits, and with more where it has more."""
    own = 0 if currency == _NO_CURRENCY else currency_digits(currency)
    digits = max(own, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{digits}f}"


async def rows(ctx: Context) -> AsyncIterator[Mapping[str, str]]:
    """Yield a line for each period, entity and currency."""
    statement, seen = _Statement(), set[str]()
    async for deal in ctx.pipedrive.deals(status="won"):
        seen.add(str(deal.id))
        await _add(deal, statement, ctx)
    for deal_key in await ctx.linked(postings.ENTRY_LINK):
        if deal_key not in seen:
            await _add_other(deal_key, statement, ctx)
    for row in statement.rows():
        yield row


async def _add(deal: Deal, statement: _Statement, ctx: Context) -> None:
    """Add a deal that is won, or whose entry stands though it is not."""
    posting = await postings.latest(deal.id, ctx)
    counts = await why_not(deal, ctx) is None
    if posting is None and not counts:
        return
    currency = deal.currency or _NO_CURRENCY
    net = await _worth(deal, ctx) if counts else Decimal(0)
    if posting is None and net:
        moment = await moment_of(deal, ctx)
        day = moment.astimezone(ctx.intacct.settings.zone).date() if moment else None
        sums = statement.at(day, ctx.intacct.settings.entity_id, currency)
        sums.held += net
        _count(sums, net)
    elif posting is not None:
        _count(await _add_entry(posting, currency, statement, ctx), net)


async def _add_other(deal_key: str, statement: _Statement, ctx: Context) -> None:
    """Add what stands for a deal that is not won any more, or counts by its stage."""
    try:
        deal = await ctx.pipedrive.deal(int(deal_key))
    except NotFoundError:
        posting = await postings.latest(deal_key, ctx)
        if posting is not None and posting.reversal is None:
            currency = posting.link.written[postings.HANDED_OVER]["currency"]
            await _add_entry(posting, currency, statement, ctx)
        return
    await _add(deal, statement, ctx)


def _count(sums: _Sums, net: Decimal) -> None:
    sums.deals += 1
    sums.won += net


async def _worth(deal: Deal, ctx: Context) -> Decimal:
    """Return what a deal is worth net of tax; its value as it stands where that is in doubt."""
    try:
        return (await amounts_of(deal, ctx)).lines.net
    except (HeldError, InvalidRecordError):
        return deal.value or Decimal(0)


async def _add_entry(posting: Posting, currency: str, statement: _Statement, ctx: Context) -> _Sums:
    """Add what the ledger has of a deal's latest entry; return where it stands."""
    found = await postings.present(posting, ctx)
    entity = posting.entity or ctx.intacct.settings.entity_id
    if found is None:
        return statement.at(posting.event_at.date(), entity, currency)
    there = next((line.currency for line in found.lines), None)
    sums = statement.at(found.batch.batch_on, entity, there or currency)
    amount = _amount_of(posting, found)
    if posting.reversal is not None or postings.is_taken_back(found.batch):
        sums.reversed += amount
    elif found.batch.state in _NOT_POSTED_YET:
        sums.not_posted_yet += amount
    else:
        sums.posted += amount
    return sums


def _amount_of(posting: Posting, found: GLBatchInFull) -> Decimal:
    """Return what an entry comes to: what stands on its offset account, debits above zero."""
    ours = posting.link.written.get(postings.FIGURES)
    offset = ours[0][0] if ours else found.lines[0].account_no
    return sum(
        (
            Decimal(line.side or 0)
            * ((line.amount if line.trx_amount is None else line.trx_amount) or Decimal(0))
            for line in found.lines
            if line.account_no == offset
        ),
        Decimal(0),
    )
