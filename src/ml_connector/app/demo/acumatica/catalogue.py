"""What the demo's company sells, and where its customers are: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.app.demo.lines import Product

MISSING_SKU = "GHOST-9"
"""Stands on a product in Pipedrive, and on no item of the ERP."""

ITEM_WITHOUT_PRODUCTS = "DEAL-LINE"
"""The ERP's item for deals that have no products."""

WHOLE_UNITS = ("EA", "PC", "SET", "BOX")
"""Units that are not divided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good(Product):
    """A product of the CRM and the item of the ERP that it is."""

    erp_unit: str = "EA"
    """What its unit is in the ERP."""
    base_unit: str = "EA"
    units_in_one: int | None = None
    """How many of the base unit one ``erp_unit`` is, where they differ."""
    is_stock: bool = True


GOODS: Sequence[Good] = (
    Good(sku="DRIVE-07", name="Drive 0.7 kW", price=Decimal(418)),
    Good(sku="DRIVE-15", name="Drive 1.5 kW", price=Decimal("689.50"), unit="EA"),
    Good(sku="PANEL-A4", name="Control panel A4", price=Decimal("19.99"), unit="Stück"),
    Good(sku="#12-796524", name="Gasket kit", price=Decimal("9.99")),
    Good(sku="SENSOR T/2", name="Temperature sensor", price=Decimal("37.45"), unit="pcs"),
    Good(
        sku="CABLE-5G",
        name="Cable 5 x 2.5",
        price=Decimal("2.35"),
        unit="m",
        erp_unit="M",
        base_unit="M",
        is_divided=True,
    ),
    Good(
        sku="FILTER-9",
        name="Filter 9",
        price=Decimal("74.80"),
        unit="box",
        erp_unit="BOX",
        units_in_one=10,
    ),
    Good(
        sku="FITTING",
        name="Fitting on site",
        price=Decimal(120),
        unit="hour",
        erp_unit="HOUR",
        base_unit="HOUR",
        is_stock=False,
        is_divided=True,
    ),
    Good(
        sku="CARE-PLAN",
        name="Care plan, a month",
        price=Decimal("89.90"),
        is_stock=False,
    ),
)
SUBSCRIPTION = "CARE-PLAN"
"""The one that is billed every month."""

UNIT_TABLE: Mapping[str, str] = {"Stück": "EA", "pcs": "EA"}
"""What the demo's configuration says of units that the ERP writes otherwise."""

UNMAPPED = Good(
    sku="DRUM-60", name="Lubricant, drum", price=Decimal(310), unit="drum", erp_unit="EA"
)
"""Sold in the CRM by a unit that nothing maps."""

GHOST = Good(sku=MISSING_SKU, name="Drive 9, not in the ERP yet", price=Decimal(950))

NO_PRODUCTS = Good(
    sku=ITEM_WITHOUT_PRODUCTS, name="Deal without products", price=Decimal(0), is_stock=False
)
