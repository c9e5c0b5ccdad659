"""What a vendor defines changes seldom, so it is read once and kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import TypeVar, cast

from ml_connector.core.clock import Clock

KEPT_FOR = timedelta(minutes=15)

T = TypeVar("T")


class Kept:
    """Answers by name, each at most ``keep_for`` old."""

    def __init__(self, *, clock: Clock, keep_for: timedelta = KEPT_FOR) -> None:
        self._clock = clock
        self._keep_for = keep_for.total_seconds()
        self._kept: dict[Hashable, tuple[object, float]] = {}
        self._reading: dict[Hashable, asyncio.Lock] = {}

    async def get(
        self, name: Hashable, read: Callable[[], Awaitable[T]], *, fresh: bool = False
    ) -> T:
        """Return what is kept under ``name``, or what ``read`` gives now.

        ``fresh`` takes nothing that was read before it was asked for. Those who ask at once
        share one reading.
        """
        asked_at = self._clock.monotonic()
        oldest = asked_at if fresh else asked_at - self._keep_for
        async with self._reading.setdefault(name, asyncio.Lock()):
            kept, read_at = self._kept.get(name, (None, float("-inf")))
            if read_at < oldest:
                read_at = self._clock.monotonic()
                kept = await read()
                self._kept[name] = kept, read_at
            return cast("T", kept)
