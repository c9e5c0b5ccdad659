"""What is sold with a deal, drawn from one source of randomness."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Generic

from ml_connector.app.demo.lines import DealDiscount, DealLine, P
from ml_connector.app.demo.parties import Parties

_DISCOUNTED_LINE = 0.35
_DISCOUNTED_DEAL = 0.3
_DISABLED_LINE = 0.1
_MOST_LINES = 4


class Selling(Generic[P]):
    """Draws the lines and the discounts of deals."""

    def __init__(self, parties: Parties, goods: Sequence[P], *, subscription: str) -> None:
        self._parties = parties
        self._goods = goods
        self._subscription = subscription

    def lines(self, currency: str, tax: int) -> tuple[DealLine[P], ...]:
        """Return some lines of a deal."""
        goods = self._parties.rng.sample(self._goods, self._parties.rng.randint(1, _MOST_LINES))
        lines = [self._line(good, currency, tax) for good in goods]
        if self._parties.chance(_DISABLED_LINE):
            option = self._line(
                self._parties.rng.choice(self._goods), currency, tax, is_enabled=False
            )
            lines.append(option)
        return tuple(lines)

    def _line(self, good: P, currency: str, tax: int, *, is_enabled: bool = True) -> DealLine[P]:
        price = self._parties.money(good.price, currency)
        discount, is_amount = Decimal(0), self._parties.chance(0.3)
        # What is billed monthly is rounded monthly in the CRM, and once on an order.
        if good.sku != self._subscription and self._parties.chance(_DISCOUNTED_LINE):
            discount = Decimal(self._parties.rng.choice(("5", "7.5", "10", "12.5")))
            if is_amount:
                discount = self._parties.money(good.price / 20, currency)
        return DealLine(
            good=good,
            quantity=self._quantity(good),
            price=price,
            discount=discount,
            discount_type="amount" if is_amount else "percentage",
            tax=tax,
            is_enabled=is_enabled,
            months=12 if good.sku == self._subscription else None,
            comments="Deliver to gate 3" if self._parties.chance(0.1) else "",
        )

    def discounts(self, currency: str) -> tuple[DealDiscount, ...]:
        """Return the discounts on a whole deal: mostly none."""
        if not self._parties.chance(_DISCOUNTED_DEAL):
            return ()
        if self._parties.chance(0.3):
            amount = self._parties.money(Decimal(2), currency)
            return (DealDiscount(amount=amount, type="amount"),)
        percent = Decimal(self._parties.rng.choice(("2", "2.5", "3", "5")))
        return (DealDiscount(amount=percent, type="percentage"),)

    def _quantity(self, good: P) -> Decimal:
        if good.is_divided:
            return Decimal(self._parties.rng.randint(4, 100)) / 4
        return Decimal(self._parties.rng.randint(1, 12))
