"""The long form: 200 deals and two workers, through everything that a deployment goes through."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from tests.crash import journal, trials
from tests.crash.company import company
from tests.crash.signals import died, logged, stopped
from tests.crash.whole import whole
from tests.world.world import WRITE_DEADLINE, world

from ml_connector.sync.effects import SENDING_MARGIN

pytestmark = pytest.mark.prove

DEALS = 200
RECORD_AGAIN_WITHIN = timedelta(seconds=10)
OTHERS_WITHIN = timedelta(seconds=2)
SENT_BEFORE = timedelta(seconds=WRITE_DEADLINE) + SENDING_MARGIN
FENCED_OFF = ("run_fenced_off", "run_not_wanted", "run_failed")


@pytest.mark.parametrize("nth", [1, 60])
@pytest.mark.parametrize(
    "point", [point for point in trials.POINTS if not point.startswith("poll")]
)
async def test_worker_killed_beside_another_one_leaves_every_order_once_and_soon(
    point: str, nth: int, database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path, serves=True) as made:
        firm = await company(made, DEALS)
        await journal.keep_journal(made)
        dying = made.start_worker(crash_at=f"{point}:{nth}")
        made.start_worker()
        await logged(made, 1, "process_started")
        await firm.win()
        await died(dying, within=trials.PATIENCE)
        killed_at = await journal.now(made)
        made.start_worker()

        await trials.all_right(firm)

        after = await journal.aftermath(made, killed_at)
        assert after.begun_again_within <= RECORD_AGAIN_WITHIN
        assert after.first_ended_within <= RECORD_AGAIN_WITHIN + SENT_BEFORE
        assert after.went_on_within <= OTHERS_WITHIN
        assert await journal.overlaps(made) == []


@pytest.mark.parametrize("point", ["poll.page_read", "poll.page_captured"])
async def test_worker_killed_while_it_polls_leaves_no_gap(
    point: str, database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path) as made:
        firm = await company(made, DEALS)
        await firm.win()
        await died(made.start_worker(crash_at=point), within=trials.PATIENCE)
        made.start_worker()
        made.start_worker()
        await made.poll_now()

        await trials.all_right(firm)

        assert await journal.overlaps(made) == []


@pytest.mark.parametrize(
    "point",
    [
        "run.started",
        "effect.claimed",
        "effect.intended",
        "effect.sent",
        "effect.concluded",
        "fields.before_call",
        "fields.sent",
        "run.before_settle",
    ],
)
async def test_worker_stopped_past_its_lease_does_nothing_when_it_goes_on(
    point: str, database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path) as made:
        firm = await company(made, DEALS)
        await firm.win()
        sleeper = made.start_worker(crash_at=f"{point}:30:STOP")
        made.start_worker()
        await stopped(sleeper.pid, within=trials.PATIENCE)

        await trials.all_right(firm)
        os.kill(sleeper.pid, signal.SIGCONT)
        await logged(made, 0, *FENCED_OFF)

        await trials.all_right(firm)


@pytest.mark.parametrize("dies_whole", [False, True], ids=["the server", "everything"])
async def test_database_killed_again_and_again_loses_nothing(dies_whole: bool, tmp_path: Path):
    async with whole(tmp_path) as up:
        await trials.database_dies(up, DEALS, times=6, dies_whole=dies_whole)


async def test_sessions_killed_again_and_again_cost_reconnects_only(
    database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path, serves=True) as made:
        await trials.backends_die(await company(made, DEALS), times=20)


async def test_sessions_killed_all_the_time_end_no_process(database_url: str, tmp_path: Path):
    async with world(database_url, tmp_path, serves=True) as made:
        await trials.backends_die_all_the_time(await company(made, DEALS), seconds=15)


async def test_listeners_cut_off_again_and_again_delay_nothing(database_url: str, tmp_path: Path):
    async with world(database_url, tmp_path, serves=True) as made:
        await trials.ears_are_cut(await company(made, DEALS), times=10)


@pytest.mark.parametrize("minutes", [10, -10])
async def test_worker_with_a_wrong_clock_does_no_harm(
    minutes: int, database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path, serves=True) as made:
        await trials.clock_is_wrong(await company(made, DEALS), by=timedelta(minutes=minutes))


async def test_backup_that_is_restored_leads_to_no_second_order(database_url: str, tmp_path: Path):
    async with world(database_url, tmp_path, serves=True) as made:
        await trials.backup_is_restored(await company(made, DEALS))
