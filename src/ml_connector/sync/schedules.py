"""When a flow is due by the clock.

A wall-clock time belongs to a zone. Where the clocks go forward over it, it does not exist
that day and the flow runs at the first moment after the gap; where they go back over it, it
occurs twice and the flow runs the first time only. Both follow from one definition: a flow is
due at the first moment at which the day's clock has reached the time. Times missed while the
service was down run once, because the next due moment is always asked for from now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

SHORTEST_INTERVAL = timedelta(minutes=1)
LONGEST_INTERVAL = timedelta(days=7)

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_INTERVAL = re.compile(r"(\d{1,6})\s*(m(?:in(?:utes?)?)?|h(?:ours?)?|d(?:ays?)?)")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_FORMS = (
    "events, hourly, {every: 10m}, {hourly: 15}, {daily: '06:30 Europe/Oslo'} or "
    "{weekly: 'mon 07:00 America/New_York'}"
)


class ScheduleError(ValueError):
    """A schedule cannot be read; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class EventsOnly:
    """Never by the clock."""


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again after a while, whatever the time of day."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class Hourly:
    """Every hour, at a minute of the hour in UTC."""

    minute: int = 0


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day at a time on the clock of a zone."""

    at: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Weekly:
    """On some days of the week at a time on the clock of a zone. Monday is 0."""

    days: tuple[int, ...]
    at: time
    zone: ZoneInfo


Schedule: TypeAlias = EventsOnly | Every | Hourly | Daily | Weekly


def next_due_at(schedule: Schedule, after: datetime) -> datetime | None:
    """Return the first due moment later than ``after``, in UTC; None for events only."""
    if after.tzinfo is None:
        raise ValueError("a moment without a zone is no moment")
    now = after.astimezone(UTC)
    match schedule:
        case EventsOnly():
            return None
        case Every(interval):
            return now + interval
        case Hourly(minute):
            due = now.replace(minute=minute, second=0, microsecond=0)
            return due if due > now else due + timedelta(hours=1)
        case Daily(at, zone):
            return _next_at(at, zone, days=tuple(range(7)), after=now)
        case Weekly(days, at, zone):
            return _next_at(at, zone, days=days, after=now)


def longest_gap(schedule: Schedule) -> timedelta | None:
    """Return the longest time between two due moments: what is later than that is late."""
    match schedule:
        case EventsOnly():
            return None
        case Every(interval):
            return interval
        case Hourly():
            return timedelta(hours=1)
        case Daily():
            return timedelta(days=1, hours=1)  # the day on which the clocks go back
        case Weekly(days):
            gaps = [(b - a) % 7 or 7 for a, b in zip(days, (*days[1:], days[0]), strict=True)]
            return timedelta(days=max(gaps), hours=1)


def _next_at(at: time, zone: ZoneInfo, *, days: tuple[int, ...], after: datetime) -> datetime:
    # One day back: its time can still be ahead of us where a zone skipped a whole day.
    day = after.astimezone(zone).date() - timedelta(days=1)
    while True:
        due = _first_moment(datetime.combine(day, at), zone)
        if day.weekday() in days and due > after:
            return due
        day += timedelta(days=1)


def _first_moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment at which the zone's clock shows ``wall`` or has jumped past it."""
    earlier = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(earlier, zone) == wall:
        return earlier
    before_gap = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _end_of_gap(wall, zone, low=before_gap, high=earlier)


def _end_of_gap(wall: datetime, zone: ZoneInfo, *, low: datetime, high: datetime) -> datetime:
    """Halve the time between a moment before the gap and one after it, down to the second."""
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=1) // 2)
        if _wall(middle, zone) < wall:
            low = middle
        else:
            high = middle
    return high


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


# Reading and writing ------------------------------------------------------------------------


def parse_schedule(value: object) -> Schedule:
    """Read a schedule as it stands in a configuration file.

    Raises ScheduleError, which says what would be right.
    """
    if isinstance(value, str):
        return _from_word(value)
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, details),) = value.items()
        return _from_pair(str(kind), details)
    raise ScheduleError(f"a schedule is {_FORMS}; this is {value!r}")


def schedule_text(schedule: Schedule) -> str | dict[str, str | int]:
    """Return the form that `parse_schedule` reads back."""
    match schedule:
        case EventsOnly():
            return "events"
        case Every(interval):
            return {"every": _interval_text(interval)}
        case Hourly(minute):
            return {"hourly": minute}
        case Daily(at, zone):
            return {"daily": f"{at:%H:%M} {zone.key}"}
        case Weekly(days, at, zone):
            named = ",".join(_DAYS[day] for day in days)
            return {"weekly": f"{named} {at:%H:%M} {zone.key}"}


def _read(value: object) -> Schedule:
    if isinstance(value, EventsOnly | Every | Hourly | Daily | Weekly):
        return value
    return parse_schedule(value)


ScheduleSetting = Annotated[
    Schedule,
    PlainValidator(_read),
    PlainSerializer(schedule_text),
    WithJsonSchema({"description": f"When it runs: {_FORMS}"}),
]
"""A schedule as a field of a settings model."""


def _from_word(word: str) -> Schedule:
    match word.strip().lower():
        case "events":
            return EventsOnly()
        case "hourly":
            return Hourly()
        case _:
            raise ScheduleError(f"a schedule is {_FORMS}; this is {word!r}")


def _from_pair(kind: str, details: object) -> Schedule:
    match kind:
        case "every":
            return Every(_interval(details))
        case "hourly":
            return Hourly(_minute(details))
        case "daily":
            at, zone = _time_and_zone(_parts(details, 2, "06:30 Europe/Oslo"))
            return Daily(at, zone)
        case "weekly":
            named, *rest = _parts(details, 3, "mon 07:00 America/New_York")
            at, zone = _time_and_zone(rest)
            return Weekly(_days(named), at, zone)
        case _:
            raise ScheduleError(f"{kind!r} is no kind of schedule; it is {_FORMS}")


def _interval(details: object) -> timedelta:
    found = _INTERVAL.fullmatch(str(details).strip().lower())
    if found is None:
        raise ScheduleError(f"every {details!r}: give a number with its unit, such as 10m or 2h")
    interval = int(found[1]) * _UNITS[found[2][0]]
    if not SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
        raise ScheduleError(f"every {details!r}: from 1m to 7d is possible")
    return interval


def _interval_text(interval: timedelta) -> str:
    for unit in ("d", "h", "m"):
        if not interval % _UNITS[unit]:
            return f"{interval // _UNITS[unit]}{unit}"
    raise ScheduleError(f"{interval} is not a whole number of minutes")


def _minute(details: object) -> int:
    text = str(details).strip().lstrip(":")
    if not text.isdecimal() or int(text) > 59:  # noqa: PLR2004 - the last minute of an hour
        raise ScheduleError(f"hourly {details!r}: give the minute of the hour, from 0 to 59")
    return int(text)


def _parts(details: object, count: int, example: str) -> list[str]:
    parts = str(details).split() if isinstance(details, str) else []
    if len(parts) != count:
        raise ScheduleError(f"{details!r} is not of the form {example!r}")
    return parts


def _time_and_zone(parts: list[str]) -> tuple[time, ZoneInfo]:
    found = _TIME.fullmatch(parts[0])
    if found is None:
        raise ScheduleError(f"{parts[0]!r} is no time of day; write it as 06:30 or 18:00")
    return time(int(found[1]), int(found[2])), _zone(parts[1])


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise ScheduleError(f"{name!r} is no time zone; name it as Europe/Oslo or UTC")
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as exc:
        raise ScheduleError(f"this machine has no data for the time zone {name!r}") from exc


def _days(named: str) -> tuple[int, ...]:
    wanted = set()
    for name in named.lower().split(","):
        if name[:3] not in _DAYS:
            raise ScheduleError(f"{name!r} is no day of the week; write {', '.join(_DAYS)}")
        wanted.add(_DAYS.index(name[:3]))
    return tuple(sorted(wanted))
