"""What a deal is worth line by line: net of tax, after every discount, in whole minor units.

Amounts are worked out in the deal's own terms first (`line_amounts.py`), rounded line by line;
the deal's discounts are shared over the lines in proportion, the remainder on the last; only
then is tax taken out, line by line with the line's own rate. So the amounts as priced add up to
the deal's value to the minor unit, and the net amounts to the deal's net total.

``sum`` of a deal product is never used: Pipedrive's documentation leaves open whether it holds
exclusive tax (NOTES.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from ml_connector.core.errors import ConfigurationError, HeldError
from ml_connector.core.money import currency_digits
from ml_connector.vendors.pipedrive.line_amounts import (
    HUNDRED,
    ONE,
    ZERO,
    PricedDeal,
    PricedLine,
    Work,
    priced_deal,
)
from ml_connector.vendors.pipedrive.line_rules import LineRules, NegativeRule, RecurringRule
from ml_connector.vendors.pipedrive.models import Deal, DealDiscount, DealProduct, Installment
from ml_connector.vendors.pipedrive.unit_prices import UNIT_PRICE_DIGITS, unit_price_of

_PRECISION = 60  # digits while computing; far above price x quantity x cycles / (1 + tax)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """How often a line is billed, in Pipedrive's words."""

    frequency: str
    cycles: int | None
    """None: until it is cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetLine:
    """One line as an ERP should have it.

    ``round(quantity x unit_price) - discount == net``, so that an ERP which multiplies and
    subtracts comes to the same amount. The agreed unit price is kept and the discount stated,
    rather than a price bent until the amount fits.
    """

    line_id: int | None
    """The deal product's own id; None for the one line of a deal without products."""
    product_id: int | None
    product_variation_id: int | None
    name: str
    comments: str
    quantity: Decimal
    """Below zero for a return."""
    unit_price: Decimal
    """Net of tax, for one unit, before discounts."""
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
    """A deal's lines, and how they were come by."""

    deal_id: int
    currency: str
    lines: tuple[NetLine, ...]
    net: Decimal
    """What the lines add up to, exactly."""
    difference: Difference | None = None
    """Only under the rule to go on; otherwise such a deal is held."""
    installments: tuple[Installment, ...] = ()
    """When parts of it are billed; they change no amount."""
    notes: tuple[str, ...] = ()
    """How the amounts came about, for the audit trail."""

    @property
    def is_zero(self) -> bool:
        """Whether the deal is worth nothing."""
        return not self.net


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
        work = Work(deal=deal, rules=rules, currency=_currency_of(deal))
        counted = _counted(lines, work)
        if counted:
            result = _from_products(work, counted, discounts, unit_price_digits)
        else:
            result = _from_value(work, unit_price_digits)
        if result.is_zero and rules.zero_value == "hold":
            raise work.held("is worth nothing")
        _note_installments(installments, work)
    return replace(result, installments=tuple(installments), notes=tuple(work.notes))


def _currency_of(deal: Deal) -> str:
    """Return the deal's currency, if amounts can be rounded to it."""
    if deal.currency is None:
        raise HeldError(f"Deal {deal.id} has no currency", waits_for=f"deal:{deal.id}")
    try:
        currency_digits(deal.currency)
    except ValueError as exc:
        raise HeldError(f"Deal {deal.id}: {exc}", waits_for=f"deal:{deal.id}") from exc
    return deal.currency


def _counted(lines: Sequence[DealProduct], work: Work) -> list[DealProduct]:
    """Return the enabled lines in the order that people see, whatever order they were read in."""
    enabled = [line for line in lines if line.is_enabled]
    if len(enabled) < len(lines):
        work.note(f"{len(lines) - len(enabled)} disabled line(s) left out")
    if any(line.order_nr is None for line in enabled):
        return enabled
    return sorted(enabled, key=lambda line: line.order_nr or 0)


def _note_installments(installments: Sequence[Installment], work: Work) -> None:
    if installments:
        total = sum((part.amount for part in installments), ZERO)
        work.note(f"billed in {len(installments)} installment(s) of {work.shown(total)} together")


# A deal with products ---------------------------------------------------------------------


def _from_products(
    work: Work,
    lines: Sequence[DealProduct],
    discounts: Sequence[DealDiscount],
    unit_price_digits: int,
) -> DealLines:
    priced = priced_deal(lines, discounts, work, recurring=work.rules.recurring)
    difference = _difference(work, priced, lines, discounts)
    if difference and work.rules.on_difference == "hold":
        raise HeldError(difference.words, waits_for=f"deal:{work.deal.id}")
    made_net = tuple(_net_line(line, work, unit_price_digits) for line in priced.lines)
    return DealLines(
        deal_id=work.deal.id,
        currency=work.currency,
        lines=made_net,
        net=sum((line.net for line in made_net), ZERO),
        difference=difference,
    )


def _net_line(line: PricedLine, work: Work, digits: int) -> NetLine:
    net = work.rounded(line.after / line.divisor)
    source = line.source
    unit_price = _unit_price(line, net, work, digits)
    quantity = -line.quantity if line.is_return else line.quantity
    return NetLine(
        line_id=source.id,
        product_id=source.product_id,
        product_variation_id=source.product_variation_id,
        name=source.name or "",
        comments=source.comments.strip(),
        quantity=quantity,
        unit_price=unit_price,
        discount=work.rounded(quantity * unit_price) - net,
        net=net,
        tax_rate=line.rate,
        recurrence=_recurrence(source),
    )


def _unit_price(line: PricedLine, net: Decimal, work: Work, digits: int) -> Decimal:
    """Return the agreed price net of tax, with a discount to its right or none at all."""
    price = line.price / line.divisor
    is_discounted = bool(line.source.discount or line.share)
    if is_discounted and line.is_return:
        # ERPs take no discount on a return: there the price itself is what is given back.
        price = abs(net) / line.quantity
    amount = abs(net)
    if is_discounted and not line.is_return:
        amount = max(net, work.rounded(price * line.quantity))
    return unit_price_of(
        price=price, quantity=line.quantity, amount=amount, currency=work.currency, digits=digits
    )


def _recurrence(line: DealProduct) -> Recurrence | None:
    if line.billing_frequency in {None, "one-time"}:
        return None
    return Recurrence(frequency=str(line.billing_frequency), cycles=line.billing_frequency_cycles)


def _difference(
    work: Work,
    priced: PricedDeal,
    lines: Sequence[DealProduct],
    discounts: Sequence[DealDiscount],
) -> Difference | None:
    """Compare the lines with the deal's value under the stated rule."""
    rule = work.rules.deal_value
    value = work.deal.value
    per_line, at_end = priced.totals(rule, work)
    if value == per_line:
        return None
    if value == at_end or work.rounded(value) in {per_line, at_end}:
        work.note(f"Pipedrive rounds at the end: {value:f}, by lines {work.shown(per_line)}")
        return None
    if value in _with_all_cycles(work, lines, discounts):
        work.note(f"the deal's value {work.shown(value)} counts all cycles, its lines the first")
        return None
    return Difference(
        deal_value=value,
        lines_value=per_line,
        words=f"Deal {work.deal.id} is worth {work.shown(value)} in Pipedrive, but its lines come "
        f"to {work.shown(per_line)} {_RULE_WORDS[rule.value]}; correct the deal, or choose "
        "another rule for what its value holds",
    )


_RULE_WORDS = {"as_priced": "as priced", "net": "without tax", "gross": "with tax"}


def _with_all_cycles(
    work: Work, lines: Sequence[DealProduct], discounts: Sequence[DealDiscount]
) -> tuple[Decimal, ...]:
    """Return the totals with all cycles, where the lines count with their first only."""
    if work.rules.recurring is not RecurringRule.FIRST_CYCLE:
        return ()
    aside = Work(deal=work.deal, rules=work.rules, currency=work.currency)
    try:
        priced = priced_deal(lines, discounts, aside, recurring=RecurringRule.ALL_CYCLES)
    except HeldError:  # a line without an end has no such total to compare with
        return ()
    return priced.totals(work.rules.deal_value, aside)


# A deal without products ------------------------------------------------------------------


def _from_value(work: Work, unit_price_digits: int) -> DealLines:
    deal, rules = work.deal, work.rules
    if rules.without_products == "hold":
        raise work.held("has no products; add some, or let such deals become one line")
    if deal.value < 0 and rules.negative is not NegativeRule.RETURN:
        raise work.held(f"has no products and a value below zero, {work.shown(deal.value)}")
    net = _net_value(work)
    amount = abs(net)
    line = NetLine(
        line_id=None,
        product_id=None,
        product_variation_id=None,
        name=deal.title,
        comments="",
        quantity=-ONE if net < 0 else ONE,
        unit_price=unit_price_of(
            price=amount,
            quantity=ONE,
            amount=amount,
            currency=work.currency,
            digits=unit_price_digits,
        ),
        discount=ZERO,
        net=net,
        tax_rate=rules.tax_rate_without_products or ZERO,
    )
    work.note(
        f"no products: one line for the deal's value, which is {rules.value_without_products}"
    )
    return DealLines(deal_id=deal.id, currency=work.currency, lines=(line,), net=net)


def _net_value(work: Work) -> Decimal:
    stated = work.rounded(work.deal.value)
    if work.rules.value_without_products == "net":
        return stated
    rate = work.rules.tax_rate_without_products
    if rate is None:
        raise ConfigurationError(
            "The value of a deal without products is said to include tax, but not how much; set "
            "tax_rate_without_products",
            waits_for="setting:tax_rate_without_products",
        )
    return work.rounded(stated / (ONE + rate / HUNDRED))
