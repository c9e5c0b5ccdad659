"""Stock and non-stock items, and what both have in common."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from ml_connector.vendors.acumatica.models.records import Moment, Record, Row


class UnitConversion(Row, frozen=True, kw_only=True):
    """How a stock item's unit converts: ``from_uom`` times or divided by the factor."""

    from_uom: str | None = None
    to_uom: str | None = None
    conversion_factor: Decimal | None = None
    multiply_or_divide: str | None = None


class Ledger(Record, frozen=True, kw_only=True):
    """A ledger (GL201500): the actual ones have the base currency, in which items are priced."""

    ENTITY = "Ledger"
    KEYS = ("LedgerID",)

    ledger_id: str
    type: str | None = None
    currency: str | None = None


class StockItem(Record, frozen=True, kw_only=True):
    """A stock item (IN202500)."""

    ENTITY = "StockItem"
    KEYS = ("InventoryID",)

    inventory_id: str
    description: str | None = None
    item_status: str | None = None
    item_class: str | None = None
    item_type: str | None = None
    base_uom: str | None = None
    sales_uom: str | None = None
    default_price: Decimal | None = None
    cury_specific_price: Decimal | None = None
    tax_category: str | None = None
    default_warehouse_id: str | None = None
    is_akit: bool | None = None
    last_modified: Moment | None = None

    uom_conversions: tuple[UnitConversion, ...] = ()


class NonStockItem(Record, frozen=True, kw_only=True):
    """A service, charge or other item without stock (IN202000)."""

    ENTITY = "NonStockItem"
    KEYS = ("InventoryID",)

    inventory_id: str
    description: str | None = None
    item_status: str | None = None
    item_class: str | None = None
    item_type: str | None = None
    base_unit: str | None = None
    sales_unit: str | None = None
    default_price: Decimal | None = None
    cury_specific_price: Decimal | None = None
    tax_category: str | None = None
    is_kit: bool | None = None
    require_shipment: bool | None = None
    last_modified_date_time: Moment | None = None


ItemStatus = Literal[
    "Active", "Inactive", "No Sales", "No Purchases", "No Request", "Marked for Deletion"
]
_SELLABLE = frozenset({"Active", "No Purchases", "No Request"})


class Item(Struct, frozen=True, kw_only=True):
    """What a stock and a non-stock item have in common."""

    kind: Literal["stock_item", "non_stock_item"]
    id: str
    inventory_id: str
    description: str | None
    item_status: str | None
    item_class: str | None
    base_unit: str | None
    sales_unit: str | None
    default_price: Decimal | None
    """In the base currency, per base unit."""
    tax_category: str | None
    is_kit: bool
    last_modified: Moment | None

    @property
    def key(self) -> str:
        """The item's key as record links and streams carry it."""
        return self.inventory_id

    @property
    def is_sellable(self) -> bool:
        """Whether an order may name it."""
        return self.item_status in _SELLABLE

    @classmethod
    def of(cls, found: StockItem | NonStockItem) -> Item:
        """Bring an item of either entity into the common form."""
        if isinstance(found, StockItem):
            units = found.base_uom, found.sales_uom
            is_kit, changed = found.is_akit, found.last_modified
        else:
            units = found.base_unit, found.sales_unit
            is_kit, changed = found.is_kit, found.last_modified_date_time
        return cls(
            kind="stock_item" if isinstance(found, StockItem) else "non_stock_item",
            id=found.id,
            inventory_id=found.inventory_id,
            description=found.description,
            item_status=found.item_status,
            item_class=found.item_class,
            base_unit=units[0],
            sales_unit=units[1],
            default_price=found.cury_specific_price or found.default_price,
            tax_category=found.tax_category,
            is_kit=bool(is_kit),
            last_modified=changed,
        )
