"""A deal's lines in the deal's own terms: as its prices are stated, before any tax is taken out.

What cannot be a sound amount is held here, with words for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from ml_connector.core.errors import HeldError
from ml_connector.core.money import Money, round_to_currency, share_out
from ml_connector.vendors.pipedrive.line_rules import (
    LineRules,
    NegativeRule,
    RecurringRule,
    ValueRule,
)
from ml_connector.vendors.pipedrive.models import Deal, DealDiscount, DealProduct

HUNDRED = Decimal(100)
ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(slots=True, kw_only=True)
class Work:
    """The deal at hand, and what is to be told about it."""

    deal: Deal
    rules: LineRules
    currency: str
    notes: list[str] = field(default_factory=list)

    def rounded(self, amount: Decimal) -> Decimal:
        """Return the amount in whole minor units."""
        return round_to_currency(amount, self.currency)

    def shown(self, amount: Decimal) -> str:
        """Return the amount as people read it."""
        return str(Money(amount, self.currency))

    def note(self, words: str) -> None:
        """Tell something in the audit trail."""
        self.notes.append(words)

    def held(self, words: str) -> HeldError:
        """Return the error that holds this deal; a change of the deal lets it through."""
        return HeldError(f"Deal {self.deal.id} {words}", waits_for=f"deal:{self.deal.id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """One line; its amounts include inclusive tax."""

    source: DealProduct
    quantity: Decimal
    """Of all cycles that count. Never negative; see ``is_return``."""
    price: Decimal
    """As stated for one unit; never negative."""
    exact: Decimal
    """After the line's own discount, not rounded."""
    stated: Decimal
    """The same in whole minor units."""
    share: Decimal = ZERO
    """What the deal's discounts take off, in whole minor units."""
    is_return: bool = False

    @property
    def after(self) -> Decimal:
        """The amount after all discounts."""
        return self.stated - self.share

    @property
    def rate(self) -> Decimal:
        """Percent of tax."""
        return ZERO if self.source.tax_method in {None, "none"} else self.source.tax

    @property
    def divisor(self) -> Decimal:
        """What an amount as stated is divided by to be net."""
        return ONE + self.rate / HUNDRED if self.source.tax_method == "inclusive" else ONE

    @property
    def multiplier(self) -> Decimal:
        """What an amount as stated is multiplied by to be gross."""
        return ONE + self.rate / HUNDRED if self.source.tax_method == "exclusive" else ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedDeal:
    """All lines that count, each with its share of the deal's discounts."""

    lines: tuple[PricedLine, ...]
    discount: Decimal
    """Off the whole deal, not rounded."""

    def totals(self, rule: ValueRule, work: Work) -> tuple[Decimal, Decimal]:
        """Return what the deal is worth under a rule: rounded per line, and only at the end.

        Pipedrive's documentation does not say where it rounds, so its value may be either.
        """
        factors = [_factor(line, rule) for line in self.lines]
        each = zip(self.lines, factors, strict=True)
        per_line = sum((work.rounded(line.after * factor) for line, factor in each), ZERO)
        whole = sum((line.exact for line in self.lines), ZERO)
        left = ONE - self.discount / whole if whole else ONE
        each = zip(self.lines, factors, strict=True)
        at_end = sum((line.exact * left * factor for line, factor in each), ZERO)
        return per_line, work.rounded(at_end)


def priced_deal(
    lines: Sequence[DealProduct],
    discounts: Sequence[DealDiscount],
    work: Work,
    *,
    recurring: RecurringRule,
) -> PricedDeal:
    """Price enabled lines in the order in which they stand."""
    priced = [_priced(line, work, recurring) for line in lines]
    kept, taken_off = _without_negatives(priced, work)
    discount = taken_off + _deal_discount(discounts, priced, work)
    shares = _shares(_off_the_sum(discount, kept, work), kept, work)
    with_shares = (replace(line, share=share) for line, share in zip(kept, shares, strict=True))
    return PricedDeal(lines=tuple(with_shares), discount=discount)


def _factor(line: PricedLine, rule: ValueRule) -> Decimal:
    match rule:
        case ValueRule.AS_PRICED:
            return ONE
        case ValueRule.NET:
            return ONE / line.divisor
        case ValueRule.GROSS:
            return line.multiplier


# One line ---------------------------------------------------------------------------------


def _priced(line: DealProduct, work: Work, recurring: RecurringRule) -> PricedLine:
    _check(line, work)
    cycles = Decimal(_cycles(line, work, recurring))
    listed = line.item_price * line.quantity * cycles
    if line.discount_type == "percentage":
        exact = listed * (HUNDRED - line.discount) / HUNDRED
    else:  # off the line as a whole; no document speaks of an amount per unit
        exact = listed - line.discount * cycles
    return PricedLine(
        source=line,
        quantity=abs(line.quantity) * cycles,
        price=abs(line.item_price),
        exact=exact,
        stated=work.rounded(exact),
        is_return=listed < 0,
    )


def _check(line: DealProduct, work: Work) -> None:
    """Hold a deal with a line that has no product or no sound amount."""
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
    if line.discount < 0 or (line.discount_type == "percentage" and line.discount > HUNDRED):
        raise work.held(
            f"has a line {_named(line)} with a discount of {line.discount:f}"
            f"{' %' if line.discount_type == 'percentage' else ''}; correct it in Pipedrive"
        )
    if line.tax < 0:
        raise work.held(f"has a line {_named(line)} with a tax of {line.tax:f} %")
    if line.tax_method is None and line.tax:
        raise work.held(
            f"has a line {_named(line)} with {line.tax:f} % tax, but Pipedrive does not tell "
            "whether its price includes it; choose inclusive, exclusive or none on the deal"
        )


def _cycles(line: DealProduct, work: Work, recurring: RecurringRule) -> int:
    """Return how many times the line counts."""
    if line.billing_frequency in {None, "one-time"}:
        return 1
    match recurring:
        case RecurringRule.FIRST_CYCLE:
            return 1
        case RecurringRule.HOLD:
            raise work.held(
                f"has a recurring line {_named(line)}, billed {line.billing_frequency}; choose how "
                "such lines count"
            )
        case RecurringRule.ALL_CYCLES if line.billing_frequency_cycles is None:
            raise work.held(
                f"has a line {_named(line)} that is billed {line.billing_frequency} without an "
                "end and so has no total; set its number of cycles, or let the first one count"
            )
        case RecurringRule.ALL_CYCLES:
            return line.billing_frequency_cycles or 1


def _named(line: DealProduct) -> str:
    return f"{line.id} ({line.name})" if line.name else str(line.id)


# Below zero -------------------------------------------------------------------------------


def _without_negatives(lines: Sequence[PricedLine], work: Work) -> tuple[list[PricedLine], Decimal]:
    """Return the lines that stay, and what those below zero take off them."""
    kept: list[PricedLine] = []
    taken_off = ZERO
    for line in lines:
        if line.stated >= 0 and not line.is_return:
            kept.append(line)
        elif line.is_return and not line.stated:
            continue  # a return of nothing
        elif work.rules.negative is NegativeRule.DISCOUNT:
            work.note(f"line {_named(line.source)} is a discount of {work.shown(-line.stated)}")
            taken_off -= line.stated
            if not line.is_return:  # its discount exceeds it: delivered, and free
                kept.append(replace(line, exact=ZERO, stated=ZERO))
        elif work.rules.negative is NegativeRule.RETURN and line.is_return:
            kept.append(line)
        else:
            raise _below_zero(line, work)
    return kept, taken_off


def _below_zero(line: PricedLine, work: Work) -> HeldError:
    if line.is_return:
        return work.held(
            f"has a line {_named(line.source)} below zero, {work.shown(line.stated)}; choose "
            "whether such lines are discounts or returns"
        )
    return work.held(
        f"has a line {_named(line.source)} whose discount is larger than its amount; it comes "
        f"to {work.shown(line.stated)}"
    )


# Discounts on the deal ----------------------------------------------------------------------


def _deal_discount(
    discounts: Sequence[DealDiscount], lines: Sequence[PricedLine], work: Work
) -> Decimal:
    """Return what the deal's discounts come to, not rounded.

    Percentages are of the lines' sum, each by itself: their order does not matter.
    """
    subtotal = sum((line.stated for line in lines), ZERO)
    result = ZERO
    for discount in discounts:
        if discount.amount < 0:
            raise work.held(f"has a discount {discount.description!r} below zero")
        if discount.type == "percentage":
            result += subtotal * discount.amount / HUNDRED
        else:
            result += discount.amount
    if result:
        work.note(f"discounts on the deal: {work.shown(work.rounded(result))}")
    return result


def _off_the_sum(discount: Decimal, lines: Sequence[PricedLine], work: Work) -> Decimal:
    """Return the discount in whole minor units, so that what is left is rounded half up.

    The deal's value is what is left, and rounding the discount itself half up would leave a
    minor unit less wherever the discount ends in half of one: 5 % off 150.10 leaves 142.60.
    """
    subtotal = sum((line.stated for line in lines if not line.is_return), ZERO)
    return subtotal - work.rounded(subtotal - discount)


def _shares(discount: Decimal, lines: Sequence[PricedLine], work: Work) -> list[Decimal]:
    """Share a discount in whole minor units over the lines, none below zero by it.

    In proportion, with the remainder on the last line; what the last line cannot take (many
    small lines, each rounded the same way, can leave it less than nothing) falls on the one
    before it. Returns take no part.
    """
    room = [ZERO if line.is_return else line.stated for line in lines]
    if discount < 0 or discount > sum(room, ZERO):
        raise work.held(
            f"has discounts of {work.shown(discount)} on lines of "
            f"{work.shown(sum(room, ZERO))} and would be worth less than nothing"
        )
    if not discount:
        return [ZERO for _ in lines]
    parts = share_out(Money(discount, work.currency), weights=room)
    shares = [part.amount for part in parts]
    rest = ZERO
    for index in reversed(range(len(shares))):
        wanted = shares[index] + rest
        shares[index] = min(max(wanted, ZERO), room[index])
        rest = wanted - shares[index]
    return shares
