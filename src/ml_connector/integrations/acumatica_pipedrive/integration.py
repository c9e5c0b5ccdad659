"""The pair's table of contents: which flows there are, what starts them, what they make."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ml_connector.integrations.acumatica_pipedrive import billing_fields
from ml_connector.integrations.acumatica_pipedrive.checking import check
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import (
    billing_note,
    contact_to_person,
    customer_to_organization,
    deal_billing,
    documents,
    first_match,
    invoice_to_deal,
    item_to_product,
    match_products,
    organization_to_customer,
    person_to_contact,
    products_without_item,
    revise_order,
    won_deal_to_sales_order,
)
from ml_connector.integrations.acumatica_pipedrive.flows.prospects import find_business_accounts
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_contact import find_contacts
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_customer import find_customers
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_product import find_products
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.integrations.from_pipedrive import taking_up
from ml_connector.sync.flow import EffectKind, Flow, Integration, OnStream, Report
from ml_connector.sync.installations import Installation
from ml_connector.vendors import acumatica, pipedrive
from ml_connector.vendors.pipedrive.drafts import OwnField

_DEAL_FIELDS = {
    "order_number": OwnField(name="ERP order number", field_type="varchar"),
    "order_link": OwnField(name="ERP order link", field_type="varchar"),
}
_ORGANIZATION_FIELDS = {
    "customer_number": OwnField(name="ERP customer number", field_type="varchar"),
}


async def provide_fields(client: pipedrive.Client, installation: Installation) -> dict[str, str]:
    """Make the CRM fields that the flows write; found again by key, however renamed."""
    known, keys = installation.own_fields, dict[str, str]()
    deal_fields = {**_DEAL_FIELDS, **_billing_fields(installation)}
    for entity, fields in (("deal", deal_fields), ("organization", _ORGANIZATION_FIELDS)):
        wanted = [replace(field, key=known.get(name)) for name, field in fields.items()]
        made = await client.fields.ensure(entity, wanted)  # type: ignore[arg-type] # both are entities
        keys |= {name: made[field.name] for name, field in fields.items()}
    return keys


def _billing_fields(installation: Installation) -> dict[str, OwnField]:
    """Return the fields for billing; none where that flow is off."""
    switch = installation.flows.get(billing_fields.FLOW)
    if switch is None or not switch.is_on:
        return {}
    return billing_fields.provided(Settings.model_validate(installation.settings))


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
            weigh=taking_up.weigh,
            needs={
                "crm": ("deals:full", "contacts:full", "products:read"),
                "erp": ("Customer", "BusinessAccount", "SalesOrder", "StockItem", "NonStockItem"),
            },
        ),
        Flow(
            name="invoice_to_deal",
            title="Invoices, payments and orders are traced to their deals",
            record_kind="document",
            source="erp",
            started_by=tuple(
                OnStream(role="erp", stream=stream)
                for stream in ("sales_invoices", "invoices", "payments", "sales_orders")
            ),
            run=invoice_to_deal.run,
            weigh=invoice_to_deal.weigh,
            needs={
                "crm": ("deals:full",),
                "erp": ("SalesInvoice", "Invoice", "Payment", "SalesOrder"),
            },
        ),
        Flow(
            name="deal_billing",
            title="A deal shows its invoices, payments and order",
            record_kind="deal",
            source="crm",
            started_by=(),
            run=deal_billing.run,
            rest=timedelta(seconds=10),
            switched_with="invoice_to_deal",
        ),
        Flow(
            name="organization_to_customer",
            title="An organization and its customer, also without a deal",
            record_kind="organization",
            source="crm",
            started_by=(OnStream(role="crm", stream="organizations"),),
            run=organization_to_customer.run,
            weigh=organization_to_customer.weigh,
            first_match=first_match.organizations,
            look_up=first_match.look_up_customer,
            needs={
                "crm": ("contacts:full", "deals:read"),
                "erp": ("Customer", "BusinessAccount"),
            },
        ),
        Flow(
            name="person_to_contact",
            title="A person and their contact, under the organization's customer",
            record_kind="person",
            source="crm",
            started_by=(OnStream(role="crm", stream="persons"),),
            run=person_to_contact.run,
            weigh=person_to_contact.weigh,
            first_match=first_match.persons,
            look_up=first_match.look_up_contact,
            needs={
                "crm": ("contacts:full", "deals:read"),
                "erp": ("Contact", "Customer", "BusinessAccount"),
            },
        ),
        Flow(
            name="customer_to_organization",
            title="What Acumatica owns of a customer, shown on its organization",
            record_kind="customer",
            source="erp",
            started_by=(OnStream(role="erp", stream="customers"),),
            run=customer_to_organization.run,
            needs={"crm": ("contacts:full",), "erp": ("Customer",)},
        ),
        Flow(
            name="contact_to_person",
            title="What Acumatica owns of a contact, shown on its person",
            record_kind="contact",
            source="erp",
            started_by=(OnStream(role="erp", stream="contacts"),),
            run=contact_to_person.run,
            needs={"crm": ("contacts:full",), "erp": ("Contact",)},
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
        EffectKind(name="private_customer", role="erp", find=find_customers),
        EffectKind(name="business_account", role="erp", find=find_business_accounts),
        EffectKind(name="contact", role="erp", find=find_contacts),
        EffectKind(name="product", role="crm", find=find_products),
        EffectKind(name="sales_order", role="erp", find=documents.find_orders),
        EffectKind(name="sales_invoice", role="erp", find=documents.find_invoices),
        EffectKind(name="billing_note", role="crm", find=billing_note.find_notes),
        EffectKind(name="order_revision", role="erp", find=revise_order.find_revised),
        EffectKind(name="order_cancellation", role="erp", find=revise_order.find_cancelled),
        EffectKind(name="order_reopening", role="erp", find=revise_order.find_reopened),
        EffectKind(name="order_opening", role="erp", find=revise_order.find_opened),
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
