"""The persons of an organization: they follow where it goes."""

from __future__ import annotations

from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.parties import Party

FLOW = "person_to_contact"


async def want_people_of(party: Party, ctx: Context) -> None:
    """Let the persons of an organization that has just become a customer become its contacts."""
    if party.kind != "organization" or not is_on(ctx):
        return
    people = party.people or tuple(
        [person async for person in ctx.pipedrive.persons(org_id=party.key)]
    )
    for person in people:
        ctx.want(FLOW, person.id, because=f"{party.name} has an account in Acumatica now")


def is_on(ctx: Context) -> bool:
    """Tell whether persons are followed at all: otherwise asking for them is a call for nothing."""
    switch = ctx.installation.flows.get(FLOW)
    return switch is not None and switch.is_on
