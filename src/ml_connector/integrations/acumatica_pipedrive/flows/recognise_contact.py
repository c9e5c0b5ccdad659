"""Which contact of an account a person is already: by a person's word, reference, e-mail, name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ml_connector.core.errors import HeldError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive import party_mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import parties
from ml_connector.integrations.acumatica_pipedrive.flows.decisions import NEW, decided_contact
from ml_connector.integrations.acumatica_pipedrive.flows.party_scope import account_link
from ml_connector.sync.flow import Found
from ml_connector.sync.links import RecordLink
from ml_connector.sync.matching import normal_name
from ml_connector.vendors.acumatica.models import Contact
from ml_connector.vendors.pipedrive.models import Person

LINK = "person:contact"


async def linked_contact(link: RecordLink, person: Person, ctx: Context) -> Contact:
    """Return the contact that a link leads to; another one if a person has decided so since."""
    decided = ctx.settings.persons.decided.get(f"person:{person.id}")
    if decided not in {None, NEW, link.target_key}:
        contact = await _decided_contact(str(decided), person, ctx)
        await ctx.repoint(link, found_of(contact), because="decided by a person")
        return contact
    try:
        return await ctx.acumatica.contact_in_full(link.target_key)
    except NotFoundError as exc:
        raise HeldError(
            f"{person.name} is linked to contact {link.target_key}, which is not in Acumatica any "
            f"more; name another one under persons.decided, as person:{person.id}: 100196",
            waits_for=f"contact:{link.target_key}",
        ) from exc


async def recognised_contact(person: Person, account: str, ctx: Context) -> Contact | None:
    """Return the contact that is this person, and link it; None where a new one is to be made.

    Raises HeldError where a person has to say which, with the candidates named.
    """
    decided = await decided_contact(person.id, ctx)
    if decided not in {None, NEW}:
        contact = await _decided_contact(str(decided), person, ctx)
        await ctx.adopt(LINK, person.id, found_of(contact), because="decided by a person")
        return contact
    by_reference = await _by_reference(ctx.reference("person", person.id), ctx)
    if len(by_reference) == 1:
        await ctx.adopt(LINK, person.id, found_of(by_reference[0]), because="our reference")
        return by_reference[0]
    if decided == NEW or by_reference:  # several are held when one would be written
        return None
    free = await free_contacts(await ctx.acumatica.contacts_of(account), person, ctx)
    recognised = recognise(person, free, by_name=ctx.settings.persons.match_by_name)
    if recognised.verdict == "new":
        return None
    if recognised.verdict != "matched":
        raise HeldError(
            f"In the same account {recognised.because} (under persons.decided, as "
            f"person:{person.id}: the contact's id, or {NEW})",
            waits_for=f"match:person:{person.id}",
        )
    (contact,) = recognised.contacts
    await ctx.adopt(LINK, person.id, found_of(contact), because=recognised.because)
    return contact


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What is to be said of a person beside the contacts of their account."""

    verdict: Literal["matched", "proposed", "ambiguous", "new"]
    contacts: Sequence[Contact] = ()
    because: str


def recognise(person: Person, contacts: Sequence[Contact], *, by_name: bool) -> Recognised:
    """Return which contact of an account a person is: by e-mail address, or perhaps by name."""
    addresses = {point.value.strip().casefold() for point in person.emails if point.value}
    found = [one for one in contacts if (one.email or "").strip().casefold() in addresses]
    if len(found) == 1:
        return Recognised(
            verdict="matched", contacts=found, because=f"has the e-mail address {found[0].email}"
        )
    if found:
        words = f"{_listed(found)} have an e-mail address of {person.name}; say which"
        return Recognised(verdict="ambiguous", contacts=found, because=words)
    found = [one for one in contacts if _has_same_name(one, person)]
    if not found:
        return Recognised(verdict="new", because="no contact of the account agrees")
    if by_name and len(found) == 1 and _agrees_further(found[0], person):
        words = "has the name, and the telephone or job title agrees"
        return Recognised(verdict="matched", contacts=found, because=words)
    words = f"{_listed(found)} may be {person.name} by name; confirm or refuse"
    return Recognised(verdict="proposed", contacts=found, because=words)


async def find_contacts(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every contact that carries a reference of ours.

    Where the endpoint has no field for it, a contact of the account that agrees in name, e-mail
    address and telephone counts.
    """
    if ctx.acumatica.has_contact_references:
        return [found_of(one) for one in await _by_reference(reference, ctx)]
    person = await parties.present_person(int(reference.rpartition("-")[2]), ctx)
    account = await account_link(person.org_id, ctx) if person else None
    if person is None or account is None:
        return []
    free = await free_contacts(await ctx.acumatica.contacts_of(account.target_key), person, ctx)
    return [found_of(one) for one in free if _is_the_same(one, person)]


def found_of(contact: Contact) -> Found:
    """Return a contact as record links carry it."""
    return Found(key=str(contact.contact_id), name=contact.display_name)


async def _decided_contact(contact_id: str, person: Person, ctx: Context) -> Contact:
    try:
        return await ctx.acumatica.contact_in_full(contact_id)
    except NotFoundError as exc:
        raise HeldError(
            f"persons.decided names contact {contact_id} for person:{person.id}, but Acumatica "
            "has none of that id; correct it",
            waits_for=f"setting:persons.decided:person:{person.id}",
        ) from exc


async def _by_reference(reference: str, ctx: Context) -> Sequence[Contact]:
    if not ctx.acumatica.has_contact_references:
        return ()
    return await ctx.acumatica.contacts_by_reference(reference)


async def free_contacts(contacts: Sequence[Contact], person: Person, ctx: Context) -> list[Contact]:
    """Return the contacts that are no other living person's."""
    found = []
    for contact in contacts:
        links = await ctx.links_to(LINK, str(contact.contact_id))
        others = [each.key.source_key for each in links if each.key.source_key != str(person.id)]
        gone = [key for key in others if await parties.is_gone("person", key, ctx)]
        if len(gone) == len(others):
            found.append(contact)
    return found


def _listed(contacts: Sequence[Contact]) -> str:
    return ", ".join(f"{one.contact_id} ({one.display_name}, {one.email})" for one in contacts)


def _has_same_name(contact: Contact, person: Person) -> bool:
    return _words(f"{contact.first_name or ''} {contact.last_name or ''}") == _words(person.name)


def _words(name: str) -> list[str]:
    """Return a name's words in any order: Acumatica shows 'Voss, Jana'."""
    return sorted(re.split(r"\s+", normal_name(name)))


def _agrees_further(contact: Contact, person: Person) -> bool:
    has_phone = any(
        party_mappings.same_phone(contact.phone1 or "", point.value) for point in person.phones
    )
    is_title = bool(person.job_title) and contact.job_title == person.job_title
    return has_phone or is_title


def _is_the_same(contact: Contact, person: Person) -> bool:
    emails = {point.value.strip().casefold() for point in person.emails if point.value}
    email = (contact.email or "").strip().casefold()
    phones = [point.value for point in person.phones if point.value]
    has_phone = (
        any(party_mappings.same_phone(contact.phone1, each) for each in phones)
        if contact.phone1
        else not phones
    )
    return (
        _has_same_name(contact, person) and (email in emails if email else not emails) and has_phone
    )
