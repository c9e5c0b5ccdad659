"""A customer that changed in Acumatica: what Acumatica owns is shown on its organization.

Only what has a link is shown, nothing is made in Pipedrive, and a rule of the mapping has to give
the field to Acumatica (``on_existing: erp_owns``).
"""

from __future__ import annotations

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.crm_places import places_of
from ml_connector.integrations.acumatica_pipedrive.flows import parties, party_customer
from ml_connector.integrations.acumatica_pipedrive.flows.show_owned import shown_outcome
from ml_connector.sync.flow import Outcome
from ml_connector.sync.links import RecordLink


async def run(customer_id: str, ctx: Context) -> Outcome:
    """Show a customer's own fields on the organization or person that it is."""
    ctx.end_causes_of("customer", customer_id)
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
        customer = await ctx.acumatica.customer(customer_id)
    except NotFoundError:
        return Outcome.skipped(f"customer {customer_id} is not in Acumatica any more")
    ctx.also_known_as(customer.customer_name)
    shown: list[str] = []
    for link in links:
        party = await _party(link, ctx)
        if party is not None:
            shown += await party_customer.show_on_party(party, customer, mapping, link, ctx)
    return shown_outcome(shown, f"customer {customer_id}")


async def _party(link: RecordLink, ctx: Context) -> parties.Party | None:
    kind, _, _ = link.key.kind.partition(":")
    key = int(link.key.source_key)
    if kind == "organization":
        organization = await parties.present_organization(key, ctx)
        return parties.organization_party(organization) if organization else None
    person = await parties.present_person(key, ctx)
    return parties.person_party(person) if person else None
