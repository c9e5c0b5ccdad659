"""However workers lease and report, no window ever holds more calls than it may."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.lanes import Lane
from ml_connector.core.profile import Window
from ml_connector.transport.leases import BudgetLedger, News, Seen, Slice, Spent, WindowLedger

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 5, tzinfo=UTC)


def ledger(calls: int = 80, seconds: float = 2.0) -> WindowLedger:
    return WindowLedger.of(Window(name="burst", calls=calls, seconds=seconds))


@dataclass
class Worker:
    """Sends what it leased at given shares of each slice's time, and reports it afterwards."""

    open: list[tuple[Slice, list[float]]] = field(default_factory=list)

    def report(self, now: float) -> list[Spent]:
        ended = [(got, at) for got, at in self.open if all(each <= now for each in at)]
        self.open = [each for each in self.open if each not in ended]
        return [
            Spent(slice_id=got.id, calls=len(at), seconds_ago=now - max(at, default=now))
            for got, at in ended
        ]


asks = st.tuples(
    st.floats(0, 0.5),  # seconds since the last ask of anybody
    st.integers(0, 3),  # worker
    st.integers(1, 30),  # wanted
    st.floats(0, 1),  # share of the slice that is used
    st.floats(0, 0.99),  # when in the slice's time it is used
)


@given(calls=st.integers(1, 20), history=st.lists(asks, max_size=60))
def test_no_window_ever_holds_more_calls_than_it_may(calls, history):
    book = ledger(calls, 1.0)
    workers = [Worker() for _ in range(4)]
    sent: list[float] = []
    now = 100.0

    for wait, number, wanted, share, when in history:
        now += wait
        worker = workers[number]
        got = book.grant(now, wanted, spent=worker.report(now))
        used = round(got.calls * share)
        at = [now + got.starts_in + when * got.valid_for * k / max(1, used) for k in range(used)]
        worker.open.append((got, at))
        sent += at
        book = msgspec.json.decode(msgspec.json.encode(book), type=WindowLedger)

    sent.sort()
    assert all(later - first >= 1.0 for first, later in zip(sent, sent[calls:], strict=False))


@given(calls=st.integers(1, 200), wanted=st.integers(1, 50), workers=st.integers(1, 6))
def test_hardly_anything_is_lost_when_workers_use_and_report_at_once(calls, wanted, workers):
    """Each worker sends its slice the moment it starts, and asks again right then."""
    book, total, end = ledger(calls, 1.0), 0, 20.0
    queue: list[tuple[float, list[Spent]]] = [(0.0, []) for _ in range(workers)]
    while True:
        queue.sort(key=lambda each: each[0])
        now, spent = queue.pop(0)
        if now > end:
            break
        got = book.grant(now, wanted, spent=spent)
        starts = now + got.starts_in
        total += got.calls if starts <= end else 0
        queue.append((starts + 0.002, [Spent(slice_id=got.id, calls=got.calls, seconds_ago=0)]))

    assert total >= 0.9 * calls * end


def test_slices_are_booked_in_the_order_of_asking():
    book = ledger(8, 1.0)
    for _ in range(8):
        book.grant(0.0, 1)

    starts = [book.grant(0.0, 1).starts_in for _ in range(8)]

    assert starts == sorted(starts)
    assert starts[0] > 1.0


def test_a_slice_is_larger_than_wanted_while_the_window_is_hardly_used():
    book = ledger(80)

    assert book.grant(0.0, 1).calls == 10
    for _ in range(4):
        book.grant(0.0, 10)
    assert book.grant(0.0, 1).calls == 1


def test_what_was_not_used_is_free_again():
    book = ledger(4, 1.0)
    slices = [book.grant(0.0, 1) for _ in range(4)]

    book.grant(0.1, 1, spent=[Spent(slice_id=slices[0].id, calls=0, seconds_ago=0)])

    assert book.grant(0.1, 1).starts_in > 0.5
    assert sum(each.starts <= 0.1 for each in book.slices) == 4


def test_after_a_decline_nothing_goes_and_then_somewhat_less():
    book = ledger(80)
    book.declined(10.0, 5.0)
    book.declined(10.1, 5.0)  # of the same crowd

    waits = book.grant(11.0, 1)
    assert waits.calls == 0
    assert waits.starts_in == pytest.approx(4.1)
    assert book.grant(15.2, 1).limit == 72
    for step in range(20):
        book.grant(20.0 + 2.1 * step, 1)
    assert book.calls == 80


def test_the_vendors_own_limit_counts():
    book = ledger(80)
    book.limit_is(20)

    assert book.grant(0.0, 100).limit == 20


def test_calls_that_somebody_else_makes_with_the_login_are_noticed():
    book = ledger(80)
    book.grant(0.0, 10, seen=Seen(remaining=69, resets_in=2.0))
    few = book.grant(0.1, 10, seen=Seen(remaining=5, resets_in=1.0))

    assert few.calls <= 5
    assert book.grant(1.2, 10).calls == 10


class TestBudget:
    def test_lots_are_handed_out_until_the_day_is_spent(self):
        book = BudgetLedger(limit=10_000)
        spent = 0
        while (lot := book.grant(NOON, 10, lane=Lane.EVENT)).tokens:
            spent += lot.tokens

        assert spent == 10_000
        assert lot.renews_at == MIDNIGHT
        assert book.grant(MIDNIGHT, 10, lane=Lane.EVENT).tokens == 20

    def test_a_backfill_leaves_a_share_to_won_deals(self):
        book = BudgetLedger(limit=1000)
        spent = 0
        while (lot := book.grant(NOON, 10, lane=Lane.BULK)).tokens:
            spent += lot.tokens

        assert spent == 800
        assert book.grant(NOON, 10, lane=Lane.ROUTINE).tokens == 10
        assert book.grant(NOON, 10, lane=Lane.EVENT).tokens == 10

    def test_the_vendors_figures_correct_ours(self):
        book = BudgetLedger(limit=1000)
        book.learn(NOON, News(daily_limit=2000, daily_remaining=100))
        assert book.grant(NOON, 101, lane=Lane.URGENT).tokens == 0

        book.learn(NOON, News(daily_remaining=1500))
        assert book.grant(NOON, 101, lane=Lane.URGENT).tokens == 101

    def test_a_budget_of_unknown_size_is_kept_once_the_vendor_says_it_is_gone(self):
        book = BudgetLedger(limit=None)
        assert book.grant(NOON, 5, lane=Lane.BULK).tokens

        later = NOON + timedelta(hours=1)
        book.learn(NOON, News(daily_renews_at=later))
        assert book.grant(NOON, 5, lane=Lane.URGENT).tokens == 0
        assert book.grant(later, 5, lane=Lane.URGENT).tokens
