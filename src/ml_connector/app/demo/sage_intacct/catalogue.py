"""What the demo's company sells, and the accounts that its revenue goes to: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.app.demo.lines import Product

OFFSET_ACCOUNT = "1160"
RECURRING_ACCOUNT = "2400"
"""Of what is billed monthly."""

ACCOUNTS: Mapping[str, str] = {"Hardware": "4020", "Services": "4010", "Licences": "4000"}
"""The revenue account of each group, as finance maps them at first."""

MAPPED_LATER: Mapping[str, str] = {"Training": "4030"}
"""The group that somebody forgot, and its account."""

INACTIVE: Mapping[str, str] = {"Rentals": "4040"}
"""The group whose account is no longer active."""

FURTHER_ACCOUNTS: Sequence[Mapping[str, str]] = (
    {"ACCOUNTNO": "4030", "TITLE": "Training revenue", "STATUS": "active"},
    {"ACCOUNTNO": "4040", "TITLE": "Rental revenue", "STATUS": "inactive"},
)
"""Those that Intacct does not have by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good(Product):
    """A product, and the group by which its revenue is booked."""

    group: str


GOODS: Sequence[Good] = (
    Good(sku="DRIVE-07", name="Drive 0.7 kW", price=Decimal(418), group="Hardware"),
    Good(sku="PANEL-A4", name="Control panel A4", price=Decimal("19.99"), group="Hardware"),
    Good(sku="GASKETS", name="Gasket kit", price=Decimal("9.99"), group="Hardware"),
    Good(sku="CABLE", name="Cable, by the metre", price=Decimal("2.35"), is_divided=True,
         group="Hardware"),
    Good(sku="FITTING", name="Fitting, by the hour", price=Decimal(120), is_divided=True,
         group="Services"),
    Good(sku="LICENCE", name="Controller licence", price=Decimal("349.50"), group="Licences"),
    Good(sku="CARE-PLAN", name="Care plan, a month", price=Decimal("89.90"), group="Services"),
)  # fmt: skip
SUBSCRIPTION = "CARE-PLAN"

TRAINING = Good(sku="COURSE", name="Course for operators", price=Decimal(640), group="Training")
RENTAL = Good(sku="CRANE", name="Crane, rented by the day", price=Decimal(275), group="Rentals")
CREDIT = Good(sku="TRADE-IN", name="Old drive taken back", price=Decimal(75), group="Hardware")

RATES: Mapping[str, str] = {"SEK": "0.0945"}
"""Base currency for one of a currency that Intacct's company has beside its first ones."""

UNKNOWN_CURRENCY_IN = "CH"
"""The country whose currency the company does not have."""
