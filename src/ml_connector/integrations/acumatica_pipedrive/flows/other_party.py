"""A deal that went to another organization, or person, after its order was made (ACU-09, M-01).

Where the user chose so the order goes to that one's customer, made if it is not there, as long as
Acumatica lets it and nobody changed the order in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.core.errors import HeldError, InvalidRecordError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import documents
from ml_connector.integrations.acumatica_pipedrive.flows.documents import Document
from ml_connector.integrations.acumatica_pipedrive.flows.ensure_customer import (
    DealCustomer,
    ensure_customer,
)
from ml_connector.integrations.acumatica_pipedrive.flows.parties import party_of
from ml_connector.integrations.acumatica_pipedrive.flows.revise_order import require_changeable
from ml_connector.vendors.acumatica.drafts import SalesOrderDraft
from ml_connector.vendors.acumatica.models import SalesOrder
from ml_connector.vendors.pipedrive.deal_lines import DealLines
from ml_connector.vendors.pipedrive.models import Deal

CUSTOMER = "customer"
"""Where the link of a document remembers its customer."""


async def follow_party(deal: Deal, document: Document, amounts: DealLines, ctx: Context) -> None:
    """Let an order go to the customer of its deal's party.

    Raises HeldError where somebody's change, or the order's progress, is in the way.
    """
    compiled = await ctx.mappings()
    customer = await ensure_customer(deal, await party_of(deal, ctx), compiled.customer, ctx)
    order = await ctx.acumatica.sales_order_in_full(document.key)
    ours = document.link.written.get(CUSTOMER)
    if order.customer_id != customer.key:
        require_changeable(document, order)
        _require_our_customer(document, order, customer, ours)
    if customer.needs_hold:
        raise _held(document, f"{customer.name} is on hold in Acumatica")

    async def write(_changes: Mapping[str, Any]) -> None:
        await _move(document, order, customer, amounts, ctx)

    await ctx.write_fields(
        side="erp",
        link=document.link,
        what="document",
        present={"CustomerID": order.customer_id},
        wanted={"CustomerID": customer.key},
        apply=write,
        on_conflict="overwrite",  # whose the present one is has been decided
    )
    await ctx.remember(document.link, {CUSTOMER: customer.key})


async def _move(
    document: Document,
    order: SalesOrder,
    customer: DealCustomer,
    amounts: DealLines,
    ctx: Context,
) -> None:
    """Write the customer; currency and prices stay as agreed, whatever it brings."""
    acumatica = ctx.acumatica
    try:
        draft = SalesOrderDraft(customer_id=customer.key)
        moved = (await acumatica.update_sales_order(order, draft)).record
        if moved.currency_id != amounts.currency:
            draft = SalesOrderDraft(currency_id=amounts.currency)
            moved = (await acumatica.update_sales_order(order, draft)).record
    except InvalidRecordError as exc:
        raise _held(document, f"Acumatica refuses it: {exc.message}") from exc
    await documents.require_same_total(moved, amounts, ctx)


def _require_our_customer(
    document: Document, order: SalesOrder, customer: DealCustomer, ours: str | None
) -> None:
    if ours is not None and order.customer_id != ours:
        raise _held(
            document,
            f"somebody gave the order to {order.customer_id} there; ours was {ours}, and the "
            f"deal's is {customer.key} now",
        )


def _held(document: Document, words: str) -> HeldError:
    return HeldError(
        f"Deal {document.link.key.source_key} went to another party, but {document.called} cannot "
        f"follow: {words}; put one of them right, then replay",
        waits_for=f"document:{document.key}",
    )
