"""Pipedrive's facts as data; each has its source in NOTES.md."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.core.profile import Limits, Profile, Stream, Window

if TYPE_CHECKING:
    from ml_connector.vendors.pipedrive.settings import Plan, Settings

_BURST_SECONDS = 2.0
_SEARCHES = 10  # calls in the burst's time, the same on every plan
_BURST_WITH_API_TOKEN: dict[Plan, int] = {"lite": 20, "growth": 40, "premium": 100, "ultimate": 120}
_OAUTH_FACTOR = 4  # an OAuth app's burst window is four times a user token's
_DAILY_FACTOR: dict[Plan, int] = {"lite": 1, "growth": 2, "premium": 5, "ultimate": 7}
_DAILY_TOKENS = 30_000  # per seat, times the plan's factor

SEARCH_LAG = timedelta(seconds=30)
"""Our assumption: Pipedrive says nothing of it, and integrators report seconds."""


def _limits(burst: int, daily_tokens: int | None) -> Limits:
    return Limits(
        windows=(
            Window(name="burst", calls=burst, seconds=_BURST_SECONDS),
            Window(name="search", calls=_SEARCHES, seconds=_BURST_SECONDS),
        ),
        concurrency=16,
        daily_tokens=daily_tokens,
        call_deadline=timedelta(seconds=60),
    )


def limits_for(settings: Settings) -> Limits:
    """Return the limits of this account: the smallest plan's where none is named.

    The answers' headers correct them; a recorded account had a burst limit and a daily budget
    that belong to no one plan (NOTES.md, "Limits").
    """
    burst = _BURST_WITH_API_TOKEN[settings.plan or "lite"]
    if settings.login == "oauth":
        burst *= _OAUTH_FACTOR
    if settings.plan is None or settings.seats is None:
        return _limits(burst, None)
    return _limits(burst, _DAILY_TOKENS * _DAILY_FACTOR[settings.plan] * settings.seats)


_LATE = timedelta(minutes=2)
_WHOLE_SECONDS = timedelta(seconds=1)


def _stream(name: str, kind: str) -> Stream:
    return Stream(name=name, kind=kind, commits_late_by=_LATE, precision=_WHOLE_SECONDS)


PROFILE = Profile(
    name="pipedrive",
    title="Pipedrive",
    limits=_limits(_BURST_WITH_API_TOKEN["lite"], None),
    streams=(
        _stream("deals", "deal"),
        # Archived deals are in a list of their own, which costs twice as much: a stream of its
        # own lets them be polled less often. Both carry the same kind of record.
        _stream("archived_deals", "deal"),
        _stream("organizations", "organization"),
        _stream("persons", "person"),
        _stream("products", "product"),
    ),
    search_lag=SEARCH_LAG,
    idempotency="none",
    webhook_formats=("1.0", "2.0"),
    absent_files=(),
)
