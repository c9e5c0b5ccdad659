"""An organization and its customer, also without a deal (ACU-06).

What has a link is followed. Without one an organization becomes a customer with a won deal or by
its label, and a business account before that where the user wants prospects.
"""

from __future__ import annotations

from dataclasses import replace

from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import (
    gone,
    merging,
    party_customer,
    party_scope,
    prospect_record,
    prospects,
)
from ml_connector.integrations.acumatica_pipedrive.flows.parties import (
    Party,
    organization_party,
    present_organization,
)
from ml_connector.sync.flow import Outcome, Worth
from ml_connector.vendors.pipedrive.models import Organization


async def run(organization_key: str, ctx: Context) -> Outcome:
    """Bring an organization and what it is in Acumatica together."""
    ctx.end_causes_of("organization", organization_key)
    await merging.take_over("organization", ctx)
    organization = await present_organization(int(organization_key), ctx)
    if organization is None:
        return await gone.organization_is_gone(int(organization_key), ctx)
    ctx.also_known_as(organization.name)
    party = organization_party(organization)
    link = await ctx.link(party.link, party.key)
    if link is not None:
        return await party_customer.follow(party, link, ctx)
    refused = await party_scope.why_no_customer(organization, ctx)
    if refused is None:
        return await party_customer.begin(await _with_people(party, ctx), ctx)
    prospect = await prospects.link_of(party, ctx)
    if prospect is not None:
        return await prospect_record.follow(party, prospect, ctx)
    if refused.may_be_prospect and ctx.settings.organizations.prospects == "business_account":
        return await prospect_record.begin(party, ctx)
    return Outcome.skipped(refused.words)


async def weigh(organization_key: str, ctx: Context) -> Worth:
    """Return what keeps an organization out of a first load, or that it is in it."""
    organization = await present_organization(int(organization_key), ctx)
    if organization is None:
        return Worth(refusal=f"organization {organization_key} is gone")
    return Worth(refusal=await refusal_of(organization, ctx), moment=organization.add_time)


async def refusal_of(organization: Organization, ctx: Context) -> str | None:
    """Return the first rule that keeps an organization from what it would become, or None."""
    refused = await party_scope.why_no_customer(organization, ctx)
    is_prospect = ctx.settings.organizations.prospects == "business_account"
    if refused is None or (refused.may_be_prospect and is_prospect):
        return None
    return refused.words


async def _with_people(party: Party, ctx: Context) -> Party:
    """Add the organization's persons: by the domain of their addresses a customer is known."""
    people = [person async for person in ctx.pipedrive.persons(org_id=party.key)]
    return replace(party, people=tuple(people))
