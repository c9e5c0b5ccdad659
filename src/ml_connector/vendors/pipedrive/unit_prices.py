"""The unit price from which an ERP computes a line's amount again.

ERPs keep a unit price with few digits and work out ``round(quantity x unit price)`` themselves.
A price without its tax rarely has few digits, so the nearest price that still comes to the
amount is looked for; where the quantity is too large for any, the price just above is taken
and the rest becomes discount, never a surcharge.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from ml_connector.core.money import currency_digits, round_to_currency

UNIT_PRICE_DIGITS = 6  # digits after the point, unless the ERP keeps fewer


def unit_price_of(
    *, price: Decimal, quantity: Decimal, amount: Decimal, currency: str, digits: int
) -> Decimal:
    """Return the unit price nearest ``price`` for which ``quantity`` makes at least ``amount``.

    Exactly ``amount``, wherever a price with so many digits does. ``price``, ``quantity`` and
    ``amount`` are not negative, and ``amount`` is in whole minor units.
    """
    for candidate in _near(price, digits):
        if round_to_currency(quantity * candidate, currency) == amount:
            return _plain(candidate, currency)
    if not quantity:
        return _plain(_cut(price, digits, ROUND_HALF_UP), currency)
    return _plain(_cut(amount / quantity, digits, ROUND_CEILING), currency)


def _near(price: Decimal, digits: int) -> list[Decimal]:
    return [_cut(price, digits, mode) for mode in (ROUND_HALF_UP, ROUND_FLOOR, ROUND_CEILING)]


def _cut(price: Decimal, digits: int, mode: str) -> Decimal:
    return price.quantize(Decimal(1).scaleb(-digits), rounding=mode)


def _plain(price: Decimal, currency: str) -> Decimal:
    """Drop zeros at the end that are not the currency's own digits."""
    least = Decimal(1).scaleb(-currency_digits(currency))
    short = price.normalize()
    return short.quantize(least) if short == short.quantize(least) else short
