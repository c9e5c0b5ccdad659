"""What a deal is worth line by line: net of tax, after every discount, in whole minor units.

Amounts are worked out in the deal's own terms first (as its prices are stated: with tax where
the tax method is inclusive), rounded line by line; the deal's discounts are shared over the
lines in proportion, the remainder on the last; only then is tax taken out, line by line with
the line's own rate. So the amounts as priced add up to the deal's value to the minor unit.

``sum`` of a deal product is never used: Pipedrive's documentation leaves open whether it holds
exclusive tax (NOTES.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from ml_connector.core.errors import ConfigurationError, HeldError
from ml_connector.core.money import Money, currency_digits, round_to_currency, share_out
from ml_connector.vendors.pipedrive.line_rules import (
    LineRules,
    NegativeRule,
    RecurringRule,
    ValueRule,
)
from ml_connector.vendors.pipedrive.models import Deal, DealDiscount, DealProduct, Installment
from ml_connector.vendors.pipedrive.unit_prices import UNIT_PRICE_DIGITS, unit_price_of

_PRECISION = 60  # digits while computing; far above price x quantity x cycles / (1 + tax)
_HUNDRED = Decimal(100)
_ZERO = Decimal(0)
_ONE = Decimal(1)
_ONE_TIME = "one-time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """How often a line is billed, in Pipedrive's words."""

    frequency: str
    cycles: int | None
    """None: until it is cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetLine:
    """One line as an ERP should have it.

    ``round(quantity x unit_price) - discount == net``, so an ERP that multiplies and subtracts
    comes to the same amount.
    """

    line_id: int | None
    """The deal product's own id; None for the one line of a deal without products."""
    product_id: int | None
    product_variation_id: int | None
    name: str
    comments: str
    quantity: Decimal
    unit_price: Decimal
    """Net of tax, for one unit, before any discount."""
    discount: Decimal
    """Net of tax, for the whole line: its own discount and its share of the deal's."""
    net: Decimal
    tax_rate: Decimal
    """Percent; zero where the line's tax method is none."""
    recurrence: Recurrence | None = None

    @property
    def has_whole_quantity(self) -> bool:
        """Whether it can be ordered in a unit that is not divided."""
        return self.quantity == self.quantity.to_integral_value()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The lines do not come to the deal's value."""

    deal_value: Decimal
    lines_value: Decimal
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DealLines:
    """A deal's lines and how they were come by."""

    deal_id: int
    currency: str
    lines: tuple[NetLine, ...]
    net: Decimal
    """What the lines add up to, exactly."""
    installments: tuple[Installment, ...] = ()
    """When parts of it are billed; they change no amount."""
    difference: Difference | None = None
    """Only under the rule to go on; otherwise the deal is held."""
    notes: tuple[str, ...] = ()
    """How the amounts came about, for the audit trail."""

    @property
    def is_zero(self) -> bool:
        """Whether the deal is worth nothing."""
        return self.net == _ZERO


def net_lines(
    deal: Deal,
    lines: Sequence[DealProduct],
    discounts: Sequence[DealDiscount] = (),
    installments: Sequence[Installment] = (),
    *,
    rules: LineRules,
    unit_price_digits: int = UNIT_PRICE_DIGITS,
) -> DealLines:
    """Work out the net lines of a deal, in the order in which Pipedrive shows them.

    Disabled lines are left out; a deal without any other becomes one line for its value.
    ``unit_price_digits`` is how many digits after the point the ERP keeps of a unit price.
    Raises HeldError, with words for a person, where a rule asks for one.
    """
    with localcontext() as context:
        context.prec = _PRECISION
        work = _Work(deal=deal, rules=rules, currency=_currency_of(deal))
        counted = _in_order(lines)
        work.leave_out(len(lines) - len(counted))
        if counted:
            result = _from_products(work, counted, discounts, unit_price_digits)
        else:
            result = _from_value(work, unit_price_digits)
        if result.is_zero and rules.zero_value == "hold":
            raise work.held("is worth nothing")
        return _with_installments(result, work, installments)


@dataclass(slots=True, kw_only=True)
class _Work:
    """The deal at hand and what is to be told about it."""

    deal: Deal
    rules: LineRules
    currency: str
    notes: list[str] = field(default_factory=list)

    def rounded(self, amount: Decimal) -> Decimal:
        return round_to_currency(amount, self.currency)

    def shown(self, amount: Decimal) -> str:
        return str(Money(amount, self.currency))

    def leave_out(self, count: int) -> None:
        if count:
            self.notes.append(f"{count} disabled line(s) left out")

    def held(self, words: str) -> HeldError:
        return HeldError(f"Deal {self.deal.id} {words}", waits_for=f"deal:{self.deal.id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Priced:
    """One line in the deal's own terms: its amounts include inclusive tax."""

    source: DealProduct
    quantity: Decimal
    """Positive; of all cycles that count."""
    price: Decimal
    """Positive, as stated for one unit."""
    exact: Decimal
    """After the line's own discount, not rounded."""
    stated: Decimal
    """The same in whole minor units."""
    is_return: bool = False

    @property
    def rate(self) -> Decimal:
        return _ZERO if self.source.tax_method in {None, "none"} else self.source.tax

    @property
    def divisor(self) -> Decimal:
        """What makes an amount as stated net."""
        is_inclusive = self.source.tax_method == "inclusive"
        return _ONE + self.rate / _HUNDRED if is_inclusive else _ONE

    @property
    def multiplier(self) -> Decimal:
        """What makes an amount as stated gross."""
        is_exclusive = self.source.tax_method == "exclusive"
        return _ONE + self.rate / _HUNDRED if is_exclusive else _ONE


def _currency_of(deal: Deal) -> str:
    """Return the deal's currency, if amounts can be rounded to it."""
    if deal.currency is None:
        raise HeldError(f"Deal {deal.id} has no currency", waits_for=f"deal:{deal.id}")
    try:
        currency_digits(deal.currency)
    except ValueError as exc:
        raise HeldError(
            f"Deal {deal.id} is in {deal.currency}: {exc}", waits_for=f"deal:{deal.id}"
        ) from exc
    return deal.currency


def _in_order(lines: Sequence[DealProduct]) -> list[DealProduct]:
    """Return the enabled lines in the order that people see, whatever order they were read in."""
    enabled = [line for line in lines if line.is_enabled]
    if any(line.order_nr is None for line in enabled):
        return enabled
    return sorted(enabled, key=lambda line: line.order_nr or 0)


# Lines ------------------------------------------------------------------------------------


def _from_products(
    work: _Work,
    lines: Sequence[DealProduct],
    discounts: Sequence[DealDiscount],
    unit_price_digits: int,
) -> DealLines:
    priced = [_priced(line, work) for line in lines]
    kept, taken_off = _without_negatives(priced, work)
    exact_discount = taken_off + _deal_discount(discounts, kept, work)
    discount = work.rounded(exact_discount)
    shares = _shares(discount, kept, work)
    after = [line.stated - share for line, share in zip(kept, shares, strict=True)]
    nets = [work.rounded(amount / line.divisor) for line, amount in zip(kept, after, strict=True)]
    net_lines_ = tuple(
        _net_line(line, net, work, unit_price_digits) for line, net in zip(kept, nets, strict=True)
    )
    return DealLines(
        deal_id=work.deal.id,
        currency=work.currency,
        lines=net_lines_,
        net=sum(nets, _ZERO),
        difference=_difference(work, kept, after, exact_discount),
        notes=tuple(work.notes),
    )


def _priced(line: DealProduct, work: _Work) -> _Priced:
    """Return a line in the deal's own terms, or hold what cannot be one."""
    _check_line(line, work)
    cycles = Decimal(_cycles(line, work))
    listed = line.item_price * line.quantity * cycles
    if line.discount_type == "percentage":
        exact = listed * (_HUNDRED - line.discount) / _HUNDRED
    else:
        exact = listed - line.discount * cycles
    return _Priced(
        source=line,
        quantity=abs(line.quantity * cycles),
        price=abs(line.item_price),
        exact=exact,
        stated=work.rounded(exact),
        is_return=listed < 0,
    )


def _check_line(line: DealProduct, work: _Work) -> None:
    """Hold what has no sound amount or no product."""
    if line.product_id is None:
        raise work.held(
            f"has a line {_named(line)} whose product was purged in Pipedrive; put a product that "
            "exists on the line, or disable it"
        )
    if line.currency is not None and line.currency != work.currency:
        raise work.held(
            f"is in {work.currency}, but its line {_named(line)} is in {line.currency}; nothing "
            "is converted"
        )
    if line.discount < 0:
        raise work.held(f"has a line {_named(line)} with a negative discount, {line.discount}")
    if line.discount_type == "percentage" and line.discount > _HUNDRED:
        raise work.held(f"has a line {_named(line)} with a discount of {line.discount} %")
    if line.tax < 0:
        raise work.held(f"has a line {_named(line)} with a negative tax of {line.tax} %")
    if line.tax_method is None and line.tax:
        raise work.held(
            f"has a line {_named(line)} with {line.tax} % tax, but does not say whether its "
            "price includes it"
        )


def _cycles(line: DealProduct, work: _Work) -> int:
    """Return how many times the line counts."""
    if line.billing_frequency in {None, _ONE_TIME}:
        return 1
    match work.rules.recurring:
        case RecurringRule.FIRST_CYCLE:
            return 1
        case RecurringRule.HOLD:
            raise work.held(f"has a line {_named(line)} that is billed {line.billing_frequency}")
        case RecurringRule.ALL_CYCLES:
            if line.billing_frequency_cycles is None:
                raise work.held(
                    f"has a line {_named(line)} that is billed {line.billing_frequency} without "
                    "an end, so that it has no total; set its number of cycles, or count the "
                    "first cycle only"
                )
            return line.billing_frequency_cycles


def _without_negatives(lines: Sequence[_Priced], work: _Work) -> tuple[list[_Priced], Decimal]:
    """Return the lines that stay, and what those below zero take off them."""
    kept: list[_Priced] = []
    taken_off = _ZERO
    for line in lines:
        if line.stated >= 0 and not line.is_return:
            kept.append(line)
            continue
        match work.rules.negative:
            case NegativeRule.HOLD:
                raise work.held(
                    f"has a line {_named(line.source)} below zero, {work.shown(line.stated)}; "
                    "choose whether such lines are discounts or returns"
                )
            case NegativeRule.RETURN if line.is_return:
                kept.append(line)
            case NegativeRule.RETURN:
                raise work.held(
                    f"has a line {_named(line.source)} whose discount is larger than its amount, "
                    f"{work.shown(line.stated)}"
                )
            case NegativeRule.DISCOUNT:
                taken_off -= line.stated
                work.notes.append(
                    f"line {_named(line.source)} counts as a discount of {work.shown(-line.stated)}"
                )
                if not line.is_return:  # still delivered, and free
                    kept.append(replace_amount(line, _ZERO))
    return kept, taken_off
