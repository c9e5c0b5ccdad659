"""Stock and non-stock items (IN202500, IN202000)."""

from __future__ import annotations

from vendor_simulators.acumatica.forms import Draft, Form

_PRICES = ("DefaultPrice", "CurySpecificPrice")  # one column under two names
_FROM_CLASS = {  # class field: stock item field, non-stock item field
    "BaseUOM": ("BaseUOM", "BaseUnit"),
    "SalesUOM": ("SalesUOM", "SalesUnit"),
    "PurchaseUOM": ("PurchaseUOM", "PurchaseUnit"),
    "TaxCategoryID": ("TaxCategory", "TaxCategory"),
    "DefaultWarehouseID": ("DefaultWarehouseID", "DefaultWarehouseID"),
    "ItemType": ("ItemType", "ItemType"),
}


class ItemForm(Form):
    """What both item forms do."""

    is_stock = True

    def start(self, draft: Draft) -> None:
        """Take the defaults of the item class."""
        record = draft.record
        record["ItemStatus"] = "Active"
        record["NoteID"] = record.id
        default = "STOCK" if self.is_stock else "SERVICE"
        given_class = draft.given.values.get("ItemClass") or default
        held = self.site.table("ItemClass").get(given_class)
        if held is None:
            return
        record["ItemClass"] = held["ClassID"]
        for source, (stock, non_stock) in _FROM_CLASS.items():
            name = stock if self.is_stock else non_stock
            if name in record.values:
                record[name] = held[source]

    def changed(self, draft: Draft) -> None:
        """Keep both names of the price the same."""
        record = draft.record
        given = [name for name in _PRICES if draft.was_given(record, name)]
        price = record[given[0]] if given else record["DefaultPrice"]
        for name in _PRICES:
            record[name] = price

    def check(self, draft: Draft) -> None:
        """An inventory id is used once, by a stock or a non-stock item."""
        record = draft.record
        other = self.site.item(record["InventoryID"])
        if draft.is_new and other is not None:
            draft.error(record, "InventoryID", "The inventory ID is already in use.")


class StockItemForm(ItemForm):
    """IN202500."""

    sequence = "StockItem"


class NonStockItemForm(ItemForm):
    """IN202000."""

    sequence = "NonStockItem"
    is_stock = False
