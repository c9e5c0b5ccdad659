"""Which payment or credit memo paid how much of which document."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from vendor_simulators.acumatica.forms import refuse
from vendor_simulators.acumatica.records import Record, normal
from vendor_simulators.acumatica.site import Site
from vendor_simulators.acumatica.values import ZERO

DocumentKey = tuple[str, str]  # type label, reference number

_TYPE_CODES = {
    "INV": "Invoice",
    "DRM": "Debit Memo",
    "CRM": "Credit Memo",
    "PMT": "Payment",
    "PPM": "Prepayment",
}
RELEASED = frozenset({"Open", "Closed"})
_DEAD = frozenset({"Canceled", "Voided"})


@dataclass
class Application:
    """One amount of one payment on one document."""

    number: int
    payment: DocumentKey
    document: DocumentKey
    amount: Decimal
    applied_on: date
    is_voided: bool = False


class Applications:
    """All applications of the site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._by_document: dict[DocumentKey, list[Application]] = defaultdict(list)
        self._by_payment: dict[DocumentKey, list[Application]] = defaultdict(list)
        self._made = 0

    def document(self, type_label: str, number: str) -> Record | None:
        """Return the invoice, debit or credit memo, wherever it was entered."""
        label = _TYPE_CODES.get(type_label, type_label)
        key = (label, number)
        return self._site.table("SalesInvoice").get(*key) or self._site.table("Invoice").get(*key)

    def of_document(self, record: Record) -> list[Application]:
        """Return the applications on a document that stand."""
        return [one for one in self._by_document[_key(record)] if not one.is_voided]

    def of_payment(self, record: Record) -> list[Application]:
        """Return the applications of a payment or credit memo that stand."""
        return [one for one in self._by_payment[_key(record)] if not one.is_voided]

    def apply(self, payment: DocumentKey, document: Record, amount: Decimal) -> None:
        """Let a payment pay ``amount`` of a document and lower its balance."""
        if document["Status"] != "Open":
            raise refuse(f"The document {document['ReferenceNbr']} is {document['Status']}.")
        if amount > document["Balance"]:
            raise refuse("The amount is greater than the balance of the document.")
        self._made += 1
        one = Application(
            number=self._made,
            payment=payment,
            document=_key(document),
            amount=amount,
            applied_on=self._site.today,
        )
        self._by_document[one.document].append(one)
        self._by_payment[payment].append(one)
        self._move_balance(one.document, -amount)

    def void(self, payment: Record) -> None:
        """Take back everything that a payment paid."""
        for one in self.of_payment(payment):
            one.is_voided = True
            self._move_balance(one.document, one.amount)

    def owed_by(self, customer_id: str) -> tuple[Decimal, Decimal]:
        """Return what a customer owes: on documents not released yet, and on open ones."""
        unreleased = owed = ZERO
        invoices = self._site.table("SalesInvoice").matching("CustomerID", customer_id) or []
        others = [
            record
            for record in self._site.table("Invoice").matching("Customer", customer_id) or []
            if not record["_FromOrders"]
        ]
        for record in [*invoices, *others]:
            sign = -1 if record["Type"] == "Credit Memo" else 1
            if record["Status"] in RELEASED:
                owed += sign * record["Balance"]
            elif record["Status"] not in _DEAD:
                unreleased += sign * record["Amount"]
        return unreleased, owed

    def _move_balance(self, key: DocumentKey, by: Decimal) -> None:
        site = self._site
        held = self.document(*key)
        if held is None:
            raise refuse(f"The document {key[1]} cannot be found in the system.")
        document = held.copied()
        document["Balance"] += by
        document["Status"] = "Open" if document["Balance"] else "Closed"
        if "PaymentTotal" in document.values:
            document["PaymentTotal"] -= by
        site.commit(document, touch=bool(site.switches["payment_moves_invoice_timestamp"]))


def _key(record: Record) -> DocumentKey:
    return str(record["Type"]), str(normal(record["ReferenceNbr"]))
