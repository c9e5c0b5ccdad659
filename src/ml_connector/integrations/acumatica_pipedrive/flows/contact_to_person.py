"""A contact that changed in Acumatica: what Acumatica owns is shown on its person."""

from __future__ import annotations

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.crm_places import places_of
from ml_connector.integrations.acumatica_pipedrive.flows import contact_record, parties
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_contact import LINK
from ml_connector.integrations.acumatica_pipedrive.flows.show_owned import (
    show_owned,
    shown_outcome,
)
from ml_connector.sync.flow import Outcome


async def run(contact_id: str, ctx: Context) -> Outcome:
    """Show a contact's own fields on the person that it is."""
    ctx.end_causes_of("contact", contact_id)
    mapping = (await ctx.mappings()).contact
    if not places_of(mapping, "person"):
        return Outcome.skipped("Acumatica owns no field of contacts (on_existing: erp_owns)")
    links = await ctx.links_to(LINK, contact_id)
    if not links:
        return Outcome.skipped(f"contact {contact_id} is nobody's in Pipedrive")
    try:
        contact = await ctx.acumatica.contact_in_full(contact_id)
    except NotFoundError:
        return Outcome.skipped(f"contact {contact_id} is not in Acumatica any more")
    ctx.also_known_as(contact.display_name)
    values = await contact_record.present_values(contact, mapping, ctx)
    shown: list[str] = []
    for link in links:
        person = await parties.present_person(int(link.key.source_key), ctx)
        if person is not None:
            shown += await show_owned(person, values, mapping, link, ctx)
    return shown_outcome(shown, f"contact {contact_id}")
