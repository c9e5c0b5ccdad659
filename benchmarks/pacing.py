"""How much of the permitted call rate is used, and how often the vendor has to decline.

The simulator enforces Pipedrive's 80 calls in two seconds; a backlog of won deals wants more
than that the whole time.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks.backlog import capture
from benchmarks.children import running
from benchmarks.company import seeded
from benchmarks.deployment import Server, deployed
from benchmarks.figures import Figure

AIM_OF_ONE, AIM_OF_FOUR = 0.95, 0.90
AIM_DECLINED = 1.0
WINDOW_CALLS, WINDOW_SECONDS = 80, 2.0
_SWITCHES = {"pipedrive": {"burst_limit": WINDOW_CALLS, "daily_budget": 10**9}}
_SETTLING = 4.0  # seconds until the first window has gone and the limit is learned
_DECLINED = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    share: float
    declined_per_1000: float
    calls: int
    seconds: float


async def measure(server: Server, *, seconds: float) -> list[Figure]:
    """Measure with one worker and with four, each on a deployment of its own."""
    figures = []
    for workers, aim in ((1, AIM_OF_ONE), (4, AIM_OF_FOUR)):
        used = await _with_workers(server, workers, seconds)
        name = "one worker" if workers == 1 else f"{workers} workers"
        details = {"calls": used.calls, "seconds": round(used.seconds, 1), "workers": workers}
        figures += [
            Figure(
                name=f"rate, {name}",
                value=used.share,
                unit="of the permitted",
                aim=aim,
                details={**details, "permitted": f"{WINDOW_CALLS} in {WINDOW_SECONDS:g} s"},
            ),
            Figure(
                name=f"429s, {name}",
                value=used.declined_per_1000,
                unit="per 1,000 calls",
                aim=AIM_DECLINED,
                better="lower",
                details=details,
            ),
        ]
    return figures


async def _with_workers(server: Server, workers: int, seconds: float) -> _Used:
    permitted = WINDOW_CALLS / WINDOW_SECONDS * (seconds + _SETTLING)
    async with AsyncExitStack() as stack:
        deployment = await stack.enter_async_context(deployed(server, switches=_SWITCHES))
        # Each deal takes at least one call: as many deals as calls are never worked off.
        company = await seeded(deployment.control, int(permitted * 1.2))
        children = [
            await stack.enter_async_context(
                running("service", kind="work", settings=deployment.settings)
            )
            for _ in range(workers)
        ]
        for child in children:
            await child.told()
        first = (await deployment.control.get("pipedrive/calls?summary=1"))["calls"]
        await capture(deployment, company.deals)
        await asyncio.sleep(_SETTLING + seconds)
        calls = (await deployment.control.get(f"pipedrive/calls?since={first}"))["calls"]
        for child in children:
            child.kill()  # they have work for a while yet
    return _used(calls, seconds)


def _used(calls: list[dict[str, Any]], seconds: float) -> _Used:
    """Look at the stretch after the settling, in which work was always waiting."""
    times = [(datetime.fromisoformat(call["at"]).timestamp(), call["status"]) for call in calls]
    ends = times[-1][0]
    accepted = sum(status != _DECLINED and ends - seconds < at for at, status in times)
    declined = sum(status == _DECLINED for _, status in times)
    return _Used(
        share=accepted / (WINDOW_CALLS / WINDOW_SECONDS * seconds),
        declined_per_1000=1000 * declined / len(times),
        calls=len(times),
        seconds=seconds,
    )
