from __future__ import annotations

from collections import Counter
from typing import Any

import aiohttp

from vendor_simulators.kit import Sandbox, SimClock


async def faults_of(seed: int) -> tuple[list[str | None], Counter[str]]:
    """Make the same calls under a storm and return which fault hit which call."""
    async with (
        Sandbox.start(vendors=["acumatica"], seed=seed, clock=SimClock(speed=200)) as sandbox,
        aiohttp.ClientSession(sandbox.urls["acumatica"]) as http,
    ):
        http._retry_connection = False
        simulator = sandbox.simulators["acumatica"]
        simulator.faults.start_storm("hurricane")
        for number in range(120):
            method = "PUT" if number % 3 else "GET"
            await _call(http, method)
        calls: list[dict[str, Any]] = simulator.journal.calls()
        return [call["fault"] for call in calls], simulator.faults.injected


async def _call(http: aiohttp.ClientSession, method: str) -> None:
    try:
        async with http.request(method, "/entity/Default/24.200.001/Customer", json={}) as answer:
            await answer.read()
    except aiohttp.ClientError:
        return  # the connection was cut: that is what a storm does


async def test_a_seed_repeats_a_storm_and_another_makes_another():
    first, second, other = [await faults_of(seed) for seed in (3, 3, 4)]

    assert first[0] == second[0]
    assert first[0] != other[0]
    assert {"throttle", "status", "cut_after"} <= set(first[1])
