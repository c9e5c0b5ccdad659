"""The simulators' time: it runs like the machine's clock, and a test can move it.

One clock is shared by all vendors, so that a jump moves token lives, rate windows and
webhook retries together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SimClock:
    """Tells the simulated time.

    ``speed`` is simulated seconds per real second: 1 by default, 0 for a clock that only
    ``advance`` moves. ``start`` is the moment at which it starts, by default the present one.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 1.0,
        source: Callable[[], float] = time.monotonic,
    ) -> None:
        self.speed = speed
        self._source = source
        self._begun = source()
        self._jumped = 0.0  # seconds added by advance() and by setting the clock forward
        self._zero = start or datetime.now(UTC)  # what now() says when monotonic() is 0
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """Return the simulated moment, aware, in UTC."""
        return self._zero + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return simulated seconds since the start; they never go back."""
        return (self._source() - self._begun) * self.speed + self._jumped

    def advance(self, by: timedelta) -> None:
        """Let ``by`` pass at once and wake every sleeper whose time has come."""
        if by < timedelta():
            raise ValueError(f"time cannot be advanced by {by}; use set() to move it back")
        self._jumped += by.total_seconds()
        self._wake()

    def set(self, moment: datetime) -> None:
        """Make it ``moment`` now.

        Forward, the time between passes for every wait and rate window; backward, only the
        wall clock moves, as on a machine whose clock was corrected.
        """
        if moment.tzinfo is None:
            raise ValueError("the clock is set to an aware moment; add an offset such as +00:00")
        ahead = moment - self.now()
        if ahead >= timedelta():
            self.advance(ahead)
        else:
            self._zero += ahead

    async def sleep(self, seconds: float) -> None:
        """Return once ``seconds`` of simulated time have passed."""
        due = self.monotonic() + seconds
        while (left := due - self.monotonic()) > 0:
            moved = self._moved
            try:
                async with asyncio.timeout(left / self.speed if self.speed else None):
                    await moved.wait()
            except TimeoutError:
                continue

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
