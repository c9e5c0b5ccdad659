"""A vendor that slows down gets fewer calls at once, and all of them again later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.transport.concurrency import LOAN, TURN, AnswerTimes, Asked, PlacesLedger

QUICK = timedelta(milliseconds=100)
SLOW = timedelta(seconds=5)


def asked(holder: str = "a", *, in_use: int = 0, wanted: int = 99, **seen: Any) -> Asked:
    return Asked(holder=holder, in_use=in_use, wanted=wanted, **seen)


def test_delays_take_places_away_and_usual_answers_give_them_back():
    ledger = PlacesLedger.of(10)
    assert ledger.grant(0.0, asked(good=20)).count == 10

    ledger.grant(100.0, asked(slow_for=5.0))
    assert ledger.grant(100.1, asked(slow_for=5.0)).count == 7  # of the same crowd

    assert ledger.grant(101.0, asked(good=40)).count == 10


def test_a_decline_halves_and_one_place_always_stays():
    ledger = PlacesLedger.of(8)
    assert ledger.grant(0.0, asked(is_declined=True)).count == 4

    for second in range(10, 100, 10):
        ledger.grant(float(second), asked(is_declined=True))

    assert ledger.grant(101.0, asked()).count == 1


def test_slower_within_a_second_is_no_sign():
    times = AnswerTimes()
    for milliseconds in (10, 10, 900):
        times.answered(timedelta(milliseconds=milliseconds))
    assert not times.is_bad_news

    times.answered(SLOW)

    assert times.is_bad_news
    assert times.told() == (3, 5.0, False)
    assert times.told() == (0, 0.0, False)


def test_worker_that_died_leaves_its_places_when_its_loan_ends():
    ledger = PlacesLedger.of(2)
    assert ledger.grant(0.0, asked("a", wanted=2)).count == 2

    assert ledger.grant(LOAN / 2, asked("b", wanted=2)).count == 0
    assert ledger.grant(LOAN + 0.1, asked("b", wanted=2)).count == 2


def test_two_workers_share_by_halves_once_both_want_all():
    ledger = PlacesLedger.of(6)
    ledger.grant(0.0, asked("a"))
    ledger.grant(0.1, asked("b"))

    of_a = ledger.grant(0.2, asked("a", in_use=6)).count
    ledger.grant(0.3, asked("a", in_use=of_a))

    assert (of_a, ledger.grant(0.4, asked("b")).count) == (3, 3)


@given(
    highest=st.integers(1, 6),
    steps=st.lists(
        st.tuples(
            st.integers(0, 4),  # which worker
            st.integers(0, 9),  # what it wants
            st.integers(0, 9),  # how many of its calls have ended
            st.floats(0, 3),  # seconds later
            st.sampled_from(["good", "slow", "declined", "silent"]),
        ),
        max_size=60,
    ),
)
def test_calls_under_way_stay_between_one_place_and_the_licence(
    highest: int, steps: list[tuple[int, int, int, float, str]]
):
    ledger, now = PlacesLedger.of(highest), 0.0
    in_use: dict[int, int] = {}
    ends: dict[int, float] = {}
    for worker, wanted, ended, later, seen in steps:
        now += later
        for each in [each for each, end in ends.items() if end <= now]:
            in_use[each] = 0  # a worker whose loan has ended sends nothing, and is taken for dead
        in_use[worker] = max(0, in_use.get(worker, 0) - ended)
        got = ledger.grant(
            now,
            asked(
                str(worker),
                in_use=in_use[worker],
                wanted=wanted,
                good=5 if seen == "good" else 0,
                slow_for=2.0 if seen == "slow" else 0.0,
                is_declined=seen == "declined",
            ),
        )
        ends[worker] = now + LOAN
        in_use[worker] = max(in_use[worker], min(got.count, wanted))

        assert 1 <= ledger.limit <= highest
        assert sum(in_use.values()) <= highest
        assert got.limit == ledger.limit


@given(highest=st.integers(1, 4), workers=st.integers(1, 7))
def test_every_worker_gets_its_turn_though_there_are_fewer_places(highest: int, workers: int):
    ledger, now = PlacesLedger.of(highest), 0.0
    served: dict[int, int] = dict.fromkeys(range(workers), 0)
    for _ in range(40 * workers):
        for worker in range(workers):
            now += 0.05
            # its calls are short: by now all have ended
            served[worker] += ledger.grant(now, asked(str(worker))).count > 0
        now += TURN / 4

    assert min(served.values()) * 2 * workers >= max(served.values())
