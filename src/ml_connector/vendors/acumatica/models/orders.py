"""Sales orders, with lines, shipments and payments."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from ml_connector.vendors.acumatica.models.parties import Address, DocumentContact
from ml_connector.vendors.acumatica.models.records import Day, Moment, Part, Record, Row
from ml_connector.vendors.acumatica.versions import since


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
