"""What follows when a deal changes after its order was made (M-01).

Nothing in the ERP is changed from here: a difference is held with both sides, or left alone
where the user chose so. A deal edit that alters nothing of the order makes no call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ml_connector.core.errors import HeldError
from ml_connector.integrations.acumatica_pipedrive import mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.write_back import show_on_deal
from ml_connector.integrations.acumatica_pipedrive.settings import AfterHandOver, Settings
from ml_connector.sync.flow import Outcome
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.pipedrive.models import Deal

ORDER = "deal:sales_order"
"""The record link from a deal to its order."""

_CANCELED = "Canceled"  # Acumatica writes it with one l
_HANDED_OVER, _WON_TIME = "handed_over", "won_time"

ReadAmounts = Callable[[Deal, Context], Awaitable[Any]]
HandOver = Callable[..., Awaitable[Outcome]]


async def latest_order(deal_id: int, ctx: Context) -> RecordLink | None:
    """Return the link to the deal's latest order, if it has one."""
    latest: RecordLink | None = None
    occurrence = 1
    while (found := await ctx.link(ORDER, deal_id, occurrence=occurrence)) is not None:
        latest = found
        occurrence += 1
    return latest


def state_of(deal: Deal, handed_over: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the link remembers of the deal as it was handed over."""
    won_time = deal.won_time.isoformat() if deal.won_time else None
    return {_HANDED_OVER: handed_over, _WON_TIME: won_time}


async def deal_is_gone(deal_key: str, ctx: Context) -> Outcome:
    """Follow a deal that was deleted or merged into another; the ERP keeps its order."""
    order = await latest_order(int(deal_key), ctx)
    if order is None:
        return Outcome.skipped(f"deal {deal_key} no longer exists and had no order")
    return _left_or_held(ctx.settings.after.deleted, f"deal {deal_key} was deleted", order, ctx)


async def follow(
    deal: Deal, order: RecordLink, ctx: Context, *, amounts: ReadAmounts, hand_over: HandOver
) -> Outcome:
    """Decide about a deal that has an order."""
    turned = _turned(deal, ctx.settings)
    if turned is not None:
        rule, what = turned
        return _left_or_held(rule, what, order, ctx)
    if _was_won_again(deal, order):
        again = await _won_again(deal, order, ctx, hand_over)
        if again is not None:
            return again
    now = (await amounts(deal, ctx)).handed_over
    before = order.written.get(_HANDED_OVER)
    if before is not None and (words := mappings.difference_words(before, now)):
        return _left_or_held(
            ctx.settings.after.changed,
            f"deal {deal.id} was changed after its order was made ({words})",
            order,
            ctx,
        )
    name = order.target_name or order.target_key
    if await show_on_deal(deal, order, ctx):
        return Outcome.written(f"order {name} shown on the deal")
    return Outcome.unchanged(f"order {name} is there and the deal says the same")


def _turned(deal: Deal, settings: Settings) -> tuple[AfterHandOver, str] | None:
    """Return what happened to a deal that is no longer handed over, and the rule for it."""
    if deal.is_gone:
        return settings.after.deleted, f"deal {deal.id} was deleted"
    if deal.status == "lost":
        return settings.after.lost, f"deal {deal.id} is lost"
    if deal.status == "open" and settings.trigger.on == "won":
        return settings.after.reopened, f"deal {deal.id} is open again"
    return None


def _was_won_again(deal: Deal, order: RecordLink) -> bool:
    handed_over_as = order.written.get(_WON_TIME)
    return bool(handed_over_as and deal.won_time and deal.won_time.isoformat() != handed_over_as)


async def _won_again(
    deal: Deal, order: RecordLink, ctx: Context, hand_over: HandOver
) -> Outcome | None:
    """A deal that was won again never binds silently to a cancelled order."""
    found = await ctx.acumatica.sales_order(order.target_key)
    if found.status != _CANCELED:
        return None
    if ctx.settings.after.won_again_after_cancelled == "new":
        return await hand_over(deal, ctx, occurrence=order.key.occurrence + 1)
    raise HeldError(
        f"Deal {deal.id} was won again, but its order {order.target_name or order.target_key} is "
        "cancelled in Acumatica; reopen the order there, or let such deals have a new order "
        "(after.won_again_after_cancelled: new)"
    )


def _left_or_held(rule: AfterHandOver, what: str, order: RecordLink, ctx: Context) -> Outcome:
    name = order.target_name or order.target_key
    if rule == "hold":
        raise HeldError(
            f"{what[0].upper()}{what[1:]}, but order {name} stands in Acumatica; put one of them "
            "right, then replay"
        )
    ctx.note("order_left_alone", order=order.target_key, because=what)
    return Outcome.unchanged(f"{what}; order {name} is left as it is")
