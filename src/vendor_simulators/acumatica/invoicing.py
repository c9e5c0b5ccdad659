"""Invoices made of orders, and the release of every receivables document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from vendor_simulators.acumatica.forms import refuse
from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.site import Site
from vendor_simulators.acumatica.taxes import total_of
from vendor_simulators.acumatica.values import ZERO

_RELEASABLE = frozenset({"Balanced", "Pending Print", "Pending Email"})
SEQUENCES = {"Credit Memo": "CreditMemo"}


class Invoicing:
    """Makes, totals and releases SO303000 documents."""

    def __init__(self, site: Site) -> None:
        self._site = site
        for name, words in (
            ("SalesInvoice", ("releasesalesinvoice", "release")),
            ("Invoice", ("releaseinvoice", "release")),
        ):
            site.forms[name].actions.update(dict.fromkeys(words, self.release))

    def from_order(
        self,
        order: Record,
        lines: Sequence[tuple[Record, Decimal]],
        *,
        shipment_nbr: str | None,
    ) -> Record:
        """Return a new invoice of order lines (row and quantity); the order's rows are marked."""
        site = self._site
        type_label = site.codes.order_types[order["OrderType"]].invoice_type or "Invoice"
        invoice = self.blank(type_label, customer_id=order["CustomerID"])
        settings = order.links["FinancialSettings"]
        self.set_terms(invoice, settings["Terms"])
        invoice["Currency"], invoice["Description"] = order["CurrencyID"], order["Description"]
        invoice["Project"], invoice["TaxCalcMode"] = order["Project"], order["TaxCalcMode"]
        invoice["_TaxZone"] = settings["CustomerTaxZone"]
        if site.switches["copy_customer_order"]:
            invoice["CustomerOrder"] = order["CustomerOrder"]
        if site.switches["copy_external_ref"]:
            invoice["ExternalRef"] = order["ExternalRef"]
        share = _share(order, lines)
        invoice.rows["Details"] = [
            self._line(order, row, quantity, at, shipment_nbr)
            for at, (row, quantity) in enumerate(lines, 1)
        ]
        discount = order.links["Totals"]["DiscountTotal"] * share
        invoice["DiscountTotal"] = site.rounded(discount, order["CurrencyID"])
        self.total(invoice)
        order["_Billed"] = (order["_Billed"] or ZERO) + invoice["Amount"]
        order.links["Totals"]["UnbilledAmount"] = order["OrderTotal"] - order["_Billed"]
        settings["InvoiceNbr"] = invoice["ReferenceNbr"]
        return invoice

    def blank(self, type_label: str, *, customer_id: str) -> Record:
        """Return an invoice without lines."""
        site = self._site
        invoice = Record(site.contract["SalesInvoice"], site.new_id())
        invoice["Type"] = type_label
        invoice["ReferenceNbr"] = site.numbering.next(SEQUENCES.get(type_label, "SalesInvoice"))
        invoice["CustomerID"] = customer_id
        invoice["Date"] = site.today
        invoice["Project"], invoice["IsTaxValid"] = "X", True
        invoice["Hold"] = bool(site.switches["new_invoices_on_hold"])
        invoice["Status"] = "On Hold" if invoice["Hold"] else "Balanced"
        return invoice

    def set_terms(self, invoice: Record, terms: str | None) -> None:
        """Set the terms, which SalesInvoice shows as a custom field only, and the due date."""
        invoice["_Terms"] = terms
        invoice.custom["Document", "TermsID"] = ("CustomStringField", terms)
        days = self._site.codes.terms_days.get(terms or "", 0)
        invoice["DueDate"] = date.fromordinal(invoice["Date"].toordinal() + days)

    def total(self, invoice: Record) -> None:
        """Compute the totals of an unreleased document from its lines."""
        site = self._site
        totals = total_of(
            site,
            [(row["Amount"], row["TaxCategory"]) for row in invoice.rows.get("Details", [])],
            discount=invoice["DiscountTotal"] or ZERO,
            zone=invoice["_TaxZone"],
            mode=invoice["TaxCalcMode"],
            currency=invoice["Currency"],
        )
        invoice["DetailTotal"], invoice["TaxTotal"] = totals.lines, totals.tax
        invoice["Amount"] = invoice["Balance"] = totals.total
        invoice["VATExemptTotal"] = totals.exempt
        invoice["VATTaxableTotal"] = sum((tax.taxable for tax in totals.taxes), ZERO)
        target = site.contract[invoice.entity.details["TaxDetails"]]
        rows = []
        for tax in totals.taxes:
            row = Record(target, site.new_id())
            row["TaxID"], row["TaxableAmount"], row["TaxAmount"] = tax.tax_id, tax.taxable, tax.tax
            rows.append(row)
        invoice.rows["TaxDetails"] = rows

    def release(self, document: Record, _parameters: Mapping[str, Any]) -> None:
        """Release a document: it is open until paid, or closed at once when nothing is due."""
        site = self._site
        document = site.forms[document.entity.name].edit(document)
        if document["Status"] not in _RELEASABLE:
            raise refuse(
                "Document Status is invalid for processing. "
                f"{document['Type']} {document['ReferenceNbr']} is {document['Status']}."
            )
        if site.closed_before is not None and document["Date"] < site.closed_before:
            raise refuse("The financial period of the document is closed.")
        document["Status"] = "Open" if document["Balance"] else "Closed"
        document["Hold"] = False
        site.commit(document)
        self._complete_orders(document)

    def _complete_orders(self, document: Record) -> None:
        site = self._site
        numbers = {
            (row["OrderType"], row["OrderNbr"])
            for row in document.rows.get("Details", [])
            if row["OrderNbr"]
        }
        for key in sorted(numbers):
            order = site.table("SalesOrder").get(*key)
            if order is not None and order["Status"] == "Invoiced":
                order = order.copied()
                order["Status"] = "Completed"
                site.commit(order)

    def _line(
        self, order: Record, row: Record, quantity: Decimal, number: int, shipment_nbr: str | None
    ) -> Record:
        site = self._site
        line = Record(site.contract["SalesInvoiceDetail"], site.new_id())
        line["LineNbr"], line["NoteID"] = number, line.id
        line["OrderType"], line["OrderNbr"] = order["OrderType"], order["OrderNbr"]
        line["OrderLineNbr"], line["ShipmentNbr"] = row["LineNbr"], shipment_nbr
        line["TransactionDescr"] = row["LineDescription"]
        line["BranchID"], line["Qty"] = row["Branch"], quantity
        for name in (
            "InventoryID", "UOM", "UnitPrice", "DiscountPercent", "TaxCategory", "WarehouseID",
            "ManualPrice", "ManualDiscount", "ExternalRef",
        ):  # fmt: skip
            line[name] = row[name]
        part = quantity / row["OrderQty"] if row["OrderQty"] else Decimal(1)
        line["Amount"] = site.rounded(row["Amount"] * part, order["CurrencyID"])
        line["DiscountAmount"] = site.rounded(row["DiscountAmount"] * part, order["CurrencyID"])
        row["_Billed"] = (row["_Billed"] or ZERO) + line["Amount"]
        row["_BilledQty"] = (row["_BilledQty"] or ZERO) + quantity
        row["UnbilledAmount"] = row["Amount"] - row["_Billed"]
        row["InvoiceNbr"] = None
        return line


def _share(order: Record, lines: Sequence[tuple[Record, Decimal]]) -> Decimal:
    """Return which part of the order's amount is invoiced."""
    whole = sum((row["Amount"] for row in order.rows["Details"]), ZERO)
    if not whole:
        return Decimal(1)
    part = ZERO
    for row, quantity in lines:
        part += row["Amount"] * quantity / row["OrderQty"] if row["OrderQty"] else row["Amount"]
    return part / whole
