"""Two deals that became one in Pipedrive (X-14).

The deal that stays takes the orders of the other over, and what is billed on them with it. Where
both have an order that stands, both stay: that is told, and no change of the deal is written to
either until a person has cancelled one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ml_connector.core.errors import HeldError, InvalidRecordError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import documents
from ml_connector.integrations.acumatica_pipedrive.flows.documents import Document
from ml_connector.integrations.acumatica_pipedrive.flows.trace_deals import (
    DOCUMENT_LINK,
    MERGED_LINK,
)
from ml_connector.integrations.acumatica_pipedrive.flows.write_back import ORDER_NUMBER
from ml_connector.sync.flow import Found
from ml_connector.vendors.acumatica.drafts import SalesOrderDraft
from ml_connector.vendors.acumatica.models import SalesOrder, record_key
from ml_connector.vendors.pipedrive.models import Deal

_FLOW = "won_deal_to_sales_order"
_FROM = "merged_from"
"""Where the link of a document remembers the deal that it was made for."""
_ALSO = "also"
"""Where the link of a document remembers those of deals that were merged into its own."""
_REFERENCE = "reference"
"""Where the link of a document remembers whether the order carries the name of its deal now."""


async def take_over(ctx: Context) -> None:
    """Do what follows from a merge that the run's event tells of, whichever of the two it is.

    Repeating it does no harm.
    """
    gone, stays = (ctx.run.trigger.get(name) for name in ("merged_from", "merged_into"))
    if gone is None or stays is None:
        return
    because = f"deal {gone} was merged into deal {stays}"
    ctx.also_known_as(stays if ctx.run.record == gone else gone)
    if await ctx.link(MERGED_LINK, gone) is None:
        await _hand_over(str(gone), str(stays), because, ctx)
        await ctx.adopt(MERGED_LINK, gone, Found(key=str(stays)), because=because)
    if ctx.run.record != stays:
        ctx.want(_FLOW, stays, because=because)
    for link in await ctx.links_to(DOCUMENT_LINK, str(gone)):
        ctx.want("invoice_to_deal", link.key.source_key, because=because)


async def deal_that_stays(deal_key: str, ctx: Context) -> str | None:
    """Return the deal that a deal was merged into; None where it is not known to have been."""
    link = await ctx.link(MERGED_LINK, deal_key)
    return None if link is None else link.target_key


def made_for(document: Document) -> str | None:
    """Return the deal that a document was made for, if that one was merged into its present one."""
    deal: str | None = document.link.written.get(_FROM)
    return deal


async def _hand_over(gone: str, stays: str, because: str, ctx: Context) -> None:
    own = await documents.documents_of(stays, ctx)
    known = {each.key for each in own}
    theirs = [each for each in await documents.documents_of(gone, ctx) if each.key not in known]
    if not own:
        for each in theirs:
            await _hand_on(each, stays, because, ctx, occurrence=each.occurrence)
    elif theirs and await _stands(theirs[-1], ctx):
        latest = theirs[-1]
        if await _stands(own[-1], ctx):
            await _tell_both(own[-1], latest, because, ctx)
        else:
            await _hand_on(latest, stays, because, ctx, occurrence=own[-1].occurrence + 1)


async def _hand_on(
    document: Document,
    stays: str,
    because: str,
    ctx: Context,
    *,
    occurrence: int,
    also: Sequence[Any] | None = None,
) -> None:
    gone = document.link.key.source_key
    state = {_FROM: gone} if also is None else {_FROM: gone, _ALSO: also}
    link = replace(document.link, written={**document.link.written, **state})
    await ctx.hand_on(link, stays, because=because, occurrence=occurrence)


async def _tell_both(own: Document, other: Document, because: str, ctx: Context) -> None:
    also = [*_also_of(own), _place_of(other), *_also_of(other)]
    await ctx.remember(own.link, {_ALSO: also})
    ctx.tell(
        "merge",
        f"deal:{own.link.key.source_key}:{other.link.key.source_key}",
        f"{because}, and both have been handed over: {own.called} and {other.called} stand in "
        "Acumatica; cancel one of the two there if the deal is to have one",
    )


async def _stands(document: Document, ctx: Context) -> bool:
    return not documents.is_cancelled(await documents.present(document, ctx))


# A deal that others were merged into ------------------------------------------------------------


async def standing(document: Document, ctx: Context) -> tuple[Document, list[Document]]:
    """Return the deal's document and those beside it, of deals merged into it, that stand too.

    Where its own is cancelled and another stands, that one is the deal's from now on.
    """
    kept = _also_of(document)
    if not kept:
        return document, []
    others = [each for place in kept if (each := await _at(place, ctx)) is not None]
    others = [each for each in others if await _stands(each, ctx)]
    if others and not await _stands(document, ctx):
        return await _in_its_place(document, others, ctx), others[1:]
    if len(others) < len(kept):
        await ctx.remember(document.link, {_ALSO: [_place_of(each) for each in others]})
    return document, others


async def _in_its_place(document: Document, others: Sequence[Document], ctx: Context) -> Document:
    stays, first = document.link.key.source_key, others[0]
    await _hand_on(
        first,
        stays,
        f"deal {first.link.key.source_key} was merged into deal {stays}, whose own "
        f"{document.called} is cancelled",
        ctx,
        occurrence=document.occurrence + 1,
        also=[_place_of(each) for each in others[1:]],
    )
    return await documents.latest_document(int(stays), ctx) or document


def called_beside(others: Sequence[Document]) -> str:
    """Say which documents of other deals stand beside a deal's own."""
    return " and ".join(
        f"{each.called} of deal {each.link.key.source_key}, which was merged into it"
        for each in others
    )


def _also_of(document: Document) -> list[Any]:
    return list(document.link.written.get(_ALSO) or ())


def _place_of(document: Document) -> list[Any]:
    return [document.link.key.kind, document.link.key.source_key, document.occurrence]


async def _at(place: Sequence[Any], ctx: Context) -> Document | None:
    kind, deal_key, occurrence = place
    link = await ctx.link(kind, deal_key, occurrence=occurrence)
    return None if link is None else Document(kind=documents.KINDS[kind], link=link)


# The reference ----------------------------------------------------------------------------------


async def carry_reference(deal: Deal, document: Document, ctx: Context) -> None:
    """Let an order that was taken over carry its deal's reference, where Acumatica permits it.

    A reference that somebody changed there stays. Without this nothing is lost: links lead on.
    """
    gone = made_for(document)
    if gone is None or document.kind is not documents.ORDER or _REFERENCE in document.link.written:
        return
    order = await documents.present(document, ctx)
    wanted = ctx.reference("deal", deal.id, occurrence=document.occurrence)
    if not isinstance(order, SalesOrder) or documents.is_cancelled(order):
        return
    is_ours = (order.external_ref or "").startswith(ctx.reference("deal", gone))
    if is_ours and not await _is_written(document, order, wanted, ctx):
        is_ours = False
    if not is_ours:
        ctx.note("reference_left", document=document.key, reference=order.external_ref)
    await ctx.remember(document.link, {_REFERENCE: wanted if is_ours else "left"})


async def _is_written(document: Document, order: SalesOrder, reference: str, ctx: Context) -> bool:
    async def write(_changes: Mapping[str, Any]) -> None:
        await ctx.acumatica.update_sales_order(order, SalesOrderDraft(external_ref=reference))

    try:
        await ctx.write_fields(
            side="erp",
            link=document.link,
            what="document",
            present={"ExternalRef": order.external_ref},
            wanted={"ExternalRef": reference},
            apply=write,
            on_conflict="overwrite",  # whose the present one is has been decided
        )
    except InvalidRecordError:
        return False
    return True


# A merge that nothing tells of ------------------------------------------------------------------


async def require_no_order_of_gone(deal: Deal, ctx: Context) -> None:
    """Hold a deal that shows the order of one that is gone: they may have been merged.

    Format 1.0 of the webhooks tells a merge as a deletion. Pipedrive fills the blank fields of
    the deal that stays from the other, and so the number that we wrote comes with it.
    """
    key = await ctx.shown_in(ORDER_NUMBER)
    number = deal.custom_fields.get(key) if key is not None else None
    if not number:
        return
    for kind, group in ((documents.ORDER, ctx.settings.orders.order_type),
                        (documents.INVOICE, "Invoice")):  # fmt: skip
        for link in await ctx.links_to(kind.link, record_key(group, str(number))):
            document, gone = Document(kind=kind, link=link), link.key.source_key
            if gone != str(deal.id) and await _is_gone(gone, ctx) and await _stands(document, ctx):
                raise HeldError(
                    f"Deal {deal.id} shows {document.called}, which was made for deal {gone}, and "
                    f"deal {gone} is gone: it may have been merged into this one. Cancel "
                    f"{document.called} in Acumatica, or empty the field on the deal, and the "
                    "deal gets one of its own",
                    waits_for=f"deal:{deal.id}",
                )


async def _is_gone(deal_key: str, ctx: Context) -> bool:
    try:
        return (await ctx.pipedrive.deal(int(deal_key))).is_gone
    except NotFoundError:
        return True
