"""Moves connections between their states, and says so once.

A run's failure takes a connection out of service; one worker at a time then probes it when its
pause has ended, and the probe puts it back. A probe holds a turn: a fence with an end on the
database's clock, so that one which slept through it cannot change anything any more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, or_, select, update

from ml_connector.connections import budgets
from ml_connector.connections.breaker import (
    TRIPS_AFTER,
    Trouble,
    needs_a_look,
    needs_failures_in_a_row,
    trouble_of,
)
from ml_connector.connections.rows import ConnectionRow, row_of, workspace_connection
from ml_connector.connections.states import TROUBLES, By, State, states_before
from ml_connector.connections.tables import connection

if TYPE_CHECKING:
    import random

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ml_connector.connections.watching import Watch
    from ml_connector.core.clock import Clock
    from ml_connector.core.errors import ConnectorError
    from ml_connector.storage.database import Database

TURN_LASTS = timedelta(seconds=90)  # longer than a ping of a slow vendor, which is cut at 60 s
LOOK_AT_MOST_EVERY = timedelta(minutes=1)  # however many records complain

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A connection that was moved."""

    row: ConnectionRow
    """As it is now."""
    before: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The right to probe a connection."""

    row: ConnectionRow
    fence: int


OnChange = Callable[[StateChange], Awaitable[None]]
"""Tells people, and whoever feeds work."""


async def tell_nobody(change: StateChange) -> None:
    """Leave a change to the log and the table."""


class Health:
    """The states of all connections."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        rng: random.Random,
        on_change: OnChange = tell_nobody,
    ) -> None:
        self._database = database
        self._clock = clock
        self._rng = rng
        self._on_change = on_change

    async def report(self, row: ConnectionRow, error: ConnectorError, *, watch: Watch) -> bool:
        """Take a connection out of service for a run's failure, if that is its matter.

        ``row`` is the connection as the run opened it: what went wrong with settings that have
        been replaced since says nothing. Returns whether the connection is out of service now.
        """
        now = self._clock.now()
        trouble = trouble_of(error, now=now, failed_probes=0, rng=self._rng)
        if trouble is None or watch.is_about_a_lane(error):
            return False
        if needs_a_look(error):
            await self._ask_for_a_look(row)
            return False
        if needs_failures_in_a_row(error) and watch.failures_in_a_row < TRIPS_AFTER:
            return False
        condition = (connection.c.id == row.id) & (
            connection.c.settings_version == row.settings_version
        )
        await self._move(condition, trouble, by=By.CALL)
        async with self._database.transaction() as db:
            state = await db.scalar(select(connection.c.state).where(connection.c.id == row.id))
        return state != State.READY

    async def looked(self, row: ConnectionRow, trouble: Trouble | None) -> None:
        """Take over what a ping of ``row`` found; a person's pause stays."""
        condition = (connection.c.id == row.id) & (
            connection.c.settings_version == row.settings_version
        )
        await self._move(condition, trouble, by=By.LOOK)

    async def take_turns(self, *, most: int = 10) -> list[Turn]:
        """Take the right to probe connections whose pause has ended, the longest due first."""
        now = self._clock.now()
        await self._end_pauses(now)
        due = (
            select(connection.c.id)
            .where(
                connection.c.look_at <= now,
                connection.c.state != State.PAUSED.value,
                or_(
                    connection.c.probe_until.is_(None),
                    connection.c.probe_until < func.clock_timestamp(),
                ),
            )
            .order_by(connection.c.look_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(connection)
            .where(connection.c.id.in_(due.scalar_subquery()))
            .values(
                probe_fence=connection.c.probe_fence + 1,
                probe_until=func.clock_timestamp() + TURN_LASTS,
            )
            .returning(connection)
        )
        async with self._database.transaction() as db:
            rows = (await db.execute(statement)).all()
        return [Turn(row=row_of(row), fence=row.probe_fence) for row in rows]

    async def end_turn(self, turn: Turn, trouble: Trouble | None) -> None:
        """Say what the probe found."""
        condition = (connection.c.id == turn.row.id) & (connection.c.probe_fence == turn.fence)
        await self._move(condition, trouble, by=By.LOOK)

    async def pause(
        self, *, workspace_id: int, connection_id: int, reason: str, until: datetime | None = None
    ) -> ConnectionRow:
        """Pause a connection for a person, until they resume it or until a moment."""
        trouble = Trouble(state=State.PAUSED, reason=reason, until=until)
        await self._move(_is(workspace_id, connection_id), trouble, by=By.PERSON)
        async with self._database.transaction() as db:
            return await workspace_connection(db, workspace_id, connection_id)

    async def resume(self, *, workspace_id: int, connection_id: int) -> ConnectionRow:
        """End a person's pause; a connection in trouble is looked at again at once instead."""
        condition = _is(workspace_id, connection_id)
        await self._move(condition, None, by=By.PERSON)
        await self.look_soon(connection_id)
        async with self._database.transaction() as db:
            return await workspace_connection(db, workspace_id, connection_id)

    async def look_soon(self, connection_id: int) -> None:
        """Let a connection in trouble be probed at once: something has changed."""
        statement = (
            update(connection)
            .where(connection.c.id == connection_id, connection.c.state.in_(_values(TROUBLES)))
            .values(
                look_at=self._clock.now(),
                failed_probes=0,
                probe_fence=connection.c.probe_fence + 1,
                probe_until=None,
            )
        )
        async with self._database.transaction() as db:
            await db.execute(statement)

    async def _ask_for_a_look(self, row: ConnectionRow) -> None:
        """Let a READY connection be probed while it works on: this may be the record's matter."""
        now = self._clock.now()
        statement = (
            update(connection)
            .where(
                connection.c.id == row.id,
                connection.c.state == State.READY.value,
                connection.c.settings_version == row.settings_version,
                connection.c.look_at.is_(None),
                or_(
                    connection.c.asked_at.is_(None),
                    connection.c.asked_at < now - LOOK_AT_MOST_EVERY,
                ),
            )
            .values(look_at=now, asked_at=now)
        )
        async with self._database.transaction() as db:
            await db.execute(statement)

    async def _end_pauses(self, now: datetime) -> None:
        """End the pauses whose moment, named by a person, has come."""
        is_over = (connection.c.state == State.PAUSED.value) & (connection.c.look_at <= now)
        await self._move(is_over, None, by=By.PERSON)

    async def _move(
        self, condition: ColumnElement[bool], trouble: Trouble | None, *, by: By
    ) -> None:
        """Move what ``condition`` finds, from where the transition table allows it."""
        state = State.READY if trouble is None else trouble.state
        before = states_before(state, by)
        if by is not By.CALL:
            before = [*before, state]  # the same again, with a new reason and moment

        async def work(db: AsyncConnection) -> list[StateChange]:
            found = await db.execute(
                select(connection)
                .where(condition, connection.c.state.in_(_values(before)))
                .order_by(connection.c.id)
                .with_for_update()
            )
            return [await self._write(db, row_of(row), state, trouble) for row in found.all()]

        for change in await self._database.run(work):
            if change.before is not change.row.state:
                _log(change)
                await self._on_change(change)

    async def _write(
        self, db: AsyncConnection, row: ConnectionRow, state: State, trouble: Trouble | None
    ) -> StateChange:
        now = self._clock.now()
        values: dict[str, Any] = {
            "state": state.value,
            "state_reason": trouble.reason if trouble else None,
            "look_at": trouble.until if trouble else None,
            "probe_fence": connection.c.probe_fence + 1,
            "probe_until": None,
            "failed_probes": row.failed_probes + 1 if row.state is state and trouble else 0,
        }
        if row.state is not state:
            values["state_since"] = now
        if row.state is State.EXHAUSTED and trouble is None:
            await budgets.forget_exhaustion(db, row.id, now=now)
        statement = (
            update(connection)
            .where(connection.c.id == row.id)
            .values(**values)
            .returning(connection)
        )
        return StateChange(row=row_of((await db.execute(statement)).one()), before=row.state)


def _is(workspace_id: int, connection_id: int) -> ColumnElement[bool]:
    return (connection.c.workspace_id == workspace_id) & (connection.c.id == connection_id)


def _values(states: Any) -> list[str]:
    return [state.value for state in states]


def _log(change: StateChange) -> None:
    row = change.row
    log.info(
        "connection_state_changed",
        connection_id=row.id,
        connection=row.name,
        vendor=row.vendor,
        before=change.before.value,
        state=row.state.value,
        reason=row.state_reason,
        until=row.paused_until.isoformat() if row.paused_until else None,
    )
