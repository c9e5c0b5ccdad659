import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from vendor_simulators.kit import SimClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_starts_where_it_is_told_and_stands_still_at_speed_zero():
    clock = SimClock(START, speed=0)

    assert clock.now() == clock.now() == START


def test_runs_with_its_source():
    ticks = iter([0.0, 2.5])
    clock = SimClock(START, source=lambda: next(ticks))

    assert clock.now() == START + timedelta(seconds=2.5)


async def test_advancing_wakes_sleepers_whose_time_has_come_and_no_other():
    clock = SimClock(START, speed=0)
    soon, later = (asyncio.create_task(clock.sleep(seconds)) for seconds in (60, 600))
    await asyncio.sleep(0)

    clock.advance(timedelta(seconds=61))
    await asyncio.wait_for(soon, 5)

    assert not later.done()
    later.cancel()


async def test_sleeping_without_a_jump_takes_its_time():
    clock = SimClock()
    began = clock.monotonic()

    await clock.sleep(0.02)

    assert clock.monotonic() - began >= 0.02


def test_setting_it_back_moves_the_wall_clock_only():
    clock = SimClock(START, speed=0)
    before = clock.monotonic()

    clock.set(START - timedelta(days=1))

    assert clock.now() == START - timedelta(days=1)
    assert clock.monotonic() == before


def test_setting_it_forward_lets_the_time_pass():
    clock = SimClock(START, speed=0)

    clock.set(START + timedelta(hours=1))

    assert clock.now() == START + timedelta(hours=1)
    assert clock.monotonic() == 3600


def test_refuses_a_moment_without_a_zone_and_a_negative_step():
    clock = SimClock(START, speed=0)

    with pytest.raises(ValueError, match="aware"):
        clock.set(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive moment is what is refused
    with pytest.raises(ValueError, match="advanced"):
        clock.advance(timedelta(seconds=-1))
