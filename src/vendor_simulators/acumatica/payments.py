"""Payments, prepayments and what they are applied to (AR302000)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vendor_simulators.acumatica.applications import Application
from vendor_simulators.acumatica.bodies import Given
from vendor_simulators.acumatica.contract import Entity
from vendor_simulators.acumatica.forms import Draft, Form, refuse
from vendor_simulators.acumatica.records import Record, normal
from vendor_simulators.acumatica.site import Site
from vendor_simulators.acumatica.values import ZERO

_UNRELEASED = frozenset({None, "On Hold", "Balanced"})


class PaymentForm(Form):
    """AR302000."""

    sequence = "Payment"
    default_keys: Mapping[str, str] = {"Type": "Payment"}

    def __init__(self, site: Site, entity: Entity) -> None:
        super().__init__(site, entity)
        self.actions.update(
            {
                "releasepayment": self.release,
                "release": self.release,
                "voidpayment": self.void,
                "voidcheck": self.void,
            }
        )

    def draft(self, given: Given, original: Record | None) -> Draft:
        """Refuse, or drop, an edit of a released payment."""
        if original is not None and original["Status"] not in _UNRELEASED and given.paths():
            if self.site.switches["closed_documents"] == "refuse":
                raise refuse(f"The payment is {original['Status']} and cannot be changed.")
            given = Given(given.entity)
        return super().draft(given, original)

    def start(self, draft: Draft) -> None:
        """Take what the customer brings."""
        record, site = draft.record, self.site
        record["Hold"] = True
        record["NoteID"] = record.id
        record["ApplicationDate"] = site.today
        record["Branch"] = record["BranchID"] = site.branch
        record["CustomerLocationID"] = "MAIN"
        record["PaymentMethod"], record["CashAccount"] = "CHECK", "10200"
        customer = site.table("Customer").get(draft.given.values.get("CustomerID") or "")
        own = None if customer is None else customer["CurrencyID"]
        record["CurrencyID"] = own or site.base_currency

    def complete(self, draft: Draft) -> None:
        """Fill amounts that were left out, then compute what is applied and what is left."""
        record = draft.record
        left: Decimal = record["PaymentAmount"] or ZERO
        for row in record.rows.get("DocumentsToApply", []):
            document = self._document(row)
            if document is not None:
                row["DocType"] = document["Type"]
                row["CustomerOrder"] = document["CustomerOrder"]
                if id(row) in draft.fresh_rows and not draft.was_given(row, "AmountPaid"):
                    row["AmountPaid"] = min(left, document["Balance"])
            left -= row["AmountPaid"] or ZERO
        orders = record.rows.get("OrdersToApply", [])
        record["AppliedToOrders"] = sum((row["AppliedToOrder"] or ZERO for row in orders), ZERO)
        record["AppliedToDocuments"] = (record["PaymentAmount"] or ZERO) - left
        record["AvailableBalance"] = left - record["AppliedToOrders"]
        if record["Status"] in _UNRELEASED:
            record["Status"] = "On Hold" if record["Hold"] else "Balanced"

    def check(self, draft: Draft) -> None:
        """Note what the form would refuse."""
        record = draft.record
        if (record["PaymentAmount"] or ZERO) < 0:
            text = "The value must be greater than or equal to 0."
            draft.error(record, "PaymentAmount", text)
        if record["AvailableBalance"] < 0:
            text = "The applied amount is greater than the payment amount."
            draft.error(record, "PaymentAmount", text)
        for row in record.rows.get("DocumentsToApply", []):
            self._check_row(draft, row)
        for row in record.rows.get("OrdersToApply", []):
            order = self.site.table("SalesOrder").get(row["OrderType"] or "", row["OrderNbr"] or "")
            if order is None:
                draft.error(row, "OrderNbr", "'Order Nbr.' cannot be found in the system.")

    def release(self, payment: Record, _parameters: Mapping[str, Any]) -> None:
        """Release: documents are paid, orders are prepaid."""
        payment = self.edit(payment)
        if payment["Status"] != "Balanced":
            raise refuse(
                "Document Status is invalid for processing. "
                f"{payment['Type']} {payment['ReferenceNbr']} is {payment['Status']}."
            )
        for row in payment.rows.pop("DocumentsToApply", []):
            document = self._document(row)
            if document is None:
                raise refuse("The document cannot be found in the system.")
            self.site.applications.apply(_key(payment), document, row["AmountPaid"])
        for row in payment.rows.get("OrdersToApply", []):
            self._prepay(row["OrderType"], row["OrderNbr"], row["AppliedToOrder"], payment)
        payment["Status"] = "Open" if payment["AvailableBalance"] else "Closed"
        payment["Hold"] = False
        self.site.commit(payment)

    def void(self, payment: Record, _parameters: Mapping[str, Any]) -> None:
        """Void a released payment: its documents are due again."""
        payment = self.edit(payment)
        if payment["Status"] not in {"Open", "Closed"}:
            raise refuse(f"The payment is {payment['Status']} and cannot be voided.")
        site = self.site
        site.applications.void(payment)
        for row in payment.rows.get("OrdersToApply", []):
            self._prepay(row["OrderType"], row["OrderNbr"], -row["AppliedToOrder"], payment)
        payment["Status"] = "Voided"
        payment["AvailableBalance"] = payment["AppliedToDocuments"] = ZERO
        site.commit(payment)
        counter = Record(self.entity, site.new_id())
        counter.values.update(payment.values)
        counter["Type"], counter["NoteID"] = "Voided Payment", counter.id
        counter["PaymentAmount"], counter["Status"] = -payment["PaymentAmount"], "Closed"
        site.commit(counter)

    def rows(self, record: Record, name: str) -> list[Record]:
        """Return what a released payment paid."""
        if name == "ApplicationHistory":
            return [self._history(record, one) for one in self.site.applications.of_payment(record)]
        return super().rows(record, name)

    def _document(self, row: Record) -> Record | None:
        return self.site.applications.document(
            row["DocType"] or "Invoice", row["ReferenceNbr"] or ""
        )

    def _check_row(self, draft: Draft, row: Record) -> None:
        document = self._document(row)
        if document is None:
            text = "'Reference Nbr.' cannot be found in the system."
            draft.error(row, "ReferenceNbr", text)
            return
        owner = document["CustomerID"] or document["Customer"]
        if normal(owner or "") != normal(draft.record["CustomerID"] or ""):
            draft.error(row, "ReferenceNbr", "The document belongs to another customer.")
        elif document["Status"] != "Open":
            text = f"The document is {document['Status']} and cannot be paid."
            draft.error(row, "ReferenceNbr", text)
        elif (row["AmountPaid"] or ZERO) > document["Balance"]:
            draft.error(row, "AmountPaid", "The amount is greater than the document's balance.")

    def _prepay(self, type_code: str, number: str, amount: Decimal, payment: Record) -> None:
        held = self.site.table("SalesOrder").get(type_code, number)
        if held is None:
            return
        order = held.copied()
        order["_Prepaid"] = (order["_Prepaid"] or ZERO) + amount
        order.links["Totals"]["UnpaidBalance"] = order["OrderTotal"] - order["_Prepaid"]
        rows = [
            row
            for row in order.rows.get("Payments", [])
            if row["ReferenceNbr"] != payment["ReferenceNbr"]
        ]
        if amount > 0:
            row = Record(self.site.contract["SalesOrderPayment"], self.site.new_id())
            row["DocType"], row["ReferenceNbr"] = payment["Type"], payment["ReferenceNbr"]
            row["AppliedToOrder"], row["PaymentAmount"] = amount, payment["PaymentAmount"]
            row["Status"], row["Currency"] = "Open", payment["CurrencyID"]
            rows.append(row)
        order.rows["Payments"] = rows
        if order["Status"] == "Awaiting Payment" and amount > 0 and self.site.is_prepaid(order):
            order["Status"] = "Open"
        self.site.commit(order)

    def _history(self, record: Record, one: Application) -> Record:
        row = Record(self.site.contract["PaymentApplicationHistoryDetail"], self.site.new_id())
        type_label, number = one.document
        document = self.site.applications.document(type_label, number)
        row["DisplayDocType"] = row["AdjustedDocType"] = type_label
        row["DisplayRefNbr"] = row["AdjustedRefNbr"] = number
        row["AdjustingDocType"], row["AdjustingRefNbr"] = one.payment
        row["AdjustmentNbr"], row["AmountPaid"] = one.number, one.amount
        row["Date"], row["Customer"] = one.applied_on, record["CustomerID"]
        row["CurrencyID"] = record["CurrencyID"]
        if document is not None:
            row["Balance"], row["CustomerOrder"] = document["Balance"], document["CustomerOrder"]
            row["DueDate"] = document["DueDate"]
        return row


def _key(payment: Record) -> tuple[str, str]:
    return str(payment["Type"]), str(normal(payment["ReferenceNbr"]))
