from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.clock import TOLERANCE, SystemClock

TEN_MINUTES = timedelta(minutes=10)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
errors = st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=2))
journeys = st.timedeltas(min_value=timedelta(0), max_value=timedelta(seconds=30))


@given(error=errors, there=journeys, back=journeys)
def test_a_wrong_clock_is_put_right_to_within_the_time_of_the_question(
    error: timedelta, there: timedelta, back: timedelta
):
    clock = SystemClock()

    clock.follow(NOON + there, asked_at=NOON + error, answered_at=NOON + error + there + back)

    left = abs(error + clock.correction)
    assert left <= there + back + TOLERANCE


def test_the_business_time_of_a_wrong_machine_is_that_of_the_others():
    clock = SystemClock(timedelta(days=1), wrong_by=TEN_MINUTES)

    clock.follow(datetime.now(UTC), asked_at=clock.machine(), answered_at=clock.machine())

    assert abs(clock.now() - datetime.now(UTC) - timedelta(days=1)) < TOLERANCE


def test_a_small_difference_changes_nothing():
    clock = SystemClock()

    changed = clock.follow(NOON + TOLERANCE / 2, asked_at=NOON, answered_at=NOON)

    assert not changed
    assert clock.correction == timedelta()


def test_a_clock_that_was_set_right_is_corrected_no_more():
    clock = SystemClock()
    clock.follow(NOON, asked_at=NOON + TEN_MINUTES, answered_at=NOON + TEN_MINUTES)

    changed = clock.follow(NOON, asked_at=NOON, answered_at=NOON)

    assert changed
    assert clock.correction == timedelta()
