"""Which vendor an organization is already, or that it is none (INT-05, P-17)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ml_connector.core.errors import HeldError
from ml_connector.integrations.sage_intacct_pipedrive import vendor_mappings
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.sync import matching
from ml_connector.sync.first_match import NEW
from ml_connector.sync.flow import Found
from ml_connector.vendors.pipedrive.models import Organization, Person
from ml_connector.vendors.sage_intacct.models import Vendor

LINK = "organization:vendor"
FLOW = "organization_to_vendor"


def vendor_id_of(organization_id: int, ctx: Context) -> str:
    """Return the ID of a vendor that we make: ``PD-5512``."""
    return f"{ctx.settings.reference_prefix}-{organization_id}"


def found_of(vendor: Vendor) -> Found:
    """Return a vendor as record links carry it."""
    return Found(key=vendor.vendor_id, name=vendor.name)


async def find_vendors(ctx: Context, reference: str) -> Sequence[Found]:
    """Return the vendor whose ID is the reference."""
    found = await ctx.intacct.find_vendor(reference)
    return [] if found is None else [found_of(found)]


async def decided_vendor(organization_id: int, ctx: Context) -> str | None:
    """Return a vendor's ID, ``new`` or ``skip``; None where nobody has decided."""
    configured = ctx.settings.vendors.decided.get(str(organization_id))
    return configured or await ctx.decided(organization_id, flow=FLOW)


async def decide(
    organization: Organization, person: Person | None, ctx: Context
) -> matching.Decision:
    """Return which vendor an organization is, or why that is for a person to say.

    A vendor of the same name that something contradicts is for a person as well: it may be a
    namesake, or the same with a tax number that was mistyped.
    """
    rules = ctx.settings.vendors
    tax_number = await _tax_number(organization, ctx)
    phone = next((each.value for each in person.phones if each.value), None) if person else None
    wanted = vendor_mappings.wanted_party(
        organization,
        reference=vendor_id_of(organization.id, ctx),
        tax_number=tax_number,
        phone=phone,
        own=rules.countries,
    )
    candidates = await _candidates(organization, tax_number, ctx)
    decision = matching.decide(
        candidates,
        wanted,
        matching.MatchingRules(
            automatic_by_name=rules.match_by_name, may_share=rules.may_share, by_number=False
        ),
    )
    if not isinstance(decision, matching.New) or not candidates:
        return decision
    names = ", ".join(f"{each.key} ({each.name})" for each in candidates)
    return matching.Ambiguous(
        parties=tuple(candidates),
        by="name",
        words=f"{names} has the name of {organization.name} and differs otherwise; say whether "
        "they are the same",
    )


async def recognised(
    organization: Organization, person: Person | None, ctx: Context
) -> Found | None:
    """Return the vendor that an organization is; None for a new one.

    Raises HeldError where a person has to say.
    """
    decided = await decided_vendor(organization.id, ctx)
    if decided == NEW:
        return None
    if decided is not None:
        chosen = await ctx.intacct.find_vendor(decided)
        if chosen is None:
            raise HeldError(
                f"Organization {organization.id} ({organization.name}) is decided to be the vendor "
                f"{decided}, which Intacct does not have; correct vendors.decided",
                waits_for=f"match:organization:{organization.id}",
            )
        return found_of(chosen)
    decision = await decide(organization, person, ctx)
    if isinstance(decision, matching.Matched):
        return Found(key=decision.party.key, name=decision.party.name)
    if isinstance(decision, matching.New):
        return None
    raise HeldError(
        f"Organization {organization.id}: {decision.words} (vendors.decided, as "
        f"{organization.id} to the vendor's ID or to {NEW})",
        waits_for=f"match:organization:{organization.id}",
    )


async def _candidates(
    organization: Organization, tax_number: str | None, ctx: Context
) -> list[matching.Party]:
    by_id, by_name, by_tax = await asyncio.gather(
        ctx.intacct.find_vendor(vendor_id_of(organization.id, ctx)),
        ctx.intacct.vendors_by_name(organization.name),
        ctx.intacct.vendors_by_tax_id(tax_number) if tax_number else _none(),
    )
    found = {each.vendor_id: each for each in (*by_name, *by_tax, *([by_id] if by_id else []))}
    return [
        vendor_mappings.vendor_party(each, taken_by=await _taken_by(each, organization, ctx))
        for each in found.values()
    ]


async def _taken_by(vendor: Vendor, organization: Organization, ctx: Context) -> str | None:
    links = await ctx.links_to(LINK, vendor.vendor_id)
    others = [each.key.source_key for each in links if each.key.source_key != str(organization.id)]
    return others[0] if others else None


async def _tax_number(organization: Organization, ctx: Context) -> str | None:
    key = (await ctx.mappings()).named_fields.get("vendors.tax_number_field")
    value = organization.custom_fields.get(key) if key else None
    return str(value).strip() or None if value is not None else None


async def _none() -> tuple[Vendor, ...]:
    return ()
