"""The demo's company: what stands in both products before the first deal is won.

Plain data with refs instead of ids. The same seed makes the same company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from ml_connector.app.demo.lines import DealDiscount, DealLine, TaxMethod, net_lines
from ml_connector.app.demo.parties import Organization, Person
from ml_connector.app.demo.play import Fate
from ml_connector.app.demo.sage_intacct.catalogue import (
    ACCOUNTS,
    INACTIVE,
    MAPPED_LATER,
    RECURRING_ACCOUNT,
    Good,
)

_ACCOUNT_OF = {**ACCOUNTS, **MAPPED_LATER, **INACTIVE}


class Case(Enum):
    """What is particular about a deal: its fate, and the particular in words."""

    ORDINARY = Fate.MOVED, "an ordinary deal"
    TAX_INSIDE = Fate.MOVED, "1,190.00 including 19 %: 600.00 and 400.00"
    THREE_EQUAL = Fate.MOVED, "100.00 over three equal lines"
    TRADE_IN = Fate.MOVED, "a line below zero: its sides are swapped"
    BY_STAGE = Fate.MOVED, "counted by its stage, won afterwards"
    MAPPED_LATER = Fate.MOVED, "a revenue group that was mapped only afterwards"
    WORTH_NOTHING = Fate.LEFT_ALONE, "worth nothing: no entry"
    INACTIVE_ACCOUNT = Fate.HELD, "an inactive account"
    CLOSED_BOOKS = Fate.HELD, "a day on which the books are closed"
    UNKNOWN_CURRENCY = Fate.HELD, "a currency that the books do not have"
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
class KnownVendor:
    """A vendor that the ERP has already."""

    vendor_id: str
    name: str
    vat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A deal, and so what must become of it."""

    ref: str
    title: str
    case: Case
    organization: Organization
    person: str | None
    currency: str
    lines: tuple[DealLine[Good], ...]
    discounts: tuple[DealDiscount, ...] = ()
    tax_method: TaxMethod = "exclusive"
    value: Decimal = Decimal(0)

    @property
    def credits(self) -> list[tuple[str, Decimal]]:
        """Account and amount of each line that is worth something; below zero it is a debit."""
        named = net_lines(
            self.lines, self.discounts, currency=self.currency, tax_method=self.tax_method
        )
        return [
            (RECURRING_ACCOUNT if line.months is not None else _ACCOUNT_OF[line.good.group], net)
            for line, net in named
            if net
        ]

    @property
    def net(self) -> Decimal:
        """What its entry comes to."""
        return sum((amount for _, amount in self.credits), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Everything that is seeded."""

    deals: Sequence[Deal]
    organizations: Sequence[Organization]
    persons: Sequence[Person]
    known_vendors: Sequence[KnownVendor]
    recognised: str
    """The organization that is one of these by its tax number."""
    namesake: str
    """The organization that has the name of one, and another tax number."""

    def of_case(self, *cases: Case) -> list[Deal]:
        """Return the deals of some cases."""
        return [deal for deal in self.deals if deal.case in cases]
