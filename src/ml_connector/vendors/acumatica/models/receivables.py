"""Invoices and payments, and what is applied to what."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

from ml_connector.vendors.acumatica.models.records import Day, Moment, Record, Row
from ml_connector.vendors.acumatica.versions import since

RELEASED = frozenset({"Open", "Closed"})
"""Statuses in which an invoice or payment counts: only then is its balance a debt."""

VOIDED = frozenset({"Voided", "Canceled"})

DOCUMENT_TYPES: Mapping[str, str] = {
    "INV": "Invoice",
    "DRM": "Debit Memo",
    "CRM": "Credit Memo",
    "FCH": "Overdue Charge",
    "PMT": "Payment",
    "PPM": "Prepayment",
    "REF": "Refund",
    "RPM": "Voided Payment",
    "VRF": "Voided Refund",
    "SMB": "Balance WO",
}
"""Types of documents: some places give the table's code where the contract has the label."""


def document_type(text: str | None) -> str:
    """Return the label of a document's type, whichever way it was given."""
    stripped = (text or "").strip()
    return DOCUMENT_TYPES.get(stripped.upper(), stripped)


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
    external_ref: Annotated[str | None, since("24.200.001")] = None
    orig_inv_type: str | None = None
    orig_inv_nbr: str | None = None


class CreditMemoApplication(Row, frozen=True, kw_only=True):
    """A credit memo applied to an invoice, or an invoice that a credit memo is applied to."""

    reference_nbr: str | None = None
    doc_type: str | None = None
    amount_paid: Decimal | None = None
    status: str | None = None


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
    applications_credit_memo: tuple[CreditMemoApplication, ...] = ()

    @property
    def is_released(self) -> bool:
        """Whether the document is in the books."""
        return self.status in RELEASED

    @property
    def is_voided(self) -> bool:
        """Whether the document was taken back."""
        return self.status in VOIDED


class InvoicePayment(Row, frozen=True, kw_only=True):
    """A payment applied to an invoice, as receivables see it."""

    reference_nbr: str | None = None
    doc_type: str | None = None
    amount_paid: Decimal | None = None
    cash_discount_taken: Decimal | None = None
    payment_date: Day | None = None
    status: str | None = None


class Invoice(Record, frozen=True, kw_only=True):
    """An invoice or memo as receivables see it (AR301000), whatever it came from.

    The contract names no currency here; `CURRENCY` asks for it as a field of the form.
    """

    CURRENCY: ClassVar[str] = "Document.CuryID"

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

    applications_default: tuple[InvoicePayment, ...] = ()
    applications_credit_memo: tuple[CreditMemoApplication, ...] = ()

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
