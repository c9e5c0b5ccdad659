"""Business accounts that became of organizations before they were customers, and their turning.

Business accounts and customers share their numbers: a prospect is made a customer under its own
number, never a second account beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.core.errors import HeldError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.parties import Party
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_customer import found_of
from ml_connector.sync.flow import Found
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.acumatica.models import BusinessAccount


async def link_of(party: Party, ctx: Context) -> RecordLink | None:
    """Return the link to the business account that the party was made before, if it was."""
    return await ctx.link(party.prospect_link, party.key)


async def convert(prospect: RecordLink, ctx: Context) -> Found:
    """Make a customer of a business account; one that a person has extended already is taken."""
    number = prospect.target_key
    try:
        return found_of(await ctx.acumatica.customer(number))
    except NotFoundError:
        pass  # so it is a prospect still
    try:
        await ctx.acumatica.convert_business_account(number)
    except NotFoundError as exc:
        raise HeldError(
            f"Business account {number} ({prospect.target_name}) is not in Acumatica any more; "
            "enter the customer there and name it under customers.decided",
            waits_for=f"business_account:{number}",
        ) from exc
    return found_of(await ctx.acumatica.customer(number))


async def find_business_accounts(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every business account that carries a reference of ours."""
    found = await ctx.acumatica.business_accounts_by_account_ref(reference)
    return [account_found(one) for one in found]


def account_found(account: BusinessAccount) -> Found:
    """Return a business account as record links carry it."""
    return Found(key=account.business_account_id, name=account.name)
