"""A worker is killed at every numbered point: the books agree, nothing is lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.crash import trials
from tests.crash.company import company
from tests.crash.signals import died, numbered_points
from tests.world.world import world

DEALS = 10


def test_every_point_that_the_code_numbers_is_killed_at():
    assert numbered_points() == set(trials.POINTS)


@pytest.mark.parametrize("point", trials.POINTS)
async def test_worker_killed_at_a_point_leaves_every_order_once(
    point: str, database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path) as made:
        firm = await company(made, DEALS)
        await firm.win()
        first = made.start_worker(crash_at=point if point.startswith("poll") else f"{point}:4")
        await died(first)
        await made.poll_now()
        made.start_worker()

        await trials.all_right(firm)
