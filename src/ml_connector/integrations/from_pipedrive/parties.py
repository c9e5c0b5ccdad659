"""Who a deal is with, as far as Pipedrive still has them."""

from __future__ import annotations

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.from_pipedrive.context import DealContext, S
from ml_connector.vendors.pipedrive.models import Organization, Person


async def organization(organization_id: int | None, ctx: DealContext[S]) -> Organization | None:
    """Return an organization, deleted ones too; None where there is none (any more)."""
    if organization_id is None:
        return None
    try:
        return await ctx.pipedrive.organization(organization_id)
    except NotFoundError:
        return None


async def person(person_id: int | None, ctx: DealContext[S]) -> Person | None:
    """Return a person, deleted ones too; None where there is none (any more)."""
    if person_id is None:
        return None
    try:
        return await ctx.pipedrive.person(person_id)
    except NotFoundError:
        return None
