"""Reading a stream page by page: capture and mark move in one transaction, or not at all.

A poll is work like any other: a backlog row whose record is the stream, with the same fence,
so that two workers never move one mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.core.changes import Change, ChangePage, ChangeReader
from ml_connector.core.clock import Clock
from ml_connector.core.crash import crash_point
from ml_connector.core.lanes import Lane
from ml_connector.core.profile import Stream
from ml_connector.storage.database import Database
from ml_connector.sync import backlog, installations
from ml_connector.sync.flow import Integration, Sighting
from ml_connector.sync.interest import ended_causes, interested, wanted_by
from ml_connector.sync.marks import Position, settled_version
from ml_connector.sync.rows import POLL, StartedRun, Wanted

# Differences between the clocks of a vendor's servers; above what their Date headers show.
CLOCK_GUARD = timedelta(seconds=5)

_READ_MARK = text(
    "SELECT position FROM high_water_mark WHERE connection_id = :connection_id AND stream = :stream"
).columns(position=JSONB)

_WRITE_MARK = text(
    """
    INSERT INTO high_water_mark (connection_id, stream, workspace_id, position, updated_at)
    VALUES (:connection_id, :stream, :workspace_id, CAST(:position AS jsonb), clock_timestamp())
    ON CONFLICT (connection_id, stream) DO UPDATE
    SET position = excluded.position, updated_at = excluded.updated_at
    """
)

_HOLD_FENCE = text(
    """
    SELECT true FROM backlog WHERE id = :id AND run_no = :run_no AND attempt = :attempt
      AND state = 'running' AND NOT is_cancel_wished FOR UPDATE
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a poll did."""

    pages: int
    seen: int
    raised: int
    """Rows that now have something to do."""
    is_complete: bool
    """False when the fence passed the poll by."""


def poll_wanted(
    *,
    workspace_id: int,
    connection_id: int,
    stream: str,
    now: datetime,
    lane: Lane = Lane.ROUTINE,
    because: str = "schedule",
) -> Wanted:
    """Return the backlog entry of a poll of one connection's stream."""
    return Wanted(
        workspace_id=workspace_id,
        owner=f"connection:{connection_id}",
        connection_id=connection_id,
        flow=POLL,
        record=stream,
        lane=lane,
        due_at=now,
        wanted_at=now,
        trigger={"by": because, "at": now.isoformat()},
    )


async def write_mark(
    db: AsyncConnection,
    *,
    connection_id: int,
    stream: str,
    workspace_id: int,
    position: Position,
) -> None:
    """Store how far a stream was read: in the transaction that captures what was read."""
    await db.execute(
        _WRITE_MARK,
        {
            "connection_id": connection_id,
            "stream": stream,
            "workspace_id": workspace_id,
            "position": position.to_json_text(),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """Reads one connection's stream for all installations that start from it."""

    database: Database
    clock: Clock
    integrations: Mapping[str, Integration]

    async def poll(self, run: StartedRun, reader: ChangeReader, stream: Stream) -> Polled:
        """Read everything since the mark; stop without harm when the fence has passed by."""
        if run.connection_id is None:
            raise ValueError("a poll belongs to a connection")
        position = await self._position(run.connection_id, stream)
        pages = seen = raised = 0
        since = position.since(stream)  # of the whole pass: a cursor belongs to its filter
        page_token: str | None = None
        while True:
            page = await reader.changes(stream.name, since=since, page=page_token)
            position = position.after(page, stream)
            crash_point("poll.page_read")
            rows = await self._capture(run, run.connection_id, stream, page, position)
            crash_point("poll.page_captured")
            if rows is None:
                return Polled(pages=pages, seen=seen, raised=raised, is_complete=False)
            pages, seen, raised = pages + 1, seen + len(page.changes), raised + rows
            if page.next_page is None:
                return Polled(pages=pages, seen=seen, raised=raised, is_complete=True)
            page_token = page.next_page

    async def _position(self, connection_id: int, stream: Stream) -> Position:
        async with self.database.transaction() as db:
            stored = (
                await db.execute(
                    _READ_MARK, {"connection_id": connection_id, "stream": stream.name}
                )
            ).scalar_one_or_none()
            if stored is not None:
                return Position.from_json(stored)
            return Position(mark=await self._earliest_go_live(db, connection_id, stream.name))

    async def _earliest_go_live(
        self, db: AsyncConnection, connection_id: int, stream: str
    ) -> datetime:
        """Where a stream that was never read begins: nothing older is ever taken up by poll."""
        moments = [
            switch.go_live_at
            for installation in await installations.of_connection(db, connection_id)
            if (integration := self.integrations.get(installation.pair)) is not None
            for _, switch in interested(
                installation, integration, connection_id=connection_id, stream=stream
            )
            if switch.go_live_at is not None
        ]
        return min(moments, default=self.clock.now())

    async def _capture(
        self,
        run: StartedRun,
        connection_id: int,
        stream: Stream,
        page: ChangePage,
        position: Position,
    ) -> int | None:
        """Store a page's records and the mark together; None when the fence passed by."""

        async def work(db: AsyncConnection) -> int | None:
            fence = {"id": run.backlog_id, "run_no": run.run_no, "attempt": run.attempt}
            if (await db.execute(_HOLD_FENCE, fence)).first() is None:
                return None
            installed = await installations.of_connection(db, connection_id)
            sightings = _latest(page.changes)
            now = self.clock.now()
            wanted = wanted_by(
                installed,
                self.integrations,
                connection_id=connection_id,
                stream=stream.name,
                sightings=sightings,
                now=now,
                lane=run.lane,
                trigger={"by": "poll", "stream": stream.name, "run": run.run_no},
                version_of={
                    change.key: settled_version(
                        change.changed_at, page.read_at, stream, guard=CLOCK_GUARD
                    )
                    for change in page.changes
                },
            )
            raised = await backlog.capture(db, wanted)
            ended = ended_causes(
                installed,
                self.integrations,
                connection_id=connection_id,
                stream=stream.name,
                sightings=sightings,
            )
            await backlog.wake_ended(db, ended, now=now)
            await write_mark(
                db,
                connection_id=connection_id,
                stream=stream.name,
                workspace_id=run.workspace_id,
                position=position,
            )
            return len(raised)

        return await self.database.run(work)


def _latest(changes: Sequence[Change]) -> list[Sighting]:
    """Return one sighting per record: a page may show a record twice."""
    return [
        Sighting(
            kind=change.kind,
            key=change.key,
            changed_at=change.changed_at,
            moment=change.moment,
            is_deleted=change.is_deleted,
        )
        for change in {change.key: change for change in changes}.values()
    ]
