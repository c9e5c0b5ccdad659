"""Showing in Pipedrive what became of a record in Acumatica."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.documents import Document, page_of
from ml_connector.integrations.from_pipedrive import shown
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.pipedrive.models import Deal, Organization

ORDER_NUMBER = "write_back.order_number"
"""The setting that names the deal field with the number of its document."""
_ORDER_LINK = "write_back.order_link"
_CUSTOMER_NUMBER = "write_back.customer_number"


async def show_on_deal(deal: Deal, document: Document, ctx: Context) -> Mapping[str, Any]:
    """Write the document's number and address onto the deal; return what changed."""
    wanted = {
        ORDER_NUMBER: document.link.target_name or document.key,
        _ORDER_LINK: page_of(document, ctx),
    }
    return await shown.show_on_deal(deal, wanted, document.link, ctx)


async def show_on_organization(
    organization: Organization, customer: RecordLink, ctx: Context
) -> Mapping[str, Any]:
    """Write the customer's number onto the organization; return what changed."""
    wanted = {_CUSTOMER_NUMBER: customer.target_key}
    return await shown.show_on_organization(organization, wanted, customer, ctx)


async def plan_on_deal(deal: Deal, word: str, ctx: Context) -> None:
    """Let a dry run tell what a deal will show, as far as that can be known before."""
    if not deal.is_archived:
        wanted = {
            ORDER_NUMBER: f"(the number of the new {word})",
            _ORDER_LINK: f"(the address of the new {word})",
        }
        await shown.plan_to_show(wanted, deal, ctx)


async def plan_on_organization(organization: Organization, ctx: Context) -> None:
    """Let a dry run tell what an organization will show, as far as that can be known before."""
    wanted = {_CUSTOMER_NUMBER: "(the number of the new customer)"}
    await shown.plan_to_show(wanted, organization, ctx)
