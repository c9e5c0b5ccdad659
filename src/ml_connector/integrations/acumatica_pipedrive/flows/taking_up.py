"""Which deals are taken up at all: the trigger, the scope and the go-live (P-16, P-18)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.sync.mapping.views import RecordView
from ml_connector.sync.scope import Scope, ScopeConfig, before_go_live
from ml_connector.vendors.pipedrive.models import Deal

_EVERYTHING = ScopeConfig()


async def why_not(deal: Deal, ctx: Context) -> str | None:
    """Return the first rule that keeps a deal from being handed over, or None."""
    refusal = _not_in_state(deal, ctx.settings)
    if refusal is None and ctx.settings.trigger.on == "stage":
        refusal = await _not_in_stage(deal, ctx)
    if refusal is None:
        refusal = _before_go_live(deal, ctx)
    if refusal is None and ctx.settings.scope != _EVERYTHING:
        refusal = await out_of_scope(deal, ctx)
    return None if refusal is None else f"deal {deal.id} {refusal}"


def moment_of(deal: Deal, ctx: Context) -> datetime | None:
    """Return the deal's own moment: when it was won, or came into its stage."""
    return deal.won_time if ctx.settings.trigger.on == "won" else deal.stage_change_time


def _not_in_state(deal: Deal, settings: Settings) -> str | None:
    if deal.is_gone:
        return "is deleted"
    if settings.trigger.on == "won" and deal.status != "won":
        return f"is {deal.status}, not won"
    return "is lost" if deal.status == "lost" else None


async def _not_in_stage(deal: Deal, ctx: Context) -> str | None:
    stages = (await ctx.mappings()).stages
    refused = stages.refusal({"deal": RecordView(deal)})
    return None if refused is None else f"is not taken up yet: {refused.words}"


def _before_go_live(deal: Deal, ctx: Context) -> str | None:
    if ctx.run.trigger.get("by") == "backfill":
        return None
    is_won = ctx.settings.trigger.on == "won"
    moment = moment_of(deal, ctx) or (None if is_won else deal.add_time)
    refused = before_go_live(
        moment, go_live_at=ctx.go_live_at, what="won" if is_won else "put into its stage"
    )
    return None if refused is None else f"stays out: {refused}"


async def out_of_scope(deal: Deal, ctx: Context) -> str | None:
    """Return the first condition of the scope that a deal does not meet, or None."""
    scope = (await ctx.mappings()).scope
    refused = scope.refusal(await _records(deal, scope, ctx))
    return None if refused is None else f"is not in the scope: {refused}"


async def _records(deal: Deal, scope: Scope, ctx: Context) -> dict[str, Mapping[str, Any] | None]:
    """Return the records that the scope asks about; no others are read."""
    asked = {condition.reference.source for condition in scope.conditions}
    organization, person = await asyncio.gather(
        _organization(deal.org_id if "organization" in asked else None, ctx),
        _person(deal.person_id if "person" in asked else None, ctx),
    )
    return {"deal": RecordView(deal), "organization": organization, "person": person}


async def _organization(organization_id: int | None, ctx: Context) -> RecordView | None:
    if organization_id is None:
        return None
    try:
        return RecordView(await ctx.pipedrive.organization(organization_id))
    except NotFoundError:
        return None


async def _person(person_id: int | None, ctx: Context) -> RecordView | None:
    if person_id is None:
        return None
    try:
        return RecordView(await ctx.pipedrive.person(person_id))
    except NotFoundError:
        return None
