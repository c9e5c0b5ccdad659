"""The pair's table of contents: which flows there are, what starts them, what they make."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.integrations.acumatica_pipedrive.checking import check
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import (
    documents,
    item_to_product,
    match_products,
    products_without_item,
    revise_order,
    won_deal_to_sales_order,
)
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_customer import find_customers
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_product import find_products
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.sync.flow import EffectKind, Flow, Integration, OnStream, Report
from ml_connector.vendors import acumatica, pipedrive
from ml_connector.vendors.pipedrive.drafts import OwnField

_DEAL_FIELDS = {
    "order_number": OwnField(name="ERP order number", field_type="varchar"),
    "order_link": OwnField(name="ERP order link", field_type="varchar"),
}
_ORGANIZATION_FIELDS = {
    "customer_number": OwnField(name="ERP customer number", field_type="varchar"),
}


async def provide_fields(client: pipedrive.Client, known: Mapping[str, str]) -> dict[str, str]:
    """Make the CRM fields that the flows write; found again by key, however renamed."""
    keys: dict[str, str] = {}
    for entity, fields in (("deal", _DEAL_FIELDS), ("organization", _ORGANIZATION_FIELDS)):
        wanted = [
            OwnField(name=field.name, field_type=field.field_type, key=known.get(name))
            for name, field in fields.items()
        ]
        made = await client.fields.ensure(entity, wanted)  # type: ignore[arg-type] # both are entities
        keys |= {name: made[field.name] for name, field in fields.items()}
    return keys


INTEGRATION = Integration(
    name="acumatica_pipedrive",
    title="Acumatica and Pipedrive",
    vendors={"crm": pipedrive.VENDOR, "erp": acumatica.VENDOR},
    settings=Settings,
    flows=(
        Flow(
            name="won_deal_to_sales_order",
            title="A won deal becomes a sales order",
            record_kind="deal",
            source="crm",
            started_by=(OnStream(role="crm", stream="deals"),),
            run=won_deal_to_sales_order.run,
            reads=("organization", "person", "product"),
            weigh=won_deal_to_sales_order.weigh,
            needs={
                "crm": ("deals:full", "contacts:full", "products:read"),
                "erp": ("Customer", "BusinessAccount", "SalesOrder", "StockItem", "NonStockItem"),
            },
        ),
        Flow(
            name="item_to_product",
            title="An item becomes a product",
            record_kind="item",
            source="erp",
            started_by=(
                OnStream(role="erp", stream="stock_items"),
                OnStream(role="erp", stream="non_stock_items"),
            ),
            run=item_to_product.run,
            first_match=match_products.matches,
            look_up=match_products.look_up,
            needs={
                "crm": ("products:full",),
                "erp": ("StockItem", "NonStockItem", "Ledger"),
            },
        ),
    ),
    effects=(
        EffectKind(name="customer", role="erp", find=find_customers),
        EffectKind(name="product", role="crm", find=find_products),
        EffectKind(name="sales_order", role="erp", find=documents.find_orders),
        EffectKind(name="sales_invoice", role="erp", find=documents.find_invoices),
        EffectKind(name="order_revision", role="erp", find=revise_order.find_revised),
        EffectKind(name="order_cancellation", role="erp", find=revise_order.find_cancelled),
        EffectKind(name="order_reopening", role="erp", find=revise_order.find_reopened),
    ),
    causes={
        "organization": ("organization", "match:organization"),
        "person": ("person", "match:person"),
        "stock_item": ("item",),
        "non_stock_item": ("item",),
        "sales_order": ("document",),
        "sales_invoice": ("document",),
    },
    reports=(
        Report(
            name="products-without-item",
            title="Products that are no item of Acumatica",
            flow="item_to_product",
            columns=products_without_item.COLUMNS,
            rows=products_without_item.rows,
        ),
    ),
    context=Context,
    check=check,
    provide_fields=provide_fields,
)
