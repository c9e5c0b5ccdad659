"""The customer of a deal: known already, or made once (ACU-04, P-22, M-04, M-08)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from ml_connector.core.errors import HeldError
from ml_connector.integrations.acumatica_pipedrive import mappings, targets
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.parties import Party
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_customer import (
    found_of,
    linked_customer,
    recognised_customer,
)
from ml_connector.integrations.acumatica_pipedrive.flows.write_back import (
    plan_on_organization,
    show_on_organization,
)
from ml_connector.integrations.acumatica_pipedrive.settings import CustomerRules, HoldOrOnHold
from ml_connector.sync.flow import Found
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.sync.mapping.evaluation import evaluate
from ml_connector.sync.mapping.model import OnExisting
from ml_connector.sync.mapping.ownership import changes_for_existing
from ml_connector.sync.writing_once import Written
from ml_connector.vendors.acumatica.drafts import AccountContactDraft, AddressDraft, CustomerDraft
from ml_connector.vendors.acumatica.models import AccountContact, Customer
from ml_connector.vendors.pipedrive.models import Deal

_INACTIVE = "Inactive"
_ADDRESS = "Address"
"""The name under which an address as a whole is compared: parts of two are never mixed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealCustomer:
    """The customer that an order names."""

    key: str
    name: str
    needs_hold: bool
    """Its order begins on hold: the customer is on hold itself."""


async def ensure_customer(
    deal: Deal, party: Party, mapping: CompiledMapping, ctx: Context
) -> DealCustomer:
    """Return the party's customer, made if it is not there. Checks its standing before any write.

    Raises HeldError for an ambiguous match, an inactive customer, a currency it does not take.
    """
    link = await ctx.link(party.link, party.key)
    if link is not None:
        customer: Customer | None = await linked_customer(link, party, ctx)
    else:
        customer = await recognised_customer(party, ctx)
    if customer is not None:
        needs_hold = _standing(customer, ctx)
        _require_currency(customer, deal)
        await _update(customer, deal, party, mapping, ctx, is_new_link=link is None)
        await _show_number(party, ctx)
        name = customer.customer_name or party.name
        return DealCustomer(key=customer.customer_id, name=name, needs_hold=needs_hold)
    await _require_known_currency(deal, ctx)
    made = await _make(deal, party, mapping, ctx)
    if made.how == "planned" and party.organization is not None:
        await plan_on_organization(party.organization, ctx)
    elif made.how != "linked":  # else another run has just made it, and shows it itself
        await _show_number(party, ctx)
    return DealCustomer(key=made.key, name=party.name, needs_hold=False)


# Standing ---------------------------------------------------------------------------------------


def _standing(customer: Customer, ctx: Context) -> bool:
    """Check whether a new order may name the customer; return whether it begins on hold."""
    name = f"Customer {customer.customer_id} ({customer.customer_name})"
    cause = f"customer:{customer.customer_id}"
    status = customer.status
    if status == _INACTIVE:
        raise HeldError(
            f"{name} is {status} in Acumatica; a person there makes it active, or the deal gets "
            "another organization",
            waits_for=cause,
        )
    rule = _rule_for(status, ctx.settings.customers)
    if rule is None:
        return False
    setting, choice = rule
    if choice == "hold":
        raise HeldError(
            f"{name} is {status} in Acumatica; a person there changes that, or let its orders "
            f"begin on hold (customers.{setting}: order_on_hold)",
            waits_for=cause,
        )
    ctx.note("order_begins_on_hold", because=f"{name} is {status}")
    ctx.tell("standing", cause, f"{name} is {status}: its new orders begin on hold")
    return True


def _rule_for(status: str | None, rules: CustomerRules) -> tuple[str, HoldOrOnHold] | None:
    """Return which setting decides for a status, and how."""
    match status:
        case "On Hold":
            return "on_hold", rules.on_hold
        case "Credit Hold":
            return "on_credit_hold", rules.on_credit_hold
        case "One-Time":
            return "one_time", rules.one_time
        case _:
            return None


def _require_currency(customer: Customer, deal: Deal) -> None:
    own = customer.currency_id
    if own is None or own == deal.currency or customer.enable_currency_override:
        return
    raise HeldError(
        f"Deal {deal.id} is in {deal.currency}, but customer {customer.customer_id} takes {own} "
        "only; allow other currencies for it in Acumatica, or change the deal's currency",
        waits_for=f"customer:{customer.customer_id}",
    )


async def _require_known_currency(deal: Deal, ctx: Context) -> None:
    """Hold a deal for a new customer in a currency that the ERP does not have, before any write."""
    for is_fresh in (False, True):
        known = await ctx.acumatica.definitions.lookup_values("currencies", fresh=is_fresh)
        if any(one.value == deal.currency and one.is_active for one in known):
            return
    raise HeldError(
        f"Deal {deal.id} is in {deal.currency}, which is no active currency of Acumatica; activate "
        "it there, or change the deal's currency",
        waits_for=f"currency:{deal.currency}",
    )


# A customer that is there -------------------------------------------------------------------------


async def _update(
    customer: Customer,
    deal: Deal,
    party: Party,
    mapping: CompiledMapping,
    ctx: Context,
    *,
    is_new_link: bool,
) -> None:
    """Fill blanks of a customer that was just recognised; keep what the CRM owns as it is there."""
    ownership = _ownership(mapping)
    if not is_new_link and OnExisting.CRM_OWNS not in ownership.values():
        return
    in_full, present = await _present(customer, mapping, ctx)
    wanted = dict(evaluate(mapping, party.sources(deal)).values)
    address = mappings.address_draft(party.address, of=party.name, codes=ctx.settings.codes)
    if isinstance(address, AddressDraft):
        wanted[_ADDRESS] = mappings.draft_fields(address)
    decided = changes_for_existing(wanted, present, ownership)
    for kept in decided.kept:
        ctx.note("customer_field_kept", field=kept.field, value=kept.present, because=kept.words)
    link = await ctx.link(party.link, party.key)
    if not decided.changes or link is None:
        return

    async def write(changes: Mapping[str, Any]) -> None:
        await ctx.acumatica.update_customer(in_full, _changed_customer(changes, address))

    await ctx.write_fields(
        side="erp",
        link=link,
        what="customer",
        present=present,
        wanted=decided.changes,
        apply=write,
        on_conflict=ctx.settings.customers.on_conflict,
    )


def _ownership(mapping: CompiledMapping) -> dict[str, OnExisting]:
    """Return what may happen to each field of a customer that was there before."""
    return {
        name: OnExisting.NEVER if name in targets.SET_AT_CREATION_ONLY else rule
        for name, rule in mapping.ownership.items()
    }


async def _present(
    customer: Customer, mapping: CompiledMapping, ctx: Context
) -> tuple[Customer, dict[str, Any]]:
    """Return a customer in full, and the values that it has of what is mapped."""
    named = {field.key for field in targets.CUSTOMER.fields}
    further = [key for key in mapping.ownership if key not in named]
    in_full = await ctx.acumatica.customer_in_full(
        customer.customer_id, custom=[key for key in further if "." in key]
    )
    plain = [
        key for key in further if "." not in key and not key.startswith(targets.ATTRIBUTE)
    ]  # fmt: skip
    values = await ctx.acumatica.values("Customer", customer.customer_id, plain) if plain else {}
    attributes = {f"{targets.ATTRIBUTE}{one.attribute_id}": one.value for one in in_full.attributes}
    return in_full, {**_own_values(in_full), **in_full.custom, **values, **attributes}


def _own_values(customer: Customer) -> dict[str, Any]:
    contact = customer.main_contact or AccountContact()
    return {
        "CustomerName": customer.customer_name,
        "CustomerClass": customer.customer_class,
        "CurrencyID": customer.currency_id,
        "Terms": customer.terms,
        "TaxZone": customer.tax_zone,
        "StatementCycleID": customer.statement_cycle_id,
        "PriceClassID": customer.price_class_id,
        "Email": contact.email,
        "Phone": contact.phone1,
        "Attention": contact.attention,
        "WebSite": contact.web_site,
        "TaxRegistrationID": customer.tax_registration_id,
        "ShipVia": customer.ship_via,
        "WarehouseID": customer.warehouse_id,
        _ADDRESS: _present_address(contact),
    }


def _present_address(contact: AccountContact) -> dict[str, Any] | None:
    """Return the address, or None where there is none: a country alone comes from the class."""
    address = contact.address
    if address is None or not (address.address_line1 or address.city or address.postal_code):
        return None
    return {
        name: value
        for name in address.__struct_fields__
        if (value := getattr(address, name)) is not None
    }


def _changed_customer(changes: Mapping[str, Any], address: Any) -> CustomerDraft:
    values = {name: value for name, value in changes.items() if name != _ADDRESS}
    draft = mappings.customer_draft(
        values, reference="", address=address if _ADDRESS in changes else UNSET
    )
    contact = draft.main_contact
    is_contact_changed = isinstance(contact, AccountContactDraft) and bool(
        mappings.draft_fields(contact)
    )
    return msgspec.structs.replace(
        draft, account_ref=UNSET, main_contact=contact if is_contact_changed else UNSET
    )


# A new customer -----------------------------------------------------------------------------------


async def _make(deal: Deal, party: Party, mapping: CompiledMapping, ctx: Context) -> Written:
    if not ctx.settings.customers.create:
        raise HeldError(
            f"{party.name} has no customer in Acumatica, and creating is switched off "
            "(customers.create); enter it there",
            waits_for=f"match:{party.subject}",
        )
    values = evaluate(mapping, party.sources(deal)).values
    draft = mappings.customer_draft(
        {"CustomerName": party.name, **values},
        reference=party.reference(ctx),
        address=mappings.address_draft(party.address, of=party.name, codes=ctx.settings.codes),
    )

    async def create() -> Found:
        written = await ctx.acumatica.create_customer(draft)
        for difference in written.differences:
            ctx.note(
                "field_not_taken_over",
                field=difference.path,
                sent=difference.sent,
                returned=difference.returned,
            )
        return found_of(written.record)

    return await ctx.write_once(
        "customer",
        link=party.link,
        source_key=party.key,
        reference=party.reference(ctx),
        draft=mappings.draft_fields(draft),
        create=create,
    )


async def _show_number(party: Party, ctx: Context) -> None:
    link = await ctx.link(party.link, party.key)
    if link is not None and party.organization is not None:
        await show_on_organization(party.organization, link, ctx)
