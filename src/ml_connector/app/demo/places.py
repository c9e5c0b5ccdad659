"""Where the companies of the demos sell, and what those they sell to are called: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal


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
