"""What Acumatica knows already of the organizations and persons of Pipedrive (P-17).

Read before the first load: a person looks at the list, corrects it, and confirms. Many records
are compared at a time, so that their searches share calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import (
    organization_to_customer,
    party_scope,
)
from ml_connector.integrations.acumatica_pipedrive.flows.parties import organization_party
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_contact import (
    LINK,
    free_contacts,
    recognise,
)
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_contact import (
    found_of as found_contact,
)
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_customer import (
    decide,
    found_of,
)
from ml_connector.integrations.from_pipedrive import surveying
from ml_connector.sync.flow import Found, Match
from ml_connector.vendors.acumatica.models import Contact
from ml_connector.vendors.pipedrive.models import Organization, Person


async def organizations(ctx: Context) -> AsyncIterator[Match]:
    """Yield what is to be said of each organization that the scope takes."""
    people: dict[int, list[Person]] = defaultdict(list)
    async for person in ctx.pipedrive.persons():
        if person.org_id is not None:
            people[person.org_id].append(person)

    async def match(organization: Organization) -> Match | None:
        return await _organization(organization, people.get(organization.id, ()), ctx)

    async for found in surveying.each(ctx.pipedrive.organizations(), match):
        yield found


async def persons(ctx: Context) -> AsyncIterator[Match]:
    """Yield what is to be said of each person of an organization that has an account."""
    contacts: dict[str, list[Contact]] = defaultdict(list)
    async for contact in ctx.acumatica.contacts():
        contacts[(contact.business_account or "").strip().upper()].append(contact)

    async def match(person: Person) -> Match | None:
        return await _person(person, contacts, ctx)

    async for found in surveying.each(ctx.pipedrive.persons(), match):
        yield found


async def look_up_customer(key: str, ctx: Context) -> Found | None:
    """Return the customer that a person has chosen."""
    try:
        return found_of(await ctx.acumatica.customer(key))
    except NotFoundError:
        return None


async def look_up_contact(key: str, ctx: Context) -> Found | None:
    """Return the contact that a person has chosen."""
    try:
        return found_contact(await ctx.acumatica.contact(key))
    except NotFoundError:
        return None


async def _organization(
    organization: Organization, people: Sequence[Person], ctx: Context
) -> Match | None:
    """Match an organization; None for one that is neither there nor would be made."""
    party = replace(organization_party(organization), people=tuple(people))
    link = await ctx.link(party.link, party.key)
    if link is not None:
        return surveying.linked(link, party.name)
    scopes = (await ctx.mappings()).parties
    if scopes.organizations.refusal(party.sources()) is not None:
        return None
    decision, _ = await decide(party, ctx)
    verdict, candidates = surveying.said(decision)
    is_new = verdict == "new"
    if is_new and await organization_to_customer.refusal_of(organization, ctx) is not None:
        return None
    return Match(
        source_key=str(party.key),
        source_name=party.name,
        verdict=verdict,
        candidates=tuple(Found(key=one.key, name=one.name) for one in candidates),
        because=decision.words,
        link=party.link,
    )


async def _person(
    person: Person, contacts: Mapping[str, Sequence[Contact]], ctx: Context
) -> Match | None:
    """Match a person; None for one that would not become a contact."""
    link = await ctx.link(LINK, person.id)
    if link is not None:
        return surveying.linked(link, person.name)
    account = await party_scope.account_link(person.org_id, ctx)
    if account is None or await party_scope.why_no_contact(person, ctx) is not None:
        return None
    of_account = contacts.get(account.target_key.strip().upper(), ())
    free = await free_contacts(of_account, person, ctx)
    found = recognise(person, free, by_name=ctx.settings.persons.match_by_name)
    return Match(
        source_key=str(person.id),
        source_name=person.name,
        verdict=found.verdict,
        candidates=tuple(found_contact(one) for one in found.contacts),
        because=found.because,
        link=LINK,
    )
