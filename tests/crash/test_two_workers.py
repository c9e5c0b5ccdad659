"""Two workers, one of which is stopped past its lease, or killed while the other is idle."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.crash import trials
from tests.crash.company import company
from tests.crash.signals import died, logged, stopped
from tests.world.world import WRITE_DEADLINE, world

from ml_connector.sync.effects import SENDING_MARGIN

FENCED_OFF = ("run_fenced_off", "run_not_wanted", "run_failed")


async def test_worker_stopped_past_its_lease_sends_nothing_late(database_url: str, tmp_path: Path):
    async with world(database_url, tmp_path) as made:
        firm = await company(made, 10)
        await firm.win()
        sleeper = made.start_worker(crash_at="effect.intended:3:STOP")
        await stopped(sleeper.pid)
        made.start_worker()

        await trials.all_right(firm)
        os.kill(sleeper.pid, signal.SIGCONT)
        await logged(made, 0, *FENCED_OFF)

        await trials.all_right(firm)


async def test_other_work_goes_on_within_two_seconds_of_a_kill_and_the_record_within_ten(
    database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path) as made:
        firm = await company(made, 11)
        later, *first = sorted(firm.deals)
        other = made.start_worker()
        await logged(made, 0, "process_started")
        await firm.win(first)
        other.send_signal(signal.SIGSTOP)  # so that the first takes all there is
        await died(made.start_worker(crash_at="effect.sent"))
        other.send_signal(signal.SIGCONT)
        killed_at = time.monotonic()

        await firm.win([later])
        won_at = time.monotonic()
        await made.poll_now()
        await made.settled(later, within=2 + (time.monotonic() - won_at))
        await trials.all_right(firm)

        assert time.monotonic() < killed_at + 10 + WRITE_DEADLINE + SENDING_MARGIN.total_seconds()
