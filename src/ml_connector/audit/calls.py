"""The vendor calls of the trail: taken without waiting, written in batches beside the runs."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit.tables import vendor_call
from ml_connector.storage.database import Database
from ml_connector.transport.askers import current_askers
from ml_connector.transport.messages import CallRecord

log = structlog.get_logger()

_MOST_WAITING = 50_000  # calls; beyond that the database is away and the oldest are let go
_BATCH = 500
_PAUSE = 0.25  # seconds between two writes
_RANDOM_BITS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class RunCalls:
    """The calls made for one run, those included that also carried other runs' keys."""

    call_ids: list[int] = field(default_factory=list)
    tokens: int = 0
    """What they cost; of a shared call its share, so that the runs' sums are the whole cost."""


_current: ContextVar[RunCalls | None] = ContextVar("run_calls", default=None)


@contextmanager
def counting() -> Iterator[RunCalls]:
    """Collect the calls that are made in this block and in tasks started from it."""
    calls = RunCalls()
    token = _current.set(calls)
    try:
        yield calls
    finally:
        _current.reset(token)


@dataclass(frozen=True, slots=True)
class _Waiting:
    call_id: int
    workspace_id: int
    connection_id: int
    call: CallRecord
    runs: int


class CallLog:
    """Writes calls of all connections of a process."""

    def __init__(self, database: Database, rng: random.Random) -> None:
        self._database = database
        self._rng = rng
        self._waiting: deque[_Waiting] = deque(maxlen=_MOST_WAITING)
        self._lost = 0
        self._is_closing = asyncio.Event()

    def recorder(self, *, workspace_id: int, connection_id: int) -> ConnectionRecorder:
        """Return the Recorder of one connection."""
        return ConnectionRecorder(self, workspace_id, connection_id)

    def take(self, workspace_id: int, connection_id: int, call: CallRecord) -> None:
        """Keep one call for the next write, and count it for the runs that it was made for."""
        call_id = self._new_id(call)
        runs = _runs()
        for place, run in enumerate(runs):
            run.call_ids.append(call_id)
            run.tokens += share_of(call.cost.tokens, place=place, runs=len(runs))
        if len(self._waiting) == self._waiting.maxlen:
            self._lost += 1
        self._waiting.append(_Waiting(call_id, workspace_id, connection_id, call, len(runs)))

    async def write_until_closed(self) -> None:
        """Write what was taken, batch by batch; the last batch after `close`."""
        while not (self._is_closing.is_set() and not self._waiting):
            if self._waiting:
                await self._write_batch()
            if len(self._waiting) < _BATCH and not self._is_closing.is_set():
                try:
                    async with asyncio.timeout(_PAUSE):
                        await self._is_closing.wait()
                except TimeoutError:
                    continue

    def close(self) -> None:
        """Let `write_until_closed` write the rest and return."""
        self._is_closing.set()

    async def _write_batch(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
        lost, self._lost = self._lost, 0
        if lost:
            log.error("vendor_calls_not_recorded", calls=lost)
        try:
            await self._database.run(lambda db: _write(db, batch))
        except Exception:  # edge of a background task: the trail must not stop the work
            log.exception("vendor_calls_not_recorded", calls=len(batch))
            if self._is_closing.is_set():
                self._waiting.clear()

    def _new_id(self, call: CallRecord) -> int:
        """Return a number that sorts by time and does not meet another process's."""
        milliseconds = (call.started_at - _EPOCH) // _MILLISECOND
        return milliseconds << _RANDOM_BITS | self._rng.getrandbits(_RANDOM_BITS)


@dataclass(frozen=True, slots=True)
class ConnectionRecorder:
    """One connection's Recorder (`transport/messages.py`)."""

    log: CallLog
    workspace_id: int
    connection_id: int

    def record(self, call: CallRecord) -> None:
        """Take one finished attempt."""
        self.log.take(self.workspace_id, self.connection_id, call)


def share_of(tokens: int, *, place: int, runs: int) -> int:
    """Return what the run at ``place``, counted from zero, bears of a call made for ``runs``."""
    return (place + 1) * tokens // runs - place * tokens // runs


def _runs() -> list[RunCalls]:
    """Return the runs for which a call is made now, each once."""
    askers = current_askers()
    found = [asker.get(_current) for asker in askers] if askers else [_current.get()]
    return list({id(run): run for run in found if run is not None}.values())


def call_made_at(call_id: int) -> datetime:
    """Return the millisecond in which the call of this id began."""
    return _EPOCH + (call_id >> _RANDOM_BITS) * _MILLISECOND


# In the order of `_row`.
_COLUMNS = (
    vendor_call.c.started_at,
    vendor_call.c.id,
    vendor_call.c.workspace_id,
    vendor_call.c.connection_id,
    vendor_call.c.elapsed_ms,
    vendor_call.c.method,
    vendor_call.c.url,
    vendor_call.c.operation,
    vendor_call.c.status,
    vendor_call.c.error,
    vendor_call.c.tokens,
    vendor_call.c.runs,
    vendor_call.c.correlation_id,
    vendor_call.c.purpose,
    vendor_call.c.request_body,
    vendor_call.c.response_body,
)


async def _write(db: AsyncConnection, batch: list[_Waiting]) -> None:
    """Copy the calls in: there are several to each run, and most of the trail's bytes."""
    raw = await db.get_raw_connection()
    driver = raw.driver_connection
    if driver is None:
        raise RuntimeError("the database connection was closed while it was in use")
    await driver.copy_records_to_table(
        vendor_call.name,
        records=[_row(item) for item in batch],
        columns=[column.name for column in _COLUMNS],
    )


def _row(item: _Waiting) -> tuple[object, ...]:
    call = item.call
    return (
        call.started_at,
        item.call_id,
        item.workspace_id,
        item.connection_id,
        int(call.elapsed.total_seconds() * 1000),
        call.method,
        call.url,
        call.operation,
        call.status,
        call.error,
        call.cost.tokens,
        item.runs,
        call.correlation_id,
        call.purpose,
        call.request_body,
        call.response_body,
    )
