"""What documents come to on a deal: laws and cases of M-06 and M-07, without any vendor."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.money import Money
from ml_connector.integrations.acumatica_pipedrive.billing import (
    Ageing,
    Billed,
    Figures,
    InvoiceStatus,
    Ordered,
    Part,
    Settlement,
    figures_of,
)
from ml_connector.integrations.acumatica_pipedrive.billing_fields import FIELDS

TODAY = date(2026, 3, 10)

cents = st.integers(0, 10_000_000).map(lambda number: Decimal(number).scaleb(-2))
weights = st.lists(st.integers(0, 100_000).map(Decimal), min_size=1, max_size=6)


def usd(amount: str | int) -> Money:
    return Money(Decimal(amount), "USD")


def billed(number: str = "INV1", amount: str | int | Decimal = 1000, **fields: Any) -> Billed:
    return Billed(
        **{
            "kind": "Invoice",
            "number": number,
            "status": "Open",
            "currency": "USD",
            "amount": Decimal(amount),
            "tax": Decimal(0),
            "balance": Decimal(fields.pop("balance", amount)),
            **fields,
        }
    )


def settled(kind: str, amount: int, **fields: Any) -> Settlement:
    made = {"number": f"{kind}1", "settled_on": date(2026, 3, 1), **fields}
    return Settlement(kind=kind, amount=Decimal(amount), **made)


def whole(document: Billed) -> Part:
    return Part(weights=(Decimal(1),), place=0, billed=document)


def figures(*documents: Billed, today: date = TODAY, **how: Any) -> Figures:
    chosen = {"deal_currency": "USD", "shows_unreleased": True, **how}
    return figures_of([whole(each) for each in documents], today=today, **chosen)


def test_every_field_shows_a_figure_of_its_name():
    assert set(FIELDS) <= set(Figures.__dataclass_fields__)


@given(weights=weights, amount=cents, tax=cents, balance=cents)
def test_shares_of_all_deals_add_up_to_the_document_to_the_cent(
    weights: list[Decimal], amount: Decimal, tax: Decimal, balance: Decimal
):
    document = billed(amount=amount, tax=tax, balance=balance)
    parts = [
        Part(weights=tuple(weights), place=place, billed=document) for place in range(len(weights))
    ]

    each = [
        figures_of([part], today=TODAY, deal_currency="USD", shows_unreleased=True)
        for part in parts
    ]

    assert sum(one.billed_total.amount for one in each if one.billed_total) == amount
    assert sum(one.billed_net.amount for one in each if one.billed_net) == amount - tax
    assert sum(one.open_balance.amount for one in each if one.open_balance) == balance


@given(
    documents=st.lists(
        st.builds(
            billed,
            number=st.integers(1, 99).map(lambda n: f"INV{n:02}"),
            amount=cents,
            kind=st.sampled_from(["Invoice", "Debit Memo", "Credit Memo", "Cash Sale", "Odd"]),
            status=st.sampled_from(["Open", "Closed", "Balanced", "Voided", "Canceled", "On Hold"]),
            currency=st.sampled_from(["USD", "EUR"]),
            due_on=st.none() | st.dates(date(2025, 1, 1), date(2026, 12, 31)),
        ),
        max_size=6,
    ),
    seed=st.randoms(),
)
def test_order_in_which_documents_came_makes_no_difference(documents: list[Billed], seed: Any):
    shuffled = sorted(documents, key=lambda _: seed.random())

    def sums(found: Figures) -> tuple[Any, ...]:
        return found.billed_total, found.open_balance, found.invoice_status, found.ageing

    assert sums(figures(*documents)) == sums(figures(*shuffled))


@pytest.mark.parametrize(
    ("days", "ageing"),
    [
        (-5, Ageing.NOT_DUE),
        (0, Ageing.NOT_DUE),
        (1, Ageing.TO_30),
        (30, Ageing.TO_30),
        (31, Ageing.TO_60),
        (60, Ageing.TO_60),
        (61, Ageing.TO_90),
        (90, Ageing.TO_90),
        (91, Ageing.OVER_90),
        (900, Ageing.OVER_90),
    ],
)
def test_ageing_by_days_after_the_due_date(days: int, ageing: Ageing):
    due_on = TODAY - timedelta(days=days)

    found = figures(billed(due_on=due_on))

    assert found.ageing is ageing
    assert found.overdue_since == (due_on if days > 0 else None)


@given(due_on=st.dates(date(2025, 1, 1), date(2027, 1, 1)))
def test_ageing_changes_on_the_day_it_says_and_on_none_before(due_on: date):
    found = figures(billed(due_on=due_on))
    if found.changes_on is None:
        assert found.ageing is Ageing.OVER_90
        return

    the_day_before = found.changes_on - timedelta(days=1)
    assert found.changes_on > TODAY
    assert figures(billed(due_on=due_on), today=the_day_before).ageing is found.ageing
    assert figures(billed(due_on=due_on), today=found.changes_on).ageing is not found.ageing


def test_paid_invoice_is_due_no_more():
    found = figures(billed(status="Closed", balance=0, due_on=date(2025, 1, 1)))

    assert (found.due_on, found.overdue_since, found.ageing, found.changes_on) == (None,) * 4


STATUSES = {
    "nothing paid": (billed(), InvoiceStatus.OPEN),
    "partly": (
        billed(balance=600, settlements=(settled("Payment", 400),)),
        InvoiceStatus.PARTLY_PAID,
    ),
    "paid": (
        billed(status="Closed", balance=0, settlements=(settled("Payment", 1000),)),
        InvoiceStatus.PAID,
    ),
    "prepaid": (
        billed(status="Closed", balance=0, settlements=(settled("Prepayment", 1000),)),
        InvoiceStatus.PREPAID,
    ),
    "written off": (
        billed(status="Closed", balance=0, settlements=(settled("Balance WO", 1000),)),
        InvoiceStatus.WRITTEN_OFF,
    ),
    "written off within the payment": (
        billed(status="Closed", balance=0, settlements=(settled("Payment", 990),)),
        InvoiceStatus.PAID_REST_WRITTEN_OFF,
    ),
    "credited": (
        billed(status="Closed", balance=0, settlements=(settled("Credit Memo", 1000),)),
        InvoiceStatus.CREDITED,
    ),
    "on hold": (billed(status="On Hold"), InvoiceStatus.NOT_RELEASED),
    "a status of the site's own": (billed(status="At the lawyer's"), InvoiceStatus.NOT_RELEASED),
    "voided": (billed(status="Voided"), None),
}


@pytest.mark.parametrize("case", STATUSES)
def test_status(case: str):
    document, status = STATUSES[case]

    assert figures(document).invoice_status is status


def test_voided_payment_counts_as_none_with_or_without_its_reversal():
    voided = settled("Payment", 400, is_voided=True)
    reversal = settled("Voided Payment", -400)

    for settlements in ((voided,), (voided, reversal), ()):
        found = figures(billed(settlements=settlements))
        assert found.invoice_status is InvoiceStatus.OPEN
        assert found.last_payment is None
        assert found.written_off is None


def test_last_payment_is_the_latest_over_all_documents():
    first = settled("Payment", 100, number="P1", settled_on=date(2026, 2, 1))
    later = settled("Payment", 50, number="P2", settled_on=date(2026, 3, 2))

    found = figures(
        billed("INV1", balance=850, settlements=(first, later)),
        billed("INV2", balance=950, settlements=(later,)),
    )

    assert (found.last_payment_on, found.last_payment) == (date(2026, 3, 2), usd(100))


def test_memo_that_canceled_an_invoice_leaves_with_it_and_others_stay():
    canceled = billed("INV1", 1000, status="Canceled", balance=0)
    its_memo = billed("CM1", 1000, kind="Credit Memo", status="Closed", balance=0)
    other_memo = billed("CM2", 250, kind="Credit Memo", status="Closed", balance=0)
    invoice = billed("INV2", 500, balance=250, settlements=(settled("Credit Memo", 250),))

    found = figures(canceled, its_memo, other_memo, invoice)

    assert found.billed_total == usd(250)
    assert found.invoice_numbers is not None
    assert "CM1" not in found.invoice_numbers


def test_memo_that_names_the_canceled_invoice_goes_before_one_of_the_same_amount():
    canceled = billed("INV1", 1000, status="Canceled", balance=0)
    alike = billed("CM1", 1000, kind="Credit Memo", status="Closed", balance=0)
    named = billed("CM2", 1000, kind="Credit Memo", status="Closed", balance=0, cancels="INV1")

    found = figures(canceled, alike, named, billed("INV2", 3000))

    assert found.invoice_numbers == "CM1 (credit memo), INV2"


def test_cash_sale_is_paid_on_its_day():
    found = figures(billed(kind="Cash Sale", status="Closed", balance=0, dated=date(2026, 3, 3)))

    assert found.invoice_status is InvoiceStatus.PAID
    assert (found.last_payment_on, found.last_payment) == (date(2026, 3, 3), usd(1000))


def test_document_of_an_unknown_kind_is_named_and_does_not_count():
    found = figures(billed("PPI1", kind="Prepayment Invoice"), billed("INV1", 10))

    assert found.billed_total == usd(10)
    assert found.billing_remark == "PPI1 is a Prepayment Invoice and does not count"


def test_sums_are_in_the_deals_currency_where_a_document_has_it():
    euros = billed("INV2", 70, currency="EUR", dated=date(2026, 1, 1))

    assert figures(billed(), euros).billed_total == usd(1000)
    assert figures(euros).billed_total == Money(Decimal(70), "EUR")


def test_several_orders_are_told_apart():
    parts = [
        Part(weights=(Decimal(1),), place=0, order=Ordered(number=number, status=status))
        for number, status in (("SO2", "Back Order"), ("SO1", "Canceled"))
    ]

    found = figures_of(parts, today=TODAY, deal_currency="USD", shows_unreleased=True)

    assert found.order_status == "SO1: Cancelled, SO2: Back Order"
