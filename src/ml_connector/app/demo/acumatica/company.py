"""The demo's company: what stands in both products before the first deal is won.

Plain data with refs instead of ids. The same seed makes the same company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from ml_connector.app.demo.acumatica.catalogue import NO_PRODUCTS, Good
from ml_connector.app.demo.acumatica.orders import OrderLine, order_lines
from ml_connector.app.demo.lines import DealDiscount, DealLine, TaxMethod
from ml_connector.app.demo.parties import Organization, Person
from ml_connector.app.demo.play import Fate


class Case(Enum):
    """What is particular about a deal: its fate, and the particular in words."""

    ORDINARY = Fate.MOVED, "an ordinary deal"
    KNOWN_BY_TAX_NUMBER = Fate.MOVED, "its organization is a customer with that tax number"
    NO_PRODUCTS = Fate.MOVED, "no products: one line on the configured item"
    DISCOUNTS_ON_DISCOUNTS = Fate.MOVED, "3 x 19.99 less 10 %, 1 x 100.00, 5 % off: 146.27"
    TAX_INSIDE = Fate.MOVED, "3 x 9.99 including 19 %: 25.18 net"
    MISSING_SKU = Fate.HELD, "a product that is no item of the ERP"
    FRACTION = Fate.HELD, "half of a unit that is not divided"
    UNMAPPED_UNIT = Fate.HELD, "a unit that nothing maps"
    NAMESAKES = Fate.HELD, "two customers of the same name"
    INACTIVE = Fate.HELD, "an inactive customer"
    OTHER_CURRENCY = Fate.HELD, "a currency that the customer does not take"
    PERSON_ALONE = Fate.HELD, "a person and no organization"
    BEFORE_GO_LIVE = Fate.LEFT_ALONE, "won before go-live, edited afterwards"

    @property
    def fate(self) -> Fate:
        """What must become of such a deal."""
        return self.value[0]

    @property
    def words(self) -> str:
        """The particular, for a person."""
        return self.value[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCustomer:
    """A customer that the ERP has already."""

    ref: str
    name: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A deal, and so what must become of it."""

    ref: str
    title: str
    case: Case
    organization: Organization | None
    person: str | None
    currency: str
    lines: tuple[DealLine[Good], ...] = ()
    discounts: tuple[DealDiscount, ...] = ()
    tax_method: TaxMethod = "exclusive"
    value: Decimal = Decimal(0)
    """Counts for a deal without products only."""

    @property
    def order_lines(self) -> tuple[OrderLine, ...]:
        """The lines of its order."""
        if not self.lines:
            item = NO_PRODUCTS
            return (
                OrderLine(sku=item.sku, quantity=Decimal(1), unit=item.erp_unit, net=self.value),
            )
        return order_lines(
            self.lines, self.discounts, currency=self.currency, tax_method=self.tax_method
        )

    @property
    def net(self) -> Decimal:
        """What its order comes to without tax."""
        return sum((line.net for line in self.order_lines), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Everything that is seeded."""

    deals: Sequence[Deal]
    organizations: Sequence[Organization]
    persons: Sequence[Person]
    known_customers: Sequence[KnownCustomer]

    def of_fate(self, fate: Fate) -> list[Deal]:
        """Return the deals of a fate."""
        return [deal for deal in self.deals if deal.case.fate is fate]

    @property
    def customers_to_be(self) -> list[Organization]:
        """The organizations that must have a customer in the end: those with an order."""
        wanted = {
            deal.organization.ref
            for deal in self.of_fate(Fate.MOVED)
            if deal.organization is not None
        }
        return [one for one in self.organizations if one.ref in wanted]
