"""Which organizations are vendors already, before anything moves (P-17)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator

from ml_connector.integrations.from_pipedrive import surveying
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.integrations.sage_intacct_pipedrive.flows import organization_to_vendor
from ml_connector.integrations.sage_intacct_pipedrive.flows.recognise_vendor import (
    LINK,
    decide,
    found_of,
)
from ml_connector.sync.flow import Found, Match
from ml_connector.sync.mapping.views import RecordView
from ml_connector.vendors.pipedrive.models import Organization, Person


async def matches(ctx: Context) -> AsyncIterator[Match]:
    """Yield what is to be said of each organization that the scope takes."""
    contacts: dict[int, list[Person]] = defaultdict(list)
    async for person in ctx.pipedrive.persons():
        if person.org_id is not None:
            contacts[person.org_id].append(person)

    async def match(organization: Organization) -> Match | None:
        people = contacts.get(organization.id, [])
        return await _match(organization, min(people, key=lambda one: one.id, default=None), ctx)

    async for found in surveying.each(ctx.pipedrive.organizations(), match):
        yield found


async def look_up(key: str, ctx: Context) -> Found | None:
    """Return the vendor that a person has chosen."""
    found = await ctx.intacct.find_vendor(key)
    return None if found is None else found_of(found)


async def _match(organization: Organization, person: Person | None, ctx: Context) -> Match | None:
    """Match an organization; None for one that is neither there nor would be made."""
    link = await ctx.link(LINK, organization.id)
    if link is not None:
        return surveying.linked(link, organization.name)
    scope = (await ctx.mappings()).organizations
    if scope.refusal({"organization": RecordView(organization)}) is not None:
        return None
    decision = await decide(organization, person, ctx)
    verdict, candidates = surveying.said(decision)
    if verdict == "new" and await organization_to_vendor.refusal_of(organization, ctx) is not None:
        return None
    return Match(
        source_key=str(organization.id),
        source_name=organization.name,
        verdict=verdict,
        candidates=tuple(Found(key=one.key, name=one.name) for one in candidates),
        because=decision.words,
        link=LINK,
        may_share=ctx.settings.vendors.may_share,
    )
