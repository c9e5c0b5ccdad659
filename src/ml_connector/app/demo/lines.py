"""What a deal's lines come to, worked out from what was seeded and from the promises alone.

Nothing here is shared with the product's own arithmetic: fractions instead of decimals, written
from the sentences (net of tax, after every discount, rounded line by line half up, the remainder
of a discount on the deal on its last line), so that one mistake cannot pass on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Generic, Literal, TypeVar

from ml_connector.app.demo.places import DIGITS

TaxMethod = Literal["exclusive", "inclusive", "none"]
DiscountType = Literal["percentage", "amount"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product of the CRM."""

    sku: str
    name: str
    price: Decimal
    """In US dollars; other currencies take it times their factor."""
    unit: str | None = None
    """As somebody wrote it."""
    is_divided: bool = False
    """Whether a fraction of it can be sold."""


P = TypeVar("P", bound=Product)


@dataclass(frozen=True, slots=True, kw_only=True)
class DealLine(Generic[P]):
    """A product on a deal, as somebody entered it."""

    good: P
    quantity: Decimal
    price: Decimal
    discount: Decimal = Decimal(0)
    discount_type: DiscountType = "percentage"
    tax: int = 0
    """Percent."""
    is_enabled: bool = True
    months: int | None = None
    """How many times it is billed, for a line that is billed monthly."""
    comments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealDiscount:
    """A discount on the whole deal."""

    amount: Decimal
    type: DiscountType


def net_lines(
    lines: Sequence[DealLine[P]],
    discounts: Sequence[DealDiscount],
    *,
    currency: str,
    tax_method: TaxMethod,
) -> list[tuple[DealLine[P], Decimal]]:
    """Return the lines that count, each with what it comes to net."""
    counted = [line for line in lines if line.is_enabled]
    stated = [_rounded(_listed(line) - _own_discount(line), currency) for line in counted]
    shares = _shares(_deal_discount(discounts, sum(stated, Fraction())), stated, currency)
    return [
        (line, _decimal(_net(amount - share, line, tax_method, currency), currency))
        for line, amount, share in zip(counted, stated, shares, strict=True)
    ]


def _listed(line: DealLine[P]) -> Fraction:
    return Fraction(line.price) * Fraction(line.quantity) * (line.months or 1)


def _own_discount(line: DealLine[P]) -> Fraction:
    if line.discount_type == "percentage":
        return _listed(line) * Fraction(line.discount) / 100
    return Fraction(line.discount) * (line.months or 1)


def _deal_discount(discounts: Sequence[DealDiscount], subtotal: Fraction) -> Fraction:
    return sum(
        (
            subtotal * Fraction(one.amount) / 100
            if one.type == "percentage"
            else Fraction(one.amount)
            for one in discounts
        ),
        Fraction(),
    )


def _shares(discount: Fraction, stated: Sequence[Fraction], currency: str) -> list[Fraction]:
    """Share a discount in proportion; the last line takes what rounding left over."""
    subtotal = sum(stated, Fraction())
    if not discount or not subtotal:
        return [Fraction()] * len(stated)
    whole = subtotal - _rounded(subtotal - discount, currency)
    shares = [_rounded(whole * amount / subtotal, currency) for amount in stated[:-1]]
    return [*shares, whole - sum(shares, Fraction())]


def _net(amount: Fraction, line: DealLine[P], tax_method: TaxMethod, currency: str) -> Fraction:
    if tax_method != "inclusive":
        return amount
    return _rounded(amount / (1 + Fraction(line.tax, 100)), currency)


def _rounded(amount: Fraction, currency: str) -> Fraction:
    """Round half up, away from nothing."""
    scale = 10 ** DIGITS[currency]
    size = Fraction((abs(amount) * scale * 2 + 1) // 2, scale)
    return size if amount >= 0 else -size


def _decimal(amount: Fraction, currency: str) -> Decimal:
    scale = 10 ** DIGITS[currency]
    return Decimal(int(amount * scale)).scaleb(-DIGITS[currency])
