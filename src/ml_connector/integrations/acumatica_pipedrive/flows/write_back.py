"""Showing in Pipedrive what became of a record in Acumatica.

The fields are the connector's own: what somebody typed over them is put back. One that was
deleted in Pipedrive is told once, and the record goes on without it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.documents import Document, page_of
from ml_connector.sync.links import RecordLink
from ml_connector.sync.plan import PlannedWrite
from ml_connector.vendors.pipedrive.drafts import DealUpdate, OrganizationDraft
from ml_connector.vendors.pipedrive.models import Deal, Entity, Organization


async def show_on_deal(deal: Deal, document: Document, ctx: Context) -> Mapping[str, Any]:
    """Write the document's number and address onto the deal; return what changed."""
    wanted = {
        "order_number": document.link.target_name or document.key,
        "order_link": page_of(document, ctx),
    }
    if deal.is_archived:
        ctx.note("deal_not_written", because="it is archived, and Pipedrive takes no changes then")
        return {}

    async def write(changes: Mapping[str, Any]) -> None:
        written = await ctx.pipedrive.update_deal(deal.id, DealUpdate(custom_fields=changes))
        tell_lost("deal", written.dropped_keys, ctx)

    return await _show(
        wanted, present=deal.custom_fields, link=document.link, what="deal", write=write, ctx=ctx
    )


async def show_on_organization(
    organization: Organization, customer: RecordLink, ctx: Context
) -> Mapping[str, Any]:
    """Write the customer's number onto the organization; return what changed."""

    async def write(changes: Mapping[str, Any]) -> None:
        written = await ctx.pipedrive.update_organization(
            organization.id, OrganizationDraft(custom_fields=changes)
        )
        tell_lost("organization", written.dropped_keys, ctx)

    async def read_again() -> Mapping[str, Any]:
        return (await ctx.pipedrive.organization(organization.id)).custom_fields

    return await _show(
        {"customer_number": customer.target_key},
        present=organization.custom_fields,
        link=customer,
        what="organization",
        write=write,
        ctx=ctx,
        read_again=read_again,
    )


async def plan_on_deal(deal: Deal, word: str, ctx: Context) -> None:
    """Let a dry run tell what a deal will show, as far as that can be known before."""
    if not deal.is_archived:
        wanted = {
            "order_number": f"(the number of the new {word})",
            "order_link": f"(the address of the new {word})",
        }
        await _plan(wanted, "deal", deal.id, deal.custom_fields, ctx)


async def plan_on_organization(organization: Organization, ctx: Context) -> None:
    """Let a dry run tell what an organization will show, as far as that can be known before."""
    wanted = {"customer_number": "(the number of the new customer)"}
    await _plan(wanted, "organization", organization.id, organization.custom_fields, ctx)


async def _plan(
    wanted: Mapping[str, str], what: Entity, key: int, present: Mapping[str, Any], ctx: Context
) -> None:
    fields = await _by_key(wanted, what, ctx)
    if ctx.plan is not None and fields:
        before = {name: present.get(name) for name in fields}
        ctx.plan.add(
            PlannedWrite(action="change", kind=what, key=str(key), fields=fields, before=before)
        )


async def _show(
    wanted: Mapping[str, str],
    *,
    present: Mapping[str, Any],
    link: RecordLink,
    what: Entity,
    write: Callable[[Mapping[str, Any]], Awaitable[None]],
    ctx: Context,
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


async def _by_key(wanted: Mapping[str, str], what: Entity, ctx: Context) -> dict[str, str]:
    """Return the values by the keys of their fields, without fields that are not there any more."""
    keys = {name: key for name in wanted if (key := await ctx.shown_in(name)) is not None}
    lost = await ctx.pipedrive.fields.unknown_among(what, list(keys.values()))
    tell_lost(what, lost, ctx)
    return {key: wanted[name] for name, key in keys.items() if key not in lost}


def tell_lost(
    what: Entity, keys: Collection[str], ctx: Context, *, setting: str = "write_back"
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
