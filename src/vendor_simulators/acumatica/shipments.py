"""Shipments (SO302000): made from orders, confirmed, invoiced."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vendor_simulators.acumatica.forms import Draft, Form, refuse
from vendor_simulators.acumatica.invoicing import Invoicing
from vendor_simulators.acumatica.records import Record, normal
from vendor_simulators.acumatica.site import Site
from vendor_simulators.acumatica.values import ZERO, read_date

_SHIPPABLE = frozenset({"Open", "Back Order"})


class ShipmentForm(Form):
    """SO302000."""

    sequence = "Shipment"

    def start(self, draft: Draft) -> None:
        """Refuse a shipment typed in by hand, which the simulator does not know."""
        raise refuse("Create the shipment from its sales order.")


class Shipping:
    """What moves goods: creating, confirming and invoicing shipments."""

    def __init__(self, site: Site, invoicing: Invoicing) -> None:
        self._site = site
        self._invoicing = invoicing
        site.forms["SalesOrder"].actions.update(
            {
                "salesordercreateshipment": self.create,
                "createshipmentissue": self.create,
                "prepareinvoice": self.invoice_order,
                "preparesalesinvoice": self.invoice_order,
            }
        )
        site.forms["Shipment"].actions.update(
            {
                "confirmshipment": self.confirm,
                "confirmshipmentaction": self.confirm,
                "prepareinvoice": self.invoice_shipment,
                "createinvoice": self.invoice_shipment,
            }
        )

    def create(self, order: Record, parameters: Mapping[str, Any]) -> None:
        """Make a shipment of what is open and on hand in the warehouse."""
        site = self._site
        if order["Status"] not in _SHIPPABLE:
            raise refuse(f"The order is {order['Status']} and cannot be shipped.")
        warehouse = parameters.get("WarehouseID")
        if warehouse is not None and site.canonical("warehouse", str(warehouse)) is None:
            raise refuse("'Warehouse' cannot be found in the system.")
        order = site.forms["SalesOrder"].edit(order)
        lines = [
            (row, quantity)
            for row in order.rows.get("Details", [])
            if (quantity := self._shippable(row, warehouse)) > 0
        ]
        if not lines:
            raise refuse("The shipment cannot be created: no items are available for shipping.")
        shipment = self._shipment(order, lines, parameters)
        order["Status"] = "Shipping"
        site.commit(order)
        site.commit(shipment)

    def confirm(self, shipment: Record, _parameters: Mapping[str, Any]) -> None:
        """Confirm: goods leave the warehouse, the order completes or waits for the rest."""
        site = self._site
        shipment = site.forms["Shipment"].edit(shipment)
        if shipment["Status"] != "Open":
            raise refuse(f"The shipment is {shipment['Status']} and cannot be confirmed.")
        shipment["Status"] = "Confirmed"
        for row in shipment.rows["Details"]:
            _take_from_stock(site, row["InventoryID"], row["WarehouseID"], row["ShippedQty"])
        site.commit(shipment)
        order = self._order_of(shipment)
        _shipment_row(order, shipment["ShipmentNbr"])["Status"] = "Confirmed"
        is_open = any(row["OpenQty"] > 0 and self._ships(row) for row in order.rows["Details"])
        order["Status"] = "Back Order" if is_open else "Completed"
        for row in order.rows["Details"]:
            row["Completed"] = not is_open or row["OpenQty"] <= 0
        site.commit(order)

    def invoice_shipment(self, shipment: Record, _parameters: Mapping[str, Any]) -> None:
        """Make an invoice of a confirmed shipment."""
        site = self._site
        shipment = site.forms["Shipment"].edit(shipment)
        if shipment["Status"] != "Confirmed":
            raise refuse(f"The shipment is {shipment['Status']} and cannot be invoiced.")
        order = self._order_of(shipment)
        shipped = {row["OrderLineNbr"]: row["ShippedQty"] for row in shipment.rows["Details"]}
        lines = [
            (row, shipped.get(row["LineNbr"], row["OrderQty"]))
            for row in order.rows["Details"]
            if row["LineNbr"] in shipped or (not self._ships(row) and not row["_BilledQty"])
        ]
        invoice = self._invoicing.from_order(order, lines, shipment_nbr=shipment["ShipmentNbr"])
        shipment["Status"] = "Invoiced"
        for row in (shipment.rows["Orders"][0], _shipment_row(order, shipment["ShipmentNbr"])):
            row["InvoiceType"], row["InvoiceNbr"] = invoice["Type"], invoice["ReferenceNbr"]
        site.commit(order)
        site.commit(shipment)
        site.commit(invoice)

    def invoice_order(self, order: Record, _parameters: Mapping[str, Any]) -> None:
        """Make an invoice of an order's lines that need no shipment."""
        site = self._site
        order_type = site.codes.order_types[order["OrderType"]]
        if order["Status"] not in {"Open", "Back Order", "Completed", "Shipping"}:
            raise refuse(f"The order is {order['Status']} and cannot be invoiced.")
        if order_type.invoice_type is None:
            raise refuse(f"Orders of type {order['OrderType']} have no invoice.")
        order = site.forms["SalesOrder"].edit(order)
        lines = [
            (row, row["OrderQty"])
            for row in order.rows.get("Details", [])
            if not row["_BilledQty"] and (not order_type.ships or not self._ships(row))
        ]
        if not lines:
            raise refuse("There are no lines that can be invoiced without a shipment.")
        invoice = self._invoicing.from_order(order, lines, shipment_nbr=None)
        row = Record(site.contract["SalesOrderShipment"], site.new_id())
        row["ShipmentNbr"], row["ShipmentType"], row["Status"] = "<NEW>", "Issue", "Invoiced"
        row["InvoiceType"], row["InvoiceNbr"] = invoice["Type"], invoice["ReferenceNbr"]
        order.rows.setdefault("Shipments", []).append(row)
        if all(line["_BilledQty"] or not line["OrderQty"] for line in order.rows["Details"]):
            order["Status"] = "Completed" if order_type.ships else "Invoiced"
        site.commit(order)
        site.commit(invoice)

    def _shipment(
        self, order: Record, lines: list[tuple[Record, Decimal]], parameters: Mapping[str, Any]
    ) -> Record:
        site = self._site
        shipment = Record(site.contract["Shipment"], site.new_id())
        shipment["ShipmentNbr"] = site.numbering.next("Shipment")
        shipment["Status"], shipment["Type"], shipment["NoteID"] = "Open", "Shipment", shipment.id
        shipment["CustomerID"], shipment["LocationID"] = order["CustomerID"], order["LocationID"]
        shipped_on = parameters.get("ShipmentDate")
        shipment["ShipmentDate"] = read_date(str(shipped_on)) if shipped_on else site.today
        shipment["WarehouseID"] = parameters.get("WarehouseID") or lines[0][0]["WarehouseID"]
        shipment["ShippedQty"] = sum((quantity for _, quantity in lines), ZERO)
        shipment.rows["Details"] = [
            self._detail(order, row, quantity, at) for at, (row, quantity) in enumerate(lines, 1)
        ]
        for entity, owner, name in (
            ("ShipmentOrderDetail", shipment, "Orders"),
            ("SalesOrderShipment", order, "Shipments"),
        ):
            link = Record(site.contract[entity], site.new_id())
            link["ShipmentNbr"], link["ShipmentType"] = shipment["ShipmentNbr"], "Issue"
            link["ShippedQty"] = shipment["ShippedQty"]
            if entity == "SalesOrderShipment":
                link["Status"], link["ShipmentDate"] = "Open", shipment["ShipmentDate"]
            else:
                link["OrderType"], link["OrderNbr"] = order["OrderType"], order["OrderNbr"]
            owner.rows.setdefault(name, []).append(link)
        return shipment

    def _detail(self, order: Record, row: Record, quantity: Decimal, number: int) -> Record:
        row["QtyOnShipments"] = (row["QtyOnShipments"] or ZERO) + quantity
        row["OpenQty"] = row["OrderQty"] - row["QtyOnShipments"]
        detail = Record(self._site.contract["ShipmentDetail"], self._site.new_id())
        detail["LineNbr"], detail["OrderLineNbr"] = number, row["LineNbr"]
        detail["OrderType"], detail["OrderNbr"] = order["OrderType"], order["OrderNbr"]
        detail["InventoryID"], detail["Description"] = row["InventoryID"], row["LineDescription"]
        detail["UOM"], detail["WarehouseID"] = row["UOM"], row["WarehouseID"]
        detail["ShippedQty"] = detail["OrderedQty"] = quantity
        return detail

    def _order_of(self, shipment: Record) -> Record:
        link = shipment.rows["Orders"][0]
        order = self._site.table("SalesOrder").get(link["OrderType"], link["OrderNbr"])
        if order is None:
            raise refuse("The order of the shipment cannot be found in the system.")
        return order.copied()

    def _ships(self, row: Record) -> bool:
        return bool(row["LineType"] != "Service")

    def _shippable(self, row: Record, warehouse: object) -> Decimal:
        is_elsewhere = warehouse is not None and normal(row["WarehouseID"] or "") != normal(
            str(warehouse)
        )
        if not self._ships(row) or is_elsewhere:
            return ZERO
        on_hand = _on_hand(self._site, row["InventoryID"], row["WarehouseID"])
        wanted: Decimal = row["OpenQty"]
        return wanted if on_hand is None else min(wanted, max(on_hand, ZERO))


def _stock_row(item: Record | None, warehouse: str | None) -> Record | None:
    rows = [] if item is None else item.rows.get("WarehouseDetails", [])
    wanted = normal(warehouse or "")
    return next((row for row in rows if normal(row["WarehouseID"] or "") == wanted), None)


def _on_hand(site: Site, inventory_id: str, warehouse: str | None) -> Decimal | None:
    """Return the stock, None for an item whose stock nobody entered: it never runs out."""
    row = _stock_row(site.item(inventory_id), warehouse)
    return None if row is None else row["QtyOnHand"]


def _take_from_stock(
    site: Site, inventory_id: str, warehouse: str | None, quantity: Decimal
) -> None:
    item = site.item(inventory_id)
    if item is None or _stock_row(item, warehouse) is None:
        return
    item = item.copied()
    row = _stock_row(item, warehouse)
    if row is not None:
        row["QtyOnHand"] -= quantity
        site.commit(item, touch=False)


def _shipment_row(order: Record, number: str) -> Record:
    return next(row for row in order.rows["Shipments"] if row["ShipmentNbr"] == number)
