"""Resident memory of the service: idle, and while it works off a backlog."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from benchmarks.backlog import drained
from benchmarks.children import Child, running
from benchmarks.company import seeded
from benchmarks.deals import UNLIMITED
from benchmarks.deployment import Server, deployed
from benchmarks.figures import Figure
from benchmarks.ports import free_port

_MIB = 1024 * 1024
_IDLE_AFTER = 3.0  # seconds; every loop has gone round by then
_LOOK_EVERY = 0.1  # seconds


async def measure(server: Server, *, deals: int) -> list[Figure]:
    """Measure a process with web server and worker, as `up` runs them; its database is another."""
    port = free_port()
    async with deployed(server, switches=UNLIMITED, webhooks_to=port) as deployment:
        company = await seeded(deployment.control, deals)
        async with running("service", kind="up", settings=deployment.settings) as service:
            await service.told()
            await asyncio.sleep(_IDLE_AFTER)
            idle = _resident(service)
            async with _watched(service) as peak:
                drain = await drained(deployment, company.deals)
            after = _resident(service)
    details = {"peak_mib": round(peak.mib, 1), "idle_mib": round(idle, 1)}
    return [
        Figure(name="memory, idle", value=idle, unit="MiB", better="lower"),
        Figure(
            name="memory, loaded",
            value=peak.mib,
            unit="MiB",
            better="lower",
            details={
                **details,
                "times_idle": round(peak.mib / idle, 2),
                "after_mib": round(after, 1),
                "deals": deals,
                "per_second": round(drain.per_second, 1),
            },
        ),
    ]


@dataclass(slots=True)
class _Peak:
    mib: float = 0.0


@asynccontextmanager
async def _watched(child: Child) -> AsyncIterator[_Peak]:
    peak = _Peak()

    async def watch() -> None:
        while True:
            peak.mib = max(peak.mib, _resident(child))
            await asyncio.sleep(_LOOK_EVERY)

    watching = asyncio.create_task(watch())
    try:
        yield peak
    finally:
        watching.cancel()


def _resident(child: Child) -> float:
    return float(psutil.Process(child.pid).memory_info().rss) / _MIB
