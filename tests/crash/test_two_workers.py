"""Two workers, and what breaks beneath them: stopped processes, the database, the queue's ear."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import psutil
from sqlalchemy import text
from tests.crash.test_killed_workers import died, once_each, won_deals
from tests.world.world import WRITE_DEADLINE, World, world

from ml_connector.sync.effects import SENDING_MARGIN


async def test_worker_stopped_past_its_lease_sends_nothing_late(database_url: str, tmp_path: Path):
    async with world(database_url, tmp_path) as made:
        deals = await won_deals(made, 10)
        sleeper = made.start_worker(crash_at="effect.intended:3:STOP")
        await stopped(sleeper.pid)
        made.start_worker()

        await made.settled(*deals, within=60)
        os.kill(sleeper.pid, signal.SIGCONT)
        await logged(made, 0, "run_fenced_off", "run_not_wanted", "run_failed")

        await once_each(made, deals)


async def test_other_work_goes_on_within_two_seconds_of_a_kill_and_the_record_within_ten(
    database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path) as made:
        other = made.start_worker()
        await logged(made, 0, "process_started")
        deals = await won_deals(made, 10)
        other.send_signal(signal.SIGSTOP)  # so that the first takes all there is
        await died(made.start_worker(crash_at="effect.sent"))
        other.send_signal(signal.SIGCONT)
        killed_at = time.monotonic()

        (later,) = deals_later = await won_deals(made, 1, customers="Later")
        won_at = time.monotonic()
        await made.poll_now()
        await made.settled(later, within=2 + (time.monotonic() - won_at))
        await made.settled(*deals, within=60)

        assert time.monotonic() < killed_at + 10 + WRITE_DEADLINE + SENDING_MARGIN.total_seconds()
        await once_each(made, deals + deals_later)


async def test_backends_that_are_killed_cost_a_reconnect_and_nothing_else(
    database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path) as made:
        deals = await won_deals(made, 20)
        made.start_worker()
        for _ in range(5):
            await progressed(made, len(deals))
            async with made.services.database.transaction() as db:
                await db.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        " AND application_name <> 'test'"
                    )
                )

        await made.settled(*deals, within=60)

        await once_each(made, deals)


async def logged(made: World, number: int, *events: str, within: float = 20.0) -> None:
    """Wait until a worker has logged one of these events."""
    end = time.monotonic() + within
    while not any(event in made.log_of(number) for event in events):
        assert time.monotonic() < end, made.log_of(number)[-2000:]
        await asyncio.sleep(0.05)


async def count_settled(made: World) -> int:
    return sum(row.state == "done" for row in await made.rows())


async def progressed(made: World, total: int, within: float = 10.0) -> None:
    """Wait until another run has ended, or all have."""
    before, end = await count_settled(made), time.monotonic() + within
    while await count_settled(made) in range(before, before + 1) and before < total:
        if time.monotonic() > end:
            return
        await asyncio.sleep(0.02)


async def stopped(pid: int, within: float = 30.0) -> None:
    """Wait until a process has stopped itself."""
    end = time.monotonic() + within
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < end, "the worker did not stop"
        await asyncio.sleep(0.02)
