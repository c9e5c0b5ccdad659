"""What the warehouse and finance do: ship, invoice, pay, credit, write off, void."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from vendor_simulators.acumatica.forms import refuse
from vendor_simulators.acumatica.records import Record, normal
from vendor_simulators.acumatica.screens import Screens
from vendor_simulators.acumatica.values import ZERO, converted
from vendor_simulators.kit import ControlError

Body = Mapping[str, Any]


class Finance(Screens):
    """Plays the actions around documents; each method is an action of the same name."""

    def ship(self, body: Body) -> dict[str, Any]:
        """Create a shipment of an order and, unless told otherwise, confirm it."""
        order = self.order(body)
        warehouse = {"WarehouseID": body["warehouse"]} if "warehouse" in body else {}
        self.act("SalesOrder", order, "createshipmentissue", **warehouse)
        number = self._present(order).rows["Shipments"][-1]["ShipmentNbr"]
        if body.get("confirm", True):
            self.act("Shipment", self.keyed("Shipment", number), "confirmshipment")
        return {"ShipmentNbr": number, **self.key_and_status(order)}

    def invoice(self, body: Body) -> dict[str, Any]:
        """Invoice every confirmed shipment of an order, else its lines that need none."""
        order = self.order(body)
        waiting = [
            row["ShipmentNbr"]
            for row in order.rows.get("Shipments", [])
            if row["InvoiceNbr"] is None and row["Status"] == "Confirmed"
        ]
        for number in waiting:
            self.act("Shipment", self.keyed("Shipment", number), "prepareinvoice")
        if not waiting:
            self.act("SalesOrder", order, "prepareinvoice")
        row = self._present(order).rows["Shipments"][-1]
        made = self.document({"type": row["InvoiceType"], "invoice": row["InvoiceNbr"]})
        if body.get("release", True):
            self._release(made)
        return {**self.key_and_status(made), "Amount": made["Amount"]}

    def release_invoice(self, body: Body) -> dict[str, Any]:
        """Release a document, taking it off hold first."""
        return self._release(self.document(body))

    def pay(self, body: Body) -> dict[str, Any]:
        """Enter, apply and release a payment; without an amount it pays everything."""
        document = self.document(body)
        amount = converted("d", body.get("amount")) or document["Balance"]
        payment = self._payment(document, "Payment", amount)
        payment["PaymentRef"] = body.get("ref")
        if "date" in body:
            payment["ApplicationDate"] = converted("D", body["date"])
        self._apply(payment, document, min(amount, document["Balance"]))
        return {**self.key_and_status(payment), "Balance": self._present(document)["Balance"]}

    def prepay(self, body: Body) -> dict[str, Any]:
        """Enter and release a prepayment of an order."""
        order = self.order(body)
        amount = converted("d", body["amount"])
        payment = self._payment(order, "Prepayment", amount)
        row = Record(self.erp.contract["PaymentOrderDetail"], self.erp.new_id())
        row["OrderType"], row["OrderNbr"] = order["OrderType"], order["OrderNbr"]
        row["AppliedToOrder"] = payment["AppliedToOrders"] = amount
        payment["AvailableBalance"] = ZERO
        payment.rows["OrdersToApply"] = [row]
        self.erp.commit(payment)
        return self.act("Payment", payment, "release")

    def credit_memo(self, body: Body) -> dict[str, Any]:
        """Enter and release a credit memo and, unless told otherwise, apply it."""
        document = self.document(body)
        amount = converted("d", body.get("amount")) or document["Amount"]
        memo = self._memo(document, amount)
        if not body.get("names_orders", True):
            for row in memo.rows["Details"]:
                row["OrderType"] = row["OrderNbr"] = row["OrderLineNbr"] = None
        self.erp.commit(memo)
        self._release(memo)
        if body.get("apply", True) and document["Balance"]:
            self._apply_memo(self._present(memo), document, min(amount, document["Balance"]))
        return {**self.key_and_status(memo), "Balance": self._present(document)["Balance"]}

    def write_off(self, body: Body) -> dict[str, Any]:
        """Write off what is left of a document."""
        document = self.document(body)
        payment = self._payment(document, "Balance WO", document["Balance"])
        self._apply(payment, document, document["Balance"])
        return {**self.key_and_status(payment), "Balance": self._present(document)["Balance"]}

    def void_payment(self, body: Body) -> dict[str, Any]:
        """Void a payment."""
        key = [str(body.get("type", "Payment")), str(body["payment"])]
        return self.act("Payment", self.keyed("Payment", key), "voidpayment")

    def cancel_invoice(self, body: Body) -> dict[str, Any]:
        """Cancel a released document that nothing was paid of; a credit memo reverses it."""
        document = self.document(body)
        if self.erp.applications.of_document(document):
            raise refuse("The document has applications and cannot be canceled.")
        memo = self._memo(document, document["Amount"])
        self.erp.commit(memo)
        self._release(memo)
        closed = self._present(memo).copied()
        closed["Balance"], closed["Status"] = ZERO, "Closed"
        self.erp.commit(closed)
        document = self._present(document).copied()
        document["Balance"], document["Status"] = ZERO, "Canceled"
        self.erp.commit(document)
        return self.key_and_status(document)

    def order_to_cash(self, body: Body) -> dict[str, Any]:
        """Carry an order through to the payment."""
        order = self.order(body)
        if order["Status"] == "On Hold":
            self.act("SalesOrder", order, "releasefromhold")
        named = {"type": order["OrderType"], "order": order["OrderNbr"]}
        if any(row["LineType"] != "Service" for row in order.rows.get("Details", [])):
            self.ship(named)
        invoice = self.invoice(named)
        number = {"type": invoice["Type"], "invoice": invoice["ReferenceNbr"]}
        paid = self.pay({**number, **{name: body[name] for name in ("amount",) if name in body}})
        return {"invoice": invoice, "payment": paid}

    def _present(self, record: Record) -> Record:
        return self.erp.table(record.entity.name).by_id(record.id) or record

    def _release(self, document: Record) -> dict[str, Any]:
        present = self._present(document)
        if present["Status"] == "On Hold":
            present = present.copied()
            present["Status"], present["Hold"] = "Balanced", False
            self.erp.commit(present)
        return self.act(present.entity.name, present, "release")

    def _payment(self, source: Record, type_label: str, amount: Decimal) -> Record:
        if amount is None or amount <= 0:
            raise ControlError(f"the amount of a payment is more than nothing, not {amount}")
        erp = self.erp
        payment = Record(erp.contract["Payment"], erp.new_id())
        payment["Type"], payment["ReferenceNbr"] = type_label, erp.numbering.next("Payment")
        payment["CustomerID"] = source["CustomerID"] or source["Customer"]
        payment["CurrencyID"] = source["Currency"] or source["CurrencyID"] or erp.base_currency
        payment["PaymentAmount"] = payment["AvailableBalance"] = amount
        payment["ApplicationDate"], payment["NoteID"] = erp.today, payment.id
        payment["PaymentMethod"], payment["CashAccount"] = "CHECK", "10200"
        payment["Branch"] = payment["BranchID"] = erp.branch
        payment["Status"], payment["Hold"] = "Balanced", False
        return payment

    def _apply(self, payment: Record, document: Record, amount: Decimal) -> None:
        row = Record(self.erp.contract["PaymentDetail"], self.erp.new_id())
        row["DocType"], row["ReferenceNbr"] = document["Type"], document["ReferenceNbr"]
        row["AmountPaid"] = payment["AppliedToDocuments"] = amount
        payment["AvailableBalance"] = payment["PaymentAmount"] - amount
        payment.rows["DocumentsToApply"] = [row]
        self.erp.commit(payment)
        self.act("Payment", payment, "release")

    def _memo(self, document: Record, amount: Decimal) -> Record:
        erp = self.erp
        customer_id = document["CustomerID"] or document["Customer"]
        memo = erp.invoicing.blank("Credit Memo", customer_id=customer_id)
        memo["Currency"] = document["Currency"] or erp.base_currency
        memo["Description"] = f"Credit for {document['ReferenceNbr']}"
        memo["CustomerOrder"] = document["CustomerOrder"]
        memo["DueDate"] = date.fromordinal(memo["Date"].toordinal())
        part = amount / document["Amount"] if document["Amount"] else Decimal(1)
        memo["Amount"] = memo["Balance"] = amount
        memo["TaxTotal"] = erp.rounded(document["TaxTotal"] * part, memo["Currency"])
        memo["DetailTotal"] = amount - memo["TaxTotal"]
        memo.rows["Details"] = [
            self._memo_line(line, part, memo["Currency"])
            for line in document.rows.get("Details", [])
        ]
        return memo

    def _memo_line(self, line: Record, part: Decimal, currency: str) -> Record:
        row = Record(self.erp.contract["SalesInvoiceDetail"], self.erp.new_id())
        for name in row.values:
            if name in line.values:
                row[name] = line[name]
        row["TransactionDescr"] = line["TransactionDescr"] or line["TransactionDescription"]
        row["Amount"] = self.erp.rounded(line["Amount"] * part, currency)
        return row

    def _apply_memo(self, memo: Record, document: Record, amount: Decimal) -> None:
        erp = self.erp
        key = (str(memo["Type"]), str(normal(memo["ReferenceNbr"])))
        erp.applications.apply(key, document, amount)
        left = memo.copied()
        left["Balance"] -= amount
        left["Status"] = "Open" if left["Balance"] else "Closed"
        erp.commit(left)
