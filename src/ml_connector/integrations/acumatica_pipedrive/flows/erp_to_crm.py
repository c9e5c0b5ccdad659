"""A customer or contact that changed in Acumatica: what Acumatica owns is shown in Pipedrive.

Only what has a link is shown, nothing is made in Pipedrive, and a rule of the mapping has to give
the field to Acumatica (``on_existing: erp_owns``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.crm_places import places_of
from ml_connector.integrations.acumatica_pipedrive.flows import (
    contact_record,
    parties,
    party_customer,
)
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_contact import LINK
from ml_connector.integrations.acumatica_pipedrive.flows.show_owned import show_owned
from ml_connector.sync.flow import Outcome
from ml_connector.sync.links import RecordLink


async def customer(customer_id: str, ctx: Context) -> Outcome:
    """Show a customer's own fields on the organization or person that it is."""
    mapping = (await ctx.mappings()).customer
    owned = {kind: places_of(mapping, kind) for kind in ("organization", "person")}
    if not any(owned.values()):
        return Outcome.skipped("Acumatica owns no field of customers (on_existing: erp_owns)")
    links = [
        link
        for kind, places in owned.items()
        if places
        for link in await ctx.links_to(f"{kind}:customer", customer_id)
    ]
    if not links:
        return Outcome.skipped(f"customer {customer_id} is nobody's in Pipedrive")
    try:
        found = await ctx.acumatica.customer(customer_id)
    except NotFoundError:
        return Outcome.skipped(f"customer {customer_id} is not in Acumatica any more")
    ctx.also_known_as(found.customer_name)
    shown: list[Any] = []
    for link in links:
        party = await _party(link, ctx)
        if party is not None:
            shown += await party_customer.show_on_party(party, found, mapping, link, ctx)
    return _outcome(shown, f"customer {customer_id}")


async def contact(contact_id: str, ctx: Context) -> Outcome:
    """Show a contact's own fields on the person that it is."""
    mapping = (await ctx.mappings()).contact
    if not places_of(mapping, "person"):
        return Outcome.skipped("Acumatica owns no field of contacts (on_existing: erp_owns)")
    links = await ctx.links_to(LINK, contact_id)
    if not links:
        return Outcome.skipped(f"contact {contact_id} is nobody's in Pipedrive")
    try:
        found = await ctx.acumatica.contact_in_full(contact_id)
    except NotFoundError:
        return Outcome.skipped(f"contact {contact_id} is not in Acumatica any more")
    ctx.also_known_as(found.display_name)
    values = await contact_record.present_values(found, mapping, ctx)
    shown: list[Any] = []
    for link in links:
        person = await parties.present_person(int(link.key.source_key), ctx)
        if person is not None:
            shown += await show_owned(person, values, mapping, link, ctx)
    return _outcome(shown, f"contact {contact_id}")


async def _party(link: RecordLink, ctx: Context) -> parties.Party | None:
    kind, _, _ = link.key.kind.partition(":")
    key = int(link.key.source_key)
    if kind == "organization":
        organization = await parties.present_organization(key, ctx)
        return parties.organization_party(organization) if organization else None
    person = await parties.present_person(key, ctx)
    return parties.person_party(person) if person else None


def _outcome(shown: Sequence[Any], called: str) -> Outcome:
    if shown:
        return Outcome.written(f"{', '.join(map(str, shown))} of {called} shown in Pipedrive")
    return Outcome.unchanged(f"Pipedrive shows what Acumatica has of {called}")
