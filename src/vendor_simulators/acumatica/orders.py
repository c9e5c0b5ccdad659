"""Sales orders (SO301000): defaults, lines, totals and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from vendor_simulators.acumatica import order_actions
from vendor_simulators.acumatica.bodies import Given
from vendor_simulators.acumatica.forms import Draft, Form, refuse
from vendor_simulators.acumatica.parties import MAIN_LOCATION, check_address, open_orders_total
from vendor_simulators.acumatica.pricing import (
    ORDER_LINE,
    Terms,
    best_discount,
    check_line,
    sales_unit,
    settle_line,
)
from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.taxes import DocumentTotals, total_of
from vendor_simulators.acumatica.values import ZERO, quantized

FINISHED = frozenset({"Completed", "Canceled", "Invoiced"})
_HELD_BY_HOLD = frozenset(
    {"On Hold", "Open", "Credit Hold", "Pending Approval", "Awaiting Payment", "Back Order"}
)
_HUNDRED = Decimal(100)
_ADDRESSES = {  # linked part: override flag
    "ShipToAddress": "ShipToAddressOverride",
    "ShipToContact": "ShipToContactOverride",
    "BillToAddress": "BillToAddressOverride",
    "BillToContact": "BillToContactOverride",
}


class SalesOrderForm(Form):
    """SO301000."""

    sequence = "SalesOrder"
    default_keys: Mapping[str, str] = {"OrderType": "SO"}

    def draft(self, given: Given, original: Record | None) -> Draft:
        """Refuse, or drop, an edit of a finished order."""
        if original is not None and original["Status"] in FINISHED and given.paths():
            if self.site.switches["closed_documents"] == "refuse":
                raise refuse(f"The order is {original['Status']} and cannot be changed.")
            given = Given(given.entity)
        return super().draft(given, original)

    def start(self, draft: Draft) -> None:
        """Take what the customer and the order type bring."""
        record, site = draft.record, self.site
        given = draft.given.values
        record["Hold"] = bool(site.switches["new_orders_on_hold"])
        record["Approved"] = not site.switches["orders_need_approval"]
        record["IsTaxValid"] = True
        record["NoteID"] = record.id
        record["BaseCurrencyID"] = site.base_currency
        record["Date"] = record["RequestedOn"] = given.get("Date") or site.today
        record["Branch"] = site.branch
        record["Project"] = "X"
        record["TaxCalcMode"] = "Tax Settings"
        record["LocationID"] = MAIN_LOCATION
        settings = record.links["FinancialSettings"] = self._part("FinancialSettings", record)
        settings["Branch"] = record["Branch"]
        record.links["Totals"] = self._part("Totals", record)
        self._take_from_customer(record, given.get("CustomerID"))

    def start_row(self, draft: Draft, name: str, row: Record, given: Given) -> None:
        """Number a line and take what its item brings; a discount row is a manual one."""
        record = draft.record
        if name == "DiscountDetails":
            row["Type"], row["ManualDiscount"] = "Document", True
            return
        if name != "Details":
            return
        row["LineNbr"] = 1 + max(
            (line["LineNbr"] or 0 for line in record.rows[name][:-1]), default=0
        )
        row["NoteID"] = row.id
        row["Branch"] = record["Branch"]
        row["Operation"] = "Issue"
        row["RequestedOn"] = row["ShipOn"] = record["RequestedOn"]
        item = self.site.item(given.values.get("InventoryID"))
        if item is None:
            return
        row["UOM"] = sales_unit(item)
        row["LineDescription"] = item["Description"]
        row["TaxCategory"] = item["TaxCategory"]
        row["WarehouseID"] = record["PreferredWarehouseID"] or item["DefaultWarehouseID"]
        row["LineType"] = "Goods for Inventory"
        if item.entity.name == "NonStockItem":
            row["LineType"] = "Non-Inventory Goods" if item["RequireShipment"] else "Service"

    def changed(self, draft: Draft) -> None:
        """Settle the lines that were touched; drop addresses that nothing overrides."""
        record = draft.record
        if not draft.is_new and draft.was_given(record, "CustomerID"):
            self._take_from_customer(record, record["CustomerID"])
        for name, flag in _ADDRESSES.items():
            if not record[flag]:
                record.links.pop(name, None)
        terms = self.terms_of(record)
        stamp = self.site.clock.now().strftime("%m/%d/%Y %H:%M:%S")
        reprices = draft.was_given(record, "CurrencyID")
        for row in record.rows.get("Details", []):
            if id(row) in draft.gave or reprices:
                settle_line(self.site, draft, row, ORDER_LINE, terms)
                row["LastModifiedDate"] = stamp

    def complete(self, draft: Draft) -> None:
        """Compute totals, rate, due date and status."""
        record = draft.record
        recompute(self, record)
        record["CurrencyRate"] = quantized(self.site.rate(record["CurrencyID"] or ""), "q")
        record["ReciprocalRate"] = quantized(1 / self.site.rate(record["CurrencyID"] or ""), "q")
        settings = record.links["FinancialSettings"]
        days = self.site.codes.terms_days.get(settings["Terms"] or "", 0)
        settings["DueDate"] = date.fromordinal(record["Date"].toordinal() + days)
        self._set_status(draft)

    def check(self, draft: Draft) -> None:
        """Note what the form would refuse."""
        record, site = draft.record, self.site
        self._check_customer(draft)
        self._check_contact(draft)
        order_type = site.codes.order_types.get(record["OrderType"] or "")
        if order_type is None:
            draft.error(record, "OrderType", "'Order Type' cannot be found in the system.")
        elif order_type.requires_customer_order and not record["CustomerOrder"]:
            draft.error(record, "CustomerOrder", "'Customer Order Nbr.' cannot be empty.")
        for name in ("ShipToAddress", "BillToAddress"):
            check_address(site, draft, record.links.get(name))
        terms = record.links["FinancialSettings"]["Terms"]
        if terms is not None and site.canonical("terms", terms) is None:
            text = "'Terms' cannot be found in the system."
            draft.error(record.links["FinancialSettings"], "Terms", text)
        for row in record.rows.get("Details", []):
            if id(row) in draft.gave:
                self._check_row(draft, row)

    def check_deletion(self, record: Record) -> None:
        """Refuse once there are shipments or invoices."""
        if record.rows.get("Shipments"):
            raise refuse("The order has shipments and cannot be deleted.")

    def numbered(self, record: Record) -> None:
        """Name the order in its tax rows."""
        for row in record.rows.get("TaxDetails", []):
            row["OrderNbr"] = record["OrderNbr"]

    def part(self, record: Record, name: str) -> Record | None:
        """Return an address or contact; without an override that of the customer."""
        if name not in _ADDRESSES or name in record.links:
            return record.links.get(name)
        customer = self.site.table("Customer").get(record["CustomerID"])
        contact = None if customer is None else customer.links.get("MainContact")
        if contact is None:
            return None
        if name.endswith("Address"):
            return contact.links.get("Address")
        part = self._part(name, record)
        part["BusinessName"] = contact["CompanyName"]
        for field in ("Attention", "Email", "Phone1"):
            part[field] = contact[field]
        return part

    def terms_of(self, record: Record) -> Terms:
        """Return what of the header the lines' prices depend on."""
        return Terms(
            customer=self.site.table("Customer").get(record["CustomerID"] or ""),
            currency=record["CurrencyID"] or self.site.base_currency,
            on=record["Date"],
        )

    def exceeds_credit(self, record: Record) -> bool:
        """Say whether the order goes on credit hold when it is released from hold."""
        customer = self.site.table("Customer").get(record["CustomerID"] or "")
        if customer is None:
            return False
        if customer["Status"] == "Credit Hold":
            return True
        limit: Decimal = customer["CreditLimit"] or ZERO
        if not limit:
            return False
        others = open_orders_total(self.site, customer)
        unreleased, owed = self.site.applications.owed_by(customer["CustomerID"])
        return others + unreleased + owed + (record["OrderTotal"] or ZERO) > limit

    def let_go(self, record: Record, *, past_credit: bool = False) -> None:
        """Give an order the status after its hold: approval, credit and prepayment in turn."""
        record["CreditHold"] = False
        if not record["Approved"]:
            record["Status"] = "Pending Approval"
        elif not past_credit and self.exceeds_credit(record):
            record["Status"], record["CreditHold"] = "Credit Hold", True
        else:
            record["Status"] = "Open" if self.site.is_prepaid(record) else "Awaiting Payment"

    def _part(self, name: str, record: Record) -> Record:
        return Record(self.site.contract[record.entity.links[name]], self.site.new_id())

    def _take_from_customer(self, record: Record, customer_id: str | None) -> None:
        customer = self.site.table("Customer").get(customer_id or "")
        if customer is None:
            return
        record["CurrencyID"] = customer["CurrencyID"] or self.site.base_currency
        record["ShipVia"] = customer["ShipVia"]
        record["PreferredWarehouseID"] = customer["WarehouseID"]
        settings = record.links["FinancialSettings"]
        settings["Terms"] = customer["Terms"]
        settings["CustomerTaxZone"] = customer["TaxZone"]

    def _check_customer(self, draft: Draft) -> None:
        record = draft.record
        customer = self.site.table("Customer").get(record["CustomerID"] or "")
        if customer is None:
            return
        if not draft.is_new and draft.was_given(record, "CustomerID"):
            is_bound = record.rows.get("Shipments") or record["_Prepaid"]
            if is_bound or self.site.switches["order_customer"] == "stays":
                draft.error(record, "CustomerID", "The customer of the order cannot be changed.")
        status = customer["Status"]
        refuses_held = self.site.switches["on_hold_customer_orders"] == "refuse"
        if draft.was_given(record, "CustomerID") and (
            status == "Inactive" or (status == "On Hold" and refuses_held)
        ):
            draft.error(record, "CustomerID", f"The customer status is '{status}'.")
        own = customer["CurrencyID"]
        if not customer["EnableCurrencyOverride"] and own not in {None, record["CurrencyID"]}:
            text = f"The currency of the customer is {own} and cannot be overridden."
            draft.error(record, "CurrencyID", text)
        location = self.site.table("CustomerLocation").get(
            customer["CustomerID"], record["LocationID"] or ""
        )
        if location is None:
            draft.error(record, "LocationID", "'Location' cannot be found in the system.")

    def _check_contact(self, draft: Draft) -> None:
        number = draft.record["ContactID"]
        if draft.was_given(draft.record, "ContactID") and number is not None:
            is_number = str(number).isdigit()
            if not is_number or self.site.table("Contact").get(int(number)) is None:
                draft.error(draft.record, "ContactID", "'Contact' cannot be found in the system.")

    def _check_row(self, draft: Draft, row: Record) -> None:
        check_line(self.site, draft, row, ORDER_LINE)
        if row["InventoryID"] is None:
            draft.error(row, "InventoryID", "'Inventory ID' cannot be empty.")
        if (row["OrderQty"] or ZERO) < (row["QtyOnShipments"] or ZERO):
            draft.error(row, "OrderQty", "The quantity is less than the quantity on shipments.")

    def _set_status(self, draft: Draft) -> None:
        record = draft.record
        status = record["Status"]
        if status is not None and status not in _HELD_BY_HOLD:
            if draft.was_given(record, "Hold") and record["Hold"]:
                raise refuse(f"The order is {status} and cannot be put on hold.")
            return
        if record["Hold"]:
            record["Status"], record["CreditHold"] = "On Hold", False
            record["Approved"] = not self.site.switches["orders_need_approval"]
        elif status in {None, "On Hold"}:
            self.let_go(record)


def recompute(form: SalesOrderForm, record: Record) -> DocumentTotals:
    """Compute discounts, taxes and totals of an order from its lines."""
    site = form.site
    lines = record.rows.get("Details", [])
    discount = _document_discount(form, record)
    settings = record.links["FinancialSettings"]
    totals = total_of(
        site,
        [(row["Amount"], row["TaxCategory"]) for row in lines],
        discount=discount,
        zone=settings["CustomerTaxZone"],
        mode=record["TaxCalcMode"],
        currency=record["CurrencyID"],
    )
    record["OrderTotal"], record["TaxTotal"] = totals.total, totals.tax
    record["VATExemptTotal"] = totals.exempt
    record["VATTaxableTotal"] = sum((tax.taxable for tax in totals.taxes), ZERO)
    record["OrderedQty"] = sum((row["OrderQty"] or ZERO for row in lines), ZERO)
    record["ControlTotal"] = record["ControlTotal"] or ZERO
    for row in lines:
        billed = row["_Billed"] or ZERO
        row["OpenQty"] = (row["OrderQty"] or ZERO) - (row["QtyOnShipments"] or ZERO)
        row["UnbilledAmount"] = row["Amount"] - billed
        price = row["UnitPrice"] or ZERO
        cut = 1 - (row["DiscountPercent"] or ZERO) / _HUNDRED
        row["DiscountedUnitPrice"] = quantized(price * cut, "q")
    record.rows["TaxDetails"] = [_tax_row(form, record, tax) for tax in totals.taxes]
    _set_totals(record, totals)
    return totals


def _document_discount(form: SalesOrderForm, record: Record) -> Decimal:
    site, currency = form.site, record["CurrencyID"]
    lines = sum((row["Amount"] for row in record.rows.get("Details", [])), ZERO)
    rows = [row for row in record.rows.get("DiscountDetails", []) if row["ManualDiscount"]]
    policy = None
    if not record["DisableAutomaticDiscountUpdate"]:
        customer = site.table("Customer").get(record["CustomerID"] or "")
        policy = best_discount(site, "Document", customer, None, lines)
    if policy is not None:
        row = Record(site.contract["SalesOrdersDiscountDetails"], site.new_id())
        row["Type"], row["DiscountCode"] = "Document", policy.code
        row["DiscountPercent"] = quantized(policy.percent, "q")
        rows.append(row)
    total = ZERO
    for row in rows:
        row["DiscountableAmount"] = lines
        if row["DiscountPercent"]:
            row["DiscountAmount"] = lines * row["DiscountPercent"] / _HUNDRED
        row["DiscountAmount"] = site.rounded(row["DiscountAmount"] or ZERO, currency)
        if not row["SkipDiscount"]:
            total += row["DiscountAmount"]
    record.rows["DiscountDetails"] = rows
    return total


def _tax_row(form: SalesOrderForm, record: Record, tax: Any) -> Record:
    row = Record(form.site.contract["TaxDetail"], form.site.new_id())
    row["OrderType"], row["OrderNbr"] = record["OrderType"], record["OrderNbr"]
    row["TaxID"], row["TaxRate"] = tax.tax_id, quantized(tax.rate, "q")
    row["TaxableAmount"], row["TaxAmount"] = tax.taxable, tax.tax
    return row


def _set_totals(record: Record, totals: DocumentTotals) -> None:
    part = record.links["Totals"]
    lines = record.rows.get("Details", [])
    services = sum((row["Amount"] for row in lines if row["LineType"] == "Service"), ZERO)
    part["LineTotalAmount"] = totals.lines - services
    part["MiscTotalAmount"] = services
    part["DiscountTotal"], part["TaxTotal"] = totals.discount, totals.tax
    part["UnbilledAmount"] = totals.total - (record["_Billed"] or ZERO)
    part["UnpaidBalance"] = totals.total - (record["_Prepaid"] or ZERO)
    part["UnbilledQty"] = sum((row["OpenQty"] or ZERO for row in lines), ZERO)


def add_actions(form: SalesOrderForm) -> None:
    """Give the form its actions, under their contract names and those of the graph."""
    done = order_actions.OrderActions(form, recompute)
    form.actions.update(
        {
            "cancelsalesorder": done.cancel,
            "cancelorder": done.cancel,
            "reopensalesorder": done.reopen,
            "reopenorder": done.reopen,
            "opensalesorder": done.open,
            "openorder": done.open,
            "putonhold": done.put_on_hold,
            "releasefromhold": done.release_from_hold,
            "releasefromcreditholdsalesorder": done.release_from_credit_hold,
            "releasefromcredithold": done.release_from_credit_hold,
            "approve": done.approve,
            "reject": done.reject,
            "waiveprepayment": done.waive_prepayment,
            "autorecalculatediscounts": done.recalculate,
            "recalculatepricesdiscounts": done.recalculate,
        }
    )
