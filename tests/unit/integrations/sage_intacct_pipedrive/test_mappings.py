"""Laws of journal entries: they balance, are unsigned, and keep every cent (INT-04, M-02)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from ml_connector.core.errors import HeldError
from ml_connector.core.money import currency_digits
from ml_connector.integrations.sage_intacct_pipedrive import mappings
from ml_connector.integrations.sage_intacct_pipedrive.mappings import Credit, Rates
from ml_connector.sync.values import plain
from ml_connector.vendors.pipedrive.deal_lines import net_lines
from ml_connector.vendors.pipedrive.line_rules import LineRules, NegativeRule
from ml_connector.vendors.pipedrive.models import Deal, DealDiscount, DealProduct
from ml_connector.vendors.sage_intacct.drafts import GLBatchDraft
from ml_connector.vendors.sage_intacct.models import GLEntry

CURRENCIES = ("EUR", "USD", "JPY", "CHF")
RULES = LineRules(negative=NegativeRule.RETURN, on_difference="go_on")

cents = st.decimals(min_value=-10_000, max_value=10_000, places=2)
dimensions = st.fixed_dictionaries(
    {},
    optional={
        "LOCATION": st.sampled_from(["E100", "E200"]),
        "DEPARTMENT": st.sampled_from(["SALES", "SERV"]),
        "CUSTOMERID": st.just("C-1"),
        "GLDIMREGION": st.sampled_from(["1", "2"]),
    },
)
credit = st.builds(
    Credit,
    account=st.sampled_from(["4000", "4010", "4020"]),
    net=cents,
    dimensions=dimensions,
    description=st.none() | st.text(max_size=20),
)
credit_lists = st.lists(credit, min_size=1, max_size=8)
requirements = st.sets(st.sampled_from(["DEPARTMENT", "GLDIMREGION"]))


@given(parts=credit_lists, requires=requirements)
def test_entry_balances_in_every_location_and_no_amount_is_signed(parts, requires):
    lines = mappings.entry_lines(parts, offset_account="1160", offset_requires=requires)

    left: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        left[str(line.location)] += line.side * line.trx_amount
        assert line.trx_amount > 0
    assert set(left.values()) <= {Decimal(0)}


@given(parts=credit_lists)
def test_each_account_gets_what_its_lines_are_worth(parts):
    lines = mappings.entry_lines(parts, offset_account="1160")

    for account in {each.account for each in parts}:
        wanted = sum(each.net for each in parts if each.account == account)
        assert -sum(one.side * one.trx_amount for one in lines if one.account_no == account) == (
            wanted
        )


@given(parts=credit_lists)
def test_merging_changes_no_sum_and_leaves_each_account_and_set_of_dimensions_once(parts):
    merged = mappings.merged(parts)

    keys = [(each.account, *sorted(each.dimensions.items())) for each in merged]
    assert len(set(keys)) == len(keys)
    assert sum(each.net for each in merged) == sum(each.net for each in parts)


@given(
    prices=st.lists(st.decimals(0, 5_000, places=2), min_size=1, max_size=6),
    percent=st.decimals(0, 90, places=1),
    tax=st.decimals(0, 25, places=1),
    currency=st.sampled_from(CURRENCIES),
)
def test_whatever_a_deal_costs_its_entry_balances_to_the_currencys_digit(
    prices, percent, tax, currency
):
    deal = Deal(id=1, status="won", currency=currency, value=Decimal(0))
    lines = [
        DealProduct(
            id=number, deal_id=1, product_id=number, quantity=Decimal(1), item_price=price,
            tax=tax, tax_method="inclusive", currency=currency,
        )
        for number, price in enumerate(prices, 1)
    ]  # fmt: skip
    discount = DealDiscount(id="d", deal_id=1, amount=percent, type="percentage")
    net = net_lines(deal, lines, [discount], rules=RULES)

    entry = GLBatchDraft(
        entries=mappings.entry_lines(
            [Credit(account="4000", net=line.net) for line in net.lines],
            offset_account="1160",
            rates=Rates(currency=currency, rate_type="Daily", rate_on=date(2026, 11, 30)),
        )
    )

    if entry.entries:
        entry.check()
        assert {line.currency for line in entry.entries} == {currency}
        step = Decimal(1).scaleb(-currency_digits(currency))
        assert all(line.trx_amount % step == 0 for line in entry.entries)
        assert entry.entries[0].trx_amount == net.net


def test_offset_is_one_line_with_what_all_credits_share():
    parts = [
        Credit(account="4000", net=Decimal(600), dimensions={"CUSTOMERID": "C-1", "ITEMID": "A"}),
        Credit(account="4010", net=Decimal(400), dimensions={"CUSTOMERID": "C-1", "ITEMID": "B"}),
    ]

    offset, *credits_ = mappings.entry_lines(parts, offset_account="1160")

    assert (offset.account_no, offset.side, offset.trx_amount) == ("1160", 1, Decimal(1000))
    assert (offset.customer_id, offset.item_id) == ("C-1", UNSET)
    assert [line.item_id for line in credits_] == ["A", "B"]


def test_offset_is_split_by_a_dimension_that_its_account_requires():
    parts = [
        Credit(account="4000", net=Decimal(600), dimensions={"DEPARTMENT": "SALES"}),
        Credit(account="4010", net=Decimal(400), dimensions={"DEPARTMENT": "SERV"}),
    ]

    lines = mappings.entry_lines(parts, offset_account="1160", offset_requires={"DEPARTMENT"})

    offsets = [(one.department, one.trx_amount) for one in lines if one.account_no == "1160"]
    assert offsets == [("SALES", Decimal(600)), ("SERV", Decimal(400))]


def test_amount_with_more_digits_than_intacct_keeps_is_held():
    deal = Deal(id=7, status="won", currency="KWD", value=Decimal("1.505"), title="Pump")
    lines = net_lines(deal, [], rules=LineRules())

    with pytest.raises(HeldError, match=r"1\.505 KWD.*keeps 2"):
        mappings.require_kept_digits(lines)


@given(amounts=st.lists(st.decimals(1, 1_000, places=2), min_size=2, max_size=5))
def test_figures_read_back_equal_those_that_were_written_whatever_zeros_are_dropped(amounts):
    parts = [Credit(account="4000", net=amount) for amount in amounts]
    lines = mappings.entry_lines(parts, offset_account="1160")
    read = [
        GLEntry(
            record_no=number, batch=1, account_no=line.account_no, side=line.side,
            trx_amount=line.trx_amount.normalize(),
        )
        for number, line in enumerate(lines)
    ]  # fmt: skip

    assert mappings.figures_standing(read) == mappings.figures_written(lines)


def test_difference_names_both_sides():
    def handed_over(net: str) -> dict[str, object]:
        return {"currency": "USD", "net": net, "party": [5, None], "lines": plain([[1, net]])}

    assert mappings.difference_words(handed_over("1000.00"), handed_over("800.00")) == (
        "net was 1000.00 and is 800.00"
    )
    assert not mappings.difference_words(handed_over("1.00"), handed_over("1.00"))
