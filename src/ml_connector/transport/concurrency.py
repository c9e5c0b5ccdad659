"""How many calls go at once, when the vendor slows down before it declines.

Additive increase, multiplicative decrease: a call that took far longer than usual, or was
declined, takes a part of the places away; a round of usual ones gives one back. It keeps
probing, because a slow hour of the vendor must not bind us for the day.
"""

from __future__ import annotations

from datetime import timedelta

_SLOW_FACTOR = 4  # times the usual time of an answer
_NEVER_SLOW = 1.0  # seconds; an answer within this is no sign of throttling
_USUAL_WEIGHT = 0.05  # of each answer in the moving average: about the last twenty count
_AFTER_DELAY = 0.7
_AFTER_DECLINE = 0.5


class AdaptiveConcurrency:
    """The present number of places, between one and ``highest``."""

    def __init__(self, highest: int) -> None:
        self.highest = highest
        self._places = float(highest)
        self._usual: float | None = None
        self._untouched_until = 0.0

    @property
    def places(self) -> int:
        """Return how many calls may be under way."""
        return int(self._places)

    def declined(self, now: float) -> None:
        """Take notice of a 429."""
        self._shrink(_AFTER_DECLINE, now, lasting=_NEVER_SLOW)

    def answered(self, now: float, elapsed: timedelta) -> None:
        """Take notice of how long an answer took."""
        seconds = elapsed.total_seconds()
        usual = seconds if self._usual is None else self._usual
        self._usual = usual + _USUAL_WEIGHT * (seconds - usual)
        if seconds > max(_NEVER_SLOW, _SLOW_FACTOR * usual):
            self._shrink(_AFTER_DELAY, now, lasting=seconds)
        else:
            self._places = min(self.highest, self._places + 1 / self._places)

    def _shrink(self, factor: float, now: float, *, lasting: float) -> None:
        # The calls that were under way together tell one thing, so they shrink it once.
        if now >= self._untouched_until:
            self._places = max(1.0, self._places * factor)
            self._untouched_until = now + lasting
