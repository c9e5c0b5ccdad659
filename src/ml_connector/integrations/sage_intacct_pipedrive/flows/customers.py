"""The customer dimension of an organization: linked, decided by a person, or made if chosen."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.core.errors import HeldError, InvalidRecordError
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.sync.flow import Found
from ml_connector.vendors.pipedrive.models import Organization
from ml_connector.vendors.sage_intacct.drafts import ContactDraft, CustomerDraft

LINK = "organization:customer"
_NEW = "new"
_LONGEST_NAME = 100  # characters; reported


async def customer_of(organization: Organization | None, ctx: Context) -> str | None:
    """Return the customer of an organization; None where there is none and none is to be made.

    A customer of the same name is proposed to a person, never picked.
    """
    if organization is None:
        return None
    decided = ctx.settings.customers.decided.get(str(organization.id))
    if decided is not None and decided != _NEW:
        return decided
    link = await ctx.link(LINK, organization.id)
    if link is not None:
        return link.target_key
    if not ctx.settings.customers.create:
        return None
    if decided != _NEW:
        await _require_no_namesake(organization, ctx)
    return await _made(organization, ctx)


async def find_customers(ctx: Context, reference: str) -> Sequence[Found]:
    """Return the customer whose ID is the reference."""
    found = await ctx.intacct.find_customer(reference)
    return [] if found is None else [Found(key=found.key, name=found.name)]


def customer_id_of(organization_id: int, ctx: Context) -> str:
    """Return the ID of a customer that we make: ``PD-O5512``."""
    return f"{ctx.settings.reference_prefix}-O{organization_id}"


async def _require_no_namesake(organization: Organization, ctx: Context) -> None:
    own = customer_id_of(organization.id, ctx)
    namesakes = await ctx.intacct.customers_by_name(organization.name)
    others = [each for each in namesakes if each.key != own]
    if others:
        keys = ", ".join(each.key for each in others)
        raise HeldError(
            f"Organization {organization.id} ({organization.name}) has no customer yet, and "
            f"Intacct has {keys} of the same name; decide under customers.decided: "
            f"{organization.id} to one of them, or to new",
            waits_for=f"customer:organization:{organization.id}",
        )


async def _made(organization: Organization, ctx: Context) -> str:
    customer_id = customer_id_of(organization.id, ctx)
    name = organization.name[:_LONGEST_NAME]
    draft = CustomerDraft(
        customer_id=customer_id, name=name, display_contact=ContactDraft(print_as=name)
    )

    async def create() -> Found:
        try:
            written = await ctx.intacct.create_customer(draft, control_id=f"mlc-{customer_id}")
        except InvalidRecordError as exc:
            raise HeldError(
                f"Intacct refuses the customer of organization {organization.id}: {exc.message}; "
                "put it right there, or name a customer under customers.decided",
                waits_for=f"customer:organization:{organization.id}",
            ) from exc
        return Found(key=written.key, name=name)

    made = await ctx.write_once(
        "customer",
        link=LINK,
        source_key=organization.id,
        reference=customer_id,
        draft={"CUSTOMERID": customer_id, "NAME": name},
        create=create,
    )
    return customer_id if made.how == "planned" else made.key
