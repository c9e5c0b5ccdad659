"""Showing in Pipedrive what became of a record in Acumatica."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.pipedrive.drafts import DealUpdate, OrganizationDraft
from ml_connector.vendors.pipedrive.models import Deal, Entity, Organization


async def show_on_deal(deal: Deal, order: RecordLink, ctx: Context) -> Mapping[str, Any]:
    """Write the order's number and address onto the deal; return what changed.

    These fields are the connector's own: what somebody typed over them is put back.
    """
    wanted = {
        ctx.own_field("order_number"): order.target_name or order.target_key,
        ctx.own_field("order_link"): ctx.acumatica_page("order", order.target_key),
    }

    async def write(changes: Mapping[str, Any]) -> None:
        await ctx.pipedrive.update_deal(deal.id, DealUpdate(custom_fields=changes))

    return await _show(
        wanted, present=deal.custom_fields, link=order, what="deal", write=write, ctx=ctx
    )


async def show_on_organization(
    organization: Organization, customer: RecordLink, ctx: Context
) -> Mapping[str, Any]:
    """Write the customer's number onto the organization; return what changed."""
    wanted = {ctx.own_field("customer_number"): customer.target_key}

    async def write(changes: Mapping[str, Any]) -> None:
        await ctx.pipedrive.update_organization(
            organization.id, OrganizationDraft(custom_fields=changes)
        )

    async def read_again() -> Mapping[str, Any]:
        return (await ctx.pipedrive.organization(organization.id)).custom_fields

    return await _show(
        wanted,
        present=organization.custom_fields,
        link=customer,
        what="organization",
        write=write,
        ctx=ctx,
        read_again=read_again,
    )


async def _show(
    wanted: Mapping[str | None, str],
    *,
    present: Mapping[str, Any],
    link: RecordLink,
    what: Entity,
    write: Callable[[Mapping[str, Any]], Awaitable[None]],
    ctx: Context,
    read_again: Callable[[], Awaitable[Mapping[str, Any]]] | None = None,
) -> Mapping[str, Any]:
    named = {name: value for name, value in wanted.items() if name is not None}
    if not named:
        return {}
    fields = await ctx.pipedrive.fields.of(what)
    by_key = {fields.key(name): value for name, value in named.items()}
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
