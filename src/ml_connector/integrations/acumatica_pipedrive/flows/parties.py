"""Who a deal is with: its organization, or the person alone (M-09)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ml_connector.core.errors import HeldError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.sync.mapping.views import RecordView
from ml_connector.vendors.pipedrive.models import Address, Deal, Organization, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who a deal is with."""

    kind: Literal["organization", "person"]
    key: int
    name: str
    organization: Organization | None
    person: Person | None
    people: tuple[Person, ...] = ()
    """All persons of an organization, where they help to recognise it."""

    @property
    def link(self) -> str:
        """The kind of record link that leads to its customer."""
        return f"{self.kind}:customer"

    @property
    def prospect_link(self) -> str:
        """The kind of record link that leads to the business account that it was made first."""
        return f"{self.kind}:business_account"

    @property
    def subject(self) -> str:
        """What it is called in settings and causes: ``organization:5512``."""
        return f"{self.kind}:{self.key}"

    @property
    def address(self) -> Address | None:
        """Where it is."""
        if self.organization is not None:
            return self.organization.address
        return self.person.postal_address if self.person is not None else None

    def reference(self, ctx: Context) -> str:
        """Return what its customer carries: ``pd-org-5512``."""
        return ctx.reference("org" if self.kind == "organization" else "person", self.key)

    @property
    def maker(self) -> str:
        """The kind of effect that makes its customer; ids of the two kinds of party overlap."""
        return "customer" if self.kind == "organization" else "private_customer"

    def sources(self, deal: Deal | None = None) -> dict[str, Mapping[str, Any] | None]:
        """Return the records that mappings read; without a deal, those of the party alone."""
        return {
            "deal": RecordView(deal) if deal else None,
            "organization": RecordView(self.organization) if self.organization else None,
            "person": RecordView(self.person) if self.person else None,
        }


def organization_party(organization: Organization, person: Person | None = None) -> Party:
    """Return an organization as a party, with the person that a deal names."""
    return Party(
        kind="organization",
        key=organization.id,
        name=organization.name,
        organization=organization,
        person=person,
    )


def person_party(person: Person) -> Party:
    """Return a person as a party of their own."""
    return Party(kind="person", key=person.id, name=person.name, organization=None, person=person)


async def present_organization(key: int, ctx: Context) -> Organization | None:
    """Return an organization; None for one that was deleted or merged into another."""
    try:
        found = await ctx.pipedrive.organization(key)
    except NotFoundError:
        return None
    return None if found.is_deleted else found


async def present_person(key: int, ctx: Context) -> Person | None:
    """Return a person; None for one that was deleted or merged into another."""
    try:
        found = await ctx.pipedrive.person(key)
    except NotFoundError:
        return None
    return None if found.is_deleted else found


async def party_of(deal: Deal, ctx: Context) -> Party:
    """Return who the deal is with. Its own organization counts, whatever its person's is.

    Raises HeldError where nobody can be named: there is no default customer.
    """
    organization, person = await asyncio.gather(
        _organization(deal, ctx), _person(deal.person_id, ctx)
    )
    if organization is not None:
        ctx.also_known_as(organization.name)
        return organization_party(organization, person)
    if person is None:
        raise HeldError(
            f"Deal {deal.id} has neither an organization nor a person; enter one",
            waits_for=f"deal:{deal.id}",
        )
    if ctx.settings.customers.person_alone == "hold":
        raise HeldError(
            f"Deal {deal.id} has the person {person.name} but no organization; enter one, or let "
            "such persons become customers (customers.person_alone: customer)",
            waits_for=f"deal:{deal.id}",
        )
    ctx.also_known_as(person.name)
    return person_party(person)


async def is_gone(kind: str, key: str, ctx: Context) -> bool:
    """Tell whether a party was deleted in Pipedrive, or merged into another one."""
    if kind == "person":
        return await present_person(int(key), ctx) is None
    return await present_organization(int(key), ctx) is None


async def _organization(deal: Deal, ctx: Context) -> Organization | None:
    if deal.org_id is None:
        return None
    organization = await present_organization(deal.org_id, ctx)
    if organization is None:
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
    person = await present_person(person_id, ctx)
    if person is None:
        ctx.note("person_gone", person=person_id)
        return None
    return person
