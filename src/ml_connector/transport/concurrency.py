"""How many calls go at once, when the vendor slows down before it declines.

Additive increase, multiplicative decrease: a call that took far longer than usual, or was
declined, takes a part of the places away; a round of usual ones gives one back. It keeps
probing, because a slow hour of the vendor must not bind us for the day. Never more than the
licence's figure, never less than one.

The places belong to the connection, not to a process: a ledger, kept where the windows' ledgers
are, lends them to the workers for a few seconds at a time. A worker that has calls under way
keeps their places; when others find none it gives them up one after the other, so that every
worker gets its turn though there may be fewer places than workers. Places of a worker that died
come back when its loan has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import msgspec

SLOW_FACTOR = 4  # times the usual time of an answer
NEVER_SLOW = 1.0  # seconds; an answer within this is no sign of throttling
LOAN = 6.0  # seconds; a worker renews long before
RENEW_EVERY = 1.5  # seconds, by a worker whose wishes are met
ASK_AGAIN = 0.2  # seconds, by one whose wishes are not met
TURN = 1.0  # seconds that a worker keeps its places though another has none
_USUAL_WEIGHT = 0.05  # of each answer in the moving average: about the last twenty count
_AFTER_DELAY = 0.7
_AFTER_DECLINE = 0.5


class AnswerTimes:
    """What one process has seen of the vendor's answers since it last told the ledger."""

    def __init__(self) -> None:
        self._usual: float | None = None
        self._good = 0
        self._slow_for = 0.0
        self._is_declined = False

    def answered(self, elapsed: timedelta) -> None:
        """Take notice of how long an answer took."""
        seconds = elapsed.total_seconds()
        usual = seconds if self._usual is None else self._usual
        self._usual = usual + _USUAL_WEIGHT * (seconds - usual)
        if seconds > max(NEVER_SLOW, SLOW_FACTOR * usual):
            self._slow_for = max(self._slow_for, seconds)
        else:
            self._good += 1

    def declined(self) -> None:
        """Take notice of a 429."""
        self._is_declined = True

    @property
    def is_bad_news(self) -> bool:
        """Tell whether the others should know at once."""
        return self._is_declined or self._slow_for > 0

    def told(self) -> tuple[int, float, bool]:
        """Return good answers, the longest slow one and whether one was declined, once."""
        told = self._good, self._slow_for, self._is_declined
        self._good, self._slow_for, self._is_declined = 0, 0.0, False
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a worker asks of the ledger, with what it has seen."""

    holder: str
    in_use: int
    """Places that calls of its have now."""
    wanted: int
    """Places that it could use; 0: none any more."""
    good: int = 0
    """Answers in usual time since it last asked."""
    slow_for: float = 0.0
    """Seconds that the slowest answer took, if one was slow."""
    is_declined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What the ledger lends."""

    count: int
    limit: int
    """The places that all workers share now."""


class Loan(msgspec.Struct, array_like=True):
    """One worker's places. Moments are seconds of the keeper's own clock."""

    holder: str
    count: int
    wanted: int
    since: float
    """Since when it has places, or waits for some."""
    ends: float


class PlacesLedger(msgspec.Struct):
    """Who may have how many calls under way. Plain data, kept as the windows' ledgers are."""

    highest: int
    learned: float
    untouched_until: float = 0.0
    """The calls that were under way together tell one thing, so they shrink it once."""
    loans: list[Loan] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, highest: int) -> PlacesLedger:
        """Return the ledger of a connection that nobody has called yet."""
        return cls(highest=highest, learned=float(highest))

    @property
    def limit(self) -> int:
        """Return how many calls may be under way, of all workers together."""
        return max(1, min(self.highest, int(self.learned)))

    def highest_is(self, highest: int) -> None:
        """Take over another licence."""
        if highest != self.highest:
            self.highest, self.learned = highest, float(highest)

    def grant(self, now: float, asked: Asked) -> Places:
        """Learn what the worker has seen, and lend it places.

        It may be lent fewer than it uses: then it starts no call until so many have ended.
        """
        self._learn(now, asked)
        own = next((each for each in self.loans if each.holder == asked.holder), None)
        self.loans = [
            each for each in self.loans if each.ends > now and each.holder != asked.holder
        ]
        if not asked.wanted and not asked.in_use:
            return Places(count=0, limit=self.limit)
        since = own.since if own is not None else now
        count = self._lent(now, asked, since, has_places=own is not None and own.count > 0)
        taken = max(asked.in_use, count)
        if own is not None and bool(own.count) != bool(taken):
            since = now
        self.loans.append(Loan(asked.holder, taken, asked.wanted, since, now + LOAN))
        return Places(count=count, limit=self.limit)

    def _lent(self, now: float, asked: Asked, since: float, *, has_places: bool) -> int:
        waiting = [each for each in self.loans if each.wanted and not each.count]
        active = 1 + sum(each.wanted > 0 for each in self.loans)
        free = self.limit - sum(each.count for each in self.loans)
        if has_places:
            if waiting and active > self.limit and now - since > TURN:
                return 0  # its turn is over: what ends now is for those who wait
        else:
            free -= sum(each.since < since for each in waiting)
        share = max(1, self.limit // active)
        of_others = sum(min(each.wanted, max(each.count, share)) for each in self.loans)
        return max(0, min(asked.wanted, max(share, self.limit - of_others), free))

    def _learn(self, now: float, asked: Asked) -> None:
        if asked.is_declined:
            self._shrink(_AFTER_DECLINE, now, lasting=NEVER_SLOW)
        elif asked.slow_for:
            self._shrink(_AFTER_DELAY, now, lasting=asked.slow_for)
        else:
            for _ in range(min(asked.good, 4 * self.highest)):
                self.learned = min(float(self.highest), self.learned + 1 / self.learned)

    def _shrink(self, factor: float, now: float, *, lasting: float) -> None:
        if now >= self.untouched_until:
            self.learned = max(1.0, self.learned * factor)
            self.untouched_until = now + lasting
