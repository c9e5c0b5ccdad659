"""Acumatica's records, unwrapped: the fields we use, with exact numbers and aware moments.

Names are the contract's in snake_case (``CustomerID`` is ``customer_id``). None means that the
field is empty, or that the read did not ask for it: a list gives the record's own fields only,
what is linked to it (contacts, lines, applications) comes with a read of the one record.
Amounts are in the document's own currency.
"""

from ml_connector.vendors.acumatica.models.items import (
    Item,
    ItemStatus,
    Ledger,
    NonStockItem,
    StockItem,
    UnitConversion,
)
from ml_connector.vendors.acumatica.models.offered import FieldDefinition, LookupValue
from ml_connector.vendors.acumatica.models.orders import (
    FinancialSettings,
    SalesOrder,
    SalesOrderLine,
    SalesOrderPayment,
    SalesOrderShipment,
    SalesOrderTotals,
)
from ml_connector.vendors.acumatica.models.parties import (
    AccountContact,
    Address,
    Attribute,
    BusinessAccount,
    BusinessAccountContact,
    Contact,
    Customer,
    CustomerStatus,
    DocumentContact,
)
from ml_connector.vendors.acumatica.models.receivables import (
    RELEASED,
    VOIDED,
    Invoice,
    InvoiceApplication,
    Payment,
    PaymentApplication,
    PaymentDocument,
    PaymentOrder,
    SalesInvoice,
    SalesInvoiceLine,
)
from ml_connector.vendors.acumatica.models.records import (
    CustomValue,
    Day,
    Moment,
    Part,
    Record,
    Row,
    contract_name,
    document_key,
    record_key,
)

__all__ = [
    "RELEASED",
    "VOIDED",
    "AccountContact",
    "Address",
    "Attribute",
    "BusinessAccount",
    "BusinessAccountContact",
    "Contact",
    "CustomValue",
    "Customer",
    "CustomerStatus",
    "Day",
    "DocumentContact",
    "FieldDefinition",
    "FinancialSettings",
    "Invoice",
    "InvoiceApplication",
    "Item",
    "ItemStatus",
    "Ledger",
    "LookupValue",
    "Moment",
    "NonStockItem",
    "Part",
    "Payment",
    "PaymentApplication",
    "PaymentDocument",
    "PaymentOrder",
    "Record",
    "Row",
    "SalesInvoice",
    "SalesInvoiceLine",
    "SalesOrder",
    "SalesOrderLine",
    "SalesOrderPayment",
    "SalesOrderShipment",
    "SalesOrderTotals",
    "StockItem",
    "UnitConversion",
    "contract_name",
    "document_key",
    "record_key",
]
