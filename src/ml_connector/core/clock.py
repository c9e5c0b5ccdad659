"""Business time, as a parameter.

Due dates, budgets, schedules and posting dates read this clock and never SQL ``now()``.
Every process corrects its own clock by the database's, so that machines agree. Durations inside
a process use the monotonic clock; leases, heartbeats and fences use the database's clock
(`storage`).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

TOLERANCE = timedelta(seconds=1)  # of clocks that are kept by NTP: far more than they differ


class Clock(Protocol):
    """Tells the time of the business and of the process."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, for measuring durations in this process."""
        ...


class SystemClock:
    """The machine's clock, put right by the database's and moved by the sandbox's offset.

    All processes of a deployment see the same business time: a due moment that one of them
    stored has come for the others at once. ``wrong_by`` makes the machine's clock wrong, to
    prove that.
    """

    def __init__(
        self, offset: timedelta = timedelta(), *, wrong_by: timedelta = timedelta()
    ) -> None:
        self.offset = offset
        """Zero outside of the sandbox."""
        self.correction = timedelta()
        """What the machine's clock lacks; see `follow`."""
        self._wrong_by = wrong_by

    def machine(self) -> datetime:
        """Return what the machine's own clock says."""
        return datetime.now(UTC) + self._wrong_by

    def follow(self, shared: datetime, *, asked_at: datetime, answered_at: datetime) -> bool:
        """Correct this clock by a shared one that was read between two of the machine's moments.

        A difference that the time of the question may explain, or that does no harm, is left:
        so business time does not jitter. Returns whether the correction was changed.
        """
        missing = shared - (asked_at + (answered_at - asked_at) / 2)
        unsure = (answered_at - asked_at) / 2 + TOLERANCE
        if abs(missing - self.correction) <= unsure:
            return False
        self.correction = missing if abs(missing) > unsure else timedelta()
        return True

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return self.machine() + self.correction + self.offset

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()
