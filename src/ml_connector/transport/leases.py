"""How several workers stay below one limit together.

A worker does not ask for each call: it leases a *slice*, so many calls from a moment on, and
says with its next request what became of the last. Between them stands a ledger, one for each
connection and window, kept where all workers reach it (a database row, locked for the moment
of the arithmetic) and dated by the clock of that place alone; messages carry durations, so the
workers' clocks do not matter.

Never more than the limit: a slice usable in ``[start, end)`` may meet any window that touches
``[start, end + seconds)``, so it counts there, and a new slice begins where the sum allows it.
Little lost: once the worker has told when the slice's last call really left, it counts only
``seconds`` from then, and what was not used not at all. Nobody polls: when the window is full,
the slice is booked for the moment at which calls become free, in the order of asking, so that
every worker gets its turn and learns at once when that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from ml_connector.core.clock import Clock
from ml_connector.core.lanes import Lane
from ml_connector.core.profile import Limits, Window
from ml_connector.transport.concurrency import Asked, Places, PlacesLedger

SLICES = 8  # of a full window; a turn among many workers comes about within an eighth of it
_LASTS = 8  # a slice is usable for an eighth of the window
_GATHERS = 64  # a start is put off by up to a 64th of the window, so that slices do not crumble
_GUARD_SHARE = 0.025  # of the window, for calls that overtake others on their way ...
_LONGEST_GUARD = 0.1  # ... up to so many seconds
_SHRINK = 0.9  # of the limit, after each window in which the vendor declined
_REGROW_STEPS = 40  # windows without a decline until the whole limit is used again
_FOREIGN_SHARE = 4  # a quarter of the limit taken by somebody else is believed; less is delay
_LOT_SHARE = 500  # tokens are leased by a five-hundredth of the day's budget
_UNKNOWN_LOT = 1000  # tokens, where the size of the budget is not known
_BELIEVED_SHARE = 50  # the vendor's remainder counts when a fiftieth more is left than we think
_RESERVED = {Lane.URGENT: 0.0, Lane.EVENT: 0.0, Lane.ROUTINE: 0.05, Lane.BULK: 0.2}
"""Share of the day's budget that calls of a lane leave to the more urgent ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What became of a slice: so many calls left, the last of them so long ago."""

    slice_id: int
    calls: int
    seconds_ago: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the vendor's last answer said of the window."""

    remaining: int
    resets_in: float | None
    seconds_ago: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Calls that a worker may send. None of them: ask again after ``starts_in``."""

    id: int
    calls: int
    starts_in: float
    """Seconds from the answer on."""
    valid_for: float
    """Seconds from its start on."""
    limit: int
    """The window's limit as it is known now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Tokens of the day's budget that a worker may spend; 0 when the rest is not for its lane."""

    tokens: int
    remaining: int | None
    """Left for others after this lot; None when the budget is not known."""
    limit: int | None
    renews_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What an answer told that all workers should know; None where it was silent."""

    window: str = "burst"
    declined_for: float | None = None
    """The vendor declined a call: send nothing in this window for so many seconds."""
    window_limit: int | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None
    daily_renews_at: datetime | None = None
    """The vendor says that the budget is used up, until then."""
    unspent_tokens: int = 0
    """Given back from a lot."""


class WindowLease(Protocol):
    """One connection's limits, shared by all who call it."""

    async def lease(
        self, window: str, wanted: int, *, spent: Sequence[Spent] = (), seen: Seen | None = None
    ) -> Slice:
        """Return a slice of about ``wanted`` calls of the window, now or in a moment."""
        ...

    async def lease_tokens(self, wanted: int, *, lane: Lane) -> Lot:
        """Return at least ``wanted`` tokens of the day's budget, or none of them."""
        ...

    async def lease_places(self, asked: Asked) -> Places:
        """Return how many calls this worker may have under way, where that is shared."""
        ...

    async def tell(self, news: News) -> None:
        """Share what an answer told."""
        ...


class Booked(msgspec.Struct, array_like=True):
    """One slice in the ledger: its calls count from ``starts`` up to ``free_at``."""

    id: int
    calls: int
    starts: float
    free_at: float


class WindowLedger(msgspec.Struct):
    """Who may call when, within one window. Moments are seconds of the keeper's own clock.

    Plain data (``msgspec.json``) with the arithmetic on it, so that any keeper may hold it:
    load, ``grant`` or ``declined``, store, all under one lock.
    """

    seconds: float
    declared: int
    """The limit as the profile or the vendor states it."""
    calls: int
    """The limit as it is used: less for a while after the vendor declined."""
    next_id: int = 1
    blocked_until: float = 0.0
    changed_at: float = 0.0
    """When ``calls`` was last moved."""
    slices: list[Booked] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, window: Window) -> WindowLedger:
        """Return the empty ledger of a window."""
        return cls(seconds=window.seconds, declared=window.calls, calls=window.calls)

    @property
    def guard(self) -> float:
        """Seconds by which a call may arrive earlier, compared with another, than it left."""
        return min(self.seconds * _GUARD_SHARE, _LONGEST_GUARD)

    def grant(
        self, now: float, wanted: int, *, spent: Sequence[Spent] = (), seen: Seen | None = None
    ) -> Slice:
        """Settle what the worker spent and book its next slice."""
        self._settle(now, spent)
        # What has just become free is kept a little: an answer may speak of that time.
        kept_from = now - self.seconds / _LASTS
        self.slices = [each for each in self.slices if each.free_at > kept_from]
        self._regrow(now)
        if seen is not None and now - seen.seconds_ago > kept_from:
            self._notice_others(now, seen)
        starts = self._earliest_start(now)
        if starts - now > self.seconds + self.guard:
            return self._nothing_before(starts - now)
        return self._book(now, self._gathered(starts, wanted), wanted)

    def declined(self, now: float, seconds: float) -> None:
        """Send nothing for so long, and somewhat less than the limit for a while after."""
        # Without a word from the vendor a little: our count said that there was room.
        self.blocked_until = max(self.blocked_until, now + max(seconds, self.seconds / _LASTS))
        if now - self.changed_at >= self.seconds:  # the 429s of one crowd are one lesson
            self.calls = max(1, int(self.calls * _SHRINK))
            self.changed_at = now

    def limit_is(self, calls: int) -> None:
        """Take over the limit that the vendor states."""
        if calls != self.declared and calls > 0:
            self.declared = self.calls = calls

    def _settle(self, now: float, spent: Sequence[Spent]) -> None:
        by_id = {each.slice_id: each for each in spent}
        for booked in self.slices:
            told = by_id.get(booked.id)
            if told is not None:
                booked.calls = told.calls
                booked.free_at = now - told.seconds_ago + self.seconds + self.guard
        self.slices = [each for each in self.slices if each.calls]

    def _regrow(self, now: float) -> None:
        if self.calls < self.declared and now - max(self.changed_at, self.blocked_until) >= (
            self.seconds
        ):
            self.calls = min(self.declared, self.calls + -(-self.declared // _REGROW_STEPS))
            self.changed_at = now

    def _notice_others(self, now: float, seen: Seen) -> None:
        """Book what somebody else calls with the same login: the vendor counts it, we did not."""
        missing = self._free_at(now - seen.seconds_ago) - seen.remaining
        if missing * _FOREIGN_SHARE > self.calls:
            until = now + min(seen.resets_in or self.seconds, self.seconds)
            self.slices.append(self._new(missing, starts=now, free_at=until))

    def _earliest_start(self, now: float) -> float:
        """Return when a call becomes free: not before the last slice that was booked."""
        start = max([now, self.blocked_until, *(each.starts for each in self.slices)])
        moments = sorted(each.free_at for each in self.slices if each.free_at > start)
        return next((at for at in [start, *moments] if self._free_at(at) > 0), start)

    def _gathered(self, start: float, wanted: int) -> float:
        """Put the start off for a moment, if the slice is then larger."""
        latest = start + self.seconds / _GATHERS
        enough = min(wanted, self._largest())
        moments = [
            start,
            *sorted(each.free_at for each in self.slices if start < each.free_at <= latest),
        ]
        return next((at for at in moments if self._free_at(at) >= enough), moments[-1])

    def _largest(self) -> int:
        return max(1, -(-self.calls // SLICES))

    def _free_at(self, moment: float) -> int:
        return self.calls - sum(each.calls for each in self.slices if each.free_at > moment)

    def _book(self, now: float, starts: float, wanted: int) -> Slice:
        free = self._free_at(starts)
        # While the window is not half used a whole slice: the next calls then need not ask.
        has_spare = starts == now and free * 2 > self.calls
        calls = min(free, self._largest(), max(1, self.calls if has_spare else wanted))
        lasts = self.seconds / _LASTS
        booked = self._new(calls, starts=starts, free_at=starts + lasts + self.seconds + self.guard)
        self.slices.append(booked)
        return Slice(
            id=booked.id,
            calls=calls,
            starts_in=starts - now,
            valid_for=lasts,
            limit=self.calls,
        )

    def _new(self, calls: int, *, starts: float, free_at: float) -> Booked:
        self.next_id += 1
        return Booked(self.next_id - 1, calls, starts, free_at)

    def _nothing_before(self, seconds: float) -> Slice:
        return Slice(id=0, calls=0, starts_in=seconds, valid_for=0.0, limit=self.calls)


class BudgetLedger(msgspec.Struct):
    """The day's tokens. Moments are of business time. Kept as the window's ledger is."""

    limit: int | None
    used: int = 0
    is_exhausted: bool = False
    """The vendor said so, whatever we counted."""
    renews_at: datetime = datetime.min.replace(tzinfo=UTC)

    def grant(self, now: datetime, wanted: int, *, lane: Lane) -> Lot:
        """Hand out a lot, if the lane may have as much."""
        self._renew(now)
        tokens = self._lot_size(wanted, lane)
        self.used += tokens
        return Lot(
            tokens=tokens,
            remaining=None if self.limit is None else max(0, self.limit - self.used),
            limit=self.limit,
            renews_at=self.renews_at,
        )

    def learn(self, now: datetime, news: News) -> None:
        """Take over what the vendor says of the budget."""
        self._renew(now)
        self.used = max(0, self.used - news.unspent_tokens)
        if news.daily_limit is not None:
            self.limit = news.daily_limit
        if news.daily_remaining is not None:
            self._remaining_is(news.daily_remaining)
        if news.daily_renews_at is not None:
            self.is_exhausted = True
            self.renews_at = news.daily_renews_at

    def _lot_size(self, wanted: int, lane: Lane) -> int:
        if self.is_exhausted:
            return 0
        if self.limit is None:
            return max(wanted, _UNKNOWN_LOT)
        left = self.limit - self.used
        if wanted > left - int(self.limit * _RESERVED[lane]):
            return 0
        # Near a reserve by the call: what is left of a lot would be spent by any lane.
        is_near = left < self.limit * (max(_RESERVED.values()) + 0.1)
        return wanted if is_near else max(wanted, self.limit // _LOT_SHARE)

    def _remaining_is(self, told: int) -> None:
        """Believe less at once; more only by more than lots that are out can explain."""
        self.is_exhausted = told <= 0
        if self.limit is not None:
            ours = self.limit - self.used
            if told < ours or told > ours + self.limit // _BELIEVED_SHARE:
                self.used = self.limit - told

    def _renew(self, now: datetime) -> None:
        if now >= self.renews_at:
            self.used = 0
            self.is_exhausted = False
            self.renews_at = next_midnight(now)


def next_midnight(now: datetime) -> datetime:
    """Return when the day ends in UTC: the vendors do not name the zone of their day.

    When the budget is not back then, the first call's 429 says so and moves the moment on.
    """
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        days=1
    )


class MemoryLeases:
    """The ledgers of one connection in one process: a REPL, a test, a single worker."""

    def __init__(self, limits: Limits, *, clock: Clock) -> None:
        self._clock = clock
        self._windows: Mapping[str, WindowLedger] = {
            window.name: WindowLedger.of(window) for window in limits.windows
        }
        self._budget = BudgetLedger(limit=limits.daily_tokens)
        self._places = PlacesLedger.of(limits.concurrency)

    async def lease(
        self, window: str, wanted: int, *, spent: Sequence[Spent] = (), seen: Seen | None = None
    ) -> Slice:
        """Return a slice of the window."""
        return self._windows[window].grant(self._clock.monotonic(), wanted, spent=spent, seen=seen)

    async def lease_tokens(self, wanted: int, *, lane: Lane) -> Lot:
        """Return tokens of the day's budget."""
        return self._budget.grant(self._clock.now(), wanted, lane=lane)

    async def lease_places(self, asked: Asked) -> Places:
        """Return how many calls may be under way."""
        return self._places.grant(self._clock.monotonic(), asked)

    async def tell(self, news: News) -> None:
        """Take over what an answer told."""
        ledger = self._windows.get(news.window)
        if ledger is not None:
            if news.window_limit is not None:
                ledger.limit_is(news.window_limit)
            if news.declined_for is not None:
                ledger.declined(self._clock.monotonic(), news.declined_for)
        self._budget.learn(self._clock.now(), news)
