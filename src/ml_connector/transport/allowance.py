"""What this process may send now: the open slices of a window, the tokens of a lot."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from ml_connector.transport.concurrency import LOAN, AnswerTimes, Asked, Places
from ml_connector.transport.leases import Lot, Seen, Slice, Spent

_OWN_SHARE = 0.75  # of a loan's time


@dataclass(slots=True)
class _Open:
    """A slice in use."""

    id: int
    left: int
    ends: float
    used: int = 0
    unsent: int = 0
    last_sent: float = 0.0


class Allowance:
    """The open slices of one window, and what the ledger should know of ended ones."""

    def __init__(self, name: str, declared: int) -> None:
        self.name = name
        self.declared = declared
        self.asking: asyncio.Task[None] | None = None
        self.closed_until = 0.0
        """The vendor declined: nothing goes before."""
        self.all_sent = asyncio.Event()
        self.all_sent.set()
        self._slices: deque[_Open] = deque()
        self._seen: tuple[float, Seen] | None = None

    def open(self, got: Slice, ends: float) -> None:
        """Begin to use a slice."""
        self._slices.append(_Open(id=got.id, left=got.calls, ends=ends))

    def left(self, now: float) -> int:
        """Return how many calls may go."""
        return sum(each.left for each in self._slices if each.ends > now)

    def has_call(self, now: float) -> bool:
        """Say whether a call may go."""
        return any(each.left and each.ends > now for each in self._slices)

    def take(self, now: float) -> None:
        """Use one call of the oldest open slice; ``has_call`` said that there is one."""
        oldest = next(each for each in self._slices if each.left and each.ends > now)
        oldest.left -= 1
        oldest.used += 1
        oldest.unsent += 1
        self.all_sent.clear()

    def give_back(self) -> None:
        """Take back the newest use: nothing left for it."""
        for each in reversed(self._slices):
            if each.unsent:
                each.unsent -= 1
                each.used -= 1
                each.left += 1
                break
        self._note_all_sent()

    def sent(self, now: float) -> None:
        """Note that a call left; the oldest slice's calls are taken to leave first."""
        for each in self._slices:
            if each.unsent:
                each.unsent -= 1
                each.last_sent = now
                break
        self._note_all_sent()

    def close(self, now: float, *, until: float) -> None:
        """Use nothing more of what is open: the vendor declined."""
        self.closed_until = max(self.closed_until, until)
        for each in self._slices:
            each.ends = min(each.ends, now)

    def see(self, now: float, seen: Seen) -> None:
        """Keep what the vendor said of the window."""
        self._seen = now, seen

    def take_seen(self, now: float) -> Seen | None:
        """Return what the vendor last said of the window, once."""
        if self._seen is None:
            return None
        (at, seen), self._seen = self._seen, None
        return Seen(remaining=seen.remaining, resets_in=seen.resets_in, seconds_ago=now - at)

    def settled(self, now: float) -> list[Spent]:
        """Return what became of ended slices, once."""
        told = [
            each for each in self._slices if not each.unsent and (not each.left or each.ends <= now)
        ]
        for each in told:
            self._slices.remove(each)
        return [
            Spent(slice_id=each.id, calls=each.used, seconds_ago=max(0.0, now - each.last_sent))
            for each in told
        ]

    def _note_all_sent(self) -> None:
        if not any(each.unsent for each in self._slices):
            self.all_sent.set()


class Borrowed:
    """The places among those under way that this process holds, and what it saw meanwhile."""

    def __init__(self) -> None:
        self.times = AnswerTimes()
        self.asking: asyncio.Task[None] | None = None
        self.more = asyncio.Event()
        """More is wanted than there is, or the others should know something at once."""
        self.has_loan = False
        self._holder = uuid.uuid4().hex
        self._count = 0
        self._ends = float("-inf")

    def places(self, now: float) -> int:
        """Return how many calls may be under way; none once the loan may have ended."""
        return self._count if now < self._ends else 0

    def ask(self, *, in_use: int, wanted: int) -> Asked:
        """Return what to ask the ledger, with what was seen since the last time."""
        # What is told as in use is all that the ledger counts: nothing new goes before it answers.
        self._count = min(self._count, in_use)
        good, slow_for, is_declined = self.times.told()
        return Asked(
            holder=self._holder,
            in_use=in_use,
            wanted=wanted,
            good=good,
            slow_for=slow_for,
            is_declined=is_declined,
        )

    def got(self, places: Places, asked_at: float) -> None:
        """Take over what was lent; it ends for us before it ends for the ledger."""
        self.has_loan = True
        self._count = places.count
        self._ends = asked_at + LOAN * _OWN_SHARE

    def gave_back(self) -> None:
        """Hold nothing any more."""
        self.has_loan, self._count = False, 0

    def note_news(self) -> None:
        """Tell the others at once that the vendor has slowed down or declined."""
        if self.times.is_bad_news:
            self.more.set()


class TokenPurse:
    """The tokens of the day's budget that this process holds."""

    def __init__(self, limit: int | None) -> None:
        self.is_kept = limit is not None
        """Whether there is a budget to keep, as far as is known."""
        self.tokens = 0
        self.told_at = float("-inf")
        """When the others were last told what the vendor says (monotonic)."""
        self.renews_at = datetime.min.replace(tzinfo=UTC)

    def got(self, lot: Lot) -> None:
        """Put a lot in."""
        self.tokens += lot.tokens
        self.renews_at = lot.renews_at
