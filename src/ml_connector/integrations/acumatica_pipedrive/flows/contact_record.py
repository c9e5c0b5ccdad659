"""A contact in Acumatica: what it has of what is mapped, its account, the smallest change to it.

A contact follows its person to another organization, and the account before keeps nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive import mappings, party_mappings, targets
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import field_rules
from ml_connector.integrations.acumatica_pipedrive.flows.parties import is_gone
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_contact import LINK, found_of
from ml_connector.sync.flow import Found
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.sync.mapping.evaluation import evaluate
from ml_connector.sync.mapping.model import OnExisting
from ml_connector.sync.mapping.views import RecordView
from ml_connector.sync.writing_once import Written
from ml_connector.vendors.acumatica.drafts import ContactDraft, CustomerDraft
from ml_connector.vendors.acumatica.models import Contact
from ml_connector.vendors.pipedrive.models import Person

WHAT = "contact"
_ACCOUNT = "BusinessAccount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The customer or business account that a person belongs to."""

    key: str
    name: str | None


async def mapped_values(
    mapping: CompiledMapping, person: Person, ctx: Context, *, is_new: bool
) -> dict[str, Any]:
    """Return what Pipedrive has for a contact; the address in Acumatica's codes."""
    reads = {reference.source for rule in mapping.rules for reference in rule.references}
    organization = None
    if "organization" in reads and person.org_id is not None:
        organization = RecordView(await ctx.pipedrive.organization(person.org_id))
    sources = {"deal": None, "organization": organization, "person": RecordView(person)}
    found = dict(evaluate(mapping, sources).values)
    is_needed = is_new or mapping.ownership.get(targets.ADDRESS) is OnExisting.CRM_OWNS
    parts = field_rules.address_parts(
        mappings.mapped_address(found.pop(targets.ADDRESS, None)),
        of=person.name,
        ctx=ctx,
        is_needed=is_needed,
    )
    return found if parts is None else {**found, targets.ADDRESS: parts}


async def make(
    person: Person, account: Account, values: Mapping[str, Any], ctx: Context
) -> Written:
    """Make the contact of a person, once."""
    wanted = {**values, _ACCOUNT: account.key}
    reference = ctx.reference("person", person.id)
    draft = party_mappings.contact_draft(wanted, reference=reference)

    async def create() -> Found:
        written = await ctx.acumatica.create_contact(draft)
        field_rules.tell_differences(written.differences, ctx)
        return found_of(written.record)

    return await ctx.write_once(
        "contact",
        link=LINK,
        source_key=person.id,
        reference=reference,
        draft=mappings.draft_fields(draft),
        create=create,
        remember=field_rules.remembered(WHAT, wanted),
    )


async def bring_up_to_date(
    contact: Contact,
    wanted: Mapping[str, Any],
    account: Account | None,
    ctx: Context,
    *,
    mapping: CompiledMapping,
    link: RecordLink,
) -> Mapping[str, Any]:
    """Change what the rules let Pipedrive change, the account among it; return the changes."""
    present = await present_values(contact, mapping, ctx)
    before = present[_ACCOUNT]

    async def write(changes: Mapping[str, Any]) -> None:
        await ctx.acumatica.update_contact(contact, _changed(changes, account))

    rules = ctx.settings.persons
    changes = await field_rules.write_by_rules(
        field_rules.Comparison(
            what=WHAT,
            link=link,
            present=present,
            wanted={**wanted, **({_ACCOUNT: account.key} if account else {})},
            ownership={**mapping.ownership, _ACCOUNT: OnExisting.CRM_OWNS},
            follows=rules.made_by_us == "follow",
            on_conflict=rules.on_conflict,
            brake=rules.brake,
        ),
        write,
        ctx,
    )
    if account is None and before and await _was_left(before, ctx):
        # an empty value never clears a field by the rules; leaving an organization does
        left = await ctx.write_fields(
            side="erp",
            link=link,
            what=WHAT,
            present={_ACCOUNT: before},
            wanted={_ACCOUNT: None},
            apply=write,
            on_conflict=rules.on_conflict,
            brake=rules.brake,
        )
        changes = {**changes, **left}
    if before and _ACCOUNT in changes:
        await _leave_account(before, contact, link, ctx)
    return changes


async def present_values(
    contact: Contact, mapping: CompiledMapping, ctx: Context
) -> dict[str, Any]:
    """Return the values that a contact has of what is mapped."""
    named = {field.key for field in targets.CONTACT.fields}
    further = [key for key in mapping.ownership if key not in named]
    attributes = {f"{targets.ATTRIBUTE}{one.attribute_id}": one.value for one in contact.attributes}
    asked = [key for key in further if not key.startswith(targets.ATTRIBUTE)]
    key = str(contact.contact_id)
    values = await ctx.acumatica.values("Contact", key, asked) if asked else {}
    return {
        "FirstName": contact.first_name,
        "LastName": contact.last_name,
        "Email": contact.email,
        "Phone1": contact.phone1,
        "Phone1Type": contact.phone1_type,
        "Phone2": contact.phone2,
        "Phone2Type": contact.phone2_type,
        "JobTitle": contact.job_title,
        "ContactClass": contact.contact_class,
        _ACCOUNT: contact.business_account,
        # without an address of its own a contact shows its account's
        targets.ADDRESS: party_mappings.present_address(contact.address)
        if contact.override_account_address
        else None,
        **values,
        **attributes,
    }


def _changed(changes: Mapping[str, Any], account: Account | None) -> ContactDraft:
    draft = party_mappings.contact_draft(changes)
    if _ACCOUNT not in changes:
        return draft
    # the company's name stays on the contact otherwise, and with it the account before
    return structs.replace(draft, company_name=account.name if account else None)


async def _was_left(account: str, ctx: Context) -> bool:
    """Tell whether a person left an account; with an organization that is gone nobody leaves it."""
    holders = [
        link.key.source_key
        for kind in ("customer", "business_account")
        for link in await ctx.links_to(f"organization:{kind}", account)
    ]
    gone = [key for key in holders if await is_gone("organization", key, ctx)]
    return not holders or len(gone) < len(holders)


async def _leave_account(before: str, contact: Contact, link: RecordLink, ctx: Context) -> None:
    """Let the account before name another primary contact than one that has left it."""
    try:
        customer = await ctx.acumatica.customer(before)
    except NotFoundError:
        return  # a business account's primary contact goes with the contact's account
    if customer.primary_contact_id != contact.contact_id:
        return

    async def write(_changes: Mapping[str, Any]) -> None:
        await ctx.acumatica.update_customer(
            customer, CustomerDraft(fields={"PrimaryContactID": None})
        )

    await ctx.write_fields(
        side="erp",
        link=link,
        what=f"primary contact of {before}",
        present={"PrimaryContactID": customer.primary_contact_id},
        wanted={"PrimaryContactID": None},
        apply=write,
        on_conflict="overwrite",
    )
