"""Which organizations and persons are taken up without a deal (ACU-06, P-16, P-18).

A link goes before everything: what has one is followed. Without one an organization becomes a
customer with a won deal of this installation, or by its label.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.decisions import (
    SKIP,
    decided_contact,
    decided_customer,
)
from ml_connector.integrations.from_pipedrive.taking_up import won_deals
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.views import RecordView
from ml_connector.sync.scope import before_go_live
from ml_connector.vendors.pipedrive.models import Organization, Person

_UNJUDGED = frozenset({"backfill", "first match", "flow"})
"""What takes records up whenever they were added: a person who started a backfill or looks at the
first match, and an organization that has just become a customer."""

Older = Literal["backfill", "when_edited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a party does not become a customer or a contact."""

    words: str
    may_be_prospect: bool = False
    """It is ours, and only lacks a won deal or a label."""


async def why_no_customer(party: Organization | Person, ctx: Context) -> Refused | None:
    """Return the first rule that keeps an organization, or a person alone, from a customer."""
    kind = "organization" if isinstance(party, Organization) else "person"
    name = f"{kind} {party.id}"
    scopes = (await ctx.mappings()).parties
    scope = scopes.organizations if kind == "organization" else scopes.persons
    outside = scope.refusal({kind: RecordView(party)})
    if outside is not None:
        return Refused(words=f"{name} is not in the scope: {outside}")
    decided = await decided_customer(kind, party.id, ctx)
    if decided == SKIP:
        return Refused(words=f"{name} is left alone: a person decided so in the first match")
    if decided is not None:
        return None  # a person named its customer, or said that it gets one
    if kind == "organization" and scopes.labelled.conditions:
        labels = scopes.labelled.refusal({kind: RecordView(party)})
        if labels is None:
            older = _too_old(party.add_time, ctx, ctx.settings.organizations.older, what="added")
            return None if older is None else Refused(words=f"{name} stays out: {older}")
    return await _without_won_deal(party, name, ctx)


async def why_no_contact(person: Person, ctx: Context) -> str | None:
    """Return the first rule that keeps a person from becoming a contact."""
    outside = (await ctx.mappings()).parties.persons.refusal({"person": RecordView(person)})
    if outside is not None:
        return f"person {person.id} is not in the scope: {outside}"
    decided = await decided_contact(person.id, ctx)
    if decided == SKIP:
        return f"person {person.id} is left alone: a person decided so in the first match"
    if decided is not None:
        return None
    older = _too_old(person.add_time, ctx, ctx.settings.persons.older, what="added")
    return None if older is None else f"person {person.id} stays out: {older}"


async def _without_won_deal(
    party: Organization | Person, name: str, ctx: Context
) -> Refused | None:
    deals = await won_deals(party, ctx)
    if not deals:
        words = f"{name} has no won deal of this installation; it becomes a customer with one"
        if isinstance(party, Organization):
            words += ", or by a label (organizations.labels)"
        older = _too_old(party.add_time, ctx, _older_rule(party, ctx), what="added")
        return Refused(words=words, may_be_prospect=older is None)
    moment = max((deal.won_time for deal in deals if deal.won_time), default=None)
    older = _too_old(moment, ctx, _older_rule(party, ctx), what="won with a deal")
    return None if older is None else Refused(words=f"{name} stays out: {older}")


def _older_rule(party: Organization | Person, ctx: Context) -> Older:
    rules = ctx.settings
    return rules.organizations.older if isinstance(party, Organization) else rules.persons.older


def _too_old(moment: datetime | None, ctx: Context, older: Older, *, what: str) -> str | None:
    if older == "when_edited" or ctx.run.trigger.get("by") in _UNJUDGED:
        return None
    refused = before_go_live(moment, go_live_at=ctx.go_live_at, what=what)
    return None if refused is None else str(refused)


async def account_link(organization_id: int | None, ctx: Context) -> RecordLink | None:
    """Return the link of an organization that is a customer or business account."""
    if organization_id is None:
        return None
    link = await ctx.link("organization:customer", organization_id)
    return link or await ctx.link("organization:business_account", organization_id)


async def status_of(account: str, ctx: Context) -> str | None:
    """Return an account's standing; None where it is not there any more."""
    try:
        return (await ctx.acumatica.customer(account)).status or ""
    except NotFoundError:
        pass  # a prospect is no customer
    try:
        return (await ctx.acumatica.business_account_in_full(account)).status or ""
    except NotFoundError:
        return None
