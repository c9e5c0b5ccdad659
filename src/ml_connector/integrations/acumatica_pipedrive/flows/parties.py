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

    @property
    def link(self) -> str:
        """The kind of record link that leads to its customer."""
        return f"{self.kind}:customer"

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

    def sources(self, deal: Deal) -> dict[str, Mapping[str, Any] | None]:
        """Return the records that mappings read."""
        return {
            "deal": RecordView(deal),
            "organization": RecordView(self.organization) if self.organization else None,
            "person": RecordView(self.person) if self.person else None,
        }


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
            waits_for=f"deal:{deal.id}",
        )
    ctx.also_known_as(person.name)
    return Party(kind="person", key=person.id, name=person.name, organization=None, person=person)


async def is_gone(kind: str, key: str, ctx: Context) -> bool:
    """Tell whether a party was deleted in Pipedrive, or merged into another one."""
    try:
        if kind == "person":
            return (await ctx.pipedrive.person(int(key))).is_deleted
        return (await ctx.pipedrive.organization(int(key))).is_deleted
    except NotFoundError:
        return True


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
        person = await ctx.pipedrive.person(person_id)
    except NotFoundError:
        person = None
    if person is None or person.is_deleted:
        ctx.note("person_gone", person=person_id)
        return None
    return person
