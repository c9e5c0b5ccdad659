"""What the demo's company sells, and where its customers are: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

MISSING_SKU = "GHOST-9"
"""Stands on a product in Pipedrive, and on no item of the ERP."""

ITEM_WITHOUT_PRODUCTS = "DEAL-LINE"
"""The ERP's item for deals that have no products."""

WHOLE_UNITS = ("EA", "PC", "SET", "BOX")
"""Units that are not divided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A product of the CRM and the item of the ERP that it is."""

    sku: str
    name: str
    price: Decimal
    """In US dollars; other currencies take it times their factor."""
    unit: str | None = None
    """As somebody wrote it in the CRM."""
    erp_unit: str = "EA"
    """What it is in the ERP."""
    base_unit: str = "EA"
    units_in_one: int | None = None
    """How many of the base unit one ``erp_unit`` is, where they differ."""
    is_stock: bool = True
    is_divided: bool = False
    """Whether a fraction of it can be sold."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """Where customers are, as people there write it."""

    code: str
    names: tuple[str, ...]
    """In words; free text ends with one of them."""
    currency: str
    legal_form: str
    cities: tuple[tuple[str, str, str | None], ...]
    """City, postal code, state or province."""
    streets: tuple[str, ...]
    number_first: bool = False
    """Whether the house number goes before the street."""
    state_codes: Mapping[str, str] | None = None
    vat_prefix: str | None = None

    @property
    def has_states(self) -> bool:
        """Whether its addresses name a state."""
        return self.state_codes is not None


COUNTRIES: Sequence[Country] = (
    Country(
        code="DE",
        names=("Germany", "Deutschland"),
        currency="EUR",
        legal_form="GmbH",
        cities=(("Köln", "50667", None), ("Hamburg", "20095", None), ("Dresden", "01067", None)),
        streets=("Hafenstraße", "Am Mühlgraben", "Industriestraße"),
        vat_prefix="DE",
    ),
    Country(
        code="US",
        names=("United States", "USA"),
        currency="USD",
        legal_form="Inc.",
        cities=(("Portland", "97204", "Oregon"), ("Austin", "78701", "TX")),
        streets=("Harbor Way", "Mill Road", "Foundry Street"),
        number_first=True,
        state_codes={"Oregon": "OR", "TX": "TX"},
    ),
    Country(
        code="GB",
        names=("United Kingdom", "UK"),
        currency="GBP",
        legal_form="Ltd",
        cities=(("Leeds", "LS1 4AP", None), ("Bristol", "BS1 4DJ", None)),
        streets=("Mill Lane", "Dock Street", "Tannery Road"),
        number_first=True,
        vat_prefix="GB",
    ),
    Country(
        code="SE",
        names=("Sweden", "Sverige"),
        currency="SEK",
        legal_form="AB",
        cities=(("Malmö", "211 20", None), ("Gävle", "803 11", None)),
        streets=("Hamngatan", "Kvarngatan"),
        vat_prefix="SE",
    ),
    Country(
        code="CH",
        names=("Switzerland", "Schweiz"),
        currency="CHF",
        legal_form="AG",
        cities=(("Winterthur", "8400", None), ("Biel", "2502", None)),
        streets=("Seestrasse", "Werkstrasse"),
    ),
    Country(
        code="CA",
        names=("Canada",),
        currency="CAD",
        legal_form="Corp.",
        cities=(("Hamilton", "L8P 1A1", "Ontario"), ("Laval", "H7N 1A1", "QC")),
        streets=("Lakeshore Road", "Quarry Street"),
        number_first=True,
        state_codes={"Ontario": "ON", "QC": "QC"},
    ),
    Country(
        code="JP",
        names=("Japan",),
        currency="JPY",
        legal_form="K.K.",
        cities=(("Kobe", "650-0001", None),),
        streets=("Minato-dori",),
    ),
)

PRICE_FACTORS: Mapping[str, Decimal] = {
    "USD": Decimal(1),
    "EUR": Decimal("0.93"),
    "GBP": Decimal("0.79"),
    "SEK": Decimal("10.6"),
    "CHF": Decimal("0.89"),
    "CAD": Decimal("1.37"),
    "JPY": Decimal(150),
}
DIGITS: Mapping[str, int] = {currency: 0 if currency == "JPY" else 2 for currency in PRICE_FACTORS}
"""Digits after the point, written down here once more: the demo checks, it does not share."""

TAX_PERCENT: Mapping[str, int] = {
    "DE": 19, "US": 0, "GB": 20, "SE": 25, "CH": 8, "CA": 5, "JP": 10,
}  # fmt: skip

FIRST_WORDS = (
    "Amber", "Birch", "Cobalt", "Dune", "Ember", "Falcon", "Granite", "Heron", "Indigo", "Juniper",
    "Kestrel", "Larch", "Marble", "Nettle", "Onyx", "Pewter", "Quarry", "Russet", "Slate",
    "Thistle", "Umber", "Velvet", "Willow", "Yarrow",
)  # fmt: skip
BRANCHES = (
    "Pumps", "Foods", "Marine", "Textiles", "Optics", "Packaging", "Energy", "Plastics", "Rail",
    "Ceramics", "Timber", "Printing", "Bearings", "Cranes", "Breweries", "Paper", "Cooling",
)  # fmt: skip
ROLES = ("Purchasing", "Plant manager", "Head of maintenance", "Technical buyer", "Works office")
