"""What follows when a deal changes after its document was made (M-01, M-08).

The rules are a table in the settings (`AfterRules`); unless told otherwise a difference is held
with both sides. A deal edit that alters nothing of the document makes no call to Acumatica.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ml_connector.core.errors import HeldError
from ml_connector.integrations.acumatica_pipedrive import comparing
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.fields import Mappings
from ml_connector.integrations.acumatica_pipedrive.flows import (
    documents,
    gone,
    merged_deals,
    order_state,
    parties,
)
from ml_connector.integrations.acumatica_pipedrive.flows.documents import Document
from ml_connector.integrations.acumatica_pipedrive.flows.order_lines import net_lines_of
from ml_connector.integrations.acumatica_pipedrive.flows.other_party import (
    CUSTOMER,
    follow_party,
)
from ml_connector.integrations.acumatica_pipedrive.flows.revise_order import (
    LINES,
    header_state,
    reopen_order,
    revise_order,
)
from ml_connector.integrations.acumatica_pipedrive.flows.write_back import show_on_deal
from ml_connector.integrations.acumatica_pipedrive.order_states import Wanted
from ml_connector.integrations.acumatica_pipedrive.settings import AfterEnd
from ml_connector.integrations.from_pipedrive.taking_up import why_not_now
from ml_connector.sync.flow import Found, Outcome
from ml_connector.sync.mapping.evaluation import evaluate
from ml_connector.sync.mapping.model import OnExisting
from ml_connector.sync.mapping.views import RecordView
from ml_connector.vendors.pipedrive.deal_lines import DealLines
from ml_connector.vendors.pipedrive.models import Deal

_FOUND_CANCELLED = "found cancelled"
"""In place of the moment of winning: such a document counts as one of an earlier winning."""

_HANDED_OVER = order_state.HANDED_OVER
_WON_TIME = "won_time"
_DELETED = "deleted"
"""Where the link of a document remembers that an event told of the deal's deletion."""

HandOver = Callable[..., Awaitable[Outcome]]


def state_of(
    deal: Deal,
    handed_over: Mapping[str, Any],
    *,
    customer: str,
    lines: Sequence[Sequence[str]],
    on_hold: bool,
    for_customer: bool,
) -> dict[str, Any]:
    """Return what the link remembers of the deal and of what was written."""
    return {
        _HANDED_OVER: handed_over,
        CUSTOMER: customer,
        LINES: lines,
        **order_state.made_state(on_hold=on_hold, for_customer=for_customer),
        **header_state(handed_over["mapped"]),
        **won_state(deal),
    }


def won_state(deal: Deal) -> dict[str, Any]:
    """Return what the link remembers of the winning."""
    return {_WON_TIME: deal.won_time.isoformat() if deal.won_time else None}


async def found_cancelled(
    deal: Deal, document: Document, ctx: Context, *, hand_over: HandOver
) -> Outcome:
    """Follow a deal whose reference only a cancelled document carries."""
    await ctx.remember(document.link, {_WON_TIME: _FOUND_CANCELLED})
    written = {**document.link.written, _WON_TIME: _FOUND_CANCELLED}
    again = replace(document, link=replace(document.link, written=written))
    return await follow(deal, again, ctx, hand_over=hand_over)


def followed_values(compiled: Mappings, deal: Deal) -> Mapping[str, Any]:
    """Return the header's values that come from the deal alone and may change after creation."""
    rules = tuple(
        rule
        for rule in compiled.order.rules
        if rule.on_existing is not OnExisting.NEVER
        and rule.references
        and all(reference.source == "deal" for reference in rule.references)
    )
    return evaluate(replace(compiled.order, rules=rules), {"deal": RecordView(deal)}).values


async def deal_is_gone(deal_key: str, ctx: Context) -> Outcome:
    """Follow a deal that was deleted or merged into another."""
    document = await documents.latest_document(int(deal_key), ctx)
    stays = await merged_deals.deal_that_stays(deal_key, ctx)
    if stays is not None:
        what = f"deal {deal_key} was merged into deal {stays}"
        if document is None:
            return Outcome.skipped(f"{what} and had no order")
        return Outcome.unchanged(f"{what}, which {document.called} goes by now")
    if document is None:
        return Outcome.skipped(f"deal {deal_key} no longer exists and had no order")
    document, others = await merged_deals.standing(document, ctx)
    wanted = await order_state.wanted_of_gone(deal_key, document, ctx)
    rule = ctx.settings.after.deleted
    what = f"deal {deal_key} was deleted"
    if not await _is_known_deletion(document, ctx):
        what = f"deal {deal_key} is gone, and nothing says whether it was deleted or merged"
        wanted, rule = None, "leave" if rule == "leave" and wanted is None else "hold"
    return await _come_to_an_end((*others, document), wanted, rule, what, ctx)


async def _is_known_deletion(document: Document, ctx: Context) -> bool:
    """Tell whether an event ever said that the deal was deleted, and not merged into another."""
    if not gone.is_known_deletion(ctx):
        return bool(document.link.written.get(_DELETED))
    await ctx.remember(document.link, {_DELETED: True})
    return True


async def follow(deal: Deal, document: Document, ctx: Context, *, hand_over: HandOver) -> Outcome:
    """Decide about a deal that has a document."""
    if deal.is_gone:
        return await deal_is_gone(str(deal.id), ctx)
    document, others = await merged_deals.standing(document, ctx)
    await merged_deals.carry_reference(deal, document, ctx)
    wanted = await order_state.wanted_of(deal, document, ctx)
    turned = await _turned(deal, document, ctx)
    if turned is not None:
        rule, what = turned
        return await _come_to_an_end((*others, document), wanted, rule, what, ctx)
    if _was_won_again(deal, document):
        if wanted is not None and order_state.was_cancelled_by_us(document):
            await ctx.remember(document.link, won_state(deal))
        else:
            again = await _won_again(deal, document, ctx, hand_over)
            if again is not None:
                return again
    return await _followed(deal, document, others, wanted, ctx)


async def _followed(
    deal: Deal,
    document: Document,
    others: Sequence[Document],
    wanted: Wanted | None,
    ctx: Context,
) -> Outcome:
    """Bring state and content of a standing deal's order up to date.

    An order is stopped before anything else of it changes, and let go after that. ``others`` are
    orders of deals that were merged into this one: they have its state too.
    """
    told: list[Outcome | None] = []
    orders = [each for each in (*others, document) if each.kind is documents.ORDER]
    if wanted is not None and wanted.state != "open":
        told += [await order_state.bring(each, wanted, ctx) for each in orders]
    changed = await _changes(deal, document, others, ctx)
    if wanted is not None and wanted.state == "open":
        told += [await order_state.bring(each, wanted, ctx) for each in orders]
    outcomes = [each for each in (*told, changed) if each is not None]
    for outcome in outcomes:
        if outcome.kind == "written":
            return outcome
    if outcomes:
        return outcomes[-1]
    if await show_on_deal(deal, document, ctx):
        return Outcome.written(f"{document.called} shown on the deal")
    return Outcome.unchanged(f"{document.called} is there and the deal says the same")


# The deal's end -----------------------------------------------------------------------------


async def _turned(deal: Deal, document: Document, ctx: Context) -> tuple[AfterEnd, str] | None:
    """Return what happened to a deal that is no longer handed over, and the rule for it."""
    settings = ctx.settings
    if deal.status == "lost":
        return settings.after.lost, f"deal {deal.id} is lost"
    is_open = deal.status == "open" and settings.trigger.on != "stage"
    if is_open and await why_not_now(deal, ctx) is not None:
        merged = merged_deals.made_for(document)
        words = "is open again" if merged is None else f"is open, and deal {merged} is merged in"
        return settings.after.reopened, f"deal {deal.id} {words}"
    return None


async def _come_to_an_end(
    every: Sequence[Document], wanted: Wanted | None, rule: AfterEnd, what: str, ctx: Context
) -> Outcome:
    """Let the documents of a deal that came to an end follow the table, or else the rule."""
    outcomes = [
        await _by_table(each, wanted, ctx)
        if wanted is not None and each.kind is documents.ORDER
        else await _ended(rule, what, each, ctx)
        for each in every
    ]
    return next((one for one in outcomes if one.kind == "written"), outcomes[-1])


async def _by_table(document: Document, wanted: Wanted, ctx: Context) -> Outcome:
    """Let the order of a deal that came to an end follow the table of states."""
    moved = await order_state.bring(document, wanted, ctx)
    return moved or Outcome.unchanged(f"{wanted.because}, and {document.called} was made so")


async def _ended(rule: AfterEnd, what: str, document: Document, ctx: Context) -> Outcome:
    """Hold, leave or cancel the document of a deal that came to an end."""
    if rule == "leave":
        ctx.note("document_left_alone", document=document.key, because=what)
        return Outcome.unchanged(f"{what}; {document.called} is left as it is")
    found = await documents.present(document, ctx)
    if documents.is_cancelled(found):
        await order_state.see(document, found.status if found else None, ctx)
        return Outcome.unchanged(f"{what}, and {document.called} is cancelled")
    if rule == "cancel" and document.kind is documents.ORDER:
        await order_state.cancel(document, found.status if found else None, what, ctx)
        return Outcome.written(f"{what}; {document.called} was cancelled")
    raise HeldError(
        f"{_sentence(what)}, but {document.called} stands in Acumatica; put one of them right, "
        "then replay",
        waits_for=f"document:{document.key}",
    )


# Won again ----------------------------------------------------------------------------------


def _was_won_again(deal: Deal, document: Document) -> bool:
    handed_over_as = document.link.written.get(_WON_TIME)
    return bool(handed_over_as and deal.won_time and deal.won_time.isoformat() != handed_over_as)


async def _won_again(
    deal: Deal, document: Document, ctx: Context, hand_over: HandOver
) -> Outcome | None:
    """A deal that was won again never binds silently to a cancelled document."""
    found = await documents.present(document, ctx)
    rule = ctx.settings.after.won_again_after_cancelled
    if documents.is_cancelled(found):
        if rule == "new":
            return await hand_over(deal, ctx, occurrence=document.occurrence + 1)
        if rule == "hold" or found is None or document.kind is not documents.ORDER:
            raise _cancelled_before(deal, document)
        await reopen_order(document, ctx)
        await order_state.forget(document, ctx)
    await ctx.remember(document.link, won_state(deal))
    return None


def _cancelled_before(deal: Deal, document: Document) -> HeldError:
    return HeldError(
        f"Deal {deal.id} was won again, but its {document.called} is cancelled in Acumatica; "
        "reopen it there, or let such deals have a new one (after.won_again_after_cancelled: new)",
        waits_for=f"document:{document.key}",
    )


# Changed ------------------------------------------------------------------------------------


async def _changes(
    deal: Deal, document: Document, others: Sequence[Document], ctx: Context
) -> Outcome | None:
    """Follow a change of what went into the document; None where there is none."""
    before = document.link.written.get(_HANDED_OVER)
    if before is None:
        return None
    compiled = await ctx.mappings()
    amounts = await net_lines_of(deal, ctx)
    now = comparing.handed_over(deal, amounts, followed_values(compiled, deal))
    moved = None
    if before["party"] != now["party"]:
        is_same = await _is_same_customer(deal, document, ctx)
        if not is_same and _may_follow_party(before, now, document, others, ctx):
            await follow_party(deal, document, amounts, ctx)
            moved = Outcome.written(f"{document.called} went to the customer of the deal's party")
        if is_same or moved is not None:
            before = {**before, "party": now["party"]}
            await ctx.remember(document.link, {_HANDED_OVER: before})
    words = comparing.difference_words(before, now)
    if not words:
        return moved
    what = f"deal {deal.id} was changed after its {document.kind.word} was made ({words})"
    rule = ctx.settings.after.changed
    if rule == "leave":
        ctx.note("document_left_alone", document=document.key, because=what)
        return Outcome.unchanged(f"{what}; {document.called} is left as it is")
    if others:
        raise HeldError(
            f"{_sentence(what)}, and {merged_deals.called_beside(others)}, stands in Acumatica "
            f"beside {document.called}; cancel one of them there, and the deal goes by the other",
            waits_for=f"document:{document.key}",
        )
    if rule == "follow" and _can_follow(before, now, document):
        return await _brought_up_to_date(deal, document, amounts, ctx, before=before, now=now)
    raise HeldError(
        f"{_sentence(what)}, but {document.called} stands in Acumatica; put one of them right, "
        "then replay",
        waits_for=f"deal:{deal.id}",
    )


def _may_follow_party(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    document: Document,
    others: Sequence[Document],
    ctx: Context,
) -> bool:
    """Tell whether an order goes along with its deal to another party."""
    is_chosen = ctx.settings.after.other_party == "follow" and not others
    has_currency = before["currency"] == now["currency"]
    return is_chosen and has_currency and document.kind is documents.ORDER


def _can_follow(before: Mapping[str, Any], now: Mapping[str, Any], document: Document) -> bool:
    """Tell whether an order can be brought up to date: customer and currency stay what they are."""
    is_order = document.kind is documents.ORDER
    return is_order and all(before[name] == now[name] for name in ("currency", "party"))


async def _brought_up_to_date(
    deal: Deal,
    document: Document,
    amounts: DealLines,
    ctx: Context,
    *,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
) -> Outcome:
    was = before.get("mapped") or {}
    header = {name: value for name, value in now["mapped"].items() if was.get(name) != value}
    lines = await revise_order(deal, document, amounts, header, ctx)
    await ctx.remember(document.link, {_HANDED_OVER: now, LINES: lines})
    await show_on_deal(deal, document, ctx)
    return Outcome.written(f"{document.called} brought up to date")


async def _is_same_customer(deal: Deal, document: Document, ctx: Context) -> bool:
    """Tell whether the deal's party now is the customer of its document all the same.

    So it is when the party before was merged into this one: then its link is taken over.
    """
    customer = document.link.written.get(CUSTOMER)
    kind, key = ("organization", deal.org_id) if deal.org_id else ("person", deal.person_id)
    if key is None or customer is None:
        return False
    link = await ctx.link(f"{kind}:customer", key)
    if link is not None:
        return bool(link.target_key == customer)
    links = await ctx.links_to(f"{kind}:customer", customer)
    others = [each for each in links if each.key.source_key != str(key)]
    for other in others:
        if not await parties.is_gone(kind, other.key.source_key, ctx):
            return False
    if not others:
        return False
    found = Found(key=customer, name=others[0].target_name)
    await ctx.adopt(f"{kind}:customer", key, found, because="its party was merged into this one")
    return True


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
