"""Which linked records are read along with a record: a read gives only what is named."""

from __future__ import annotations

CUSTOMER = (
    "MainContact",
    "MainContact/Address",
    "BillingContact",
    "BillingContact/Address",
    "ShippingContact",
    "ShippingContact/Address",
    "Attributes",
)
CONTACT = ("Address", "Attributes")
ACCOUNT = ("MainContact", "MainAddress", "Attributes")
ORDER = (
    "Details",
    "Totals",
    "FinancialSettings",
    "Shipments",
    "Payments",
    "ShipToContact",
    "ShipToAddress",
)
WRITTEN_ORDER = ("Details", "Totals")
INVOICE = ("Details", "ApplicationsInvoice", "ApplicationsCreditMemo")
AR_INVOICE = ("ApplicationsDefault", "ApplicationsCreditMemo")
PAYMENT = ("DocumentsToApply", "OrdersToApply", "ApplicationHistory")
