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
    """Answers by name, each at most 15 minutes old."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
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
        oldest = asked_at if fresh else asked_at - KEPT_FOR.total_seconds()
        if self._read_at(name) < oldest:
            async with self._reading.setdefault(name, asyncio.Lock()):
                if self._read_at(name) < oldest:
                    read_at = self._clock.monotonic()
                    self._kept[name] = await read(), read_at
        return cast("T", self._kept[name][0])

    def known(self, name: Hashable) -> object | None:
        """Return what is kept under ``name``, however old; None where nothing is."""
        return self._kept.get(name, (None,))[0]

    def forget(self, name: Hashable) -> None:
        """Read ``name`` anew when it is asked for next: it has just been changed."""
        self._kept.pop(name, None)

    def _read_at(self, name: Hashable) -> float:
        return self._kept[name][1] if name in self._kept else float("-inf")
