"""``python -m benchmarks``: measure, print a table, and one JSON line for each figure."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog
import uvloop
from rich.console import Console

from benchmarks import billing, calls, deals, footprint, ingest, pacing, starting
from benchmarks.deployment import Server, embedded_server
from benchmarks.figures import Figure, show
from ml_connector.app.logs import never_show_variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How long to measure."""

    rounds: int
    seconds: float
    deals: int
    paced_seconds: float
    billed_deals: int


WHOLE = Size(rounds=3, seconds=2.0, deals=1000, paced_seconds=20.0, billed_deals=2000)
QUICK = Size(rounds=1, seconds=1.0, deals=300, paced_seconds=8.0, billed_deals=200)

Measure = Callable[[Server, Size], Coroutine[Any, Any, list[Figure]]]


async def _ingest(server: Server, size: Size) -> list[Figure]:
    return await ingest.measure(server, rounds=size.rounds, seconds=size.seconds)


async def _deals(server: Server, size: Size) -> list[Figure]:
    """Both from the same drains: deals a second, and calls a deal."""
    figures, last = await deals.measure(server, rounds=size.rounds, deals=size.deals)
    return [*figures, calls.figure(last)]


async def _rate(server: Server, size: Size) -> list[Figure]:
    return await pacing.measure(server, seconds=size.paced_seconds)


async def _billing(server: Server, size: Size) -> list[Figure]:
    return await billing.measure(server, deals=size.billed_deals)


async def _memory(server: Server, size: Size) -> list[Figure]:
    return await footprint.measure(server, deals=size.deals)


async def _start(_server: Server, _size: Size) -> list[Figure]:
    return await starting.measure()


MEASURES: dict[str, Measure] = {
    "ingest": _ingest,
    "deals": _deals,
    "rate": _rate,
    "billing": _billing,
    "memory": _memory,
    "start": _start,
}


async def _measured(names: list[str], size: Size, progress: Console) -> list[Figure]:
    figures: list[Figure] = []
    async with embedded_server() as server:
        for name in names:
            progress.print(f"measuring {name} ...")
            figures += await MEASURES[name](server, size)
    return figures


def main() -> int:
    """Measure what is asked for; exit 1 if an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", default=",".join(MEASURES), help=f"some of {','.join(MEASURES)}, with commas"
    )
    parser.add_argument("--quick", action="store_true", help="short, for a first look")
    chosen = parser.parse_args()
    names = [name.strip() for name in chosen.only.split(",")]
    if unknown := set(names) - set(MEASURES):
        parser.error(f"there is no measure {', '.join(sorted(unknown))}")
    never_show_variables()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    size = QUICK if chosen.quick else WHOLE
    figures = uvloop.run(_measured(names, size, Console(stderr=True)))
    show(figures, Console(width=None if sys.stdout.isatty() else 120))
    return 1 if any(figure.is_met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
