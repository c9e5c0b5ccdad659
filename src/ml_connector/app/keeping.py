"""Housekeeping: what has aged leaves, and the coming months' partitions are made.

Each chore is done by one process at a time, in short transactions of its own, so that a round
which is cut short loses nothing and one chore's failure does not keep the others from being done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.partitions import partitioned_tables
from ml_connector.app.settings import DeploymentSettings
from ml_connector.core.clock import Clock
from ml_connector.storage import partitions
from ml_connector.storage.database import Database, is_database_away, sqlstate_of

log = structlog.get_logger()

EVERY = timedelta(hours=1)
QUEUE_LOG_FOR = timedelta(hours=1)  # nobody reads it; the story of a run is in the trail
DELIVERY_KEYS_FOR = timedelta(days=14)  # no vendor repeats a delivery after so long
ENDED_NOTICES_FOR = timedelta(days=30)
BODIES = ("run_input", "vendor_call", "webhook_inbox")
"""What was received and sent, with people's data in it: kept for less long than the trail."""
_ROWS_AT_ONCE = 10_000
_MEGABYTE = 1024 * 1024
_LOCK_NOT_AVAILABLE = "55P03"

_OURS = text("SELECT pg_try_advisory_xact_lock(hashtextextended('keeping ' || :chore, 0))")

Work = Callable[[AsyncConnection, datetime], Awaitable[int]]
"""Do one short piece at this business time; return how many rows or partitions went."""


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing to keep in order; repeated while it finds as many rows as it takes at once."""

    name: str
    work: Work


class Keeping:
    """One process's share in the housekeeping."""

    def __init__(self, database: Database, clock: Clock, settings: DeploymentSettings) -> None:
        self._database = database
        self._clock = clock
        self._new_months = tuple(_new_months())
        self._chores = (*self._new_months, *_chores(settings))

    async def prepare(self) -> None:
        """Make the coming months' partitions before the first rows come.

        What cannot be done now is left to `keep`: until then DEFAULT takes the rows, so that a
        process that stands still with a lock in its hand keeps no other from starting.
        """
        try:
            await self._each_of(self._new_months)
        except Exception as exc:
            if not is_database_away(exc):
                raise
            log.info("keeping_postponed", chore="new months", reason=str(exc))

    async def keep_going(self) -> None:
        """Do a round now and every hour, until cancelled."""
        while True:
            await self.keep()
            await asyncio.sleep(EVERY.total_seconds())

    async def keep(self) -> None:
        """Do every chore that no other process is at; a failure is logged and left to the next.

        Raises what says that the database is away.
        """
        await self._each_of(self._chores)

    async def _each_of(self, chores: Iterable[Chore]) -> None:
        for chore in chores:
            try:
                gone = await self._do(chore)
            except Exception as exc:
                if is_database_away(exc):
                    raise
                if sqlstate_of(exc) == _LOCK_NOT_AVAILABLE:  # rather than hold inserts up
                    log.info("keeping_postponed", chore=chore.name)
                else:
                    log.exception("keeping_failed", chore=chore.name)
            else:
                if gone:
                    log.info("kept_in_order", chore=chore.name, gone=gone)

    async def _do(self, chore: Chore) -> int:
        gone = 0
        while True:
            piece = await self._database.run(partial(self._alone, chore=chore))
            gone += piece
            if piece < _ROWS_AT_ONCE:
                return gone

    async def _alone(self, db: AsyncConnection, *, chore: Chore) -> int:
        if not (await db.execute(_OURS, {"chore": chore.name})).scalar_one():
            return 0
        return await chore.work(db, self._clock.now())


def _new_months() -> Iterator[Chore]:
    for table in partitioned_tables():
        yield Chore(f"new months of {table.name}", partial(_make_months, table))


def _chores(settings: DeploymentSettings) -> Iterator[Chore]:
    for table in partitioned_tables():
        is_body = table.name in BODIES
        days = settings.keep_bodies_days if is_body else settings.keep_trail_days
        yield Chore(f"old {table.name}", partial(_drop_months, table, timedelta(days=days)))
    if settings.keep_bodies_megabytes is not None:
        yield Chore("too many bodies", partial(_shrink, settings.keep_bodies_megabytes * _MEGABYTE))
    trail_for = timedelta(days=settings.keep_trail_days)
    # PgQueuer stamps its rows with the database's clock, which no sandbox moves.
    yield Chore("queue log", partial(_delete, _QUEUE_LOG, QUEUE_LOG_FOR))
    yield Chore("queue statistics", partial(_delete, _QUEUE_STATISTICS, QUEUE_LOG_FOR))
    yield Chore("delivery keys", partial(_delete, _DELIVERY_KEYS, DELIVERY_KEYS_FOR))
    yield Chore("ended notifications", partial(_delete, _ENDED_NOTICES, ENDED_NOTICES_FOR))
    yield Chore("old notifications", partial(_delete, _OLD_NOTICES, trail_for))
    yield Chore("unfinished consents", partial(_delete, _CONSENTS, timedelta()))
    yield Chore("call counts", partial(_delete, _CALL_COUNTS, trail_for))


async def _make_months(table: Table, db: AsyncConnection, now: datetime) -> int:
    await partitions.ensure(db, table, now=now)
    return 0


async def _drop_months(table: Table, age: timedelta, db: AsyncConnection, now: datetime) -> int:
    return len(await partitions.drop_before(db, table, now - age))


async def _shrink(largest_bytes: int, db: AsyncConnection, now: datetime) -> int:
    tables = [table for table in partitioned_tables() if table.name in BODIES]
    shrunk = await partitions.drop_until_smaller(db, tables, largest_bytes=largest_bytes, now=now)
    if shrunk.bytes_left > largest_bytes:
        log.warning("bodies_stay_large", bytes=shrunk.bytes_left, wanted=largest_bytes)
    return len(shrunk.dropped)


async def _delete(statement: str, age: timedelta, db: AsyncConnection, now: datetime) -> int:
    values = {"now": now, "age": age, "most": _ROWS_AT_ONCE}
    named = {name: value for name, value in values.items() if f":{name}" in statement}
    return (await db.execute(text(statement), named)).rowcount


def _aged(table: str, condition: str) -> str:
    return (
        f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608 - names of our own tables
        f"SELECT ctid FROM {table} WHERE {condition} LIMIT :most))"
    )


_QUEUE_LOG = _aged("run_queue_log", "created < clock_timestamp() - CAST(:age AS interval)")
_QUEUE_STATISTICS = _aged(
    "run_queue_statistics", "created < clock_timestamp() - CAST(:age AS interval)"
)
_BEFORE = "< CAST(:now AS timestamptz) - CAST(:age AS interval)"
_DELIVERY_KEYS = _aged("webhook_delivery", f"received_at {_BEFORE}")
_ENDED_NOTICES = _aged("notification", f"resolved_at {_BEFORE}")
_OLD_NOTICES = _aged("notification", f"last_at {_BEFORE}")
_CONSENTS = _aged("consent", f"expires_at {_BEFORE}")
_CALL_COUNTS = _aged("call_count", f"on_day {_BEFORE}")
