"""A customer in Acumatica: what it has of what is mapped, the smallest change to it, a new one.

One piece of code for all flows that know of a customer, so that whichever comes first there is
one customer and one rule for each of its fields (ACU-04, ACU-06, P-22).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import UNSET

from ml_connector.core.errors import HeldError
from ml_connector.integrations.acumatica_pipedrive import mappings, party_mappings, targets
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.crm_places import places_of
from ml_connector.integrations.acumatica_pipedrive.flows import field_rules, prospects
from ml_connector.integrations.acumatica_pipedrive.flows.parties import Party
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_customer import found_of
from ml_connector.sync.flow import Found
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.sync.mapping.evaluation import evaluate
from ml_connector.sync.mapping.model import OnExisting
from ml_connector.sync.writing_once import Written
from ml_connector.vendors.acumatica.drafts import AccountContactDraft, CustomerDraft
from ml_connector.vendors.acumatica.models import AccountContact, Customer
from ml_connector.vendors.pipedrive.models import Deal

WHAT = "customer"
"""Under which a link remembers what was written to its customer."""


def mapped_values(
    mapping: CompiledMapping, party: Party, deal: Deal | None, ctx: Context, *, is_new: bool
) -> dict[str, Any]:
    """Return what Pipedrive has for a customer; the address in Acumatica's codes.

    An address that cannot be read holds a new customer, and one whose address the CRM owns.
    """
    found = dict(evaluate(mapping, party.sources(deal)).values)
    address = mappings.mapped_address(found.pop(targets.ADDRESS, None))
    if address is None and party.kind == "person":
        address = party.address
    is_needed = is_new or mapping.ownership.get(targets.ADDRESS) is OnExisting.CRM_OWNS
    parts = field_rules.address_parts(address, of=party.name, ctx=ctx, is_needed=is_needed)
    return found if parts is None else {**found, targets.ADDRESS: parts}


def of_party_alone(mapping: CompiledMapping, party: Party) -> CompiledMapping:
    """Return the rules that a party decides by itself: those that a deal comes first in are not."""
    rules = tuple(
        rule
        for rule in mapping.rules
        if not rule.references or rule.references[0].source == party.kind
    )
    return replace(mapping, rules=rules)


def ownership_of(mapping: CompiledMapping) -> dict[str, OnExisting]:
    """Return what may happen to each field of a customer that is there."""
    return {
        name: OnExisting.NEVER if name in targets.SET_AT_CREATION_ONLY else rule
        for name, rule in mapping.ownership.items()
    }


def has_owned(mapping: CompiledMapping, party: Party) -> bool:
    """Tell whether Acumatica owns any field that is shown on the party."""
    return bool(places_of(mapping, party.kind))


def owned_values(mapping: CompiledMapping, party: Party) -> dict[str, Any]:
    """Return what Pipedrive shows of the fields that Acumatica owns."""
    record = party.organization or party.person
    if record is None:
        return {}
    return {
        target: record.custom_fields.get(place.key)
        if place.shape == "custom"
        else getattr(record, place.key)
        for target, place in places_of(mapping, party.kind).items()
    }


async def bring_up_to_date(
    customer: Customer,
    wanted: Mapping[str, Any],
    mapping: CompiledMapping,
    link: RecordLink,
    ctx: Context,
    *,
    follows: bool = False,
) -> Mapping[str, Any]:
    """Change what the rules let Pipedrive change, and return it.

    With ``follows`` the fields of a customer of our own making follow too, as long as nobody
    changed them in Acumatica.
    """
    in_full, present = await present_values(customer, mapping, ctx)

    async def write(changes: Mapping[str, Any]) -> None:
        await ctx.acumatica.update_customer(in_full, changed_draft(changes))

    return await field_rules.write_by_rules(
        field_rules.Comparison(
            what=WHAT,
            link=link,
            present=present,
            wanted=wanted,
            ownership=ownership_of(mapping),
            follows=follows and ctx.settings.organizations.made_by_us == "follow",
            on_conflict=ctx.settings.customers.on_conflict,
            brake=ctx.settings.organizations.brake,
        ),
        write,
        ctx,
    )


async def present_values(
    customer: Customer, mapping: CompiledMapping, ctx: Context
) -> tuple[Customer, dict[str, Any]]:
    """Return a customer in full, and the values that it has of what is mapped."""
    named = {field.key for field in targets.CUSTOMER.fields}
    further = [key for key in mapping.ownership if key not in named]
    in_full = await ctx.acumatica.customer_in_full(
        customer.customer_id, custom=[key for key in further if "." in key]
    )
    plain = [
        key for key in further if "." not in key and not key.startswith(targets.ATTRIBUTE)
    ]  # fmt: skip
    values = await ctx.acumatica.values("Customer", customer.customer_id, plain) if plain else {}
    attributes = {f"{targets.ATTRIBUTE}{one.attribute_id}": one.value for one in in_full.attributes}
    return in_full, {**_own_values(in_full), **in_full.custom, **values, **attributes}


def _own_values(customer: Customer) -> dict[str, Any]:
    contact = customer.main_contact or AccountContact()
    return {
        "CustomerName": customer.customer_name,
        "CustomerClass": customer.customer_class,
        "CurrencyID": customer.currency_id,
        "Terms": customer.terms,
        "TaxZone": customer.tax_zone,
        "StatementCycleID": customer.statement_cycle_id,
        "PriceClassID": customer.price_class_id,
        "Email": contact.email,
        "Phone": contact.phone1,
        "Attention": contact.attention,
        "WebSite": contact.web_site,
        "TaxRegistrationID": customer.tax_registration_id,
        "ShipVia": customer.ship_via,
        "WarehouseID": customer.warehouse_id,
        targets.ADDRESS: party_mappings.present_address(contact.address),
    }


def changed_draft(changes: Mapping[str, Any]) -> CustomerDraft:
    """Return what of a customer changes; parts that do not are not sent."""
    values = {name: value for name, value in changes.items() if name != targets.ADDRESS}
    address = party_mappings.address_of(changes)
    draft = mappings.customer_draft(values, reference="", address=address)
    contact = draft.main_contact
    is_contact_changed = isinstance(contact, AccountContactDraft) and bool(
        mappings.draft_fields(contact)
    )
    return msgspec.structs.replace(
        draft, account_ref=UNSET, main_contact=contact if is_contact_changed else UNSET
    )


# A new customer -----------------------------------------------------------------------------------


async def make(party: Party, values: Mapping[str, Any], ctx: Context) -> Written:
    """Make the customer of a party once; a business account of ours becomes it."""
    if not ctx.settings.customers.create:
        raise HeldError(
            f"{party.name} has no customer in Acumatica, and creating is switched off "
            "(customers.create); enter it there",
            waits_for=f"match:{party.subject}",
        )
    values = {"CustomerName": party.name, **values}
    prospect = await prospects.link_of(party, ctx)
    draft = mappings.customer_draft(
        {name: value for name, value in values.items() if name != targets.ADDRESS},
        reference=party.reference(ctx),
        address=party_mappings.address_of(values),
    )

    async def create() -> Found:
        if prospect is not None:
            return await prospects.convert(prospect, ctx)
        written = await ctx.acumatica.create_customer(draft)
        field_rules.tell_differences(written.differences, ctx)
        return found_of(written.record)

    made = await ctx.write_once(
        party.maker,
        link=party.link,
        source_key=party.key,
        reference=party.reference(ctx),
        draft=mappings.draft_fields(draft),
        create=create,
        remember=None if prospect is not None else field_rules.remembered(WHAT, values),
    )
    if prospect is not None:
        await _complete(party, values, ctx)
    return made


async def _complete(party: Party, values: Mapping[str, Any], ctx: Context) -> None:
    """Write what a customer that was a prospect until now has beyond it: class, terms, currency.

    A run that was killed between the two comes here again: what was written is remembered.
    """
    link = await ctx.link(party.link, party.key)
    if link is None or any(name.startswith(f"{WHAT}.") for name in link.written):
        return
    customer = await ctx.acumatica.customer_in_full(link.target_key)
    present = _own_values(customer)

    async def write(changes: Mapping[str, Any]) -> None:
        await ctx.acumatica.update_customer(customer, changed_draft(changes))

    await ctx.write_fields(
        side="erp",
        link=link,
        what=WHAT,
        present=present,
        wanted=party_mappings.as_written(values, present),
        apply=write,
        on_conflict="overwrite",
    )
