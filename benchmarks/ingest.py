"""Durable ingest of webhooks, beside a handler on the same server that does nothing."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.children import running
from benchmarks.deployment import Server, deployed
from benchmarks.figures import Figure
from benchmarks.ports import free_port

AIM = 0.6
CONNECTIONS = 128
_UNLIMITED = {"pipedrive": {"rate_limits": False}}


async def measure(server: Server, *, rounds: int, seconds: float) -> list[Figure]:
    """Measure both in turns, so that what else the machine does meets both alike."""
    durability = await server.shows("fsync", "synchronous_commit", "full_page_writes")
    if set(durability.values()) != {"on"}:
        raise RuntimeError(f"the database is not durable: {durability}")
    durable: list[dict[str, Any]] = []
    nothing: list[dict[str, Any]] = []
    port = free_port()
    async with (
        deployed(server, switches=_UNLIMITED, webhooks_to=port) as deployment,
        running("noop_server") as noop,
        running("service", kind="serve", settings=deployment.settings) as service,
    ):
        await service.told()
        noop_port = (await noop.told())["port"]
        sent = 0
        for _ in range(-1, rounds):
            nothing.append(await _round(noop_port, deployment.webhook, sent, seconds))
            durable.append(await _round(port, deployment.webhook, sent, seconds))
            sent += durable[-1]["answered"]
        db = await deployment.database()
        try:
            stored = await db.fetchval("SELECT count(*) FROM webhook_inbox")
            wanted = await db.fetchval("SELECT count(*) FROM backlog WHERE flow <> 'poll'")
        finally:
            await db.close()
    if not sent == stored == wanted or any(each["refused"] for each in durable):
        raise RuntimeError(f"{sent} answered, {stored} stored, {wanted} taken up: {durable}")
    return [_figure(durable[1:], nothing[1:])]  # the first round of both warms up


def _figure(durable: list[dict[str, Any]], nothing: list[dict[str, Any]]) -> Figure:
    ratios = [
        ours["per_second"] / theirs["per_second"]
        for ours, theirs in zip(durable, nothing, strict=True)
    ]
    return Figure(
        name="ingest",
        value=statistics.median(ratios),
        unit="of a no-op handler",
        aim=AIM,
        details={
            "per_second": _median(durable, "per_second"),
            "p50_ms": _median(durable, "p50_ms"),
            "p99_ms": _median(durable, "p99_ms"),
            "noop_per_second": _median(nothing, "per_second"),
            "noop_p99_ms": _median(nothing, "p99_ms"),
            "connections": CONNECTIONS,
            "rounds": [round(each, 3) for each in ratios],
        },
    )


async def _round(port: int, webhook: Any, first: int, seconds: float) -> dict[str, Any]:
    async with running(
        "load_generator",
        port=port,
        first=first,
        seconds=seconds,
        connections=CONNECTIONS,
        **webhook,
    ) as load:
        told: dict[str, Any] = await load.told(within=seconds + 60)
        return told


def _median(rounds: list[dict[str, Any]], name: str) -> float:
    return round(float(statistics.median(each[name] for each in rounds)), 2)
