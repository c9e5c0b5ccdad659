"""Which deals a document belongs to, and how much of it each has (ACU-07).

Nothing is guessed: a document is traced by the links that we keep, by the orders that its lines
name, by a reference of ours that it, its lines or their orders carry, or by the invoices that it
was made from or applied to. Never by customer, amount or name.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive.billing import ZERO
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.billed_documents import (
    CREDIT_MEMO,
    SeenInvoice,
    SeenPayment,
    applications_of,
    read,
)
from ml_connector.integrations.acumatica_pipedrive.flows.documents import INVOICE, ORDER
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.acumatica.models import SalesInvoiceLine, document_type, record_key

DOCUMENT_LINK = "document:deal"
"""The kind of record link from a document to each of its deals."""
MERGED_LINK = "deal:merged_into"
"""The kind of record link from a deal to the one that it was merged into."""

ONE = Decimal(1)
_FINE = Decimal("0.000001")  # of an amount: what equal parts and shares of shares leave over

_Find = Callable[[str, Context], Awaitable[list[int]]]


@dataclass(slots=True)
class Shares:
    """How much of a document each deal has."""

    by_deal: dict[int, Decimal] = field(default_factory=dict)
    unlinked: Decimal = ZERO
    """What belongs to no deal."""

    def add(self, deals: Iterable[int], amount: Decimal) -> None:
        """Give an amount to deals in equal parts; to none, if there are none."""
        chosen = sorted(set(deals))
        if not chosen:
            self.unlinked += amount
        for deal in chosen:
            self.by_deal[deal] = self.by_deal.get(deal, ZERO) + amount / len(chosen)

    def add_as(self, other: Shares, amount: Decimal) -> None:
        """Give an amount to deals as another document is shared by them."""
        whole = sum(other.by_deal.values(), other.unlinked)
        if not whole:
            self.add(other.by_deal, amount)
            return
        for deal, weight in other.by_deal.items():
            self.add([deal], amount * weight / whole)
        self.unlinked += amount * other.unlinked / whole

    @property
    def deals(self) -> list[int]:
        """The deals, in the order of the weights."""
        return sorted(self.by_deal)

    @property
    def weights(self) -> tuple[Decimal, ...]:
        """The deals' amounts, and last what belongs to none."""
        rest = self.unlinked.quantize(_FINE)
        deals = (self.by_deal[deal].quantize(_FINE) for deal in self.deals)
        return (*deals, *((rest,) if rest else ()))


async def shares_of_invoice(invoice: SeenInvoice, key: str, ctx: Context) -> Shares:
    """Trace an invoice or memo by its lines, and a memo that they do not tell by its invoices."""
    origins = {origin for line in invoice.lines if (origin := _origin_of(line)) is not None}
    shares = await _by_lines(invoice, key, await _deals_of(origins, _deals_of_document, ctx), ctx)
    if not shares.by_deal and invoice.billed.kind == CREDIT_MEMO:
        return await _by_applications(invoice, key, ctx)
    return shares


async def shares_of_payment(payment: SeenPayment, ctx: Context) -> Shares:
    """Trace what of a payment is applied to orders."""
    shares = Shares()
    applied = payment.orders()
    orders = await _deals_of(applied.keys(), deals_of_order, ctx)
    for order, amount in applied.items():
        shares.add(orders[order], amount)
    return shares


async def of_deals_that_stay(shares: Shares, ctx: Context) -> Shares:
    """Give what deals have that were merged into others to these."""
    found = Shares(unlinked=shares.unlinked)
    for deal, amount in shares.by_deal.items():
        found.add([await _that_stays(deal, ctx)], amount)
    return found


async def _that_stays(deal: int, ctx: Context) -> int:
    passed: set[int] = set()
    while deal not in passed and (link := await ctx.link(MERGED_LINK, deal)) is not None:
        passed.add(deal)
        deal = int(link.target_key)
    return deal


async def deals_of_order(key: str, ctx: Context) -> list[int]:
    """Return the deals of a sales order: by link, or by the reference that it carries."""
    linked = _deals(await ctx.links_to(ORDER.link, key))
    if linked:
        return linked
    try:
        order = await ctx.acumatica.sales_order(key)
    except NotFoundError:
        return []
    named = deal_of_reference(order.external_ref, ctx)
    return [] if named is None else [named]


def deal_of_reference(text: str | None, ctx: Context) -> int | None:
    """Return the deal that a reference of ours names: ``pd-deal-42``, ``pd-deal-42-2``."""
    prefix = re.escape(ctx.settings.reference_prefix)
    found = re.fullmatch(rf"{prefix}-deal-(\d+)(-\d+)?", (text or "").strip(), re.IGNORECASE)
    return int(found[1]) if found else None


async def _by_lines(
    invoice: SeenInvoice, key: str, origins: Mapping[str, list[int]], ctx: Context
) -> Shares:
    own = await _named_by_document(invoice, key, ctx)
    named = {order for line in invoice.lines if (order := _order_of(line)) is not None}
    orders = await _deals_of(named, deals_of_order, ctx)
    shares = Shares()
    for line in invoice.lines:
        by_line = deal_of_reference(line.external_ref, ctx)
        deals = [by_line] if by_line is not None else orders.get(_order_of(line) or "")
        deals = deals or origins.get(_origin_of(line) or "") or own
        shares.add(deals, line.amount or ZERO)
    if not shares.by_deal and own:
        shares.add(own, ONE)
    return shares


async def _named_by_document(invoice: SeenInvoice, key: str, ctx: Context) -> list[int]:
    linked = _deals(await ctx.links_to(INVOICE.link, key))
    if linked:
        return linked
    named = (deal_of_reference(each, ctx) for each in invoice.references)
    return sorted({deal for deal in named if deal is not None})


async def _by_applications(invoice: SeenInvoice, key: str, ctx: Context) -> Shares:
    """Share a memo out as the invoices are shared that it is applied to."""
    shares = Shares()
    memo = await applications_of(key, ctx)
    for row in memo.payment.application_history if memo is not None else ():
        applied = row.amount_paid or ZERO
        if row.display_ref_nbr and applied:
            target = record_key(document_type(row.display_doc_type), row.display_ref_nbr)
            shares.add_as(await _shares_of_document(target, ctx), applied)
    if shares.by_deal:
        whole = sum(shares.by_deal.values(), shares.unlinked)
        shares.unlinked += max(ZERO, invoice.billed.amount - whole)
    return shares


async def _deals_of_document(key: str, ctx: Context) -> list[int]:
    return (await _shares_of_document(key, ctx)).deals


async def _shares_of_document(key: str, ctx: Context) -> Shares:
    """Return how another document is shared: as is remembered, or else as its own lines tell.

    It may have been seen in the same poll and not be traced yet.
    """
    known = _remembered(await ctx.links_from(DOCUMENT_LINK, key))
    if known.by_deal:
        return known
    seen = await read(key, ctx)
    return await _by_lines(seen, key, {}, ctx) if isinstance(seen, SeenInvoice) else Shares()


def _remembered(links: Iterable[RecordLink]) -> Shares:
    parts = {
        int(link.target_key): link.written["part"] for link in links if link.written.get("part")
    }
    weights = next((list(map(Decimal, part["weights"])) for part in parts.values()), [])
    by_deal = {deal: weights[part["place"]] for deal, part in parts.items()}
    return Shares(by_deal, sum(weights, ZERO) - sum(by_deal.values(), ZERO))


async def _deals_of(keys: Iterable[str], find: _Find, ctx: Context) -> Mapping[str, list[int]]:
    wanted = list(keys)
    found = await asyncio.gather(*(find(key, ctx) for key in wanted))
    return dict(zip(wanted, found, strict=True))


def _order_of(line: SalesInvoiceLine) -> str | None:
    if not (line.order_type and line.order_nbr):
        return None
    return record_key(line.order_type, line.order_nbr)


def _origin_of(line: SalesInvoiceLine) -> str | None:
    if not (line.orig_inv_type and line.orig_inv_nbr):
        return None
    return record_key(document_type(line.orig_inv_type), line.orig_inv_nbr)


def _deals(links: Iterable[RecordLink]) -> list[int]:
    return sorted({int(link.key.source_key) for link in links})
