"""Which deals are taken up at all: the trigger, the scope and the go-live (P-16, P-18)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.from_pipedrive import parties
from ml_connector.integrations.from_pipedrive.context import DealContext, S
from ml_connector.sync.flow import Worth
from ml_connector.sync.mapping.views import RecordView
from ml_connector.sync.scope import Scope, ScopeConfig, before_go_live
from ml_connector.vendors.pipedrive.models import Deal, Organization, Person

_EVERYTHING = ScopeConfig()


async def why_not(deal: Deal, ctx: DealContext[S]) -> str | None:
    """Return the first rule that keeps a deal from being handed over, or None."""
    refusal = await why_not_now(deal, ctx)
    if refusal is None:
        refusal = await _before_go_live(deal, ctx)
    if refusal is None and ctx.settings.scope != _EVERYTHING:
        refusal = await out_of_scope(deal, ctx)
    return None if refusal is None else f"deal {deal.id} {refusal}"


async def why_not_now(deal: Deal, ctx: DealContext[S]) -> str | None:
    """Return why the trigger does not hold for a deal as it is now, or None."""
    if deal.is_gone:
        return "is deleted"
    trigger = ctx.settings.trigger
    if trigger.on == "won":
        return None if deal.status == "won" else f"is {deal.status}, not won"
    if deal.status == "lost":
        return "is lost"
    if trigger.on == "won_or_stage" and deal.status == "won":
        return None
    refused = await _not_in_stage(deal, ctx)
    return None if refused is None else f"is not taken up yet: {refused}"


async def moment_of(deal: Deal, ctx: DealContext[S]) -> datetime | None:
    """Return the deal's own moment: when it was won or came into its stage, the earlier one."""
    trigger = ctx.settings.trigger
    won = deal.won_time if trigger.on != "stage" and deal.status == "won" else None
    if trigger.on == "won":
        return deal.won_time
    staged = None
    if await _not_in_stage(deal, ctx) is None:
        staged = deal.stage_change_time or deal.add_time
    return min((each for each in (won, staged) if each is not None), default=None)


async def weigh(deal_key: str, ctx: DealContext[S]) -> Worth:
    """Return what a deal would bring to a backfill: its value, or what keeps it out."""
    try:
        deal = await ctx.pipedrive.deal(int(deal_key))
    except NotFoundError:
        return Worth(refusal=f"deal {deal_key} is gone")
    return Worth(
        refusal=await why_not(deal, ctx),
        moment=await moment_of(deal, ctx),
        amount=deal.value,
        currency=deal.currency,
    )


async def won_deals(party: Organization | Person, ctx: DealContext[S]) -> list[Deal]:
    """Return the won deals of an organization, or a person alone, that are in the scope."""
    return [] if party.won_deals_count == 0 else await deals_of(party, ctx, status="won")


async def deals_of(party: Organization | Person, ctx: DealContext[S], *, status: str) -> list[Deal]:
    """Return the deals of a status of an organization, or a person alone, that are in the scope."""
    if isinstance(party, Organization):
        found = [deal async for deal in ctx.pipedrive.deals(status=status, org_id=party.id)]
    else:
        of_person = ctx.pipedrive.deals(status=status, person_id=party.id)
        # a person's deal with an organization is that organization's
        found = [deal async for deal in of_person if deal.org_id is None]
    return [deal for deal in found if await out_of_scope(deal, ctx) is None]


async def _not_in_stage(deal: Deal, ctx: DealContext[S]) -> str | None:
    stages = (await ctx.mappings()).stages
    refused = stages.refusal({"deal": RecordView(deal)})
    return None if refused is None else refused.words


async def _before_go_live(deal: Deal, ctx: DealContext[S]) -> str | None:
    if ctx.run.trigger.get("by") == "backfill":
        return None
    is_won = ctx.settings.trigger.on == "won"
    refused = before_go_live(
        await moment_of(deal, ctx),
        go_live_at=ctx.go_live_at,
        what="won" if is_won else "put into its stage",
    )
    return None if refused is None else f"stays out: {refused}"


async def out_of_scope(deal: Deal, ctx: DealContext[S]) -> str | None:
    """Return the first condition of the scope that a deal does not meet, or None."""
    scope = (await ctx.mappings()).scope
    refused = scope.refusal(await _records(deal, scope, ctx))
    return None if refused is None else f"is not in the scope: {refused}"


async def _records(
    deal: Deal, scope: Scope, ctx: DealContext[S]
) -> dict[str, Mapping[str, Any] | None]:
    """Return the records that the scope asks about; no others are read."""
    asked = {condition.reference.source for condition in scope.conditions}
    organization, person = await asyncio.gather(
        parties.organization(deal.org_id if "organization" in asked else None, ctx),
        parties.person(deal.person_id if "person" in asked else None, ctx),
    )
    return {
        "deal": RecordView(deal),
        "organization": RecordView(organization) if organization else None,
        "person": RecordView(person) if person else None,
    }
