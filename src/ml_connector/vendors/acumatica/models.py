"""Acumatica's records, unwrapped: the fields we use, with exact numbers and aware moments.

Names are the contract's in snake_case (``CustomerID`` is ``customer_id``). None means that the
field is empty, or that the read did not ask for it: a list gives the record's own fields only,
what is linked to it (contacts, lines, applications) comes with a read of the one record.
Amounts are in the document's own currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct, field

from ml_connector.vendors.acumatica.versions import since

Day = date
"""A business day, without time or zone."""

Moment = Annotated[datetime, Meta(tz=True)]
"""A moment with its zone; Acumatica gives UTC (recorded; NOTES.md, "Dates")."""

CustomValue = str | bool | int | Decimal | None
"""A custom field's value; dates stay text, because their meaning is the field's."""

_WORDS = {"id": "ID", "uom": "UOM", "akit": "AKit"}


def contract_name(name: str) -> str:
    """Return the contract's name of a model's field: ``customer_id`` is ``CustomerID``."""
    return "".join(_WORDS.get(word, word.capitalize()) for word in name.split("_"))


class Part(Struct, frozen=True, kw_only=True, rename=contract_name):
    """A group of fields inside a record, such as an address."""


class Row(Part, frozen=True, kw_only=True):
    """One row of a record's details."""

    id: str | None = field(name="id", default=None)
    """Names the row in an update; for rows without a note it lives in the session only."""


class Record(Part, frozen=True, kw_only=True):
    """A top-level record."""

    ENTITY: ClassVar[str]
    KEYS: ClassVar[tuple[str, ...]]
    """The contract's key fields, in the order of the address."""

    id: str = field(name="id")
    """Acumatica's own id (the record's NoteID); it stays when a key is renamed."""
    custom: Mapping[str, CustomValue] = field(name="custom", default_factory=dict)
    """Custom fields that the read asked for, by ``View.Field``."""

    @property
    def key(self) -> str:
        """The record's key as record links and streams carry it: ``SO/SO004211``."""
        return record_key(*(getattr(self, name) for name in self._key_attributes()))

    @classmethod
    def _key_attributes(cls) -> tuple[str, ...]:
        by_name = dict(zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True))
        return tuple(by_name[name] for name in cls.KEYS)


def record_key(*parts: str | int) -> str:
    """Join key fields as record links carry them."""
    return "/".join(str(part).strip() for part in parts)


def document_key(key: str) -> tuple[str, str]:
    """Take ``SO/SO004211`` or ``Invoice/INV000046`` apart.

    Raises ValueError when there are not two parts.
    """
    kind, slash, number = key.partition("/")
    if not (kind and slash and number):
        raise ValueError(f"{key!r} is not a document's key such as SO/SO004211")
    return kind, number


class Address(Part, frozen=True, kw_only=True):
    """A postal address; ``country`` and ``state`` are codes of the site's own tables."""

    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class AccountContact(Part, frozen=True, kw_only=True):
    """A customer's main, billing or shipping contact."""

    attention: str | None = None
    company_name: str | None = None
    email: str | None = None
    phone1: str | None = None
    phone1_type: str | None = None
    phone2: str | None = None
    phone2_type: str | None = None
    web_site: str | None = None
    address: Address | None = None


class DocumentContact(Part, frozen=True, kw_only=True):
    """Whom an order or invoice is addressed to."""

    attention: str | None = None
    business_name: str | None = None
    email: str | None = None
    phone1: str | None = None


class Attribute(Row, frozen=True, kw_only=True):
    """A user-defined attribute's value."""

    attribute_id: str
    value: str | None = None


CustomerStatus = Literal["Active", "On Hold", "Credit Hold", "One-Time", "Inactive"]
"""Labels; only "Active" is recorded, the rest is from the form (NOTES.md, "Labels")."""


class Customer(Record, frozen=True, kw_only=True):
    """A customer (AR303000)."""

    ENTITY = "Customer"
    KEYS = ("CustomerID",)

    customer_id: str
    customer_name: str | None = None
    customer_class: str | None = None
    status: str | None = None
    """One of CustomerStatus, or a label of the site's own."""
    account_ref: str | None = None
    """External reference: free text, not unique."""
    email: Annotated[str | None, since("23.200.001")] = None
    primary_contact_id: Annotated[int | None, since("23.200.001")] = None
    currency_id: str | None = None
    enable_currency_override: bool | None = None
    """Whether documents may be in another currency than the customer's."""
    terms: str | None = None
    tax_zone: str | None = None
    tax_registration_id: str | None = None
    statement_cycle_id: str | None = None
    parent_record: str | None = None
    price_class_id: str | None = None
    credit_limit: Decimal | None = None
    ship_via: str | None = None
    shipping_branch: str | None = None
    warehouse_id: str | None = None
    location_name: str | None = None
    created_date_time: Moment | None = None
    last_modified_date_time: Moment | None = None

    main_contact: AccountContact | None = None
    billing_contact: AccountContact | None = None
    billing_contact_override: bool | None = None
    billing_address_override: bool | None = None
    shipping_contact: AccountContact | None = None
    shipping_contact_override: bool | None = None
    shipping_address_override: bool | None = None
    attributes: tuple[Attribute, ...] = ()


class Contact(Record, frozen=True, kw_only=True):
    """A person (CR302000)."""

    ENTITY = "Contact"
    KEYS = ("ContactID",)

    contact_id: int
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    email: str | None = None
    phone1: str | None = None
    phone1_type: str | None = None
    phone2: str | None = None
    phone2_type: str | None = None
    job_title: str | None = None
    business_account: str | None = None
    """The customer or business account that the person belongs to."""
    company_name: str | None = None
    contact_class: str | None = None
    active: bool | None = None
    status: str | None = None
    type: str | None = None
    ext_ref_nbr: Annotated[str | None, since("24.200.001")] = None
    override_account_address: bool | None = None
    last_modified_date_time: Moment | None = None

    address: Address | None = None
    attributes: tuple[Attribute, ...] = ()


class BusinessAccountContact(Part, frozen=True, kw_only=True):
    """A business account's main contact."""

    attention: str | None = None
    company_name: str | None = None
    email: str | None = None
    phone1: str | None = None
    phone2: str | None = None
    web: str | None = None


class BusinessAccount(Record, frozen=True, kw_only=True):
    """A party in its CRM role: prospect, customer or vendor (CR303000).

    Its ids are the customers' ids: one number space for both.
    """

    ENTITY = "BusinessAccount"
    KEYS = ("BusinessAccountID",)

    business_account_id: str
    name: str | None = None
    status: str | None = None
    type: str | None = None
    class_id: str | None = None
    account_ref: str | None = None
    currency_id: str | None = None
    owner: str | None = None
    parent_account: str | None = None
    last_modified_date_time: Moment | None = None

    main_contact: BusinessAccountContact | None = None
    main_address: Address | None = None
    attributes: tuple[Attribute, ...] = ()


class SalesOrderLine(Row, frozen=True, kw_only=True):
    """One line of a sales order."""

    line_nbr: int | None = None
    inventory_id: str | None = None
    line_description: str | None = None
    order_qty: Decimal | None = None
    uom: str | None = None
    unit_price: Decimal | None = None
    manual_price: bool | None = None
    discount_percent: Decimal | None = None
    discount_amount: Decimal | None = None
    discount_code: str | None = None
    manual_discount: bool | None = None
    extended_price: Decimal | None = None
    """Quantity times price, before the line's discount."""
    amount: Decimal | None = None
    """After the line's discount, before tax."""
    free_item: bool | None = None
    warehouse_id: str | None = None
    branch: str | None = None
    tax_category: str | None = None
    requested_on: Day | None = None
    ship_on: Day | None = None
    salesperson_id: str | None = None
    project_task: str | None = None
    open_qty: Decimal | None = None
    qty_on_shipments: Decimal | None = None
    unbilled_amount: Decimal | None = None
    completed: bool | None = None
    external_ref: str | None = None
    invoice_type: str | None = None
    invoice_nbr: str | None = None


class SalesOrderShipment(Row, frozen=True, kw_only=True):
    """A shipment of a sales order; it is the link from the order to its invoices."""

    shipment_nbr: str | None = None
    shipment_type: str | None = None
    status: str | None = None
    shipped_qty: Decimal | None = None
    shipment_date: Day | None = None
    invoice_type: str | None = None
    invoice_nbr: str | None = None


class SalesOrderPayment(Row, frozen=True, kw_only=True):
    """A payment or prepayment applied to a sales order."""

    doc_type: str | None = None
    reference_nbr: str | None = None
    status: str | None = None
    applied_to_order: Decimal | None = None
    payment_amount: Decimal | None = None
    balance: Decimal | None = None
    currency: str | None = None


class SalesOrderTotals(Part, frozen=True, kw_only=True):
    """A sales order's sums."""

    line_total_amount: Decimal | None = None
    discount_total: Decimal | None = None
    """Group and document discounts; the lines' own are in their amounts already."""
    tax_total: Decimal | None = None
    freight: Decimal | None = None
    unbilled_amount: Decimal | None = None
    unpaid_balance: Decimal | None = None


class FinancialSettings(Part, frozen=True, kw_only=True):
    """A sales order's financial settings."""

    terms: str | None = None
    due_date: Day | None = None
    invoice_nbr: str | None = None
    customer_tax_zone: str | None = None
    owner: str | None = None
    branch: str | None = None


class SalesOrder(Record, frozen=True, kw_only=True):
    """A sales order (SO301000)."""

    ENTITY = "SalesOrder"
    KEYS = ("OrderType", "OrderNbr")

    order_type: str
    order_nbr: str
    status: str | None = None
    """A label; sites add their own, so an unknown one is no error (NOTES.md, "Labels")."""
    hold: bool | None = None
    credit_hold: bool | None = None
    approved: bool | None = None
    customer_id: str | None = None
    location_id: str | None = None
    contact_id: str | None = None
    external_ref: str | None = None
    """Number of the order in the other system: what we find our own orders by. Not unique."""
    customer_order: str | None = None
    description: str | None = None
    date: Day | None = None
    requested_on: Day | None = None
    currency_id: str | None = None
    order_total: Decimal | None = None
    """With taxes and freight, after discounts."""
    tax_total: Decimal | None = None
    ordered_qty: Decimal | None = None
    branch: Annotated[str | None, since("23.200.001")] = None
    project: str | None = None
    ship_via: str | None = None
    preferred_warehouse_id: str | None = None
    tax_calc_mode: str | None = None
    created_date: Annotated[Moment | None, since("22.200.001")] = None
    last_modified: Moment | None = None

    details: tuple[SalesOrderLine, ...] = ()
    shipments: tuple[SalesOrderShipment, ...] = ()
    payments: tuple[SalesOrderPayment, ...] = ()
    totals: SalesOrderTotals | None = None
    financial_settings: FinancialSettings | None = None
    ship_to_contact: DocumentContact | None = None
    ship_to_contact_override: bool | None = None
    ship_to_address: Address | None = None
    ship_to_address_override: bool | None = None


RELEASED = frozenset({"Open", "Closed"})
"""Statuses in which an invoice or payment counts: only then is its balance a debt."""

VOIDED = frozenset({"Voided", "Canceled"})


class SalesInvoiceLine(Row, frozen=True, kw_only=True):
    """One line of a sales invoice, with the order line that it came from."""

    line_nbr: int | None = None
    inventory_id: str | None = None
    transaction_descr: str | None = None
    """The line's text; ``Description`` would be the GL account's name."""
    qty: Decimal | None = None
    uom: str | None = None
    unit_price: Decimal | None = None
    discount_amount: Decimal | None = None
    amount: Decimal | None = None
    tax_category: str | None = None
    order_type: str | None = None
    order_nbr: str | None = None
    order_line_nbr: int | None = None
    shipment_nbr: str | None = None
    orig_inv_type: str | None = None
    orig_inv_nbr: str | None = None


class InvoiceApplication(Row, frozen=True, kw_only=True):
    """A payment or credit memo applied to a sales invoice."""

    adjusting_doc_reference_nbr: str | None = None
    doc_type: str | None = None
    amount_paid: Decimal | None = None
    balance: Decimal | None = None
    cash_discount_taken: Decimal | None = None
    payment_date: Day | None = None
    payment_ref: str | None = None
    status: str | None = None


class SalesInvoice(Record, frozen=True, kw_only=True):
    """An invoice, debit memo or credit memo made from orders or directly (SO303000)."""

    ENTITY = "SalesInvoice"
    KEYS = ("Type", "ReferenceNbr")

    type: str
    reference_nbr: str
    status: str | None = None
    hold: bool | None = None
    credit_hold: bool | None = None
    customer_id: str | None = None
    currency: str | None = None
    date: Day | None = None
    due_date: Day | None = None
    amount: Decimal | None = None
    """The document's total, with taxes."""
    balance: Decimal | None = None
    """What is unpaid; of an unreleased document the whole total (see ``is_released``)."""
    tax_total: Decimal | None = None
    detail_total: Decimal | None = None
    discount_total: Decimal | None = None
    payment_total: Decimal | None = None
    description: str | None = None
    customer_order: str | None = None
    external_ref: Annotated[str | None, since("24.200.001")] = None
    project: str | None = None
    is_tax_valid: bool | None = None
    last_modified_date_time: Annotated[Moment | None, since("23.200.001")] = None

    details: tuple[SalesInvoiceLine, ...] = ()
    applications_invoice: tuple[InvoiceApplication, ...] = ()

    @property
    def is_released(self) -> bool:
        """Whether the document is in the books."""
        return self.status in RELEASED

    @property
    def is_voided(self) -> bool:
        """Whether the document was taken back."""
        return self.status in VOIDED


class Invoice(Record, frozen=True, kw_only=True):
    """An invoice or memo as receivables see it (AR301000), whatever it came from."""

    ENTITY = "Invoice"
    KEYS = ("Type", "ReferenceNbr")

    type: str
    reference_nbr: str
    status: str | None = None
    hold: bool | None = None
    customer: str | None = None
    date: Day | None = None
    due_date: Day | None = None
    amount: Decimal | None = None
    balance: Decimal | None = None
    tax_total: Decimal | None = None
    terms: str | None = None
    description: str | None = None
    customer_order: str | None = None
    project: str | None = None
    post_period: str | None = None
    last_modified_date_time: Moment | None = None

    @property
    def is_released(self) -> bool:
        """Whether the document is in the books."""
        return self.status in RELEASED


class PaymentDocument(Row, frozen=True, kw_only=True):
    """A document that an unreleased payment is to be applied to."""

    doc_type: str | None = None
    reference_nbr: str | None = None
    amount_paid: Decimal | None = None
    customer_order: str | None = None


class PaymentOrder(Row, frozen=True, kw_only=True):
    """A sales order that a payment is applied to: a prepayment."""

    order_type: str | None = None
    order_nbr: str | None = None
    applied_to_order: Decimal | None = None


class PaymentApplication(Row, frozen=True, kw_only=True):
    """A document that a released payment was applied to."""

    display_doc_type: str | None = None
    display_ref_nbr: str | None = None
    amount_paid: Decimal | None = None
    balance: Decimal | None = None
    balance_write_off: Decimal | None = None
    cash_discount_taken: Decimal | None = None
    date: Day | None = None


class Payment(Record, frozen=True, kw_only=True):
    """A payment, prepayment or refund (AR302000)."""

    ENTITY = "Payment"
    KEYS = ("Type", "ReferenceNbr")

    type: str
    reference_nbr: str
    status: str | None = None
    hold: bool | None = None
    customer_id: str | None = None
    application_date: Day | None = None
    currency_id: str | None = None
    payment_amount: Decimal | None = None
    applied_to_documents: Decimal | None = None
    applied_to_orders: Decimal | None = None
    available_balance: Decimal | None = None
    payment_method: str | None = None
    cash_account: str | None = None
    payment_ref: str | None = None
    external_ref: str | None = None
    description: str | None = None
    branch: str | None = None
    last_modified_date_time: Moment | None = None

    documents_to_apply: tuple[PaymentDocument, ...] = ()
    orders_to_apply: tuple[PaymentOrder, ...] = ()
    application_history: tuple[PaymentApplication, ...] = ()

    @property
    def is_released(self) -> bool:
        """Whether the payment is in the books."""
        return self.status in RELEASED


class UnitConversion(Row, frozen=True, kw_only=True):
    """How a stock item's unit converts: ``from_uom`` times or divided by the factor."""

    from_uom: str | None = None
    to_uom: str | None = None
    conversion_factor: Decimal | None = None
    multiply_or_divide: str | None = None


class StockItem(Record, frozen=True, kw_only=True):
    """A stock item (IN202500)."""

    ENTITY = "StockItem"
    KEYS = ("InventoryID",)

    inventory_id: str
    description: str | None = None
    item_status: str | None = None
    item_class: str | None = None
    item_type: str | None = None
    base_uom: str | None = None
    sales_uom: str | None = None
    default_price: Decimal | None = None
    cury_specific_price: Decimal | None = None
    tax_category: str | None = None
    default_warehouse_id: str | None = None
    is_akit: bool | None = None
    last_modified: Moment | None = None

    uom_conversions: tuple[UnitConversion, ...] = ()


class NonStockItem(Record, frozen=True, kw_only=True):
    """A service, charge or other item without stock (IN202000)."""

    ENTITY = "NonStockItem"
    KEYS = ("InventoryID",)

    inventory_id: str
    description: str | None = None
    item_status: str | None = None
    item_class: str | None = None
    item_type: str | None = None
    base_unit: str | None = None
    sales_unit: str | None = None
    default_price: Decimal | None = None
    cury_specific_price: Decimal | None = None
    tax_category: str | None = None
    is_kit: bool | None = None
    require_shipment: bool | None = None
    last_modified_date_time: Moment | None = None


ItemStatus = Literal[
    "Active", "Inactive", "No Sales", "No Purchases", "No Request", "Marked for Deletion"
]
_SELLABLE = frozenset({"Active", "No Purchases", "No Request"})


class Item(Struct, frozen=True, kw_only=True):
    """What a stock and a non-stock item have in common."""

    kind: Literal["stock_item", "non_stock_item"]
    id: str
    inventory_id: str
    description: str | None
    item_status: str | None
    item_class: str | None
    base_unit: str | None
    sales_unit: str | None
    default_price: Decimal | None
    """In the base currency, per base unit."""
    tax_category: str | None
    is_kit: bool
    last_modified: Moment | None

    @property
    def key(self) -> str:
        """The item's key as record links and streams carry it."""
        return self.inventory_id

    @property
    def is_sellable(self) -> bool:
        """Whether an order may name it."""
        return self.item_status in _SELLABLE

    @classmethod
    def of(cls, found: StockItem | NonStockItem) -> Item:
        """Bring an item of either entity into the common form."""
        if isinstance(found, StockItem):
            units = found.base_uom, found.sales_uom
            is_kit, changed = found.is_akit, found.last_modified
        else:
            units = found.base_unit, found.sales_unit
            is_kit, changed = found.is_kit, found.last_modified_date_time
        return cls(
            kind="stock_item" if isinstance(found, StockItem) else "non_stock_item",
            id=found.id,
            inventory_id=found.inventory_id,
            description=found.description,
            item_status=found.item_status,
            item_class=found.item_class,
            base_unit=units[0],
            sales_unit=units[1],
            default_price=found.cury_specific_price or found.default_price,
            tax_category=found.tax_category,
            is_kit=bool(is_kit),
            last_modified=changed,
        )


class LookupValue(Struct, frozen=True, kw_only=True):
    """One permitted value of a setting or mapping, from the site's own tables."""

    value: str
    title: str | None
    is_active: bool = True


class FieldDefinition(Struct, frozen=True, kw_only=True):
    """A field that the endpoint offers, for mappings."""

    path: str
    """``CustomerOrder``, ``FinancialSettings/Owner``, ``Details/UOM``, or ``Document.UsrX``."""
    type: Literal["text", "number", "integer", "yes_no", "moment", "guid"]
    is_custom: bool = False
