"""An organization that is no customer yet, as a business account of type prospect (ACU-06)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.core.errors import HeldError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive import mappings, party_mappings, targets
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import (
    customer_record,
    field_rules,
    people,
)
from ml_connector.integrations.acumatica_pipedrive.flows.decisions import NEW, decided_customer
from ml_connector.integrations.acumatica_pipedrive.flows.ensure_customer import INACTIVE
from ml_connector.integrations.acumatica_pipedrive.flows.parties import Party
from ml_connector.integrations.acumatica_pipedrive.flows.prospects import account_found
from ml_connector.sync.flow import Found, Outcome
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.vendors.acumatica.models import BusinessAccount, BusinessAccountContact

_PROSPECT = "business_account"
"""Under which a link remembers what was written to its business account."""

_FIELDS = ("CustomerName", "Email", "Phone", "Attention", "WebSite", targets.ADDRESS)
"""What a business account has of what is mapped for customers."""


async def begin(party: Party, ctx: Context) -> Outcome:
    """Make a business account of an organization, once."""
    values = _values((await ctx.mappings()).customer, party, ctx, is_new=True)
    await _require_free_name(party, ctx)
    draft = party_mappings.business_account_draft(values, reference=party.reference(ctx))

    async def create() -> Found:
        written = await ctx.acumatica.create_business_account(draft)
        field_rules.tell_differences(written.differences, ctx)
        return account_found(written.record)

    made = await ctx.write_once(
        "business_account",
        link=party.prospect_link,
        source_key=party.key,
        reference=party.reference(ctx),
        draft=mappings.draft_fields(draft),
        create=create,
        remember=field_rules.remembered(_PROSPECT, values),
    )
    await people.want_people_of(party, ctx)
    if made.how == "planned":
        return Outcome(kind="planned", reason=f"{party.name} would become a prospect")
    return Outcome.written(f"business account {made.key} ({party.name}) {made.how}")


async def follow(party: Party, link: RecordLink, ctx: Context) -> Outcome:
    """Bring the business account up to the organization."""
    mapping = customer_record.of_party_alone((await ctx.mappings()).customer, party)
    wanted = _values(mapping, party, ctx, is_new=False)
    said = {"values": wanted, "mapping": mapping.version}
    if field_rules.is_said(link, said, ctx):
        return Outcome.unchanged(f"nothing of {party.name} that is mapped has changed")
    try:
        account = await ctx.acumatica.business_account_in_full(link.target_key)
    except NotFoundError as exc:
        raise HeldError(
            f"{party.name} is linked to business account {link.target_key}, which is not in "
            "Acumatica any more; enter it there again, or win a deal of the organization",
            waits_for=f"business_account:{link.target_key}",
        ) from exc
    called = f"business account {account.business_account_id} ({account.name})"
    if account.status == INACTIVE:
        return Outcome.unchanged(f"{called} is inactive and left as it is")

    async def write(changes: Mapping[str, Any]) -> None:
        await ctx.acumatica.update_business_account(
            account, party_mappings.business_account_draft(changes)
        )

    changes = await field_rules.write_by_rules(
        field_rules.Comparison(
            what=_PROSPECT,
            link=link,
            present=_present(account),
            wanted=wanted,
            ownership=customer_record.ownership_of(mapping),
            follows=ctx.settings.organizations.made_by_us == "follow",
            on_conflict=ctx.settings.customers.on_conflict,
            brake=ctx.settings.organizations.brake,
        ),
        write,
        ctx,
    )
    await ctx.remember(link, field_rules.said(said))
    if changes:
        return Outcome.written(f"changed: {', '.join(changes)} of {called}")
    return Outcome.unchanged(f"{called} is up to date")


def _values(
    mapping: CompiledMapping, party: Party, ctx: Context, *, is_new: bool
) -> dict[str, Any]:
    found = customer_record.mapped_values(mapping, party, None, ctx, is_new=is_new)
    return {name: value for name, value in found.items() if name in _FIELDS}


def _present(account: BusinessAccount) -> dict[str, Any]:
    contact = account.main_contact or BusinessAccountContact()
    return {
        "CustomerName": account.name,
        "Email": contact.email,
        "Phone": contact.phone1,
        "Attention": contact.attention,
        "WebSite": contact.web,
        targets.ADDRESS: party_mappings.present_address(account.main_address),
    }


async def _require_free_name(party: Party, ctx: Context) -> None:
    """Hold an organization whose name a party of Acumatica has already."""
    if await decided_customer(party.kind, party.key, ctx) == NEW:
        return
    found = [
        one
        for one in await ctx.acumatica.business_accounts_by_name(party.name)
        if one.account_ref != party.reference(ctx)
    ]
    if not found:
        return
    listed = ", ".join(f"{one.business_account_id} ({one.type or 'unknown'})" for one in found)
    raise HeldError(
        f"Acumatica has {party.name} as business account {listed}; say whether they are the same "
        f"(customers.decided, as {party.subject}: the account's id once it is a customer, or "
        f"{NEW})",
        waits_for=f"match:{party.subject}",
    )
