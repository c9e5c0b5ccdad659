"""What happens to processes in these tests, and waiting for what they do about it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from pathlib import Path

import psutil
from tests.world.world import World

_LOOK_EVERY = 0.02  # seconds


def numbered_points() -> set[str]:
    """Return every point that the code numbers."""
    source = Path(__file__).parents[2] / "src" / "ml_connector"
    return {
        line.split('crash_point("')[1].split('"')[0]
        for path in source.rglob("*.py")
        for line in path.read_text().splitlines()
        if 'crash_point("' in line
    }


async def died(process: subprocess.Popen[bytes], within: float = 30.0) -> None:
    """Wait until a process has killed itself."""
    end = time.monotonic() + within
    while process.poll() is None:
        assert time.monotonic() < end, "the worker never came to the point"
        await asyncio.sleep(_LOOK_EVERY)
    assert process.returncode == -signal.SIGKILL, f"the worker ended with {process.returncode}"


async def stopped(pid: int, within: float = 30.0) -> None:
    """Wait until a process has stopped itself."""
    end = time.monotonic() + within
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < end, "the worker did not stop"
        await asyncio.sleep(_LOOK_EVERY)


async def logged(made: World, number: int, *events: str, within: float = 30.0) -> None:
    """Wait until a worker has logged one of these events."""
    end = time.monotonic() + within
    while not any(event in made.log_of(number) for event in events):
        assert time.monotonic() < end, made.log_of(number)[-2000:]
        await asyncio.sleep(_LOOK_EVERY)


async def working(made: World) -> None:
    """Wait until every worker that was started works."""
    for number in range(len(made.workers)):
        await logged(made, number, "process_started")
