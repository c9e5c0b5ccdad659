"""A worker is killed while orders are held, released, cancelled and reopened: each moves once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.crash import trials
from tests.crash.company import Company, company
from tests.crash.signals import died
from tests.world.world import World, world

DEALS = 3
PATIENCE = 60.0  # seconds until every order must stand as its deal says
SETTINGS: dict[str, Any] = {
    "order_states": {"by_status": {"won": "open", "open": "hold", "lost": "cancelled"}}
}


@dataclass(frozen=True)
class Move:
    """What people do to every deal, and what becomes of their orders."""

    before: tuple[str, ...]
    """What was done to the deals until then."""
    action: str
    status: str
    writes: frozenset[str]
    """What is asked of Acumatica for each order, once."""


HOLD, CANCEL, REOPEN = "PUT SalesOrder", "CancelSalesOrder", "ReopenSalesOrder"
MOVES = {
    "held": Move((), "reopen_deal", "On Hold", frozenset({HOLD})),
    "released": Move(("reopen_deal",), "win_deal", "Open", frozenset({HOLD})),
    "cancelled": Move((), "lose_deal", "Canceled", frozenset({CANCEL})),
    "reopened": Move(("lose_deal",), "reopen_deal", "On Hold", frozenset({REOPEN, HOLD})),
}
UNTIL_THEN = {"reopen_deal": "On Hold", "lose_deal": "Canceled"}
KILLS = [
    (name, point)
    for name, move in MOVES.items()
    for point in trials.POINTS
    if not point.startswith("poll.")
    and not (point.startswith("fields.") and HOLD not in move.writes)
    and not (point.startswith("effect.") and move.writes == {HOLD})
]
IN_SHORT = {("held", "fields.sent"), ("cancelled", "effect.sent"), ("reopened", "effect.intended")}
"""Those of every `make test`; `make prove` goes through them all."""


def _at(name: str, point: str) -> object:
    marks = () if (name, point) in IN_SHORT else (pytest.mark.prove,)
    return pytest.param(name, point, marks=marks, id=f"{name}-{point}")


@pytest.mark.parametrize(("name", "point"), [_at(*kill) for kill in KILLS])
async def test_worker_killed_at_a_point_leaves_every_order_moved_once(
    name: str, point: str, database_url: str, tmp_path: Path
):
    move = MOVES[name]
    async with world(database_url, tmp_path, acumatica={"action_polls": 0}) as made:
        firm = await company(made, DEALS)
        await made.apply(settings=SETTINGS)
        await firm.win()
        worker = made.start_worker()
        await all_are(made, "Open")
        for action in move.before:
            await turn(firm, action)
            await all_are(made, UNTIL_THEN[action])
        await nothing_is_left(made)
        worker.kill()
        worker.wait()
        last = (await made.calls("acumatica"))[-1]["number"]

        await turn(firm, move.action)
        await died(made.start_worker(crash_at=f"{point}:2"))
        made.start_worker()
        await made.poll_now()
        await all_are(made, move.status)
        await nothing_is_left(made)

        assert await moved(made, since=last) == dict.fromkeys(move.writes, DEALS)


async def turn(firm: Company, action: str) -> None:
    """Do the same to every deal."""
    await firm.world.control("clock", {"advance_seconds": 5})
    for number in sorted(firm.deals):
        await firm.world.play("pipedrive", action, id=number)
    await firm.world.poll_now()


async def all_are(made: World, status: str) -> None:
    """Wait until every deal has one order, and it is so."""
    end = time.monotonic() + PATIENCE
    while (found := await statuses(made)) != [status] * DEALS:
        assert time.monotonic() < end, (found, [row.reason for row in await made.rows()])
        await asyncio.sleep(0.05)


async def nothing_is_left(made: World) -> None:
    """Wait until no run goes on: what a killed worker left is settled by another."""
    rows = await made.settled(within=PATIENCE)
    assert {row.state for row in rows.values()} == {"done"}, [row.reason for row in rows.values()]


async def statuses(made: World) -> list[str]:
    orders = (await made.control("acumatica/records/sales_order"))["records"]
    return [order["Status"] for order in orders]


async def moved(made: World, *, since: int) -> dict[str, int]:
    """Count what Acumatica was asked to write."""
    calls = await made.calls("acumatica", since=since)
    asked = [f"{call['operation']}" for call in calls if call["method"] in {"PUT", "POST"}]
    names = (HOLD, CANCEL, REOPEN)
    return dict(Counter(name for each in asked for name in names if name in each))
