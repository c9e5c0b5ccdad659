"""The run queue: hands ready runs to workers, and nothing else.

PgQueuer claims, heartbeats and takes over the jobs of a dead worker. Delay, retry, hold,
dead letter and schedule live in the backlog (`sync/backlog.py`), so that there is one place
to look. A job's payload is its backlog row and run number.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import structlog
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.core.qm import QueueManager
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.domain.errors import FailingListenerError
from pgqueuer.domain.settings import DBSettings
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import Channel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.core.backoff import next_delay
from ml_connector.jobs import lifelines
from ml_connector.storage.urls import connection_arguments

log = structlog.get_logger()

# Named here and not read from the environment: every process must see the same tables.
TABLES = DBSettings(
    prefix="",
    db_schema=None,
    channel=Channel("ml_run_queue"),
    function="fn_run_queue_changed",
    statistics_table="run_queue_statistics",
    queue_status_type="run_queue_status",
    queue_table="run_queue",
    queue_table_log="run_queue_log",
    trigger="tg_run_queue_changed",
    schedules_table="run_queue_schedules",
)

DEQUEUE_TIMEOUT = timedelta(seconds=1)
HEARTBEAT_TIMEOUT = timedelta(seconds=3)  # a vanished worker's job is taken over within 3.4 s
_BATCH = 100  # jobs claimed at once: a wave of the feeder, and a batch of a vendor's reads
_RESTART_CEILING = timedelta(seconds=10)
_PAYLOAD = struct.Struct(">qq")
# what the loss of the database looks like
# asyncpg calls it an internal error when a connection is used whose end has just been told.
_LOST = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    FailingListenerError,
)

_DEPTH = text("SELECT status::text AS status, count(*) AS runs FROM run_queue GROUP BY status")

Handler = Callable[[int, int], Awaitable[None]]
"""Carry out run ``(backlog_id, run_no)``; settles it itself and does not raise."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """One run to hand over."""

    entrypoint: str
    backlog_id: int
    run_no: int
    lane: int


def _queries(driver: AsyncpgDriver | AsyncpgPoolDriver) -> Queries:
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(TABLES),
        qbq=QueryQueueBuilder(TABLES),
        qbs=QuerySchedulerBuilder(TABLES),
    )


def install_statement() -> str:
    """Return the DDL of PgQueuer's tables, for the migration that brings them in."""
    statement: str = QueryBuilderEnvironment(TABLES).build_install_query()
    return statement


async def hand_over(db: AsyncConnection, jobs: Sequence[RunJob]) -> None:
    """Enqueue runs inside the transaction of ``db``. A run that is queued already stays once."""
    if not jobs:
        return
    # The transaction must have begun on the raw connection too, or each insert commits alone.
    raw = await db.get_raw_connection()
    if raw.driver_connection is None:
        raise RuntimeError("the transaction has lost its connection")
    queries = _queries(AsyncpgDriver(raw.driver_connection))
    await queries.enqueue(
        [job.entrypoint for job in jobs],
        [_PAYLOAD.pack(job.backlog_id, job.run_no) for job in jobs],
        [-job.lane for job in jobs],
        dedupe_key=[f"{job.backlog_id}:{job.run_no}" for job in jobs],
        on_conflict="skip",
    )


async def forget_all(db: AsyncConnection) -> None:
    """Empty the queue: whoever calls this hands over anew what is still wanted."""
    await db.execute(text("DELETE FROM run_queue"))


@dataclass(frozen=True, slots=True)
class Depth:
    """How many runs stand in the queue."""

    queued: int
    """Handed over and not claimed yet."""
    claimed: int


async def depth(db: AsyncConnection) -> Depth:
    """Return how full the queue is."""
    rows = await db.execute(_DEPTH)
    counts = {row.status: row.runs for row in rows}
    return Depth(queued=counts.get("queued", 0), claimed=counts.get("picked", 0))


class Hands:
    """Takes runs from the queue and carries them out, until stopped."""

    def __init__(
        self,
        database_url: str,
        handlers: Mapping[str, Handler],
        *,
        concurrency: int,
        rng: random.Random,
    ) -> None:
        self._database_url = database_url
        self._handlers = dict(handlers)
        # PgQueuer counts a job until its end is written, which it does a batch at a time.
        self._concurrency = max(concurrency, _BATCH) + _BATCH
        self._rng = rng
        self._manager: QueueManager | None = None
        self._is_stopping = False

    async def work(self) -> None:
        """Claim and carry out runs; come back by itself when the database went away."""
        failures = 0
        while not self._is_stopping:
            try:
                await self._work_until_it_ends()
                failures = 0
            except (*_LOST, ExceptionGroup) as exc:
                if isinstance(exc, ExceptionGroup) and exc.split(_LOST)[1] is not None:
                    raise
                # PgQueuer ends when its LISTEN connection is lost; a new manager listens again.
                log.warning("run_queue_lost", error=repr(exc), failures=failures)
            if self._is_stopping:
                return
            await asyncio.sleep(self._restart_delay(failures).total_seconds())
            failures += 1

    def stop(self) -> None:
        """Claim nothing more; `work` returns when what is under way has ended."""
        self._is_stopping = True
        if self._manager is not None:
            self._manager.shutdown.set()

    def _restart_delay(self, failures: int) -> timedelta:
        return next_delay(
            failures,
            floor=timedelta(milliseconds=50),
            rng=self._rng,
            first=timedelta(milliseconds=200),
            highest=_RESTART_CEILING,
        )

    async def _work_until_it_ends(self) -> None:
        async with asyncpg.create_pool(
            **connection_arguments(self._database_url), min_size=3, max_size=5
        ) as pool:
            driver = AsyncpgPoolDriver(pool)
            manager = QueueManager(_queries(driver), channel=TABLES.channel)
            for name, handler in self._handlers.items():
                manager.entrypoint(name, accepts_context=False)(_entrypoint(handler))
            self._manager = manager
            if self._is_stopping:
                return
            # PgQueuer probes its listener while it sets it up; a probe that comes first is never
            # heard, and the manager ends ten seconds later. So we listen before it begins.
            await driver.add_listener(TABLES.channel, _hear_nothing)
            try:
                async with _alive(pool, manager):
                    await manager.run(
                        dequeue_timeout=DEQUEUE_TIMEOUT,
                        heartbeat_timeout=HEARTBEAT_TIMEOUT,
                        batch_size=_BATCH,
                        max_concurrent_tasks=self._concurrency,
                        shutdown_on_listener_failure=True,
                        log_aggregation_interval=timedelta(0),
                    )
            finally:
                self._manager = None


@asynccontextmanager
async def _alive(pool: asyncpg.Pool[Any], manager: QueueManager) -> AsyncIterator[None]:
    """Hold the lifeline of ``manager`` for as long as it works.

    A worker that has lost it claims nothing more: a new manager begins with a new one.
    """

    def end(_: object) -> None:
        log.warning("lifeline_lost")
        manager.shutdown.set()

    async with pool.acquire() as connection:
        connection.add_termination_listener(end)
        try:
            await lifelines.take(connection, str(manager.queue_manager_id))
            yield
        finally:
            connection.remove_termination_listener(end)


def _hear_nothing(_payload: str | bytes | bytearray) -> None:
    """Take a notification that PgQueuer's own listener takes too."""


def _entrypoint(handler: Handler) -> Callable[[Job], Awaitable[None]]:
    async def carry_out(job: Job) -> None:
        backlog_id, run_no = _PAYLOAD.unpack(job.payload or b"")
        await handler(backlog_id, run_no)

    return carry_out
