"""Business time, as a parameter.

Due dates, budgets, schedules and posting dates read this clock and never SQL ``now()``.
Durations inside a process use the monotonic clock; leases, heartbeats and fences use the
database's clock (`storage`).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time of the business and of the process."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, for measuring durations in this process."""
        ...


class SystemClock:
    """The machine's clock, moved by ``offset``: zero outside the sandbox."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()
