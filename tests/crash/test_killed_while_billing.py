"""Workers are killed while invoices become figures on deals: every deal shows its sums."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.crash.invoices import invoiced
from tests.crash.signals import died
from tests.world.world import world

POINTS = (
    "poll.page_captured",
    "run.started:7",
    "run.before_settle:9",
    "run.settled:5",
    "fields.before_call:2",
    "fields.sent:3",
)


async def test_two_workers_killed_in_a_backlog_of_invoices_leave_every_deal_right(
    database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path) as made:
        firm = await invoiced(made, 10, invoices=25)
        await died(made.start_worker(crash_at="run.before_settle:9"))
        await died(made.start_worker(crash_at="fields.sent:3"))
        await made.poll_now()
        made.start_worker()

        await firm.all_right()

        # a write whose settlement was lost is seen to have been done, and is not done again
        assert await firm.written() == 10


@pytest.mark.prove
@pytest.mark.parametrize("point", POINTS)
async def test_worker_killed_at_a_point_leaves_every_deal_right(
    point: str, database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path) as made:
        firm = await invoiced(made, 10, invoices=25)
        await died(made.start_worker(crash_at=point))
        await made.poll_now()
        made.start_worker()

        await firm.all_right()


@pytest.mark.prove
async def test_backlog_of_many_invoices_survives_two_kills(database_url: str, tmp_path: Path):
    async with world(database_url, tmp_path) as made:
        firm = await invoiced(made, 400, invoices=1000)
        for share in (4, 2):
            worker = made.start_worker()
            await firm.done(400 // share)
            worker.kill()
            worker.wait()
        made.start_worker()

        await firm.all_right()
