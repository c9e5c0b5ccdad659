"""What a person decided of a match: in the settings, or on the list of the first match (P-17)."""

from __future__ import annotations

from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.sync.first_match import NEW, SKIP

__all__ = ["NEW", "SKIP", "decided_contact", "decided_customer"]

_ORGANIZATIONS, _PERSONS = "organization_to_customer", "person_to_contact"


async def decided_customer(kind: str, key: int, ctx: Context) -> str | None:
    """Return a customer's id, ``new``, or ``skip``; None where nobody has decided."""
    configured = ctx.settings.customers.decided.get(f"{kind}:{key}")
    if configured is not None or kind != "organization":
        return configured
    return await ctx.decided(key, flow=_ORGANIZATIONS)


async def decided_contact(key: int, ctx: Context) -> str | None:
    """Return a contact's id, ``new``, or ``skip``; None where nobody has decided."""
    configured = ctx.settings.persons.decided.get(f"person:{key}")
    return configured if configured is not None else await ctx.decided(key, flow=_PERSONS)
