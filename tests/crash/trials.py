"""What a deployment goes through, for few deals in `make test` and for many in `make prove`."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from sqlalchemy import text
from tests.crash.backups import back_up, restore
from tests.crash.company import Company, Comparison, company
from tests.crash.signals import logged, working
from tests.crash.whole import Whole
from tests.world.world import World, world

POINTS = (
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
)
"""Every place between reading a record and settling its run that the code numbers."""
_LISTENERS = "query ILIKE 'LISTEN %'"
_EVERYBODY = "application_name <> 'test'"
PATIENCE = 120.0  # seconds until everything must have settled


async def settled_many(made: World, count: int, *, within: float = PATIENCE) -> None:
    """Wait until at least so many deals have their order."""
    end = time.monotonic() + within
    while sum(row.outcome in {"written", "unchanged"} for row in await made.rows()) < count:
        assert time.monotonic() < end, f"fewer than {count} deals are done"
        await asyncio.sleep(0.02)


async def all_right(firm: Company) -> None:
    """Wait until nothing is left to do and nothing is lost, doubled or wrong.

    A deal that was seen before it was won is settled until the news of its win arrives.
    """
    end = time.monotonic() + PATIENCE
    while True:
        rows = await firm.world.settled(*sorted(firm.won), within=end - time.monotonic())
        comparison = await firm.compare()
        if comparison == Comparison():
            break
        assert time.monotonic() < end, comparison
        assert not comparison.doubled, comparison
        await asyncio.sleep(0.2)
    waiting = [row.reason for row in rows.values() if row.state != "done"]
    assert not waiting, waiting


async def terminate(made: World, *, which: str) -> int:
    """End the sessions of this database that fit, other than the test's own; return how many."""
    async with made.services.database.transaction() as db:
        found = await db.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608 - one of the two above
                f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
            )
        )
        return len(found.all())


async def backends_die(firm: Company, *, times: int) -> None:
    """Two workers lose all their sessions again and again."""
    made = firm.world
    made.start_worker()
    made.start_worker()
    await working(made)
    await firm.win()
    for part in range(times):
        await settled_many(made, len(firm.won) * part // times)
        await terminate(made, which=_EVERYBODY)

    await all_right(firm)


async def ears_are_cut(firm: Company, *, times: int) -> None:
    """Two workers lose the connections by which they are told of work."""
    made = firm.world
    made.start_worker()
    made.start_worker()
    await working(made)
    first, *rest = sorted(firm.deals)
    await firm.win(rest)
    for part in range(times):
        await settled_many(made, len(rest) * part // times)
        assert await terminate(made, which=_LISTENERS)
    await made.settled(*rest, within=PATIENCE)
    await terminate(made, which=_LISTENERS)

    await firm.win([first])
    await made.settled(first, within=2)

    await logged(made, 0, "run_queue_lost")
    await all_right(firm)


async def database_dies(whole: Whole, count: int, *, times: int, dies_whole: bool = False) -> None:
    """The server of `up` is killed while it and a second worker work; or all of `up` is."""
    url = await whole.start()
    async with world(
        url, whole.folder, master_keys=whole.master_keys, public_url=whole.public_url
    ) as made:
        firm = await company(made, count)
        made.start_worker()
        await working(made)
        await firm.win()
        for part in range(times):
            await settled_many(made, 1 + count * part // times)
            if dies_whole:
                whole.kill()
                assert await whole.start() != ""
            else:
                await whole.kill_database()
        await made.rows()  # the server recovers before it answers
        await made.poll_now()

        await all_right(firm)


async def clock_is_wrong(firm: Company, *, by: timedelta) -> None:
    """One of two workers goes by a wrong clock, and is killed half-way."""
    made = firm.world
    offset = str(by.total_seconds())
    wrong = made.start_worker(ML_CONNECTOR_CLOCK_OFFSET_SECONDS=offset)
    await working(made)
    half = sorted(firm.deals)[::2]
    await firm.win(half)
    await settled_many(made, len(half) // 2)
    made.start_worker()
    await working(made)
    await firm.win()
    await settled_many(made, len(half))
    wrong.kill()

    await all_right(firm)

    assert "machine_clock_corrected" in made.log_of(0)


async def backup_is_restored(firm: Company) -> None:
    """The database goes back to a backup from the midst of the work; two workers are killed."""
    made = firm.world
    made.start_worker()
    made.start_worker()
    await working(made)
    numbers = sorted(firm.deals)
    early, late = numbers[: len(numbers) * 3 // 4], numbers[len(numbers) * 3 // 4 :]
    await firm.win(early)
    await settled_many(made, len(early) // 3)
    backup = await back_up(made)
    await firm.win(late)
    await settled_many(made, len(numbers) * 2 // 3)
    for worker in made.workers:
        worker.kill()
        worker.wait()

    restored = await restore(made, backup)
    made.start_worker()
    made.start_worker()

    assert restored.polls > 0
    await all_right(firm)


async def backends_die_all_the_time(firm: Company, *, seconds: float) -> None:
    """Two workers lose all their sessions while they start, again and again."""
    made = firm.world
    workers = [made.start_worker(), made.start_worker()]
    await working(made)
    await firm.win()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await terminate(made, which=_EVERYBODY)
        await asyncio.sleep(0.01)

    await all_right(firm)

    assert [worker.poll() for worker in workers] == [None, None]
