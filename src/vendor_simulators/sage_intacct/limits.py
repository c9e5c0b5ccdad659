"""How many requests run at once, and what the ones above that are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from vendor_simulators.kit import SimClock
from vendor_simulators.sage_intacct.answers import GatewayError

_THROTTLED = ("GW-0010", "API rate limit exceeded")


class Limits:
    """Lets requests through as the performance tier says."""

    def __init__(self, *, clock: SimClock, switches: dict[str, Any]) -> None:
        self._clock = clock
        self._switches = switches
        self._active = 0
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Let one request through: at once, after a wait, or not at all."""
        if self._switches["throttle_next"] > 0:
            self._switches["throttle_next"] -= 1
            raise self.refusal()
        await self._wait()
        self._active += 1
        try:
            if self._switches["work_seconds"]:
                await self._clock.sleep(self._switches["work_seconds"])
            yield
        finally:
            self._active -= 1
            self._freed.set()
            self._freed = asyncio.Event()

    def refusal(self) -> GatewayError:
        """Return the refusal of a throttled request."""
        return GatewayError(int(self._switches["throttle_status"]), *_THROTTLED)

    async def _wait(self) -> None:
        limit = self._switches["concurrent_requests"]
        if limit is None:
            return
        gives_up_at = self._clock.monotonic() + float(self._switches["queue_seconds"])
        while self._active >= limit:
            left = gives_up_at - self._clock.monotonic()
            if left <= 0:
                raise self.refusal()
            waiting = asyncio.ensure_future(self._freed.wait())
            late = asyncio.ensure_future(self._clock.sleep(left))
            _, pending = await asyncio.wait({waiting, late}, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
