"""Showing in Pipedrive what became of a record in the ERP.

The fields are the connector's own: what somebody typed over them is put back. One that was
deleted in Pipedrive is told once, and the record goes on without it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from ml_connector.integrations.from_pipedrive.context import DealContext, S
from ml_connector.sync.links import RecordLink
from ml_connector.sync.plan import PlannedWrite
from ml_connector.vendors.pipedrive.drafts import DealUpdate, OrganizationDraft
from ml_connector.vendors.pipedrive.models import Deal, Entity, Organization


async def show_on_deal(
    deal: Deal, wanted: Mapping[str, str], link: RecordLink, ctx: DealContext[S]
) -> Mapping[str, Any]:
    """Write values, by the settings that name their fields, onto a deal; return what changed."""
    if deal.is_archived:
        ctx.note("deal_not_written", because="it is archived, and Pipedrive takes no changes then")
        return {}

    async def write(changes: Mapping[str, Any]) -> None:
        written = await ctx.pipedrive.update_deal(deal.id, DealUpdate(custom_fields=changes))
        tell_lost("deal", written.dropped_keys, ctx)

    return await _show(
        wanted, present=deal.custom_fields, link=link, what="deal", write=write, ctx=ctx
    )


async def show_on_organization(
    organization: Organization, wanted: Mapping[str, str], link: RecordLink, ctx: DealContext[S]
) -> Mapping[str, Any]:
    """Write values, by the settings that name their fields, onto an organization."""

    async def write(changes: Mapping[str, Any]) -> None:
        written = await ctx.pipedrive.update_organization(
            organization.id, OrganizationDraft(custom_fields=changes)
        )
        tell_lost("organization", written.dropped_keys, ctx)

    async def read_again() -> Mapping[str, Any]:
        return (await ctx.pipedrive.organization(organization.id)).custom_fields

    return await _show(
        wanted,
        present=organization.custom_fields,
        link=link,
        what="organization",
        write=write,
        ctx=ctx,
        read_again=read_again,
    )


async def plan_to_show(
    wanted: Mapping[str, str], record: Deal | Organization, ctx: DealContext[S]
) -> None:
    """Let a dry run tell what a record will show, as far as that can be known before."""
    what: Entity = "deal" if isinstance(record, Deal) else "organization"
    fields = await _by_key(wanted, what, ctx)
    if ctx.plan is not None and fields:
        before = {name: record.custom_fields.get(name) for name in fields}
        ctx.plan.add(
            PlannedWrite(
                action="change", kind=what, key=str(record.id), fields=fields, before=before
            )
        )


async def _show(
    wanted: Mapping[str, str],
    *,
    present: Mapping[str, Any],
    link: RecordLink,
    what: Entity,
    write: Callable[[Mapping[str, Any]], Awaitable[None]],
    ctx: DealContext[S],
    read_again: Callable[[], Awaitable[Mapping[str, Any]]] | None = None,
) -> Mapping[str, Any]:
    by_key = await _by_key(wanted, what, ctx)
    if not by_key:
        return {}
    return await ctx.write_fields(
        side="crm",
        link=link,
        what=what,
        present=present,
        wanted=by_key,
        apply=write,
        on_conflict="overwrite",
        read_again=read_again,
    )


async def _by_key(wanted: Mapping[str, str], what: Entity, ctx: DealContext[S]) -> dict[str, str]:
    """Return the values by the keys of their fields, without fields that are not there any more."""
    keys = {name: key for name in wanted if (key := await ctx.shown_in(name)) is not None}
    lost = await ctx.pipedrive.fields.unknown_among(what, list(keys.values()))
    tell_lost(what, lost, ctx)
    return {key: wanted[name] for name, key in keys.items() if key not in lost}


def tell_lost(
    what: Entity, keys: Collection[str], ctx: DealContext[S], *, setting: str = "write_back"
) -> None:
    """Tell of fields that were deleted in Pipedrive; ``setting`` is where others are named."""
    for key in keys:
        ctx.tell(
            "drift",
            f"field:{key}",
            f"The {what} field {key}, which shows what became of a record, was deleted in "
            "Pipedrive; apply the configuration with provide_fields again, or name another one "
            f"under {setting}",
        )
