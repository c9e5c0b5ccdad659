"""Waiting for a fact, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_DEADLINE = 20.0  # seconds; a fact that takes longer is a failure


async def until(is_so: Callable[[], bool], *, within: float = _DEADLINE) -> None:
    """Return as soon as ``is_so()``; fail when it is not after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, f"not so within {within} seconds"
        await asyncio.sleep(0.01)
