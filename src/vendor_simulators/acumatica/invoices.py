"""Receivables documents: SalesInvoice (SO303000) and Invoice (AR301000)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from vendor_simulators.acumatica.applications import RELEASED, Application
from vendor_simulators.acumatica.bodies import Given
from vendor_simulators.acumatica.forms import Draft, Form, refuse
from vendor_simulators.acumatica.invoicing import SEQUENCES, Invoicing
from vendor_simulators.acumatica.pricing import (
    AR_LINE,
    INVOICE_LINE,
    LineNames,
    Terms,
    check_line,
    is_stock,
    sales_unit,
    settle_line,
)
from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.site import Site
from vendor_simulators.acumatica.values import ZERO

_CURRENCY = ("Document", "CuryID")  # of the form, though not of AR301000's contract
_UNRELEASED = frozenset({None, "On Hold", "Balanced", "Pending Print", "Pending Email"})
_HEADER = {  # SalesInvoice field: Invoice field
    "Type": "Type",
    "ReferenceNbr": "ReferenceNbr",
    "CustomerID": "Customer",
    "CustomerOrder": "CustomerOrder",
    "Status": "Status",
    "Hold": "Hold",
    "Date": "Date",
    "DueDate": "DueDate",
    "Amount": "Amount",
    "Balance": "Balance",
    "TaxTotal": "TaxTotal",
    "Description": "Description",
    "Project": "Project",
    "IsTaxValid": "IsTaxValid",
    "_Terms": "Terms",
}
_LINE = {  # SalesInvoice line field: Invoice line field
    "LineNbr": "LineNbr",
    "InventoryID": "InventoryID",
    "Qty": "Qty",
    "UOM": "UOM",
    "UnitPrice": "UnitPrice",
    "Amount": "Amount",
    "DiscountAmount": "DiscountAmount",
    "TaxCategory": "TaxCategory",
    "TransactionDescr": "TransactionDescription",
    "BranchID": "Branch",
}


class DocumentForm(Form):
    """What both invoice forms do; they differ in names."""

    default_keys: Mapping[str, str] = {"Type": "Invoice"}
    customer_field = "CustomerID"
    currency_field = "Currency"
    line = INVOICE_LINE

    def __init__(self, site: Site, entity: Any, invoicing: Invoicing | None = None) -> None:
        super().__init__(site, entity)
        self.invoicing: Invoicing | None = invoicing

    def number_for(self, record: Record) -> str:
        """Number credit memos in a sequence of their own."""
        sequence = SEQUENCES.get(record["Type"], self.sequence or self.entity.name)
        return self.site.numbering.next(sequence)

    def draft(self, given: Given, original: Record | None) -> Draft:
        """Refuse, or drop, an edit of a released document."""
        if original is not None and original["Status"] not in _UNRELEASED and given.paths():
            if self.site.switches["closed_documents"] == "refuse":
                raise refuse(f"The document is {original['Status']} and cannot be changed.")
            given = Given(given.entity)
        return super().draft(given, original)

    def start(self, draft: Draft) -> None:
        """Take what the customer brings."""
        record, site = draft.record, self.site
        record["Hold"] = bool(site.switches["new_invoices_on_hold"])
        record["Date"] = draft.given.values.get("Date") or site.today
        record["Project"], record["IsTaxValid"] = "X", True
        customer = site.table("Customer").get(draft.given.values.get(self.customer_field) or "")
        if customer is None:
            return
        record["_TaxZone"] = customer["TaxZone"]
        record["_Terms"] = customer["Terms"]
        if self.currency_field in record.values:
            record[self.currency_field] = customer["CurrencyID"] or site.base_currency

    def start_row(self, draft: Draft, name: str, row: Record, given: Given) -> None:
        """Number a line and take what its item, or its order line, brings."""
        if name != "Details":
            return
        lines = draft.record.rows[name]
        row["LineNbr"] = 1 + max((line["LineNbr"] or 0 for line in lines[:-1]), default=0)
        if "NoteID" in row.values:
            row["NoteID"] = row.id
        item = self.site.item(given.values.get("InventoryID"))
        if item is not None:
            row["UOM"], row["TaxCategory"] = sales_unit(item), item["TaxCategory"]
            row[self.line.description] = item["Description"]
            if "WarehouseID" in row.values:
                row["WarehouseID"] = item["DefaultWarehouseID"]

    def changed(self, draft: Draft) -> None:
        """Settle the lines that were touched."""
        record = draft.record
        terms = Terms(
            customer=self.site.table("Customer").get(record[self.customer_field] or ""),
            currency=record[self.currency_field] or self.site.base_currency,
            on=record["Date"],
        )
        for row in record.rows.get("Details", []):
            if id(row) in draft.gave:
                settle_line(self.site, draft, row, self.line, terms)

    def complete(self, draft: Draft) -> None:
        """Compute totals and status; Hold is what keeps a document from being balanced."""
        record = draft.record
        if self.invoicing is not None:
            self.invoicing.total(record)
        if record["DueDate"] is None:
            days = self.site.codes.terms_days.get(record["_Terms"] or record["Terms"] or "", 0)
            record["DueDate"] = date.fromordinal(record["Date"].toordinal() + days)
        if record["Status"] in _UNRELEASED:
            record["Status"] = "On Hold" if record["Hold"] else "Balanced"

    def check(self, draft: Draft) -> None:
        """Note what the form would refuse."""
        record, site = draft.record, self.site
        customer = site.table("Customer").get(record[self.customer_field] or "")
        if draft.is_new and customer is not None and customer["Status"] in {"Inactive", "On Hold"}:
            text = f"The customer status is '{customer['Status']}'."
            draft.error(record, self.customer_field, text)
        if site.closed_before is not None and record["Date"] < site.closed_before:
            draft.error(record, "Date", "The financial period of the document is closed.")
        for row in record.rows.get("Details", []):
            if id(row) in draft.gave:
                check_line(site, draft, row, self.line)
                self._check_location(draft, row)

    def _check_location(self, draft: Draft, row: Record) -> None:
        item = self.site.item(row["InventoryID"])
        needs_location = item is not None and is_stock(item) and not row["OrderNbr"]
        if needs_location and not self.site.switches["advanced_so_invoices"]:
            draft.error(row, "InventoryID", "A stock item cannot be added to a direct invoice.")
            return
        if needs_location and "Location" in row.values and row["Location"] is None:
            draft.error(row, "Location", "'Location' cannot be empty.")


class SalesInvoiceForm(DocumentForm):
    """SO303000."""

    sequence = "SalesInvoice"

    def start_row(self, draft: Draft, name: str, row: Record, given: Given) -> None:
        """Take over an order line that the row names."""
        super().start_row(draft, name, row, given)
        number = given.values.get("OrderNbr")
        if name != "Details" or number is None:
            return
        order = self.site.table("SalesOrder").get(given.values.get("OrderType") or "SO", number)
        lines = [] if order is None else order.rows.get("Details", [])
        wanted = given.values.get("OrderLineNbr")
        source = next((line for line in lines if line["LineNbr"] == wanted), None)
        if order is None or source is None:
            draft.error(row, "OrderNbr", "'Order Nbr.' cannot be found in the system.")
            return
        for field in ("InventoryID", "UOM", "UnitPrice", "TaxCategory", "WarehouseID"):
            row[field] = source[field]
        row["ManualPrice"], row["Qty"] = True, source["OrderQty"]
        row["TransactionDescr"] = source["LineDescription"]

    def committed(self, record: Record, prior: Record | None) -> None:
        """Show the document on the receivables form, and a credit memo as a payment."""
        site = self.site
        always = site.switches["order_invoices_in_ar"] == "always"
        if not (always or record["Status"] not in _UNRELEASED):
            return
        table = site.table("Invoice")
        held = table.by_id(record.id)
        twin = held.copied() if held is not None else Record(table.entity, record.id)
        for name, target in _HEADER.items():
            twin[target] = record[name]
        twin["LocationID"], twin["LinkBranch"], twin["_FromOrders"] = "MAIN", site.branch, True
        twin["PostPeriod"] = record["Date"].strftime("%m%Y")
        twin.custom[_CURRENCY] = ("CustomStringField", record["Currency"])
        twin.rows["Details"] = [_ar_line(site, line) for line in record.rows.get("Details", [])]
        twin.rows["TaxDetails"] = [_ar_tax(site, row) for row in record.rows.get("TaxDetails", [])]
        site.mirror(twin, record)
        if record["Type"] == "Credit Memo":
            _show_as_payment(site, record)

    def rows(self, record: Record, name: str) -> list[Record]:
        """Return the payments and credit memos applied to the document."""
        if name in {"ApplicationsInvoice", "ApplicationsCreditMemo"}:
            return applied_rows(self.site, record, name)
        return super().rows(record, name)

    def part(self, record: Record, name: str) -> Record | None:
        """Return financial details, or an address of the customer."""
        held = record.links.get(name)
        if held is not None:
            return held
        if name == "FinancialDetails":
            part = Record(self.site.contract[record.entity.links[name]], self.site.new_id())
            part["Branch"], part["CustomerTaxZone"] = self.site.branch, record["_TaxZone"]
            return part
        return None


class InvoiceForm(DocumentForm):
    """AR301000."""

    sequence = "Invoice"
    customer_field = "Customer"
    currency_field = "_Currency"
    line: LineNames = AR_LINE

    def draft(self, given: Given, original: Record | None) -> Draft:
        """Refuse an edit of a document that was made from an order."""
        if original is not None and original["_FromOrders"]:
            raise refuse("The document was created from a sales order; use the Invoices form.")
        return super().draft(given, original)

    def start(self, draft: Draft) -> None:
        """Add what AR301000 shows besides."""
        super().start(draft)
        record = draft.record
        customer = self.site.table("Customer").get(draft.given.values.get("Customer") or "")
        own = None if customer is None else customer["CurrencyID"]
        record["_Currency"] = own or self.site.base_currency
        record.custom[_CURRENCY] = ("CustomStringField", record["_Currency"])
        record["Terms"], record["LocationID"] = record["_Terms"], "MAIN"
        record["LinkBranch"] = self.site.branch

    def complete(self, draft: Draft) -> None:
        """Add the period."""
        super().complete(draft)
        draft.record["PostPeriod"] = draft.record["Date"].strftime("%m%Y")

    def rows(self, record: Record, name: str) -> list[Record]:
        """Return the payments and credit memos applied to the document."""
        if name in {"ApplicationsDefault", "ApplicationsCreditMemo"}:
            return applied_rows(self.site, record, name)
        return super().rows(record, name)


def applied_rows(site: Site, record: Record, name: str) -> list[Record]:
    """Return the applications of a document as rows: of payments, or of credit memos."""
    wants_memos = name == "ApplicationsCreditMemo"
    return [
        _application_row(site, record, name, one)
        for one in site.applications.of_document(record)
        if (one.payment[0] == "Credit Memo") == wants_memos
    ]


def _application_row(site: Site, record: Record, name: str, one: Application) -> Record:
    row = Record(site.contract[record.entity.details[name]], site.new_id())
    type_label, number = one.payment
    payment = site.table("Payment").get(type_label, number)
    values = {
        "DocType": type_label,
        "DocumentType": type_label,
        "ReferenceNbr": number,
        "AdjustingDocReferenceNbr": number,
        "AdjustmentNbr": one.number,
        "AmountPaid": one.amount,
        "PaymentDate": one.applied_on,
        "Date": one.applied_on,
        "Customer": record["CustomerID"] or record["Customer"],
        "Currency": record["Currency"],
        "Balance": ZERO if payment is None else payment["AvailableBalance"],
        "PaymentRef": None if payment is None else payment["PaymentRef"],
        "Status": None if payment is None else payment["Status"],
    }
    row.values.update({name: value for name, value in values.items() if name in row.values})
    return row


def _ar_line(site: Site, line: Record) -> Record:
    row = Record(site.contract["InvoiceDetail"], line.id)
    for name, target in _LINE.items():
        row[target] = line[name]
    row["ExtendedPrice"] = line["Amount"] + line["DiscountAmount"]
    return row


def _ar_tax(site: Site, tax: Record) -> Record:
    row = Record(site.contract["InvoiceTaxDetail"], tax.id)
    for name in ("TaxID", "TaxableAmount", "TaxAmount"):
        row[name] = tax[name]
    return row


def _show_as_payment(site: Site, memo: Record) -> None:
    """Show a released credit memo on the payments form, from where it is applied."""
    if memo["Status"] not in RELEASED:
        return
    table = site.table("Payment")
    held = table.by_id(memo.id)
    twin = held.copied() if held is not None else Record(table.entity, memo.id)
    twin["Type"], twin["ReferenceNbr"] = "Credit Memo", memo["ReferenceNbr"]
    twin["CustomerID"], twin["CurrencyID"] = memo["CustomerID"], memo["Currency"]
    twin["ApplicationDate"], twin["Status"] = memo["Date"], memo["Status"]
    twin["PaymentAmount"], twin["AvailableBalance"] = memo["Amount"], memo["Balance"]
    twin["AppliedToDocuments"] = memo["Amount"] - memo["Balance"]
    twin["NoteID"] = memo.id
    site.mirror(twin, memo)
