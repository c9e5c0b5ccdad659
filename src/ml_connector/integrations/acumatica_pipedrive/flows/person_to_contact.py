"""A person and their contact, under the customer of their organization (ACU-06)."""

from __future__ import annotations

from typing import Any

from ml_connector.core.errors import HeldError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.fields import Mappings
from ml_connector.integrations.acumatica_pipedrive.flows import (
    contact_record,
    field_rules,
    gone,
    merging,
    party_customer,
    party_scope,
)
from ml_connector.integrations.acumatica_pipedrive.flows.contact_record import Account
from ml_connector.integrations.acumatica_pipedrive.flows.ensure_customer import INACTIVE
from ml_connector.integrations.acumatica_pipedrive.flows.parties import (
    person_party,
    present_person,
)
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_contact import (
    LINK,
    linked_contact,
    recognised_contact,
)
from ml_connector.integrations.acumatica_pipedrive.flows.show_owned import (
    changed_outcome,
    show_owned,
)
from ml_connector.sync.flow import Outcome, Worth
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.acumatica.models import Contact
from ml_connector.vendors.pipedrive.models import Person


async def run(person_key: str, ctx: Context) -> Outcome:
    """Bring a person and what they are in Acumatica together."""
    ctx.end_causes_of("person", person_key)
    await merging.take_over("person", ctx)
    person = await present_person(int(person_key), ctx)
    if person is None:
        return await gone.person_is_gone(int(person_key), ctx)
    ctx.also_known_as(person.name)
    link = await ctx.link(LINK, person.id)
    if link is not None:
        return await _follow(person, link, ctx)
    if person.org_id is None:
        return await _alone(person, ctx)
    refused = await party_scope.why_no_contact(person, ctx)
    if refused is not None:
        return Outcome.skipped(refused)
    account = await _account(person, ctx)
    if account is None:
        return Outcome.skipped(_no_account(person))
    return await _begin(person, account, ctx)


async def weigh(person_key: str, ctx: Context) -> Worth:
    """Return what keeps a person out of a first load, or that they are in it."""
    person = await present_person(int(person_key), ctx)
    if person is None:
        return Worth(refusal=f"person {person_key} is gone")
    return Worth(refusal=await refusal_of(person, ctx), moment=person.add_time)


async def refusal_of(person: Person, ctx: Context) -> str | None:
    """Return the first rule that keeps a person from becoming a contact, or None."""
    if await ctx.link(LINK, person.id) is not None:
        return None
    if await _account(person, ctx) is None:
        return _no_account(person)
    return await party_scope.why_no_contact(person, ctx)


def _no_account(person: Person) -> str:
    if person.org_id is None:
        return f"person {person.id} has no organization"
    return (
        f"person {person.id} becomes a contact once organization {person.org_id} is a customer or "
        "business account"
    )


async def _account(person: Person, ctx: Context) -> Account | None:
    link = await party_scope.account_link(person.org_id, ctx)
    return None if link is None else Account(key=link.target_key, name=link.target_name)


# A person alone ---------------------------------------------------------------------------------


async def _alone(person: Person, ctx: Context) -> Outcome:
    """Follow a private customer; make one by the rule; leave or hold all others (M-09)."""
    party = person_party(person)
    link = await ctx.link(party.link, party.key)
    if link is not None:
        return await party_customer.follow(party, link, ctx)
    may_be_customer = ctx.settings.customers.person_alone == "customer"
    refused = await party_scope.why_no_customer(person, ctx) if may_be_customer else None
    if may_be_customer and refused is None:
        return await party_customer.begin(party, ctx)
    if ctx.settings.persons.without_organization == "hold":
        raise HeldError(
            f"{person.name} has no organization; enter one, or let persons alone be left "
            "(persons.without_organization: leave)",
            waits_for=f"person:{person.id}",
        )
    return Outcome.skipped(refused.words if refused else _no_account(person))


# Contacts -----------------------------------------------------------------------------------------


async def _begin(person: Person, account: Account, ctx: Context) -> Outcome:
    compiled = await ctx.mappings()
    contact = await recognised_contact(person, account.key, ctx)
    if contact is not None:
        link = await ctx.link(LINK, person.id)
        if link is None:  # a dry run links nothing
            return Outcome(kind="planned", reason=f"{_called(contact)} would be linked")
        in_full = await ctx.acumatica.contact_in_full(str(contact.contact_id))
        return await _bring_together(person, in_full, link, compiled, ctx)
    if await party_scope.status_of(account.key, ctx) == INACTIVE:
        return Outcome.skipped(
            f"{account.key} ({account.name}) is inactive in Acumatica: no contact is added to it"
        )
    values = await contact_record.mapped_values(compiled.contact, person, ctx, is_new=True)
    made = await contact_record.make(person, account, values, ctx)
    if made.how == "planned":
        return Outcome(kind="planned", reason=f"a contact of {account.name} would be created")
    link = await ctx.link(LINK, person.id)
    if link is not None and made.how == "created":
        await ctx.remember(link, field_rules.said(await _said(person, compiled, ctx)))
    word = "created" if made.how == "created" else "found and linked"
    return Outcome.written(f"contact {made.key} ({person.name}) of {account.name} {word}")


async def _follow(person: Person, link: RecordLink, ctx: Context) -> Outcome:
    compiled = await ctx.mappings()
    merging.require_one(
        link,
        called=person.name,
        setting="persons.decided",
        decided=ctx.settings.persons.decided.get(f"person:{person.id}"),
    )
    if field_rules.is_said(link, await _said(person, compiled, ctx), ctx):
        return Outcome.unchanged(f"nothing of {person.name} that is mapped has changed")
    contact = await linked_contact(link, person, ctx)
    link = await ctx.link(LINK, person.id) or link
    return await _bring_together(person, contact, link, compiled, ctx)


async def _bring_together(
    person: Person, contact: Contact, link: RecordLink, compiled: Mappings, ctx: Context
) -> Outcome:
    if contact.active is False:
        ctx.note("contact_left_alone", key=contact.contact_id, because="it is inactive")
        return Outcome.unchanged(f"{_called(contact)} is inactive and left as it is")
    mapping = compiled.contact
    wanted = await contact_record.mapped_values(mapping, person, ctx, is_new=False)
    account = await _account(person, ctx)
    changes = await contact_record.bring_up_to_date(
        contact, wanted, account, ctx, mapping=mapping, link=link
    )
    shown = await show_owned(
        person, await contact_record.present_values(contact, mapping, ctx), mapping, link, ctx
    )
    await ctx.remember(link, field_rules.said(await _said(person, compiled, ctx)))
    changed = changed_outcome(changes, _called(contact), shown, person.name)
    return changed or Outcome.unchanged(f"{_called(contact)} is up to date")


async def _said(person: Person, compiled: Mappings, ctx: Context) -> dict[str, Any]:
    """Return everything that a run on this person depends on, beside what Acumatica has."""
    rules = ctx.settings.persons
    account = await _account(person, ctx)
    return {
        "values": await contact_record.mapped_values(compiled.contact, person, ctx, is_new=False),
        "owned": [person.name, person.emails, person.phones],
        "account": account.key if account else None,
        "mapping": compiled.contact.version,
        "rules": [rules.made_by_us, rules.on_conflict, rules.decided.get(f"person:{person.id}")],
    }


def _called(contact: Contact) -> str:
    return f"contact {contact.contact_id} ({contact.display_name})"
