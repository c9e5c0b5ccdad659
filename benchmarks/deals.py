"""Won deals end to end, beside a script that makes the same calls and remembers nothing."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

import msgspec

from benchmarks.backlog import Drain, drained
from benchmarks.children import running
from benchmarks.company import seeded
from benchmarks.deployment import Deployment, Server, deployed
from benchmarks.figures import Figure

AIM = 0.5
WARM_UP = 60  # deals; logs in, reads definitions, fills pools
# What binds here is the machine, not the vendors' limits.
UNLIMITED = {
    "pipedrive": {"burst_limit": 1_000_000, "search_limit": 1_000_000, "daily_budget": 10**9}
}
Calls = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One drain, or one run of the script."""

    drain: Drain
    calls: Calls
    """By vendor and operation."""

    @property
    def calls_per_deal(self) -> float:
        """Return vendor calls per deal."""
        return sum(sum(each.values()) for each in self.calls.values()) / self.drain.deals


async def measure(server: Server, *, rounds: int, deals: int) -> tuple[list[Figure], Measured]:
    """Measure both in turns; each round begins with empty books and an empty database."""
    ours: list[Measured] = []
    bare: list[Measured] = []
    for _ in range(rounds):
        bare.append(await _script(server, deals))
        ours.append(await _service(server, deals))
    ratios = [
        one.drain.per_second / other.drain.per_second for one, other in zip(ours, bare, strict=True)
    ]
    figure = Figure(
        name="deals",
        value=statistics.median(ratios),
        unit="of a bare script",
        aim=AIM,
        details={
            "per_second": _median(ours),
            "bare_per_second": _median(bare),
            "deals": deals,
            "calls_per_deal": round(ours[-1].calls_per_deal, 3),
            "bare_calls_per_deal": round(bare[-1].calls_per_deal, 3),
            "rounds": [round(each, 3) for each in ratios],
        },
    )
    return [figure], ours[-1]


async def _service(server: Server, deals: int) -> Measured:
    async with deployed(server, switches=UNLIMITED) as deployment:
        company = await seeded(deployment.control, WARM_UP + deals)
        async with running("service", kind="work", settings=deployment.settings) as worker:
            await worker.told()
            await drained(deployment, company.deals[:WARM_UP])
            before = await deployment.control.calls()
            drain = await drained(deployment, company.deals[WARM_UP:])
            calls = _since(before, await deployment.control.calls())
        await _check(deployment, len(company.deals), company.organizations)
        return Measured(drain=drain, calls=calls)


async def _script(server: Server, deals: int) -> Measured:
    async with deployed(server, switches=UNLIMITED) as deployment:
        company = await seeded(deployment.control, WARM_UP + deals)
        async with running(
            "bare_script",
            description=deployment.description,
            own_fields=await _own_fields(deployment),
            warm_up=company.deals[:WARM_UP],
            deals=company.deals[WARM_UP:],
        ) as script:
            await script.told()
            before = await deployment.control.calls()
            await script.say("go")
            told: Any = await script.told()
            calls = _since(before, await deployment.control.calls())
        await _check(deployment, len(company.deals), company.organizations)
        return Measured(drain=Drain(deals=deals, seconds=told["seconds"]), calls=calls)


async def _own_fields(deployment: Deployment) -> dict[str, str]:
    db = await deployment.database()
    try:
        stored: str = await db.fetchval("SELECT own_fields::text FROM installation")
    finally:
        await db.close()
    return msgspec.json.decode(stored, type=dict[str, str])


async def _check(deployment: Deployment, deals: int, organizations: int) -> None:
    """Both must have done the whole work, or the ratio says nothing."""
    for kind, expected in (("sales_order", deals), ("customer", organizations)):
        found = await deployment.control.get(f"acumatica/records/{kind}")
        if len(found["records"]) != expected:
            raise RuntimeError(f"{len(found['records'])} of kind {kind}, expected {expected}")


def _since(before: Calls, after: Calls) -> Calls:
    return {
        vendor: {
            operation: count - before.get(vendor, {}).get(operation, 0)
            for operation, count in counts.items()
            if count > before.get(vendor, {}).get(operation, 0)
        }
        for vendor, counts in after.items()
    }


def _median(measured: list[Measured]) -> float:
    return round(statistics.median(each.drain.per_second for each in measured), 1)
