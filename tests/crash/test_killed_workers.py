"""A worker is killed at every numbered point: the books agree, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.world.world import World, world

POINTS = [
    "run.claimed",
    "run.started",
    "poll.page_read",
    "poll.page_captured",
    "effect.before_claim",
    "effect.claimed",
    "effect.searched",
    "effect.intended",
    "effect.sent",
    "effect.concluded",
    "fields.before_call",
    "fields.sent",
    "run.before_settle",
    "run.settled",
]
DEALS = 10


def test_every_point_that_the_code_numbers_is_killed_at():
    source = Path(__file__).parents[2] / "src" / "ml_connector"
    named = {
        line.split('crash_point("')[1].split('"')[0]
        for path in source.rglob("*.py")
        for line in path.read_text().splitlines()
        if 'crash_point("' in line
    }

    assert named == set(POINTS)


@pytest.mark.parametrize("point", POINTS)
async def test_worker_killed_at_a_point_leaves_every_order_once(
    point: str, database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path) as made:
        deals = await won_deals(made, DEALS)
        first = made.start_worker(crash_at=f"{point}:4" if "poll" not in point else point)
        await died(first)
        await made.poll_now()
        made.start_worker()

        rows = await made.settled(*deals, within=60)

        assert {row.outcome for row in rows.values()} <= {"written", "unchanged"}
        await once_each(made, deals)


async def won_deals(made: World, count: int, *, customers: str = "Customer") -> list[int]:
    """Win deals of three new organizations, all found by the first poll."""
    await made.items("PUMP-40", "BOLT-8")
    pump, bolt = await made.product("PUMP-40"), await made.product("BOLT-8")
    await made.apply()
    organizations = [await made.organization(f"{customers} {n}") for n in range(3)]
    deals = [
        await made.deal(
            [
                {"product_id": pump, "quantity": 1 + n, "item_price": 19.99},
                {"product_id": bolt, "quantity": 3, "item_price": 5},
            ],
            title=f"Deal {n}",
            org_id=organizations[n % 3],
        )
        for n in range(count)
    ]
    await made.win(*deals)
    return deals


async def died(process: subprocess.Popen[bytes], within: float = 30.0) -> None:
    end = time.monotonic() + within
    while process.poll() is None:
        assert time.monotonic() < end, "the worker never came to the point"
        await asyncio.sleep(0.02)
    assert process.returncode == -signal.SIGKILL, f"the worker ended with {process.returncode}"


async def once_each(made: World, deals: list[int]) -> None:
    books = await made.books()
    assert books.orders == {f"pd-deal-{deal}": 1 for deal in deals}
    assert set(books.customers.values()) == {1}
    await made.services.directory.read()
    fields = made.services.directory.all()[0].own_fields
    for deal in (await made.control("pipedrive/records/deals"))["records"]:
        order = books.by_reference[f"pd-deal-{deal['id']}"]
        assert deal["custom_fields"][fields["order_number"]] == order["OrderNbr"]
