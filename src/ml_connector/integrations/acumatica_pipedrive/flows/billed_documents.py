"""Reading a document of Acumatica for billing: which kind it is, and what of it is remembered.

One record is one document, under the key that all views of it share: a sales invoice (SO303000)
and the same document of receivables (AR301000) are both ``Invoice/INV000046``, so that it counts
once, whichever stream tells of it and whichever view an endpoint version offers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ml_connector.core.errors import HeldError, NotFoundError
from ml_connector.core.money import currency_digits, round_to_currency
from ml_connector.integrations.acumatica_pipedrive.billing import (
    RELEASED,
    ZERO,
    Advance,
    Billed,
    Ordered,
    Settlement,
)
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.vendors.acumatica.models import (
    CreditMemoApplication,
    Invoice,
    InvoiceApplication,
    InvoicePayment,
    Payment,
    SalesInvoice,
    SalesInvoiceLine,
    SalesOrder,
    document_key,
    document_type,
    record_key,
)

_LONGEST_ORDER_TYPE = 2  # characters; documents' types are words
_PAYMENTS = frozenset(
    {"Payment", "Prepayment", "Refund", "Voided Payment", "Voided Refund", "Balance WO"}
)
CREDIT_MEMO = "Credit Memo"
_VOIDED = "Voided"
_SETTLES = frozenset({None, _VOIDED, *RELEASED})
"""Statuses of payments whose application counts, or once did; others are not released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenInvoice:
    """An invoice or memo, with what it is traced by."""

    billed: Billed
    references: tuple[str, ...] = ()
    """What may name the deal: the external reference, the customer's order."""
    lines: tuple[SalesInvoiceLine, ...] = ()

    @property
    def dated(self) -> date | None:
        """The document's own day."""
        return self.billed.dated

    @property
    def called(self) -> str:
        """What messages call it."""
        return f"{self.billed.kind} {self.billed.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOrder:
    """A sales order."""

    key: str
    ordered: Ordered
    dated: date | None

    @property
    def called(self) -> str:
        """What messages call it."""
        return f"order {self.ordered.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPayment:
    """A payment, with the orders and documents that it is applied to."""

    payment: Payment
    documents: tuple[str, ...]
    """Their keys."""

    @property
    def dated(self) -> date | None:
        """The document's own day."""
        return self.payment.application_date

    @property
    def called(self) -> str:
        """What messages call it."""
        return f"{self.payment.type} {self.payment.reference_nbr}"

    def orders(self) -> dict[str, Decimal]:
        """Return how much of it is applied to which order, by the order's key."""
        applied: dict[str, Decimal] = {}
        for row in self.payment.orders_to_apply:
            if row.order_type and row.order_nbr:
                key = record_key(row.order_type, row.order_nbr)
                applied[key] = applied.get(key, ZERO) + (row.applied_to_order or ZERO)
        return applied

    def advance(self, amount: Decimal) -> Advance:
        """Return the payment as deals remember it: ``amount`` is what orders have of it."""
        payment = self.payment
        currency = payment.currency_id or ""
        return Advance(
            kind=payment.type,
            number=payment.reference_nbr,
            status=payment.status or "",
            currency=currency,
            amount=_rounded(amount, currency, of=self.called),
        )


Seen = SeenInvoice | SeenOrder | SeenPayment


async def read(key: str, ctx: Context) -> Seen | None:
    """Return a document as it is now; None for one that is not there any more."""
    kind, _ = document_key(key)
    if len(kind) <= _LONGEST_ORDER_TYPE:
        return await _order(key, ctx)
    return await _payment(key, ctx) if kind in _PAYMENTS else await _invoice(key, ctx)


async def applications_of(key: str, ctx: Context) -> SeenPayment | None:
    """Return a credit memo as a payment, with what it is applied to; None before its release."""
    return await _payment(key, ctx)


async def is_as_remembered(key: str, billed: Billed, ctx: Context) -> bool:
    """Tell whether an invoice's header says what is remembered of it; reads the header alone."""
    found: SalesInvoice | Invoice
    try:
        found = await ctx.acumatica.sales_invoice(key)
    except NotFoundError:
        try:
            found = await ctx.acumatica.invoice(key)
        except NotFoundError:
            return False
    header = (found.status, found.amount, found.tax_total or ZERO, found.balance, found.due_date)
    return header == (billed.status, billed.amount, billed.tax, billed.balance, billed.due_on)


async def _order(key: str, ctx: Context) -> SeenOrder | None:
    try:
        order: SalesOrder = await ctx.acumatica.sales_order(key)
    except NotFoundError:
        return None
    ordered = Ordered(number=order.order_nbr, status=order.status or "")
    return SeenOrder(key=key, ordered=ordered, dated=order.date)


async def _payment(key: str, ctx: Context) -> SeenPayment | None:
    try:
        payment = await ctx.acumatica.payment_in_full(key)
    except NotFoundError:
        return None
    named = [(row.doc_type, row.reference_nbr) for row in payment.documents_to_apply]
    named += [(row.display_doc_type, row.display_ref_nbr) for row in payment.application_history]
    keys = (record_key(document_type(kind), number) for kind, number in named if kind and number)
    return SeenPayment(
        payment=payment, documents=tuple(each for each in dict.fromkeys(keys) if each != key)
    )


async def _invoice(key: str, ctx: Context) -> SeenInvoice | None:
    """Read the view with lines; what was entered at receivables has only the other one."""
    try:
        return _from_orders(await ctx.acumatica.sales_invoice_in_full(key))
    except NotFoundError:
        pass
    try:
        return _from_receivables(await ctx.acumatica.invoice_in_full(key))
    except NotFoundError:
        return None


def _from_orders(found: SalesInvoice) -> SeenInvoice:
    billed = _billed(
        found,
        currency=found.currency,
        settlements=_settlements(found.applications_invoice, found.applications_credit_memo),
        cancels=_made_from(found),
    )
    references = (found.external_ref, found.customer_order)
    return SeenInvoice(
        billed=billed,
        references=tuple(each for each in references if each),
        lines=found.details,
    )


def _from_receivables(found: Invoice) -> SeenInvoice:
    currency = found.custom.get(Invoice.CURRENCY)
    billed = _billed(
        found,
        currency=currency if isinstance(currency, str) else None,
        settlements=_settlements(found.applications_default, found.applications_credit_memo),
    )
    references = (found.customer_order,)
    return SeenInvoice(billed=billed, references=tuple(each for each in references if each))


def _billed(
    found: SalesInvoice | Invoice,
    *,
    currency: str | None,
    settlements: Iterable[Settlement],
    cancels: str | None = None,
) -> Billed:
    called = f"{found.type} {found.reference_nbr}"
    if not currency:
        raise HeldError(
            f"Acumatica does not tell the currency of {called}, so it is added to nothing; let "
            "the user see the field Currency of the form",
            waits_for=f"document:{found.key}",
        )

    def rounded(amount: Decimal | None) -> Decimal:
        return _rounded(amount or ZERO, currency, of=called)

    return Billed(
        kind=found.type,
        number=found.reference_nbr,
        status=found.status or "",
        currency=currency,
        amount=rounded(found.amount),
        tax=rounded(found.tax_total),
        balance=rounded(found.balance),
        dated=found.date,
        due_on=found.due_date,
        settlements=() if found.type == CREDIT_MEMO else tuple(settlements),
        cancels=cancels,
    )


def _settlements(
    payments: Sequence[InvoiceApplication | InvoicePayment],
    memos: Sequence[CreditMemoApplication],
) -> list[Settlement]:
    """Return what settled a document; sites list memos with the payments or by themselves."""
    by_payment = [_settlement(row) for row in payments if row.status in _SETTLES]
    known = {(one.kind, one.number) for one in by_payment}
    by_memo = [_settlement(row) for row in memos if row.status in _SETTLES]
    return [*by_payment, *(one for one in by_memo if (one.kind, one.number) not in known)]


def _settlement(row: InvoiceApplication | InvoicePayment | CreditMemoApplication) -> Settlement:
    number = (
        row.adjusting_doc_reference_nbr
        if isinstance(row, InvoiceApplication)
        else row.reference_nbr
    )
    return Settlement(
        kind=document_type(row.doc_type),
        number=number or "",
        amount=row.amount_paid or ZERO,
        settled_on=None if isinstance(row, CreditMemoApplication) else row.payment_date,
        is_voided=row.status == _VOIDED,
    )


def _made_from(found: SalesInvoice) -> str | None:
    """Return the one invoice that a credit memo's lines name as their origin."""
    origins = {line.orig_inv_nbr for line in found.details if line.orig_inv_nbr}
    return origins.pop() if found.type == CREDIT_MEMO and len(origins) == 1 else None


def _rounded(amount: Decimal, currency: str, *, of: str) -> Decimal:
    try:
        currency_digits(currency)
    except ValueError as exc:
        raise HeldError(
            f"{of} is in {currency!r}, which is no currency of ISO 4217, so its digits are not "
            "known; such documents are not shown on deals",
            waits_for=f"currency:{currency}",
        ) from exc
    return round_to_currency(amount, currency)
