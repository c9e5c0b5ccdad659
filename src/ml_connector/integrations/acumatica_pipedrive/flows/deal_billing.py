"""A deal shows what became of it in the ERP's books (ACU-07, M-06, M-07).

The figures are made of all documents that are linked to the deal, as `invoice_to_deal` remembers
them, so this run reads nothing in Acumatica. It is wanted once however many documents changed,
and writes all fields in one call, or none where none is different. What changes by time alone,
overdue and ageing, is looked at again at the company's own midnight on which it turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from ml_connector.core.clock import Clock
from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive.billing import Figures, figures_of
from ml_connector.integrations.acumatica_pipedrive.billing_fields import keys_of
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import billing_note
from ml_connector.integrations.acumatica_pipedrive.flows.invoice_to_deal import part_of
from ml_connector.integrations.acumatica_pipedrive.flows.trace_deals import DOCUMENT_LINK
from ml_connector.integrations.from_pipedrive.shown import tell_lost
from ml_connector.sync.flow import Outcome
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.pipedrive.drafts import DealUpdate
from ml_connector.vendors.pipedrive.models import Deal

BILLING_LINK = "deal:billing"
"""The kind of record link that remembers what we wrote onto a deal."""


async def run(deal_key: str, ctx: Context) -> Outcome:
    """Bring a deal's billing fields, and its note if one is wanted, up to date."""
    links = await ctx.links_to(DOCUMENT_LINK, deal_key)
    parts = [part for link in links if (part := part_of(link)) is not None]
    keys = await _keys_there(ctx)
    if not keys and ctx.settings.billing.note == "off":
        return Outcome.skipped(
            "no deal field shows billing; apply the configuration with provide_fields, or name "
            "fields under billing.fields"
        )
    try:
        deal = await ctx.pipedrive.deal(int(deal_key))
    except NotFoundError:
        return Outcome.skipped(f"deal {deal_key} no longer exists")
    if deal.is_gone or deal.is_archived:
        state = "deleted" if deal.is_gone else "archived"
        return Outcome.skipped(f"deal {deal.id} is {state}, and Pipedrive takes no changes then")
    ctx.also_known_as(deal.title, *(link.key.source_key for link in links))
    figures = figures_of(
        parts,
        today=_today(ctx),
        deal_currency=deal.currency,
        shows_unreleased=ctx.settings.billing.unreleased == "show",
    )
    changed = await _show(deal, figures, keys, ctx)
    noted = await billing_note.keep(deal, figures, ctx)
    again = _midnight(figures.changes_on, ctx)
    if not changed and not noted:
        return Outcome.unchanged(f"deal {deal.id} shows its billing", look_again_at=again)
    names = ", ".join([*sorted(changed), *(["note"] if noted else [])])
    if ctx.plan is not None:
        return Outcome(kind="planned", reason=f"{names} of deal {deal.id} would change")
    return Outcome.written(f"{names} of deal {deal.id}", look_again_at=again)


async def _keys_there(ctx: Context) -> dict[str, str]:
    """Return the fields that show figures and are there; what was deleted is told."""
    keys = await keys_of(ctx)
    lost = await ctx.pipedrive.fields.unknown_among("deal", list(keys.values()))
    tell_lost("deal", lost, ctx, setting="billing.fields")
    return {name: key for name, key in keys.items() if key not in lost}


async def _show(
    deal: Deal, figures: Figures, keys: Mapping[str, str], ctx: Context
) -> Mapping[str, Any]:
    """Write the figures onto the deal in one call; return by name what changed."""
    if not keys:
        return {}
    values = {name: _shown(getattr(figures, name)) for name in keys}
    fields = await ctx.pipedrive.fields.of("deal")
    wanted = fields.write({keys[name]: value for name, value in values.items()})

    async def write(changes: Mapping[str, Any]) -> None:
        written = await ctx.pipedrive.update_deal(deal.id, DealUpdate(custom_fields=changes))
        tell_lost("deal", written.dropped_keys, ctx, setting="billing.fields")

    changed = await ctx.write_fields(
        side="crm",
        link=await _link_of(deal, ctx),
        what="billing",
        present=deal.custom_fields,
        wanted=wanted,
        apply=write,
        on_conflict="overwrite",
    )
    return {name: changed[key] for name, key in keys.items() if key in changed}


def _shown(value: Any) -> Any:
    """Return a figure as a field has it; a choice by its words."""
    return getattr(value, "value", value)


async def _link_of(deal: Deal, ctx: Context) -> RecordLink:
    known = await ctx.link(BILLING_LINK, deal.id)
    return known or RecordLink(
        key=ctx.link_key(BILLING_LINK, deal.id), target_key=str(deal.id), origin="found"
    )


def _today(ctx: Context) -> date:
    clock: Clock = ctx.clock
    return clock.now().astimezone(ctx.acumatica.settings.zone).date()


def _midnight(day: date | None, ctx: Context) -> datetime | None:
    """Return the moment at which a day begins where the company is."""
    if day is None:
        return None
    return datetime.combine(day, time(), tzinfo=ctx.acumatica.settings.zone)
