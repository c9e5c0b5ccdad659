"""The deal that a customer is made from, whichever flow comes first (ACU-06, M-04).

A customer's currency is set when it is made and never after. So a flow that makes one of an
organization, or of a person alone, looks for the deals that are going to need it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.parties import Party
from ml_connector.integrations.from_pipedrive.taking_up import deals_of, won_deals
from ml_connector.vendors.pipedrive.models import Deal

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


async def deal_for_customer(party: Party, ctx: Context) -> Deal | None:
    """Return the deal that was won last, or an open one if all that are open are in one currency.

    None where there is neither: the customer gets the currency that its class, or the mapping,
    brings.
    """
    record = party.organization or party.person
    if record is None:
        return None
    won = await won_deals(record, ctx)
    if won:
        return max(won, key=lambda deal: (deal.won_time or _LONG_AGO, deal.id))
    waiting = await deals_of(record, ctx, status="open")
    return waiting[-1] if len({deal.currency for deal in waiting}) == 1 else None
