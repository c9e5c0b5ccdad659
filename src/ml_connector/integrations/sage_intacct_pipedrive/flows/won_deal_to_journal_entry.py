"""A won deal becomes a balanced journal entry (INT-04, INT-06, INT-07)."""

from __future__ import annotations

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.from_pipedrive.taking_up import why_not
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.integrations.sage_intacct_pipedrive.flows import after_hand_over, postings
from ml_connector.integrations.sage_intacct_pipedrive.flows.post_entry import hand_over
from ml_connector.integrations.sage_intacct_pipedrive.flows.recognise_vendor import (
    LINK as VENDOR_LINK,
)
from ml_connector.sync.flow import Outcome
from ml_connector.vendors.pipedrive.models import Deal


async def run(deal_key: str, ctx: Context) -> Outcome:
    """Post the entry of a deal that is won or in a revenue stage, unless it is there already."""
    try:
        deal = await ctx.pipedrive.deal(int(deal_key))
    except NotFoundError:
        return await after_hand_over.deal_is_gone(deal_key, ctx)
    ctx.also_known_as(deal.title)
    posting = await postings.latest(deal.id, ctx)
    if posting is None and (refusal := await why_not(deal, ctx)) is not None:
        return Outcome.skipped(refusal)
    await _want_vendor(deal, ctx)
    if posting is not None:
        return await after_hand_over.follow(deal, posting, ctx)
    return await hand_over(deal, ctx, number=1)


async def _want_vendor(deal: Deal, ctx: Context) -> None:
    """Let the organization of a won deal become a vendor, if vendors are made at all."""
    is_won = deal.status == "won" and deal.org_id is not None
    if is_won and await ctx.link(VENDOR_LINK, deal.org_id) is None:
        ctx.want("organization_to_vendor", deal.org_id, because=f"deal {deal.id} is won")
