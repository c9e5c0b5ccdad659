"""The money of a deal, to the minor unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml_connector.core.errors import ConfigurationError, HeldError
from ml_connector.core.money import currency_digits, round_to_currency
from ml_connector.vendors.pipedrive.deal_lines import NetLine, net_lines
from ml_connector.vendors.pipedrive.line_rules import LineRules
from ml_connector.vendors.pipedrive.models import (
    Deal,
    DealDiscount,
    DealProduct,
    DiscountType,
    Installment,
)

Case: TypeAlias = tuple[Deal, list[DealProduct], list[DealDiscount]]

ANY_VALUE = LineRules(on_difference="go_on")


def deal(value: object = "0", currency: str | None = "EUR") -> Deal:
    return Deal(id=4711, title="Conveyor", status="won", value=D(value), currency=currency)


def line(
    price: object,
    quantity: object = "1",
    *,
    line_id: int = 1,
    currency: str | None = "EUR",
    **more: Any,
) -> DealProduct:
    facts: dict[str, Any] = {
        "product_id": 57,
        "name": "Bearing",
        "tax_method": "exclusive",
        "order_nr": line_id,
    }
    return DealProduct(
        id=line_id,
        deal_id=4711,
        item_price=D(price),
        quantity=D(quantity),
        currency=currency,
        **(facts | more),
    )


def off(amount: object, kind: DiscountType = "percentage") -> DealDiscount:
    return DealDiscount(id="d", deal_id=4711, amount=D(amount), type=kind)


def D(figure: object) -> Decimal:  # noqa: N802 - reads as the literal that Python lacks
    return Decimal(str(figure))


def comes_again(line: NetLine, currency: str) -> Decimal:
    """Return the amount as an ERP works it out from what it is sent."""
    return round_to_currency(line.quantity * line.unit_price, currency) - line.discount


# Stated examples ----------------------------------------------------------------------------


def test_line_and_deal_discount_make_146_27():
    lines = [line("19.99", "3", discount=D(10)), line("100.00", line_id=2)]

    result = net_lines(deal("146.27"), lines, [off("5")], rules=LineRules())

    assert result.net == D("146.27")
    assert [row.net for row in result.lines] == [D("51.27"), D("95.00")]
    assert [row.unit_price for row in result.lines] == [D("19.99"), D("100.00")]
    assert [row.discount for row in result.lines] == [D("8.70"), D("5.00")]
    assert result.difference is None


def test_inclusive_tax_is_taken_out_with_the_lines_own_rate():
    lines = [line("9.99", "3", tax=D(19), tax_method="inclusive")]

    result = net_lines(deal("29.97"), lines, rules=LineRules())

    (row,) = result.lines
    assert row.net == D("25.18")
    assert row.tax_rate == D(19)
    assert row.discount == 0
    assert comes_again(row, "EUR") == D("25.18")


def test_erp_with_two_digits_of_unit_price_still_comes_to_the_net_amount():
    lines = [line("9.99", "300", tax=D(19), tax_method="inclusive")]

    (row,) = net_lines(deal("2997"), lines, rules=LineRules(), unit_price_digits=2).lines

    assert row.net == D("2518.49")
    assert row.unit_price == D("8.40")
    assert row.discount == D("1.51")
    assert comes_again(row, "EUR") == row.net


def test_amount_discount_is_off_the_line():
    lines = [line("20", "3", discount=D(5), discount_type="amount")]

    (row,) = net_lines(deal("55"), lines, rules=LineRules()).lines

    assert (row.unit_price, row.discount, row.net) == (D("20.00"), D("5.00"), D("55.00"))


def test_exclusive_tax_and_tax_of_method_none_leave_prices_alone():
    lines = [
        line("10", tax=D(25)),
        line("10", line_id=2, tax=D(25), tax_method="none"),
    ]

    result = net_lines(deal("20"), lines, rules=LineRules())

    assert [row.net for row in result.lines] == [D("10.00"), D("10.00")]
    assert [row.tax_rate for row in result.lines] == [D(25), D(0)]


def test_disabled_lines_are_left_out_and_told():
    lines = [line("10"), line("99", line_id=2, is_enabled=False)]

    result = net_lines(deal("10"), lines, rules=LineRules())

    assert [row.line_id for row in result.lines] == [1]
    assert "1 disabled line(s) left out" in result.notes


def test_lines_stand_in_the_order_people_see_however_they_were_read():
    lines = [line("1", line_id=9, order_nr=2), line("2", line_id=8, order_nr=1)]

    result = net_lines(deal("3"), lines, rules=LineRules())

    assert [row.line_id for row in result.lines] == [8, 9]


def test_several_percentages_are_each_of_the_sum():
    result = net_lines(deal("70"), [line("100")], [off("10"), off("20")], rules=LineRules())

    assert result.net == D("70.00")


def test_free_line_takes_no_part_of_the_discount():
    lines = [line("10"), line("0", line_id=2)]

    result = net_lines(deal("9"), lines, [off("1", "amount")], rules=LineRules())

    assert [row.net for row in result.lines] == [D("9.00"), D("0.00")]


def test_remainder_that_the_last_line_cannot_take_falls_on_the_one_before():
    lines = [line("1", line_id=number) for number in range(1, 11)]

    result = net_lines(deal("9.95"), lines, [off("0.05", "amount")], rules=LineRules())

    assert result.net == D("9.95")
    assert all(0 <= row.discount <= D("0.01") for row in result.lines)


@pytest.mark.parametrize(
    ("currency", "price", "net"),
    [("JPY", "333.4", "333"), ("KWD", "1.2345", "1.235"), ("EUR", "2.675", "2.68")],
)
def test_amounts_are_rounded_half_up_to_the_currencys_digits(currency, price, net):
    lines = [line(price, currency=currency)]

    result = net_lines(deal(net, currency), lines, rules=LineRules())

    assert result.net == D(net)
    assert comes_again(result.lines[0], currency) == D(net)


def test_fractional_quantity_is_kept_and_told():
    (row,) = net_lines(deal("3.75"), [line("2.5", "1.5")], rules=LineRules()).lines

    assert (row.quantity, row.net) == (D("1.5"), D("3.75"))
    assert not row.has_whole_quantity
    assert net_lines(deal("5"), [line("2.5", "2")], rules=LineRules()).lines[0].has_whole_quantity


def test_comments_and_variation_travel_with_the_line():
    lines = [line("1", product_variation_id=3, comments=" in blue \n")]

    (row,) = net_lines(deal("1"), lines, rules=LineRules()).lines

    assert (row.product_variation_id, row.comments) == (3, "in blue")


def test_installments_change_no_amount():
    parts = [
        Installment(id=1, deal_id=4711, amount=D(40)),
        Installment(id=2, deal_id=4711, amount=D(60)),
    ]

    result = net_lines(deal("100"), [line("100")], installments=parts, rules=LineRules())

    assert result.net == D("100.00")
    assert result.installments == tuple(parts)
    assert "billed in 2 installment(s) of 100 EUR together" in result.notes


# The deal's value ---------------------------------------------------------------------------


def test_lines_that_do_not_come_to_the_value_hold_the_deal_with_both_figures():
    with pytest.raises(HeldError, match=r"150 EUR.*come to 100\.00 EUR") as caught:
        net_lines(deal("150"), [line("100")], rules=LineRules())

    assert caught.value.waits_for == "deal:4711"


def test_difference_is_reported_where_the_rule_is_to_go_on():
    result = net_lines(deal("150"), [line("100")], rules=ANY_VALUE)

    assert result.difference is not None
    assert (result.difference.deal_value, result.difference.lines_value) == (D(150), D(100))
    assert result.net == D("100.00")


@pytest.mark.parametrize(
    ("rule", "method", "value"),
    [
        ("as_priced", "exclusive", "100"),
        ("net", "exclusive", "100"),
        ("gross", "exclusive", "119"),
        ("as_priced", "inclusive", "100"),
        ("net", "inclusive", "84.03"),
        ("gross", "inclusive", "100"),
        ("gross", "none", "100"),
    ],
)
def test_value_is_compared_under_the_stated_rule(rule, method, value):
    lines = [line("100", tax=D(19), tax_method=method)]
    rules = LineRules(deal_value=rule)

    assert net_lines(deal(value), lines, rules=rules).difference is None
    with pytest.raises(HeldError):
        net_lines(deal("99"), lines, rules=rules)


def test_value_that_pipedrive_rounded_at_the_end_agrees():
    lines = [line("0.333", "1", line_id=number) for number in range(1, 4)]

    result = net_lines(deal("1.00"), lines, rules=LineRules())

    assert result.net == D("0.99")
    assert any("rounds at the end" in note for note in result.notes)


# Odd deals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (line("1", product_id=None), "purged"),
        (line("1", currency="SEK"), "is in SEK; nothing is converted"),
        (line("1", discount=D(-1)), "discount of -1"),
        (line("1", discount=D(101)), "discount of 101 %"),
        (line("1", tax=D(-1)), "tax of -1 %"),
        (line("1", tax=D(19), tax_method=None), "does not tell whether its price includes it"),
        (line("-1"), "below zero"),
        (line("1", "-1"), "below zero"),
        (line("1", discount=D(2), discount_type="amount"), "larger than its amount"),
        (line("1", billing_frequency="monthly"), "without an end"),
    ],
)
def test_odd_line_holds_the_deal_and_says_why(odd, words):
    with pytest.raises(HeldError, match=words):
        net_lines(deal("1"), [odd], rules=ANY_VALUE)


def test_purged_product_on_a_disabled_line_holds_nothing():
    lines = [line("1"), line("1", line_id=2, product_id=None, is_enabled=False)]

    assert net_lines(deal("1"), lines, rules=LineRules()).net == D("1.00")


def test_negative_line_as_discount_is_taken_off_the_others():
    lines = [line("100"), line("-10", line_id=2), line("100", line_id=3)]

    result = net_lines(deal("190"), lines, rules=LineRules(negative="discount"))

    assert [(row.line_id, row.net) for row in result.lines] == [(1, D("95.00")), (3, D("95.00"))]


def test_line_whose_discount_exceeds_it_is_delivered_free_and_the_rest_taken_off():
    lines = [line("100"), line("10", line_id=2, discount=D(15), discount_type="amount")]

    result = net_lines(deal("95"), lines, rules=LineRules(negative="discount"))

    assert [(row.line_id, row.net) for row in result.lines] == [(1, D("95.00")), (2, D("0.00"))]


@pytest.mark.parametrize(("price", "quantity"), [("-10", "2"), ("10", "-2")])
def test_negative_line_as_return_has_a_negative_quantity(price, quantity):
    lines = [line("100"), line(price, quantity, line_id=2)]

    result = net_lines(deal("80"), lines, rules=LineRules(negative="return"))

    back = result.lines[1]
    assert (back.quantity, back.unit_price, back.discount) == (D(-2), D("10.00"), D(0))
    assert result.net == D("80.00")


def test_discounts_larger_than_the_lines_hold_the_deal():
    with pytest.raises(HeldError, match="less than nothing"):
        net_lines(deal("0"), [line("10")], [off("11", "amount")], rules=ANY_VALUE)


def test_discounts_of_the_whole_make_a_deal_of_nothing():
    result = net_lines(deal("0"), [line("10")], [off("100")], rules=LineRules())

    assert result.is_zero
    with pytest.raises(HeldError, match="worth nothing"):
        net_lines(deal("0"), [line("10")], [off("100")], rules=LineRules(zero_value="hold"))


@pytest.mark.parametrize("currency", [None, "ZZZ"])
def test_deal_without_a_known_currency_is_held(currency):
    with pytest.raises(HeldError, match="currency"):
        net_lines(deal("1", currency), [line("1", currency=currency)], rules=LineRules())


# Recurring lines ----------------------------------------------------------------------------


def test_recurring_line_counts_with_all_its_cycles():
    lines = [line("10", "5", billing_frequency="monthly", billing_frequency_cycles=12)]

    (row,) = net_lines(deal("600"), lines, rules=LineRules()).lines

    assert (row.quantity, row.unit_price, row.net) == (D(60), D("10.00"), D("600.00"))
    assert row.recurrence is not None
    assert (row.recurrence.frequency, row.recurrence.cycles) == ("monthly", 12)


def test_recurring_line_may_count_with_its_first_cycle_only():
    lines = [line("10", "5", billing_frequency="monthly", billing_frequency_cycles=12)]
    rules = LineRules(recurring="first_cycle")

    assert net_lines(deal("50"), lines, rules=rules).net == D("50.00")
    assert net_lines(deal("600"), lines, rules=rules).net == D("50.00")
    with pytest.raises(HeldError):
        net_lines(deal("100"), lines, rules=rules)


def test_recurring_line_without_an_end_counts_with_its_first_cycle():
    lines = [line("10", billing_frequency="monthly")]

    result = net_lines(deal("10"), lines, rules=LineRules(recurring="first_cycle"))

    assert result.net == D("10.00")


def test_recurring_lines_may_hold_the_deal():
    lines = [line("10", billing_frequency="weekly", billing_frequency_cycles=4)]

    with pytest.raises(HeldError, match="billed weekly"):
        net_lines(deal("40"), lines, rules=LineRules(recurring="hold"))


# Without products -----------------------------------------------------------------------------


def test_deal_without_products_becomes_one_line_for_its_net_value():
    result = net_lines(deal("1800.5"), [], rules=LineRules())

    (row,) = result.lines
    assert (row.line_id, row.product_id, row.name) == (None, None, "Conveyor")
    assert (row.quantity, row.unit_price, row.discount) == (D(1), D("1800.50"), D(0))
    assert result.net == D("1800.50")


def test_gross_value_of_a_deal_without_products_is_made_net():
    rules = LineRules(value_without_products="gross", tax_rate_without_products=D(25))

    assert net_lines(deal("100"), [], rules=rules).net == D("80.00")


def test_gross_value_without_a_rate_asks_for_the_rate():
    with pytest.raises(ConfigurationError, match="tax_rate_without_products"):
        net_lines(deal("100"), [], rules=LineRules(value_without_products="gross"))


def test_deal_with_disabled_lines_only_counts_as_one_without_products():
    result = net_lines(deal("7"), [line("9", is_enabled=False)], rules=LineRules())

    assert [row.line_id for row in result.lines] == [None]


def test_deal_without_products_is_held_where_the_rule_says_so():
    with pytest.raises(HeldError, match="has no products"):
        net_lines(deal("7"), [], rules=LineRules(without_products="hold"))


def test_negative_value_without_products_is_held_or_a_return():
    with pytest.raises(HeldError, match="below zero"):
        net_lines(deal("-7"), [], rules=LineRules())

    (row,) = net_lines(deal("-7"), [], rules=LineRules(negative="return")).lines
    assert (row.quantity, row.unit_price, row.net) == (D(-1), D("7.00"), D("-7.00"))


# Laws ---------------------------------------------------------------------------------------

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
PERCENT = st.decimals(0, 100, places=2)
METHODS = st.sampled_from(["exclusive", "inclusive", "none"])


@st.composite
def deal_products(draw, currency):
    numbers = range(1, draw(st.integers(1, 30)) + 1)
    return [draw(deal_product(number, currency)) for number in numbers]


@st.composite
def deal_product(draw, number, currency):
    # Small equal lines are where a discount's remainder piles up; large ones where unit prices do.
    is_small = draw(st.booleans())
    price = draw(st.decimals(0, 2 if is_small else 100_000, places=draw(st.integers(0, 5))))
    quantity = D(1) if is_small else draw(st.decimals(0, 5_000, places=draw(st.integers(0, 3))))
    if draw(st.booleans()):
        discount, kind = draw(PERCENT), "percentage"
    else:
        discount, kind = (price * quantity * draw(PERCENT) / 100), "amount"
    return line(
        str(price),
        str(quantity),
        line_id=number,
        currency=currency,
        discount=discount,
        discount_type=kind,
        tax=draw(PERCENT),
        tax_method=draw(METHODS),
    )


@st.composite
def whole_deals(draw):
    currency = draw(CURRENCIES)
    lines = draw(deal_products(currency))
    discounts = [off(draw(PERCENT)) for _ in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        step = Decimal(1).scaleb(-currency_digits(currency))
        discounts.append(off(draw(st.integers(1, 200)) * step, "amount"))
    assume(sum(d.amount for d in discounts if d.type == "percentage") <= 100)
    return deal("0", currency), lines, discounts


@given(whole_deals(), st.integers(2, 6))
def test_erp_comes_to_every_net_amount_and_nothing_turns_negative(case, digits):
    _, lines, _ = case
    assume_is_worth_something(case)

    result = net_lines(*case, rules=ANY_VALUE, unit_price_digits=digits)

    for row in result.lines:
        assert comes_again(row, result.currency) == row.net
        assert row.net == round_to_currency(row.net, result.currency)
        assert row.net >= 0
        assert row.discount >= 0
        assert row.unit_price >= 0
        assert row.unit_price == round(row.unit_price, digits)
    assert result.net == sum(row.net for row in result.lines)
    assert [row.line_id for row in result.lines] == [source.id for source in lines]


@given(whole_deals())
def test_amounts_agree_with_exact_fractions_rounded_by_hand(case):
    """A second way to the same figures: fractions of minor units, rounded as integers."""
    _, lines, discounts = case
    assume_is_worth_something(case)

    result = net_lines(*case, rules=ANY_VALUE)

    stated, shares = by_fractions(case)
    scale = 10 ** currency_digits(result.currency)
    for source, row, amount, share in zip(lines, result.lines, stated, shares, strict=True):
        rate = Fraction(source.tax) / 100 if source.tax_method == "inclusive" else Fraction(0)
        assert Fraction(row.net) * scale == half_up(Fraction(amount - share) / (1 + rate))
    assert sum(shares) == whole_discount(case)
    assert not discounts or all(
        share <= amount for share, amount in zip(shares, stated, strict=True)
    )


def test_half_a_cent_of_discount_leaves_what_pipedrive_shows_as_the_deals_value():
    result = net_lines(
        deal("142.60", "EUR"), [line("150.10", "1")], [off(D("5"))], rules=LineRules()
    )

    assert result.net == D("142.60")


@given(whole_deals())
def test_amounts_as_priced_add_up_to_the_value_that_pipedrive_would_show(case):
    whole, lines, discounts = case
    assume_is_worth_something(case)
    stated, shares = by_fractions(case)
    scale = Decimal(10) ** currency_digits(whole.currency)
    value = Decimal(sum(stated) - sum(shares)) / scale

    result = net_lines(deal(value, whole.currency), lines, discounts, rules=LineRules())

    assert result.difference is None


def assume_is_worth_something(case: Case) -> None:
    stated, _ = stated_amounts(case)
    assume(0 <= whole_discount(case) <= sum(stated))


def stated_amounts(case: Case) -> tuple[list[int], int]:
    """Return each line's amount in minor units, after its own discount."""
    whole, lines, _ = case
    scale = 10 ** currency_digits(whole.currency)
    stated = []
    for source in lines:
        listed = Fraction(source.item_price) * Fraction(source.quantity)
        if source.discount_type == "percentage":
            listed *= 1 - Fraction(source.discount) / 100
        else:
            listed -= Fraction(source.discount)
        stated.append(half_up(listed * scale))
    return stated, scale


def whole_discount(case: Case) -> int:
    stated, scale = stated_amounts(case)
    exact = Fraction(0)
    for discount in case[2]:
        if discount.type == "percentage":
            exact += Fraction(sum(stated)) * Fraction(discount.amount) / 100
        else:
            exact += Fraction(discount.amount) * scale
    return sum(stated) - half_up(sum(stated) - exact)


def by_fractions(case: Case) -> tuple[list[int], list[int]]:
    """Return amounts and shares in minor units: in proportion, the remainder from the end."""
    stated, _ = stated_amounts(case)
    discount = whole_discount(case)
    total = sum(stated)
    if not discount or not total:
        return stated, [0] * len(stated)
    shares = [half_up(Fraction(discount * amount, total)) for amount in stated]
    shares[-1] = 0
    left = discount - sum(shares)
    for index in range(len(stated) - 1, -1, -1):
        moved = min(max(left, -shares[index]), stated[index] - shares[index])
        shares[index] += moved
        left -= moved
    return stated, shares


def half_up(number: Fraction) -> int:
    """Round to the nearest whole number, halves away from zero."""
    doubled = abs(number) * 2 + 1
    whole = doubled.numerator // doubled.denominator // 2
    return whole if number >= 0 else -whole
