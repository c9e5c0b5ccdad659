"""A document of the ERP is traced to its deals (ACU-07): invoice, memo, payment, order.

This run writes nothing anywhere. It reads one document as it stands, finds its deals and how much
of its lines each has, and remembers both; then it wants `deal_billing` for each deal of which
something is different now. What is remembered and what is wanted is stored with the run's end, in
one commit. A deal with five changed invoices is so looked at once.

A payment wants the documents that it is applied to, because it need not move their time of change;
and open invoices are looked at again after a while by themselves, by their header alone.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ml_connector.integrations.acumatica_pipedrive.billing import RELEASED, ZERO, Billed, Part
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.billed_documents import (
    CREDIT_MEMO,
    Seen,
    SeenInvoice,
    SeenOrder,
    SeenPayment,
    applications_of,
    is_as_remembered,
    read,
)
from ml_connector.integrations.acumatica_pipedrive.flows.trace_deals import (
    DOCUMENT_LINK,
    ONE,
    Shares,
    deals_of_order,
    of_deals_that_stay,
    shares_of_invoice,
    shares_of_payment,
)
from ml_connector.sync.flow import Found, Outcome, Worth
from ml_connector.sync.links import RecordLink
from ml_connector.sync.scope import before_go_live
from ml_connector.sync.values import plain
from ml_connector.vendors.acumatica.models import VOIDED

APPLIED_LINK = "payment:document"
"""The kind of record link from a payment to each document that it was ever applied to."""

_PART = "part"


async def run(key: str, ctx: Context) -> Outcome:
    """Trace a document, remember it, and let its deals be looked at."""
    links = await ctx.links_from(DOCUMENT_LINK, key)
    known = _billed_of(links) if ctx.run.trigger.get("by") == "time" else None
    if known is not None and await is_as_remembered(key, known, ctx):
        return Outcome.unchanged(f"{key} is as it was", look_again_at=_next_look(known, ctx))
    seen = await read(key, ctx)
    if seen is None:
        return await _gone(key, links, ctx)
    if not links and (refusal := _before_go_live(seen, ctx)) is not None:
        return Outcome.skipped(refusal)
    await _want_documents(key, seen, ctx)
    shares = await of_deals_that_stay(await _shares_of(seen, key, ctx), ctx)
    changed = _remember(key, seen, shares, links, ctx)
    again = _next_look(seen.billed, ctx) if isinstance(seen, SeenInvoice) and shares.deals else None
    if not shares.by_deal and not links:
        return Outcome.skipped(f"{seen.called} belongs to no deal: {_looked_at(seen)}")
    deals = ", ".join(map(str, shares.deals)) or "none any more"
    if not changed:
        return Outcome.unchanged(f"{seen.called} of deal {deals} is as it was", look_again_at=again)
    return Outcome.unchanged(
        f"{seen.called} is of deal {deals}; what it changes there is shown by deal_billing",
        look_again_at=again,
    )


async def weigh(key: str, ctx: Context) -> Worth:
    """Return what a document would bring to a backfill: its amount, or what keeps it out."""
    seen = await read(key, ctx)
    if seen is None:
        return Worth(refusal=f"{key} is gone")
    moment = None if seen.dated is None else ctx.acumatica.settings.end_of(seen.dated)
    if not isinstance(seen, SeenInvoice):
        return Worth(moment=moment)
    billed = seen.billed
    return Worth(moment=moment, amount=billed.amount, currency=billed.currency)


async def _gone(key: str, links: list[RecordLink], ctx: Context) -> Outcome:
    """Take a document that was deleted off its deals."""
    for link in await ctx.links_from(APPLIED_LINK, key):
        ctx.want("invoice_to_deal", link.target_key, because=f"{key} is gone")
    if not links:
        return Outcome.skipped(f"{key} is not there (any more) and belonged to no deal")
    _forget(key, links, (), ctx)
    return Outcome.unchanged(f"{key} was deleted in Acumatica and leaves its deals")


def _before_go_live(seen: Seen, ctx: Context) -> str | None:
    if ctx.run.trigger.get("by") == "backfill":
        return None
    moment = None if seen.dated is None else ctx.acumatica.settings.end_of(seen.dated)
    refused = before_go_live(moment, go_live_at=ctx.go_live_at, what="dated")
    return None if refused is None else f"{seen.called} stays out: {refused}"


async def _want_documents(key: str, seen: Seen, ctx: Context) -> None:
    """Let every document be looked at that a payment or memo is applied to, or was."""
    applied = seen if isinstance(seen, SeenPayment) else None
    if isinstance(seen, SeenInvoice) and seen.billed.kind == CREDIT_MEMO:
        applied = await applications_of(key, ctx)
    if applied is None:
        return
    before = await ctx.links_from(APPLIED_LINK, key)
    known = {link.target_key for link in before}
    new = [document for document in applied.documents if document not in known]
    for number, document in enumerate(new, start=len(before) + 1):
        ctx.remember_at_end(APPLIED_LINK, key, Found(key=document), {}, occurrence=number)
    for document in (*known, *new):
        ctx.want("invoice_to_deal", document, because=f"{applied.called} changed")


async def _shares_of(seen: Seen, key: str, ctx: Context) -> Shares:
    if isinstance(seen, SeenInvoice):
        return await shares_of_invoice(seen, key, ctx)
    if isinstance(seen, SeenPayment):
        return await shares_of_payment(seen, ctx)
    shares = Shares()
    if deals := await deals_of_order(key, ctx):
        shares.add(deals, ONE)
    return shares


def _remember(key: str, seen: Seen, shares: Shares, links: list[RecordLink], ctx: Context) -> bool:
    """Remember the document with each deal's part; return whether any part is another now."""
    by_deal = {int(link.target_key): link for link in links}
    occurrence = len(links)
    changed = False
    for place, deal in enumerate(shares.deals):
        part = _as_kept(_part_of(seen, shares, place))
        link = by_deal.get(deal)
        if link is None:
            occurrence += 1
        elif link.written.get(_PART) == part:
            continue
        changed = True
        found = Found(key=str(deal))
        at = occurrence if link is None else link.key.occurrence
        ctx.remember_at_end(DOCUMENT_LINK, key, found, {_PART: part}, occurrence=at)
        ctx.want("deal_billing", deal, because=f"{seen.called} changed")
    return _forget(key, links, shares.deals, ctx) or changed


def _forget(key: str, links: list[RecordLink], deals: Collection[int], ctx: Context) -> bool:
    """Take the document off deals that it belongs to no more; return whether there were any."""
    left = [link for link in links if link.written.get(_PART) and int(link.target_key) not in deals]
    for link in left:
        found = Found(key=link.target_key)
        ctx.remember_at_end(
            DOCUMENT_LINK, key, found, {_PART: None}, occurrence=link.key.occurrence
        )
        ctx.want("deal_billing", link.target_key, because=f"{key} left the deal")
    return bool(left)


def _part_of(seen: Seen, shares: Shares, place: int) -> Part:
    match seen:
        case SeenInvoice():
            return Part(weights=shares.weights, place=place, billed=seen.billed)
        case SeenOrder():
            return Part(weights=shares.weights, place=place, order=seen.ordered)
        case SeenPayment():
            whole = sum(shares.weights, ZERO)
            return Part(weights=shares.weights, place=place, advance=seen.advance(whole))


def _as_kept(part: Part) -> Any:
    return plain(msgspec.to_builtins(part, str_keys=True))


def part_of(link: RecordLink) -> Part | None:
    """Return a deal's part of the document that a link remembers."""
    kept = link.written.get(_PART)
    return msgspec.convert(kept, Part, strict=False) if kept else None


def _billed_of(links: list[RecordLink]) -> Billed | None:
    parts = (part_of(link) for link in links)
    return next((part.billed for part in parts if part is not None and part.billed), None)


def _next_look(billed: Billed, ctx: Context) -> datetime | None:
    """Return when an invoice is looked at though nothing is told of it; None if it is settled.

    A payment need not move its time of change, and a draft that is deleted tells nothing at all.
    """
    is_settled = billed.status in RELEASED and not billed.balance
    if is_settled or billed.status in VOIDED:
        return None
    return ctx.clock.now() + timedelta(hours=ctx.settings.billing.reread_open_every_hours)


def _looked_at(seen: Seen) -> str:
    if isinstance(seen, SeenPayment):
        return "it is applied to no order of a deal; the documents that it pays are looked at"
    if isinstance(seen, SeenOrder):
        return "no deal is linked to it, and it carries no reference of ours"
    return "no order of its lines is a deal's, and it carries no reference of ours"
