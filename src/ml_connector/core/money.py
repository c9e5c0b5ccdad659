"""Amounts of money: a Decimal and its currency, never apart and never a float.

Rounding is half up to the currency's own digits (ISO 4217), as invoices are rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from typing import TYPE_CHECKING

import iso4217

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PRECISION = 50  # digits; far above what a product of price, quantity and rates can need


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies were put together: nothing is converted by us."""


@cache
def currency_digits(currency: str) -> int:
    """Return how many digits follow the decimal point: 2 for EUR, 0 for JPY, 3 for KWD.

    Raises ValueError for a code that ISO 4217 does not list.
    """
    try:
        digits = iso4217.Currency(currency).exponent
    except ValueError as exc:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code") from exc
    if digits is None:
        raise ValueError(f"{currency} has no minor unit and cannot be an amount of money")
    return int(digits)


def round_to_currency(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the currency's digits."""
    step = Decimal(1).scaleb(-currency_digits(currency))
    with localcontext() as context:
        context.prec = _PRECISION
        return amount.quantize(step, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise TypeError(f"an amount of money is a finite Decimal, not {self.amount!r}")

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.amount:,f} {self.currency}"

    def rounded(self) -> Money:
        """Return the amount in whole minor units."""
        return Money(round_to_currency(self.amount, self.currency), self.currency)

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self} and {other} are of different currencies")
        return other.amount


def total(amounts: Iterable[Money], *, currency: str) -> Money:
    """Add up amounts of one currency; the sum of none is zero."""
    result = Money(Decimal(0), currency)
    for amount in amounts:
        result += amount
    return result


def share_out(amount: Money, *, weights: Sequence[Decimal]) -> list[Money]:
    """Split a rounded amount in proportion to ``weights``; the remainder falls on the last.

    The parts are whole minor units and always add up to ``amount``. Equal parts when every
    weight is zero.
    """
    if not weights:
        raise ValueError("an amount cannot be shared out over nothing")
    whole = sum(weights, Decimal(0))
    used = weights if whole else [Decimal(1)] * len(weights)
    whole = whole or Decimal(len(weights))
    with localcontext() as context:
        context.prec = _PRECISION
        parts = [
            Money(
                round_to_currency(amount.amount * weight / whole, amount.currency), amount.currency
            )
            for weight in used[:-1]
        ]
    return [*parts, amount - total(parts, currency=amount.currency)]
