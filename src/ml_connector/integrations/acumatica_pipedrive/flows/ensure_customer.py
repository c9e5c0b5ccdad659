"""The customer of a deal: linked, recognised, or made once (ACU-04, P-17, P-22, M-08, M-09)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from ml_connector.core.countries import UnknownCountryError, find_country, find_country_in_address
from ml_connector.core.errors import HeldError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive import mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.fields import SET_AT_CREATION_ONLY
from ml_connector.integrations.acumatica_pipedrive.flows.write_back import show_on_organization
from ml_connector.sync import matching
from ml_connector.sync.context import Written
from ml_connector.sync.flow import Found
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.sync.mapping.evaluation import evaluate
from ml_connector.sync.mapping.model import OnExisting
from ml_connector.sync.mapping.ownership import changes_for_existing
from ml_connector.sync.mapping.views import RecordView
from ml_connector.vendors.acumatica.drafts import AccountContactDraft, CustomerDraft
from ml_connector.vendors.acumatica.models import Customer
from ml_connector.vendors.pipedrive.models import Address, Deal, Organization, Person

_ON_HOLD = frozenset({"On Hold", "Credit Hold"})
_INACTIVE = "Inactive"
_ONE_TIME = "One-Time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who a deal is with."""

    kind: str
    """organization or person."""
    key: int
    name: str
    organization: Organization | None
    person: Person | None

    @property
    def link(self) -> str:
        """The kind of record link that leads to its customer."""
        return f"{self.kind}:customer"

    @property
    def address(self) -> Address | None:
        """Where it is."""
        if self.organization is not None:
            return self.organization.address
        return self.person.postal_address if self.person is not None else None

    def sources(self, deal: Deal) -> dict[str, Mapping[str, Any] | None]:
        """Return the records that mappings read."""
        return {
            "deal": RecordView(deal),
            "organization": RecordView(self.organization) if self.organization else None,
            "person": RecordView(self.person) if self.person else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DealCustomer:
    """The customer that an order names."""

    key: str
    name: str
    needs_hold: bool
    """Its order begins on hold: the customer is on hold itself."""


async def party_of(deal: Deal, ctx: Context) -> Party:
    """Return who the deal is with. Its own organization counts, whatever its person's is.

    Raises HeldError where nobody can be named: there is no default customer.
    """
    organization, person = await asyncio.gather(
        _organization(deal, ctx), _person(deal.person_id, ctx)
    )
    if organization is not None:
        ctx.also_known_as(organization.name)
        return Party(
            kind="organization",
            key=organization.id,
            name=organization.name,
            organization=organization,
            person=person,
        )
    if person is None:
        raise HeldError(
            f"Deal {deal.id} has neither an organization nor a person; enter one",
            waits_for=f"deal:{deal.id}",
        )
    if ctx.settings.customers.person_alone == "hold":
        raise HeldError(
            f"Deal {deal.id} has the person {person.name} but no organization; enter one, or let "
            "such persons become customers (customers.person_alone: customer)",
            waits_for="setting:customers.person_alone",
        )
    return Party(kind="person", key=person.id, name=person.name, organization=None, person=person)


async def ensure_customer(
    deal: Deal, party: Party, mapping: CompiledMapping, ctx: Context
) -> DealCustomer:
    """Return the party's customer, made if it is not there. Checks its standing before any write.

    Raises HeldError for an ambiguous match, an inactive customer, a currency it does not take.
    """
    link = await ctx.link(party.link, party.key)
    customer = await _linked(link, party, ctx) if link is not None else None
    if customer is None:
        customer = await _recognised(party, ctx)
    if customer is not None:
        needs_hold = _standing(customer, ctx)
        _require_currency(customer, deal)
        await _update(customer, deal, party, mapping, ctx, is_new_link=link is None)
        await _show_number(party, ctx)
        return DealCustomer(
            key=customer.customer_id,
            name=customer.customer_name or party.name,
            needs_hold=needs_hold,
        )
    made = await _make(deal, party, mapping, ctx)
    if made.how != "linked":  # else another run has just made it, and shows it itself
        await _show_number(party, ctx)
    return DealCustomer(key=made.key, name=party.name, needs_hold=False)


async def find_customer(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every customer that carries a reference of ours."""
    return [
        _found(customer) for customer in await ctx.acumatica.customers_by_account_ref(reference)
    ]


async def _organization(deal: Deal, ctx: Context) -> Organization | None:
    if deal.org_id is None:
        return None
    try:
        organization = await ctx.pipedrive.organization(deal.org_id)
    except NotFoundError as exc:
        raise _organization_gone(deal) from exc
    if organization.is_deleted:
        raise _organization_gone(deal)
    return organization


def _organization_gone(deal: Deal) -> HeldError:
    return HeldError(
        f"Organization {deal.org_id} of deal {deal.id} was deleted in Pipedrive; give the deal "
        "another one",
        waits_for=f"organization:{deal.org_id}",
    )


async def _person(person_id: int | None, ctx: Context) -> Person | None:
    if person_id is None:
        return None
    try:
        return await ctx.pipedrive.person(person_id)
    except NotFoundError:
        ctx.note("person_gone", person=person_id)
        return None


async def _linked(link: RecordLink, party: Party, ctx: Context) -> Customer:
    try:
        return await ctx.acumatica.customer(link.target_key)
    except NotFoundError as exc:
        raise HeldError(
            f"{party.name} is linked to customer {link.target_key}, which is not in Acumatica any "
            "more; link it anew or remove the link",
            waits_for=f"customer:{link.target_key}",
        ) from exc


async def _recognised(party: Party, ctx: Context) -> Customer | None:
    """Return the customer that is this party by the rules of first match, and link it."""
    wanted = _wanted(party, ctx, await _tax_number(party, ctx))
    customers = await _candidates(wanted, ctx)
    decision = matching.decide(
        [await _as_party(one, party, ctx) for one in customers],
        wanted,
        matching.MatchingRules(automatic_by_name=ctx.settings.customers.match_by_name),
    )
    match decision:
        case matching.Matched(party=found):
            customer = next(one for one in customers if one.customer_id == found.key)
            await ctx.adopt(party.link, party.key, _found(customer), because=decision.words)
            return customer
        case matching.New():
            ctx.note("no_customer_matches", words=decision.words)
            return None
        case _:
            raise HeldError(
                f"The customer of {party.name}: {decision.words}",
                waits_for=f"match:{party.kind}:{party.key}",
            )


async def _candidates(wanted: matching.Party, ctx: Context) -> list[Customer]:
    """Return the customers that could be this one, each once."""
    searches = [
        ctx.acumatica.customers_by_account_ref(wanted.external_reference or ""),
        ctx.acumatica.customers_by_name(wanted.name),
        *(ctx.acumatica.customers_by_tax_registration_id(text) for text in wanted.tax_numbers),
    ]
    found = await asyncio.gather(*searches)
    return list({one.customer_id: one for several in found for one in several}.values())


def _wanted(party: Party, ctx: Context, tax_number: str | None) -> matching.Party:
    emails = tuple(point.value for point in party.person.emails) if party.person else ()
    return matching.Party(
        key=str(party.key),
        name=party.name,
        country=_country(party.address),
        external_reference=ctx.reference(_short(party.kind), party.key),
        tax_numbers=(tax_number,) if tax_number else (),
        emails=emails,
    )


def _short(kind: str) -> str:
    return "org" if kind == "organization" else kind


async def _tax_number(party: Party, ctx: Context) -> str | None:
    name = ctx.settings.customers.tax_number_field
    if name is None or party.organization is None:
        return None
    fields = await ctx.pipedrive.fields.of("organization")
    found = party.organization.custom_fields.get(fields.key(name))
    return str(found) if found else None


async def _as_party(customer: Customer, party: Party, ctx: Context) -> matching.Party:
    taken = await ctx.links_to(party.link, customer.customer_id)
    return matching.Party(
        key=customer.customer_id,
        name=customer.customer_name or "",
        external_reference=customer.account_ref,
        tax_numbers=(customer.tax_registration_id,) if customer.tax_registration_id else (),
        emails=(customer.email,) if customer.email else (),
        taken_by=taken[0].key.source_key if taken else None,
    )


def _country(address: Address | None) -> str | None:
    """Return the party's country for matching; one that cannot be read agrees with none."""
    if address is None:
        return None
    try:
        if address.country:
            return find_country(address.country).iso2
        return find_country_in_address(address.value).iso2 if address.value else None
    except UnknownCountryError:
        return None


def _standing(customer: Customer, ctx: Context) -> bool:
    """Check whether a new order may name the customer; return whether it begins on hold."""
    name = f"Customer {customer.customer_id} ({customer.customer_name})"
    if customer.status in {_INACTIVE, _ONE_TIME}:
        raise HeldError(
            f"{name} is {customer.status} in Acumatica; a person there makes it active, or the "
            "deal gets another organization",
            waits_for=f"customer:{customer.customer_id}",
        )
    if customer.status not in _ON_HOLD:
        return False
    if ctx.settings.customers.on_credit_hold == "hold":
        raise HeldError(
            f"{name} is on {customer.status} in Acumatica",
            waits_for=f"customer:{customer.customer_id}",
        )
    ctx.note("order_begins_on_hold", because=f"{name} is on {customer.status}")
    ctx.tell(
        "standing",
        f"customer:{customer.customer_id}",
        f"{name} is on {customer.status}: its new orders begin on hold",
    )
    return True


def _require_currency(customer: Customer, deal: Deal) -> None:
    own = customer.currency_id
    if own is None or own == deal.currency or customer.enable_currency_override:
        return
    raise HeldError(
        f"Deal {deal.id} is in {deal.currency}, but customer {customer.customer_id} takes {own} "
        "only; allow other currencies for it in Acumatica, or change the deal's currency",
        waits_for=f"customer:{customer.customer_id}",
    )


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
    ownership = {
        name: OnExisting.NEVER if name in SET_AT_CREATION_ONLY else rule
        for name, rule in mapping.ownership.items()
    }
    if not is_new_link and OnExisting.CRM_OWNS not in ownership.values():
        return
    in_full = await ctx.acumatica.customer_in_full(customer.customer_id)
    present = _present(in_full)
    wanted = evaluate(mapping, party.sources(deal)).values
    decided = changes_for_existing(wanted, present, ownership)
    for kept in decided.kept:
        ctx.note("customer_field_kept", field=kept.field, value=kept.present, because=kept.words)
    link = await ctx.link(party.link, party.key)
    if not decided.changes or link is None:
        return

    async def write(changes: Mapping[str, Any]) -> None:
        await ctx.acumatica.update_customer(in_full, _changed_customer(changes))

    await ctx.write_fields(
        side="erp",
        link=link,
        what="customer",
        present=present,
        wanted=decided.changes,
        apply=write,
        on_conflict="keep",
    )


def _present(customer: Customer) -> dict[str, Any]:
    contact = customer.main_contact
    return {
        "CustomerName": customer.customer_name,
        "Email": contact.email if contact else None,
        "Phone": contact.phone1 if contact else None,
        "Attention": contact.attention if contact else None,
        "WebSite": contact.web_site if contact else None,
        "TaxRegistrationID": customer.tax_registration_id,
        "ShipVia": customer.ship_via,
        "WarehouseID": customer.warehouse_id,
    }


def _changed_customer(changes: Mapping[str, Any]) -> CustomerDraft:
    draft = mappings.customer_draft(changes, reference="", address=UNSET)
    contact = draft.main_contact
    is_contact_changed = isinstance(contact, AccountContactDraft) and bool(
        mappings.draft_fields(contact)
    )
    return mappings.changed(
        draft,
        account_ref=UNSET,
        main_contact=contact if is_contact_changed else UNSET,
    )


async def _make(deal: Deal, party: Party, mapping: CompiledMapping, ctx: Context) -> Written:
    if not ctx.settings.customers.create:
        raise HeldError(
            f"{party.name} has no customer in Acumatica, and creating is switched off "
            "(customers.create); enter it there",
            waits_for=f"match:{party.kind}:{party.key}",
        )
    values = evaluate(mapping, party.sources(deal))
    reference = ctx.reference(_short(party.kind), party.key)
    draft = mappings.customer_draft(
        {"CustomerName": party.name, **values.values},
        reference=reference,
        address=mappings.address_draft(party.address, of=party.name),
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
        return _found(written.record)

    return await ctx.write_once(
        "customer",
        link=party.link,
        source_key=party.key,
        reference=reference,
        draft=mappings.draft_fields(draft),
        create=create,
    )


async def _show_number(party: Party, ctx: Context) -> None:
    link = await ctx.link(party.link, party.key)
    if link is not None and party.organization is not None:
        await show_on_organization(party.organization, link, ctx)


def _found(customer: Customer) -> Found:
    return Found(key=customer.customer_id, name=customer.customer_name)
