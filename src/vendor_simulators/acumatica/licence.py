"""The licence's limits: requests are delayed and queued first, and declined only at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from vendor_simulators.acumatica.answers import RefusalError, declined
from vendor_simulators.kit import SimClock

WINDOW_SECONDS = 60.0
MOST_WAITING = 20
LONGEST_WAIT = 600.0  # seconds


class Licence:
    """Delays and declines requests as the settings of the licence say."""

    def __init__(self, *, clock: SimClock, switches: dict[str, Any]) -> None:
        self._clock = clock
        self._switches = switches
        self._window_began = float("-inf")
        self._done = 0  # requests in the window
        self._active = 0
        self._waiting = 0
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Let one request through: at once, after a wait, or not at all (429)."""
        if self._switches["decline_next"] > 0:
            self._switches["decline_next"] -= 1
            raise self.refusal()
        await self._wait_for_window()
        await self._wait_for_core()
        self._active += 1
        try:
            if self._switches["work_seconds"]:
                await self._clock.sleep(self._switches["work_seconds"])
            yield
        finally:
            self._active -= 1
            self._freed.set()
            self._freed = asyncio.Event()

    def refusal(self) -> RefusalError:
        """Return the 429 of a declined request."""
        refusal = declined()
        if self._switches["decline_retry_after"] is not None:
            refusal.headers["Retry-After"] = str(self._switches["decline_retry_after"])
        return refusal

    async def _wait_for_window(self) -> None:
        limit = self._switches["requests_per_minute"]
        if limit is None:
            return
        now = self._clock.monotonic()
        if now - self._window_began >= WINDOW_SECONDS:
            self._window_began, self._done = now, 0
        left_seconds = self._window_began + WINDOW_SECONDS - now
        left = limit - self._done
        if self._done < limit / 2:
            self._done += 1
            return
        if self._waiting >= MOST_WAITING:
            raise self.refusal()
        self._done += 1
        self._waiting += 1
        try:
            await self._clock.sleep(left_seconds / max(1, left))
        finally:
            self._waiting -= 1

    async def _wait_for_core(self) -> None:
        limit = self._switches["concurrent_requests"]
        if limit is None or self._active < limit:
            return
        if self._waiting >= MOST_WAITING:
            raise self.refusal()
        self._waiting += 1
        began = self._clock.monotonic()
        try:
            while self._active >= limit:
                await self._freed.wait()
                if self._clock.monotonic() - began > LONGEST_WAIT:
                    raise self.refusal()
        finally:
            self._waiting -= 1
