"""How many calls and tokens went where: by day, operation, flow and lane.

Counted in memory where a call is recorded, and added to the day's sums every few seconds.
What a killed process had not added yet is missing there; the budget does not rest on it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from ml_connector.connections.tables import call_count
from ml_connector.storage.database import is_database_away
from ml_connector.transport.lanes import current_lane

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ml_connector.storage.database import Database
    from ml_connector.transport.messages import CallRecord, Recorder

ADD_EVERY = timedelta(seconds=2)
OUTSIDE_FLOWS = "-"
"""Stands for the flow of calls that belong to none: pings, set-up, definitions."""

log = structlog.get_logger(__name__)
_flow: ContextVar[str] = ContextVar("flow_of_calls", default=OUTSIDE_FLOWS)


@contextmanager
def calls_of_flow(name: str) -> Iterator[None]:
    """Count the calls of this block for a flow."""
    token = _flow.set(name)
    try:
        yield
    finally:
        _flow.reset(token)


@dataclass(frozen=True, slots=True, order=True)
class CountKey:
    """What a sum is for."""

    connection_id: int
    on_day: date
    operation: str
    flow: str
    lane: int


@dataclass(slots=True)
class Counted:
    """A sum."""

    calls: int = 0
    tokens: int = 0
    failures: int = 0


class CallCounts:
    """The counts of this process that are not in the database yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: defaultdict[CountKey, Counted] = defaultdict(Counted)

    def recorder(self, connection_id: int, inner: Recorder | None) -> Recorder:
        """Return a recorder that counts a connection's calls and hands them on."""
        return _CountingRecorder(self, connection_id, inner)

    def count(self, connection_id: int, call: CallRecord) -> None:
        """Count one attempt at a call."""
        key = CountKey(
            connection_id=connection_id,
            on_day=call.started_at.date(),
            operation=call.operation,
            flow=_flow.get(),
            lane=int(current_lane()),
        )
        counted = self._counted[key]
        counted.calls += 1
        counted.tokens += call.cost.tokens
        counted.failures += call.error is not None

    async def keep_adding(self) -> None:
        """Add what was counted every ADD_EVERY; `Connections.close` adds the rest."""
        while True:
            await asyncio.sleep(ADD_EVERY.total_seconds())
            try:
                await self.add()
            except Exception as exc:
                if not is_database_away(exc):
                    raise
                log.info("call_counts_wait", keys=len(self._counted))

    async def add(self) -> None:
        """Add what was counted to the day's sums."""
        if not self._counted:
            return
        taken, self._counted = self._counted, defaultdict(Counted)
        try:
            await self._database.run(lambda db: _add(db, sorted(taken.items(), key=_by_key)))
        except BaseException:
            for key, counted in taken.items():
                again = self._counted[key]
                again.calls += counted.calls
                again.tokens += counted.tokens
                again.failures += counted.failures
            raise


async def counts_of(
    db: AsyncConnection, connection_id: int, *, since: date
) -> list[tuple[CountKey, Counted]]:
    """Return a connection's sums from a day on, in order."""
    rows = await db.execute(
        select(call_count)
        .where(call_count.c.connection_id == connection_id, call_count.c.on_day >= since)
        .order_by(*call_count.primary_key)
    )
    return [
        (
            CountKey(row.connection_id, row.on_day, row.operation, row.flow, row.lane),
            Counted(row.calls, row.tokens, row.failures),
        )
        for row in rows
    ]


async def tokens_spent(db: AsyncConnection, connection_id: int, *, on_day: date) -> int:
    """Return the tokens that our own calls took on a day."""
    statement = select(func.coalesce(func.sum(call_count.c.tokens), 0)).where(
        call_count.c.connection_id == connection_id, call_count.c.on_day == on_day
    )
    return int((await db.execute(statement)).scalar_one())


class _CountingRecorder:
    def __init__(self, counts: CallCounts, connection_id: int, inner: Recorder | None) -> None:
        self._counts = counts
        self._connection_id = connection_id
        self._inner = inner

    def record(self, call: CallRecord) -> None:
        self._counts.count(self._connection_id, call)
        if self._inner is not None:
            self._inner.record(call)


def _by_key(item: tuple[CountKey, Counted]) -> CountKey:
    return item[0]


async def _add(db: AsyncConnection, sums: Sequence[tuple[CountKey, Counted]]) -> None:
    new = insert(call_count).values(
        [
            {
                "connection_id": key.connection_id,
                "on_day": key.on_day,
                "operation": key.operation,
                "flow": key.flow,
                "lane": key.lane,
                "calls": counted.calls,
                "tokens": counted.tokens,
                "failures": counted.failures,
            }
            for key, counted in sums
        ]
    )
    await db.execute(
        new.on_conflict_do_update(
            index_elements=list(call_count.primary_key),
            set_={
                name: call_count.c[name] + new.excluded[name]
                for name in ("calls", "tokens", "failures")
            },
        )
    )
