"""An organization, or a person alone, as a customer without a deal: begun, and followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.fields import Mappings
from ml_connector.integrations.acumatica_pipedrive.flows import (
    customer_record,
    field_rules,
    merging,
    people,
)
from ml_connector.integrations.acumatica_pipedrive.flows.deal_for_customer import (
    deal_for_customer,
)
from ml_connector.integrations.acumatica_pipedrive.flows.ensure_customer import (
    INACTIVE,
    require_known_currency,
)
from ml_connector.integrations.acumatica_pipedrive.flows.parties import Party, present_person
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_customer import (
    linked_customer,
    recognised_customer,
)
from ml_connector.integrations.acumatica_pipedrive.flows.show_owned import (
    changed_outcome,
    show_owned,
)
from ml_connector.integrations.acumatica_pipedrive.flows.write_back import show_on_organization
from ml_connector.sync.flow import Outcome
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.vendors.acumatica.models import Customer
from ml_connector.vendors.pipedrive.models import Deal


async def begin(party: Party, ctx: Context) -> Outcome:
    """Recognise the party's customer, or make it, once for all flows."""
    compiled = await ctx.mappings()
    customer = await recognised_customer(party, ctx)
    if customer is not None:
        link = await ctx.link(party.link, party.key)
        if link is None:  # a dry run links nothing
            return Outcome(kind="planned", reason=f"{_called(customer)} would be linked")
        await people.want_people_of(party, ctx)
        return await _bring_together(party, customer, link, compiled, ctx, is_new=True)
    party, deal = await _with_deal(party, ctx)
    values = customer_record.mapped_values(compiled.customer, party, deal, ctx, is_new=True)
    made = await customer_record.make(party, values, ctx)
    if made.how == "planned":
        return Outcome(kind="planned", reason=f"a customer would be made of {party.name}")
    await _show_number(party, ctx)
    await people.want_people_of(party, ctx)
    link = await ctx.link(party.link, party.key)
    if link is not None and made.how == "created":
        await ctx.remember(link, field_rules.said(_said(party, compiled, ctx)))
    name = f"customer {made.key} ({made.name or party.name})"
    if made.how == "linked":
        return Outcome.unchanged(f"{name} is there: another run has just made it")
    return Outcome.written(f"{name} {'created' if made.how == 'created' else 'found and linked'}")


async def _with_deal(party: Party, ctx: Context) -> tuple[Party, Deal | None]:
    """Return what a customer is made from: as the flow of the deal itself would make it.

    Raises HeldError where Acumatica does not have the currency of the deal.
    """
    deal = await deal_for_customer(party, ctx)
    if deal is None:
        return party, None
    await require_known_currency(deal, ctx)
    if party.person is None and deal.person_id is not None:
        party = replace(party, person=await present_person(deal.person_id, ctx))
    return party, deal


async def follow(party: Party, link: RecordLink, ctx: Context) -> Outcome:
    """Bring customer and party together after either has changed."""
    compiled = await ctx.mappings()
    merging.require_one(
        link,
        called=party.name,
        setting="customers.decided",
        decided=ctx.settings.customers.decided.get(party.subject),
    )
    if field_rules.is_said(link, _said(party, compiled, ctx), ctx):
        await _show_number(party, ctx)
        return Outcome.unchanged(f"nothing of {party.name} that is mapped has changed")
    customer = await linked_customer(link, party, ctx)
    link = await ctx.link(party.link, party.key) or link
    return await _bring_together(party, customer, link, compiled, ctx, is_new=False)


async def _bring_together(
    party: Party,
    customer: Customer,
    link: RecordLink,
    compiled: Mappings,
    ctx: Context,
    *,
    is_new: bool,
) -> Outcome:
    await _show_number(party, ctx)
    if customer.status == INACTIVE:
        ctx.note("customer_left_alone", key=customer.customer_id, because="it is inactive")
        return Outcome.unchanged(f"{_called(customer)} is inactive and left as it is")
    mapping = customer_record.of_party_alone(compiled.customer, party)
    wanted = customer_record.mapped_values(mapping, party, None, ctx, is_new=False)
    changes = await customer_record.bring_up_to_date(
        customer, wanted, mapping, link, ctx, follows=True
    )
    shown = await show_on_party(party, customer, compiled.customer, link, ctx)
    await ctx.remember(link, field_rules.said(_said(party, compiled, ctx)))
    called, word = _called(customer), "linked" if is_new else "up to date"
    changed = changed_outcome(changes, called, shown, party.name)
    return changed or Outcome.unchanged(f"{called} is {word}")


async def show_on_party(
    party: Party,
    customer: Customer,
    mapping: CompiledMapping,
    link: RecordLink,
    ctx: Context,
) -> Mapping[str, Any]:
    """Show on the party what Acumatica owns of its customer; return what changed."""
    record = party.organization or party.person
    if record is None or not customer_record.has_owned(mapping, party):
        return {}
    _, present = await customer_record.present_values(customer, mapping, ctx)
    return await show_owned(record, present, mapping, link, ctx)


def _said(party: Party, compiled: Mappings, ctx: Context) -> dict[str, Any]:
    """Return everything that a run on this party depends on, beside what Acumatica has."""
    mapping = customer_record.of_party_alone(compiled.customer, party)
    return {
        "values": customer_record.mapped_values(mapping, party, None, ctx, is_new=False),
        "owned": customer_record.owned_values(compiled.customer, party),
        "mapping": mapping.version,
        "rules": [
            ctx.settings.organizations.made_by_us,
            ctx.settings.customers.on_conflict,
            ctx.settings.customers.decided.get(party.subject),
        ],
    }


async def _show_number(party: Party, ctx: Context) -> None:
    link = await ctx.link(party.link, party.key)
    if link is not None and party.organization is not None:
        await show_on_organization(party.organization, link, ctx)


def _called(customer: Customer) -> str:
    return f"customer {customer.customer_id} ({customer.customer_name})"
