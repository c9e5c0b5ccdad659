"""Which customer a deal's party is already: by link, by a person's word, by first match (P-17)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ml_connector.core.countries import UnknownCountryError
from ml_connector.core.errors import HeldError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive import mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.decisions import (
    NEW,
    SKIP,
    decided_customer,
)
from ml_connector.integrations.acumatica_pipedrive.flows.parties import Party, is_gone
from ml_connector.integrations.acumatica_pipedrive.settings import Codes
from ml_connector.sync import matching
from ml_connector.sync.flow import Found
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.acumatica.models import Customer
from ml_connector.vendors.pipedrive.models import Address

_SHORTEST_START = 3  # letters of a name's first word; fewer would find half of the customers
_MOST_READ_IN_FULL = 5  # candidates whose address is worth a call each


async def linked_customer(link: RecordLink, party: Party, ctx: Context) -> Customer:
    """Return the customer that a link leads to; another one if a person has decided so since."""
    decided = ctx.settings.customers.decided.get(party.subject)
    if decided not in {None, NEW, link.target_key}:
        customer = await _decided_customer(str(decided), party, ctx)
        await ctx.repoint(link, found_of(customer), because="decided by a person")
        return customer
    try:
        return await ctx.acumatica.customer(link.target_key)
    except NotFoundError as exc:
        raise HeldError(
            f"{party.name} is linked to customer {link.target_key}, which is not in Acumatica any "
            f"more; name another one under customers.decided, as {party.subject}: C000123",
            waits_for=f"customer:{link.target_key}",
        ) from exc


async def recognised_customer(party: Party, ctx: Context) -> Customer | None:
    """Return the customer that is this party, and link it; None where a new one is to be made.

    Raises HeldError where a person has to say which, or whether, with the candidates named.
    """
    decided = await decided_customer(party.kind, party.key, ctx)
    if decided == NEW:
        ctx.note("customer_is_new", because="decided by a person")
        return await _by_our_reference(party, ctx)
    if decided not in {None, SKIP}:
        customer = await _decided_customer(decided, party, ctx)
        await ctx.adopt(party.link, party.key, found_of(customer), because="decided by a person")
        return customer
    decision, customers = await decide(party, ctx)
    match decision:
        case matching.Matched(party=found):
            customer = next(one for one in customers if one.customer_id == found.key)
            await ctx.adopt(party.link, party.key, found_of(customer), because=decision.words)
            return customer
        case matching.New():
            ctx.note("no_customer_matches", words=decision.words)
            await _require_free_name(party, ctx)
            await _require_no_inheritance(party, ctx)
            return None
        case _:
            raise HeldError(
                f"The customer of {party.name}: {decision.words}{_taken_words(decision, party)} "
                f"(under customers.decided, as {party.subject}: the customer's id, or {NEW})",
                waits_for=f"match:{party.subject}",
            )


async def decide(party: Party, ctx: Context) -> tuple[matching.Decision, Sequence[Customer]]:
    """Return which customer a party is by what both sides know of it, and the candidates."""
    wanted = _wanted(party, ctx, await _tax_number(party, ctx))
    customers = await _candidates(wanted, ctx)
    return await _decision(customers, wanted, party, ctx), customers


def found_of(customer: Customer) -> Found:
    """Return a customer as record links carry it."""
    return Found(key=customer.customer_id, name=customer.customer_name)


async def find_customers(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every customer that carries a reference of ours."""
    found = await ctx.acumatica.customers_by_account_ref(reference)
    return [found_of(customer) for customer in found]


async def _decided_customer(customer_id: str, party: Party, ctx: Context) -> Customer:
    try:
        return await ctx.acumatica.customer(customer_id)
    except NotFoundError as exc:
        raise HeldError(
            f"customers.decided names customer {customer_id} for {party.subject}, but Acumatica "
            "has none of that id; correct it",
            waits_for=f"setting:customers.decided:{party.subject}",
        ) from exc


async def _by_our_reference(party: Party, ctx: Context) -> Customer | None:
    """Return the customer that we have made: a lost answer must not make it twice."""
    found = await ctx.acumatica.customers_by_account_ref(party.reference(ctx))
    if len(found) != 1:
        return None  # none, or several, which the writing-once primitive holds
    await ctx.adopt(party.link, party.key, found_of(found[0]), because="carries our reference")
    return found[0]


# Candidates -----------------------------------------------------------------------------------


async def _candidates(wanted: matching.Party, ctx: Context) -> list[Customer]:
    """Return the customers that could be this one, each once."""
    client = ctx.acumatica
    by_domain = wanted.domains if ctx.settings.customers.match_by_email_domain else ()
    found = await asyncio.gather(
        client.customers_by_account_ref(wanted.external_reference or ""),
        _named_alike(wanted.name, ctx),
        *(client.customers_by_tax_registration_id(text) for text in _spellings(wanted)),
        *(client.customers_by_email_domain(domain) for domain in sorted(by_domain)),
    )
    return list({one.customer_id: one for several in found for one in several}.values())


async def _named_alike(name: str, ctx: Context) -> Sequence[Customer]:
    """Return customers of the same name, however it is spaced and punctuated."""
    start = re.match(r"\w+", name.strip())
    if start is None or len(start[0]) < _SHORTEST_START:
        return await ctx.acumatica.customers_by_name(name)
    normal = matching.normal_name(name)
    found = await ctx.acumatica.customers_by_name_start(start[0])
    return [one for one in found if matching.normal_name(one.customer_name or "") == normal]


def _spellings(wanted: matching.Party) -> list[str]:
    """Return the ways in which a tax number may stand in the ERP, which finds exact texts only."""
    found = dict.fromkeys(text.strip() for text in wanted.tax_numbers)
    for number in wanted.tax:
        found |= dict.fromkeys((number.number, f"{number.country or ''}{number.number}"))
    return [text for text in found if text]


def _wanted(party: Party, ctx: Context, tax_number: str | None) -> matching.Party:
    person, address = party.person, party.address
    further = {
        "postal code": address.postal_code if address else None,
        "phone": person.phones[0].value if person and person.phones else None,
        "website": party.organization.website if party.organization else None,
    }
    return matching.Party(
        key=str(party.key),
        name=party.name,
        country=_country(address, ctx.settings.codes),
        external_reference=party.reference(ctx),
        tax_numbers=(tax_number,) if tax_number else (),
        emails=tuple(
            point.value
            for each in (*((person,) if person else ()), *party.people)
            for point in each.emails
        ),
        further={name: value for name, value in further.items() if value},
    )


async def _tax_number(party: Party, ctx: Context) -> str | None:
    if ctx.settings.customers.tax_number_field is None or party.organization is None:
        return None
    key = (await ctx.mappings()).named_fields.get("customers.tax_number_field")
    found = party.organization.custom_fields.get(key) if key else None
    return str(found) if found else None


# The decision ---------------------------------------------------------------------------------


async def _decision(
    customers: Sequence[Customer], wanted: matching.Party, party: Party, ctx: Context
) -> matching.Decision:
    rules = ctx.settings.customers
    details = await _details(customers, wanted, ctx)
    parties = [_as_party(one, details) for one in customers]
    parties = await asyncio.gather(*(_with_link(one, party, ctx) for one in parties))
    return matching.decide(
        parties,
        wanted,
        matching.MatchingRules(
            by_email_domain=rules.match_by_email_domain,
            automatic_by_name=rules.match_by_name,
            may_share=rules.may_share,
        ),
    )


async def _details(
    customers: Sequence[Customer], wanted: matching.Party, ctx: Context
) -> Mapping[str, Customer]:
    """Read addresses where they can decide: of those that agree by name or e-mail only."""
    if any(one.account_ref == wanted.external_reference for one in customers):
        return {}
    few = customers[:_MOST_READ_IN_FULL]
    found = await asyncio.gather(*(ctx.acumatica.customer_in_full(one.customer_id) for one in few))
    return {one.customer_id: one for one in found}


def _taken_words(decision: matching.Decision, party: Party) -> str:
    """Name the parties that are linked to the candidates already."""
    if not isinstance(decision, matching.Ambiguous | matching.Proposal):
        return ""
    taken = [
        f"; {each.key} is the customer of {party.kind} {each.taken_by} already"
        for each in decision.parties
        if each.taken_by is not None
    ]
    return "".join(taken)


def _as_party(customer: Customer, details: Mapping[str, Customer]) -> matching.Party:
    contact = (details.get(customer.customer_id) or customer).main_contact
    address = contact.address if contact else None
    further = {
        "postal code": address.postal_code if address else None,
        "phone": contact.phone1 if contact else None,
        "website": contact.web_site if contact else None,
    }
    # A country alone may be the default of the customer's class, and says nothing then.
    is_told = address is not None and (address.city or address.postal_code)
    return matching.Party(
        key=customer.customer_id,
        name=customer.customer_name or "",
        country=address.country if address and is_told else None,
        external_reference=customer.account_ref,
        tax_numbers=(customer.tax_registration_id,) if customer.tax_registration_id else (),
        emails=(customer.email,) if customer.email else (),
        further={name: value for name, value in further.items() if value},
    )


async def _with_link(candidate: matching.Party, party: Party, ctx: Context) -> matching.Party:
    """Say whose customer a candidate is already; a party that is gone holds nothing."""
    for link in await ctx.links_to(party.link, candidate.key):
        taken_by = link.key.source_key
        if taken_by == str(party.key):
            continue
        if await is_gone(party.kind, taken_by, ctx):
            ctx.note("party_before_is_gone", customer=candidate.key, party=taken_by)
            continue
        return replace(candidate, taken_by=taken_by)
    return candidate


def _country(address: Address | None, codes: Codes) -> str | None:
    """Return the party's country for matching; one that cannot be read agrees with none."""
    try:
        country = mappings.country_of(address, codes)
    except UnknownCountryError:
        return None
    return country.iso2 if country else None


async def _require_no_inheritance(party: Party, ctx: Context) -> None:
    """Hold a party whose people are contacts of a customer whose organization is gone.

    They may have been merged, which not every event tells (`merging.py`).
    """
    people = (*((party.person,) if party.person else ()), *party.people)
    for person in people if party.kind == "organization" else ():
        contact = await ctx.link("person:contact", person.id)
        account = contact.written.get("contact.BusinessAccount") if contact else None
        holders = await ctx.links_to(party.link, str(account)) if account else []
        gone = [
            each.key.source_key
            for each in holders
            if await is_gone(party.kind, each.key.source_key, ctx)
        ]
        if gone and len(gone) == len(holders):
            raise HeldError(
                f"{person.name} of {party.name} is a contact of customer {account}, whose "
                f"organization {gone[0]} is gone; say whether {party.name} is that customer now "
                f"(under customers.decided, as {party.subject}: {account}, or {NEW})",
                waits_for=f"match:{party.subject}",
            )


async def _require_free_name(party: Party, ctx: Context) -> None:
    """Hold a party that Acumatica knows already as a prospect or vendor, and not as a customer.

    Business accounts and customers share their numbers: a second account would stand beside it.
    """
    if not ctx.settings.customers.create:
        return
    own = await ctx.link(party.prospect_link, party.key)
    found = [
        one
        for one in await ctx.acumatica.business_accounts_by_name(party.name)
        if "customer" not in (one.type or "").casefold()  # also "Customer & Vendor"
        and (own is None or own.target_key != one.business_account_id)
    ]
    if not found:
        return
    listed = ", ".join(f"{one.business_account_id} ({one.type or 'unknown'})" for one in found)
    raise HeldError(
        f"Acumatica has {party.name} as business account {listed}, but not as a customer; extend "
        f"it to a customer there, or say that it is another one (customers.decided, as "
        f"{party.subject}: {NEW})",
        waits_for=f"match:{party.subject}",
    )
