"""The database is killed, loses its sessions or its listeners, with ten deals under way."""

from __future__ import annotations

from pathlib import Path

from tests.crash import trials
from tests.crash.company import company
from tests.crash.whole import whole
from tests.world.world import world


async def test_server_killed_under_a_running_deployment_loses_nothing(tmp_path: Path):
    async with whole(tmp_path) as up:
        await trials.database_dies(up, 10, times=2)


async def test_all_sessions_killed_cost_a_reconnect_and_nothing_else(
    database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path, serves=True) as made:
        await trials.backends_die(await company(made, 10), times=5)


async def test_work_goes_on_at_once_when_the_listeners_are_cut_off(
    database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path, serves=True) as made:
        await trials.ears_are_cut(await company(made, 10), times=2)
