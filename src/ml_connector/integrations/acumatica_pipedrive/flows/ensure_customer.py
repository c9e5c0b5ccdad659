"""The customer of a deal: known already, or made once (ACU-04, P-22, M-04, M-08)."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.core.errors import HeldError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import people
from ml_connector.integrations.acumatica_pipedrive.flows.customer_record import (
    WHAT,
    bring_up_to_date,
    make,
    mapped_values,
    ownership_of,
)
from ml_connector.integrations.acumatica_pipedrive.flows.parties import Party
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_customer import (
    linked_customer,
    recognised_customer,
)
from ml_connector.integrations.acumatica_pipedrive.flows.write_back import (
    plan_on_organization,
    show_on_organization,
)
from ml_connector.integrations.acumatica_pipedrive.settings import CustomerRules, HoldOrOnHold
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.sync.mapping.model import OnExisting
from ml_connector.vendors.acumatica.models import Customer
from ml_connector.vendors.pipedrive.models import Deal

INACTIVE = "Inactive"


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
    if link is None:
        # Deals of one organization come together: what the first makes the others take.
        async with ctx.turn(party.link, party.key) as is_first:
            if is_first:
                return await _known_or_made(None, deal, party, mapping, ctx)
        link = await ctx.link(party.link, party.key)
        if link is not None and _was_made_for(deal, link):
            return DealCustomer(
                key=link.target_key, name=link.target_name or party.name, needs_hold=False
            )
    return await _known_or_made(link, deal, party, mapping, ctx)


def _was_made_for(deal: Deal, link: RecordLink) -> bool:
    """Tell whether a customer that was not there a moment ago is new, and in a deal's currency."""
    return link.origin == "created" and link.written.get(f"{WHAT}.CurrencyID") == deal.currency


async def _known_or_made(
    link: RecordLink | None, deal: Deal, party: Party, mapping: CompiledMapping, ctx: Context
) -> DealCustomer:
    if link is not None:
        customer: Customer | None = await linked_customer(link, party, ctx)
    else:
        customer = await recognised_customer(party, ctx)
    if customer is not None:
        needs_hold = _standing(customer, ctx)
        _require_currency(customer, deal)
        await _update(customer, deal, party, mapping, ctx, is_new_link=link is None)
        await _show_number(party, ctx)
        if link is None:
            await people.want_people_of(party, ctx)
        name = customer.customer_name or party.name
        return DealCustomer(key=customer.customer_id, name=name, needs_hold=needs_hold)
    await require_known_currency(deal, ctx)
    made = await make(party, mapped_values(mapping, party, deal, ctx, is_new=True), ctx)
    if made.how == "planned" and party.organization is not None:
        await plan_on_organization(party.organization, ctx)
    elif made.how != "linked":  # else another run has just made it, and shows it itself
        await _show_number(party, ctx)
        await people.want_people_of(party, ctx)
    return DealCustomer(key=made.key, name=party.name, needs_hold=False)


# Standing ---------------------------------------------------------------------------------------


def _standing(customer: Customer, ctx: Context) -> bool:
    """Check whether a new order may name the customer; return whether it begins on hold."""
    name = f"Customer {customer.customer_id} ({customer.customer_name})"
    cause = f"customer:{customer.customer_id}"
    status = customer.status
    if status == INACTIVE:
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


async def require_known_currency(deal: Deal, ctx: Context) -> None:
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


# Its fields -----------------------------------------------------------------------------------


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
    if not is_new_link and OnExisting.CRM_OWNS not in ownership_of(mapping).values():
        return
    link = await ctx.link(party.link, party.key)
    wanted = mapped_values(mapping, party, deal, ctx, is_new=False)
    if link is not None:
        await bring_up_to_date(customer, wanted, mapping, link, ctx)


async def _show_number(party: Party, ctx: Context) -> None:
    link = await ctx.link(party.link, party.key)
    if link is not None and party.organization is not None:
        await show_on_organization(party.organization, link, ctx)
