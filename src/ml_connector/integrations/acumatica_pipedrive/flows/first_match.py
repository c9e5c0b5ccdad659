"""What Acumatica knows already of the organizations and persons of Pipedrive (P-17).

Read before the first load: a person looks at the list, corrects it, and confirms. Many records
are compared at a time, so that their searches share calls.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

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
from ml_connector.sync import matching
from ml_connector.sync.flow import Found, Match, MatchVerdict
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.acumatica.models import Contact
from ml_connector.vendors.pipedrive.models import Organization, Person

_AT_ONCE = 50  # records compared at the same time; a list takes up to 100 conditions

T = TypeVar("T")


async def organizations(ctx: Context) -> AsyncIterator[Match]:
    """Yield what is to be said of each organization that the scope takes."""
    people: dict[int, list[Person]] = defaultdict(list)
    async for person in ctx.pipedrive.persons():
        if person.org_id is not None:
            people[person.org_id].append(person)

    async def match(organization: Organization) -> Match | None:
        return await _organization(organization, people.get(organization.id, ()), ctx)

    async for found in _each(ctx.pipedrive.organizations(), match):
        yield found


async def persons(ctx: Context) -> AsyncIterator[Match]:
    """Yield what is to be said of each person of an organization that has an account."""
    contacts: dict[str, list[Contact]] = defaultdict(list)
    async for contact in ctx.acumatica.contacts():
        contacts[(contact.business_account or "").strip().upper()].append(contact)

    async def match(person: Person) -> Match | None:
        return await _person(person, contacts, ctx)

    async for found in _each(ctx.pipedrive.persons(), match):
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
        return _linked(link, party.name)
    scopes = (await ctx.mappings()).parties
    if scopes.organizations.refusal(party.sources()) is not None:
        return None
    decision, _ = await decide(party, ctx)
    verdict, candidates = _said(decision)
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
        return _linked(link, person.name)
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


def _linked(link: RecordLink, name: str) -> Match:
    target = Found(key=link.target_key, name=link.target_name)
    return Match(
        source_key=link.key.source_key,
        source_name=name,
        verdict="linked",
        candidates=(target,),
        because=f"is linked to {link.target_key}",
        link=link.key.kind,
    )


def _said(decision: matching.Decision) -> tuple[MatchVerdict, Sequence[matching.Party]]:
    """Return a decision in the words of the list."""
    match decision:
        case matching.Matched(party=party):
            return "matched", (party,)
        case matching.Proposal(parties=parties):
            return "proposed", parties
        case matching.Ambiguous(parties=parties):
            return "ambiguous", parties
        case matching.Taken(party=party):
            return "ambiguous", (party,)
        case matching.New():
            return "new", ()


async def _each(
    records: AsyncIterator[T], match: Callable[[T], Awaitable[Match | None]]
) -> AsyncIterator[Match]:
    """Yield the matches of all records, many of them compared at a time."""
    some: list[T] = []
    async for record in records:
        some.append(record)
        if len(some) == _AT_ONCE:
            for found in await _together(some, match):
                yield found
            some = []
    for found in await _together(some, match):
        yield found


async def _together(
    records: Sequence[T], match: Callable[[T], Awaitable[Match | None]]
) -> list[Match]:
    found = await asyncio.gather(*(match(record) for record in records))
    return [one for one in found if one is not None]
