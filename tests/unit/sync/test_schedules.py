"""Due moments, against the clock itself walked minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from ml_connector.sync.schedules import (
    Daily,
    EventsOnly,
    Every,
    Hourly,
    ScheduleError,
    ScheduleSetting,
    Weekly,
    longest_gap,
    next_due_at,
    parse_schedule,
    schedule_text,
)

MINUTE = timedelta(minutes=1)
OSLO = ZoneInfo("Europe/Oslo")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# One sentence each ----------------------------------------------------------------------------


def test_every_counts_from_the_moment_asked():
    due = next_due_at(parse_schedule({"every": "10m"}), utc("2026-10-02T08:03:20"))

    assert due == utc("2026-10-02T08:13:20")


def test_hourly_is_due_at_its_minute_of_the_hour_and_later_than_the_moment_asked():
    quarter = parse_schedule({"hourly": 15})

    assert next_due_at(quarter, utc("2026-10-02T08:14:59")) == utc("2026-10-02T08:15:00")
    assert next_due_at(quarter, utc("2026-10-02T08:15:00")) == utc("2026-10-02T09:15:00")


def test_events_only_is_never_due():
    assert next_due_at(parse_schedule("events"), utc("2026-10-02T08:00:00")) is None


def test_daily_follows_the_clock_of_its_zone_through_the_year():
    morning = parse_schedule({"daily": "06:30 Europe/Oslo"})

    assert next_due_at(morning, utc("2026-01-02T00:00:00")) == utc("2026-01-02T05:30:00")
    assert next_due_at(morning, utc("2026-07-02T00:00:00")) == utc("2026-07-02T04:30:00")


def test_time_that_does_not_exist_runs_at_the_first_moment_after():
    night = parse_schedule({"daily": "02:30 Europe/Oslo"})

    assert next_due_at(night, utc("2026-03-28T12:00:00")) == utc("2026-03-29T01:00:00")
    assert next_due_at(night, utc("2026-03-29T01:00:00")) == utc("2026-03-30T00:30:00")


def test_time_that_occurs_twice_runs_once():
    night = parse_schedule({"daily": "02:30 Europe/Oslo"})

    assert next_due_at(night, utc("2026-10-24T12:00:00")) == utc("2026-10-25T00:30:00")
    assert next_due_at(night, utc("2026-10-25T00:30:00")) == utc("2026-10-26T01:30:00")


def test_missed_times_run_once():
    morning = parse_schedule({"daily": "06:30 Europe/Oslo"})
    after_a_week_down = utc("2026-06-08T10:00:00")

    assert next_due_at(morning, after_a_week_down) == utc("2026-06-09T04:30:00")


def test_day_that_a_zone_left_out_runs_at_the_first_moment_after_it():
    noon = parse_schedule({"daily": "12:00 Pacific/Apia"})  # there was no 30 December 2011

    first = next_due_at(noon, utc("2011-12-29T22:30:00"))
    assert first == utc("2011-12-30T10:00:00")
    assert next_due_at(noon, first) == utc("2011-12-30T22:00:00")


def test_weekly_is_due_on_its_days_of_the_zone():
    monday = parse_schedule({"weekly": "mon 07:00 America/New_York"})
    twice = parse_schedule({"weekly": "Thu,monday 07:00 America/New_York"})

    assert next_due_at(monday, utc("2026-10-02T08:00:00")) == utc("2026-10-05T11:00:00")
    assert next_due_at(monday, utc("2026-10-05T11:00:00")) == utc("2026-10-12T11:00:00")
    assert next_due_at(twice, utc("2026-10-05T11:00:00")) == utc("2026-10-08T11:00:00")


def test_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a zone"):
        next_due_at(EventsOnly(), datetime(2026, 10, 2, 8))  # noqa: DTZ001 - that is the point


# Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "schedule"),
    [
        ("events", EventsOnly()),
        ("hourly", Hourly()),
        ({"hourly": ":05"}, Hourly(5)),
        ({"every": "10m"}, Every(timedelta(minutes=10))),
        ({"every": "2 hours"}, Every(timedelta(hours=2))),
        ({"every": "1d"}, Every(timedelta(days=1))),
        ({"every": "5 min"}, Every(timedelta(minutes=5))),
        ({"daily": "6:30 Europe/Oslo"}, Daily(time(6, 30), OSLO)),
        ({"weekly": "sun,mon 00:00 Europe/Oslo"}, Weekly((0, 6), time(0, 0), OSLO)),
    ],
)
def test_reads_what_it_writes(value, schedule):
    assert parse_schedule(value) == schedule
    assert parse_schedule(schedule_text(schedule)) == schedule


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("weekly", "a schedule is events, hourly"),
        (7, "a schedule is"),
        ({"every": "10m", "hourly": 1}, "a schedule is"),
        ({"yearly": "x"}, "no kind of schedule"),
        ({"every": 10}, "with its unit"),
        ({"every": "0m"}, "from 1m to 7d"),
        ({"every": "8d"}, "from 1m to 7d"),
        ({"hourly": 60}, "from 0 to 59"),
        ({"daily": "06:30"}, "06:30 Europe/Oslo"),
        ({"daily": 23400}, "06:30 Europe/Oslo"),
        ({"daily": "24:00 UTC"}, "no time of day"),
        ({"daily": "06:30 Oslo"}, "no time zone"),
        ({"daily": "06:30 ../etc"}, "no time zone"),
        ({"weekly": "someday 07:00 UTC"}, "no day of the week"),
    ],
)
def test_says_what_would_be_right(value, words):
    with pytest.raises(ScheduleError, match=words):
        parse_schedule(value)


def test_stands_in_a_settings_model():
    class Settings(BaseModel):
        poll: ScheduleSetting

    settings = Settings.model_validate({"poll": {"every": "10m"}})

    assert settings.poll == Every(timedelta(minutes=10))
    assert Settings.model_validate(settings.model_dump()) == settings
    assert Settings(poll=EventsOnly()).model_dump() == {"poll": "events"}
    with pytest.raises(ValidationError, match="with its unit"):
        Settings.model_validate({"poll": {"every": 10}})


@pytest.mark.parametrize(
    ("value", "gap"),
    [
        ("events", None),
        ("hourly", timedelta(hours=1)),
        ({"every": "10m"}, timedelta(minutes=10)),
        ({"daily": "02:30 Europe/Oslo"}, timedelta(hours=25)),
        ({"weekly": "mon 07:00 UTC"}, timedelta(days=7, hours=1)),
        ({"weekly": "mon,tue 07:00 UTC"}, timedelta(days=6, hours=1)),
    ],
)
def test_longest_gap_tells_what_is_late(value, gap):
    assert longest_gap(parse_schedule(value)) == gap


# Laws, against a clock that is walked ---------------------------------------------------------


def walked(day: date, at: time, zone: ZoneInfo, *, start: datetime, end: datetime) -> datetime:
    """Return the first minute at which the zone's clock has reached ``at`` on ``day``."""
    wanted = datetime.combine(day, at)
    moment = start
    while moment <= end:
        if moment.astimezone(zone).replace(tzinfo=None) >= wanted:
            return moment
        moment += MINUTE
    raise AssertionError(f"{wanted} is never reached in {zone}")


@cache
def changes_of_the_clock() -> tuple[tuple[ZoneInfo, datetime], ...]:
    """Return one (zone, moment) for every way in which a zone's clock changed, 2005 to 2030."""
    found: dict[object, tuple[ZoneInfo, datetime]] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for low, high in days_with_a_change(zone):
            moment = minute_of_change(zone, low, high)
            before = (moment - MINUTE).astimezone(zone)
            after = moment.astimezone(zone)
            key = (before.time(), before.utcoffset(), after.utcoffset())
            found.setdefault(key, (zone, moment))
    return tuple(found.values())


def days_with_a_change(zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    step = timedelta(days=9)  # shorter than any pair of changes that undo each other
    low = datetime(2005, 1, 1, tzinfo=UTC)
    while low < datetime(2030, 1, 1, tzinfo=UTC):
        high = low + step
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            yield low, high
        low = high


def minute_of_change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    offset = low.astimezone(zone).utcoffset()
    while high - low > MINUTE:
        middle = low + (high - low) // MINUTE // 2 * MINUTE
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high


def test_every_change_of_every_clock_gives_the_first_moment_reached():
    changes = changes_of_the_clock()
    assert len(changes) > 100

    for zone, moment in changes:
        for minutes in (-61, -60, -31, -30, -1, 0, 1, 15, 30, 31, 59, 60, 61):
            shown = ((moment - MINUTE).astimezone(zone) + MINUTE).replace(tzinfo=None)
            wall = shown + timedelta(minutes=minutes)
            schedule = Daily(wall.time(), zone)
            start = moment - timedelta(hours=3)
            expected = walked(
                wall.date(), wall.time(), zone, start=start, end=moment + timedelta(hours=26)
            )

            due = next_due_at(schedule, expected - timedelta(seconds=1))

            assert due == expected, (zone, wall)


ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(ZONES, MOMENTS, TIMES)
def test_daily_is_the_next_minute_at_which_the_clock_shows_the_time(zone, after, at):
    due = next_due_at(Daily(at, zone), after)

    today = after.astimezone(zone).date()
    start = after.replace(second=0, microsecond=0) - timedelta(days=3)
    reached = [
        walked(today + timedelta(days=n), at, zone, start=start, end=after + timedelta(days=4))
        for n in (-1, 0, 1, 2)
    ]
    assert due == min(moment for moment in reached if moment > after)


@given(ZONES, MOMENTS, TIMES, st.sets(st.integers(0, 6), min_size=1))
def test_weekly_is_the_first_daily_moment_of_its_days(zone, after, at, days):
    due = next_due_at(Weekly(tuple(sorted(days)), at, zone), after)

    moment = after
    for _ in range(8):
        moment = next_due_at(Daily(at, zone), moment) or moment
        assume(moment.astimezone(zone).time() == at)  # after a gap it can be another weekday
        if moment.astimezone(zone).weekday() in days:
            break
    assert due == moment


@given(MOMENTS, st.integers(0, 59), st.integers(1, 10_000))
def test_due_is_always_later_and_never_later_than_the_longest_gap(after, minute, minutes):
    for schedule in (Hourly(minute), Every(minutes * MINUTE)):
        due = next_due_at(schedule, after)
        assert after < due <= after + longest_gap(schedule)


@given(ZONES, MOMENTS, TIMES)
def test_asking_again_and_again_never_gives_a_moment_twice(zone, after, at):
    moments = [after]
    for _ in range(5):
        moments.append(next_due_at(Daily(at, zone), moments[-1]) or after)

    assert all(a < b for a, b in pairwise(moments))
    assert moments[-1] - moments[1] < timedelta(days=6)
