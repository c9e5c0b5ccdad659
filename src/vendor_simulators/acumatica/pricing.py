"""What a document line costs: units, list prices, discounts, and what may be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from vendor_simulators.acumatica.forms import Draft
from vendor_simulators.acumatica.records import Record, normal
from vendor_simulators.acumatica.site import LineDiscount, ListPrice, Site
from vendor_simulators.acumatica.values import ZERO, quantized

_HUNDRED = Decimal(100)
_UNSOLD = frozenset({"Inactive", "No Sales", "Marked for Deletion"})


@dataclass(frozen=True)
class LineNames:
    """What a kind of document calls the parts of its lines."""

    quantity: str
    description: str
    extended: str | None = None


ORDER_LINE = LineNames("OrderQty", "LineDescription", "ExtendedPrice")
INVOICE_LINE = LineNames("Qty", "TransactionDescr")
AR_LINE = LineNames("Qty", "TransactionDescription", "ExtendedPrice")


@dataclass(frozen=True)
class Terms:
    """What of the document's header a line's price depends on."""

    customer: Record | None
    currency: str
    on: date


def sales_unit(item: Record) -> str:
    """Return the unit in which an item is sold."""
    return str(item["SalesUOM"] or item["SalesUnit"] or item["BaseUOM"] or item["BaseUnit"])


def is_stock(item: Record) -> bool:
    """Say whether an item is kept in a warehouse."""
    return item.entity.name == "StockItem"


def unit_factor(site: Site, item: Record, unit: str) -> Decimal | None:
    """Return how many base units one ``unit`` is; None when it cannot be converted."""
    base = str(item["BaseUOM"] or item["BaseUnit"])
    if normal(unit) == normal(base):
        return Decimal(1)
    for row in item.rows.get("UOMConversions", []):
        if normal(row["FromUOM"]) == normal(unit):
            factor: Decimal = row["ConversionFactor"] or Decimal(1)
            return Decimal(1) / factor if row["MultiplyOrDivide"] == "Divide" else factor
    held = site.table("UnitsOfMeasure").get(unit)
    for row in held.rows.get("Conversion", []) if held is not None else []:
        if normal(row["ToUOM"]) == normal(base):
            return Decimal(row["ConversionFactor"] or 1)
    return None


def settle_line(site: Site, draft: Draft, row: Record, names: LineNames, terms: Terms) -> None:
    """Compute price, discount and amount of a line from what was given and what applies."""
    item = site.item(row["InventoryID"])
    quantity: Decimal = row[names.quantity] or ZERO
    if row["FreeItem"]:
        row["UnitPrice"] = quantized(ZERO, "q")
    elif item is not None and not row["ManualPrice"]:
        _set_price(site, draft, row, item, quantity=quantity, terms=terms)
    extended = site.rounded(quantity * (row["UnitPrice"] or ZERO), terms.currency)
    if names.extended:
        row[names.extended] = extended
    _set_discount(site, draft, row, extended, terms)
    row["Amount"] = extended - row["DiscountAmount"]


def check_line(site: Site, draft: Draft, row: Record, names: LineNames) -> None:
    """Note what is wrong with a line."""
    if row["InventoryID"] is None:
        return
    item = site.item(row["InventoryID"])
    if item is None:
        return  # said when the field was set
    for field, text in _line_faults(site, row, item, names):
        draft.error(row, field, text)


def _line_faults(
    site: Site, row: Record, item: Record, names: LineNames
) -> Iterator[tuple[str, str]]:
    quantity: Decimal = row[names.quantity] or ZERO
    if item["ItemStatus"] in _UNSOLD:
        yield "InventoryID", f"The inventory item is {item['ItemStatus']}."
    if quantity < 0:
        yield names.quantity, "The value must be greater than or equal to 0."
    unit = row["UOM"]
    if unit is not None:
        if unit_factor(site, item, unit) is None:
            yield "UOM", "'UOM' cannot be found in the system."
        elif normal(unit) in site.codes.whole_units and quantity != quantity.to_integral_value():
            yield names.quantity, f"The unit of measure {unit} is not divisible: {quantity}."
    if is_stock(item) and "WarehouseID" in row.values and row["WarehouseID"] is None:
        yield "WarehouseID", "'Warehouse' cannot be empty."
    if (row["UnitPrice"] or ZERO) < 0 and not site.switches["negative_prices"]:
        yield "UnitPrice", "The value must be greater than or equal to 0."
    if (row["DiscountPercent"] or ZERO) > _HUNDRED:
        yield "DiscountPercent", "The value must be less than or equal to 100."


def _set_price(
    site: Site, draft: Draft, row: Record, item: Record, *, quantity: Decimal, terms: Terms
) -> None:
    is_typed = draft.was_given(row, "UnitPrice")
    listed = _list_price(site, row, quantity, terms)
    if listed is not None:
        if not is_typed or site.switches["list_price_replaces_price"]:
            row["UnitPrice"] = quantized(listed, "q")
        return
    is_repriced = id(row) in draft.fresh_rows or any(
        draft.was_given(row, name) for name in ("InventoryID", "UOM")
    )
    if not is_typed and is_repriced:
        factor = unit_factor(site, item, row["UOM"] or sales_unit(item)) or Decimal(1)
        base_price = (item["DefaultPrice"] or ZERO) * factor
        row["UnitPrice"] = quantized(base_price / site.rate(terms.currency), "q")


def _list_price(site: Site, row: Record, quantity: Decimal, terms: Terms) -> Decimal | None:
    """Return the most particular price that applies: the customer's, its class's, the base one."""
    wanted = normal(row["InventoryID"])
    found = [
        price
        for price in site.prices
        if normal(price.inventory_id) == wanted and _applies(price, row, quantity, terms)
    ]
    if not found:
        return None
    best = max(
        found,
        key=lambda price: (
            price.customer is not None,
            price.price_class is not None,
            price.break_qty,
        ),
    )
    return best.price


def _applies(price: ListPrice, row: Record, quantity: Decimal, terms: Terms) -> bool:
    customer = terms.customer
    return (
        price.currency == terms.currency
        and (price.uom is None or normal(price.uom) == normal(row["UOM"] or ""))
        and quantity >= price.break_qty
        and (price.from_on is None or price.from_on <= terms.on)
        and (price.until_on is None or terms.on <= price.until_on)
        and (
            price.customer is None
            or (customer is not None and normal(price.customer) == normal(customer["CustomerID"]))
        )
        and (
            price.price_class is None
            or (customer is not None and price.price_class == customer["PriceClassID"])
        )
    )


def _set_discount(site: Site, draft: Draft, row: Record, extended: Decimal, terms: Terms) -> None:
    if not row["ManualDiscount"]:
        policy = best_discount(site, "Line", terms.customer, row["InventoryID"], extended)
        if policy is not None:
            row["DiscountPercent"] = quantized(policy.percent, "q")
            row["DiscountAmount"] = site.rounded(extended * policy.percent / _HUNDRED, None)
            return
    if draft.was_given(row, "DiscountAmount") and not draft.was_given(row, "DiscountPercent"):
        row["DiscountAmount"] = site.rounded(row["DiscountAmount"] or ZERO, terms.currency)
        share = row["DiscountAmount"] / extended * _HUNDRED if extended else ZERO
        row["DiscountPercent"] = quantized(share, "q")
    else:
        percent = row["DiscountPercent"] or ZERO
        row["DiscountAmount"] = site.rounded(extended * percent / _HUNDRED, terms.currency)


def best_discount(
    site: Site,
    level: str,
    customer: Record | None,
    inventory_id: str | None,
    amount: Decimal,
) -> LineDiscount | None:
    """Return the automatic discount of a level that applies, the largest of several."""
    customer_id = None if customer is None else customer["CustomerID"]
    found = [
        policy
        for policy in site.discounts
        if policy.level == level
        and policy.customer in {None, customer_id}
        and policy.inventory_id in {None, inventory_id}
        and amount >= policy.least_amount
    ]
    return max(found, key=lambda policy: policy.percent, default=None)
