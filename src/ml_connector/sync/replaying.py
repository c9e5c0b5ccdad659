"""Running records again on purpose: one, those of a cause, or a whole selection.

A replay is nothing special: the record is wanted once more. What already succeeded is found
unchanged, because a run compares before it writes. The record keeps what started it, so that
one taken up by a backfill may pass its go-live again; who replayed it stands beside that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.core.lanes import Lane
from ml_connector.storage.database import Database
from ml_connector.sync import backlog
from ml_connector.sync.states import RowState

BATCH = 500  # rows in one transaction
FEW = 10  # so many are done at once; more go behind everything else


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which records; all conditions together. At least one narrows it."""

    workspace_id: int
    states: frozenset[RowState] = frozenset(RowState)
    backlog_ids: Sequence[int] | None = None
    installation_id: int | None = None
    flow: str | None = None
    """Qualified by its pair."""
    cause: str | None = None
    """What they wait for: ``item:PUMP-40``, or ``item:*`` for all items."""

    def parameters(self) -> dict[str, Any]:
        """Return the selection as the statements take it."""
        cause = self.cause
        is_prefix = cause is not None and cause.endswith("*")
        return {
            "workspace_id": self.workspace_id,
            "states": sorted(state.value for state in self.states),
            "ids": None if self.backlog_ids is None else list(self.backlog_ids),
            "installation_id": self.installation_id,
            "flow": self.flow,
            "cause": cause,
            "prefix": cause[:-1] if cause is not None and is_prefix else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many records of a selection stand alike."""

    installation: str
    flow: str
    state: RowState
    records: int


@dataclass(slots=True)
class Replay:
    """How far a replay has come."""

    total: int
    done: int = 0
    backlog_ids: list[int] = field(default_factory=list)
    """The first of them, to be looked at afterwards."""


_SELECTED = """
    FROM backlog b JOIN installation i ON i.id = b.installation_id
    WHERE b.workspace_id = :workspace_id AND b.state = ANY(CAST(:states AS text[]))
      AND (CAST(:ids AS bigint[]) IS NULL OR b.id = ANY(CAST(:ids AS bigint[])))
      AND (CAST(:installation_id AS bigint) IS NULL OR b.installation_id = :installation_id)
      AND (CAST(:flow AS text) IS NULL OR b.flow = :flow)
      AND (CAST(:cause AS text) IS NULL OR b.waits_for = :cause
           OR starts_with(b.waits_for, CAST(:prefix AS text)))
"""

_COUNT = "SELECT i.name AS installation, b.flow, b.state, count(*) AS records"
_GROUPED = "GROUP BY i.name, b.flow, b.state ORDER BY i.name, b.flow, b.state"

_NEXT_IDS = "SELECT b.id"
_IN_ORDER = "AND b.id > :after AND b.id <= :last ORDER BY b.id LIMIT :most"
_LAST_ID = "SELECT max(b.id)"

# A row that is queued or running only gets one more wish: its run is followed by another.
_WANT = text(
    """
    WITH locked AS (
        SELECT id FROM backlog WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE
    )
    UPDATE backlog b SET
        wanted = b.wanted + 1,
        wanted_at = CASE WHEN b.state = 'done' THEN :now ELSE b.wanted_at END,
        lane = CASE WHEN b.state IN ('done', 'held', 'dead') THEN :lane
                    ELSE LEAST(b.lane, :lane) END,
        due_at = CASE WHEN b.state IN ('queued', 'running') THEN b.due_at ELSE :now END,
        failures = 0,
        starts = CASE WHEN b.state IN ('queued', 'running') THEN b.starts ELSE 0 END,
        trigger = b.trigger || CAST(:replayed AS jsonb),
        state = CASE WHEN b.state IN ('done', 'held', 'dead') THEN 'ready' ELSE b.state END
    FROM locked WHERE locked.id = b.id
    RETURNING b.id, b.installation_id, b.run_no
    """
)


async def count(db: AsyncConnection, selection: Selection) -> list[Counted]:
    """Return what a replay would run, by installation, flow and state."""
    found = await db.execute(text(_COUNT + _SELECTED + _GROUPED), selection.parameters())
    return [
        Counted(
            installation=row.installation,
            flow=row.flow,
            state=RowState(row.state),
            records=row.records,
        )
        for row in found
    ]


async def replay(
    database: Database, selection: Selection, *, total: int, who: str, now: datetime
) -> AsyncIterator[Replay]:
    """Want the records again, batch by batch, and yield how far it has come.

    What enters the selection after this began is left out. Every batch stands by itself: a
    replay that is stopped has replayed what it has counted.
    """
    parameters = selection.parameters()
    lane = Lane.URGENT if total <= FEW else Lane.BULK
    async with database.transaction() as db:
        last = (await db.execute(text(_LAST_ID + _SELECTED), parameters)).scalar_one()
    progress, after = Replay(total=total), 0
    while last is not None:
        batch = {**parameters, "after": after, "last": last, "most": BATCH}

        async def work(db: AsyncConnection, batch: dict[str, Any] = batch) -> list[int]:
            return await _want_batch(db, selection, batch, lane=lane, who=who, now=now)

        ids = await database.run(work)
        if not ids:
            return
        after = ids[-1]
        progress.done += len(ids)
        progress.backlog_ids += ids[: FEW - len(progress.backlog_ids)]
        yield progress


async def _want_batch(
    db: AsyncConnection,
    selection: Selection,
    batch: dict[str, Any],
    *,
    lane: Lane,
    who: str,
    now: datetime,
) -> list[int]:
    found = await db.execute(text(_NEXT_IDS + _SELECTED + _IN_ORDER), batch)
    ids = list(found.scalars())
    if not ids:
        return []
    replayed = msgspec.json.encode({"replayed_by": who, "replayed_at": now}).decode()
    rows = await db.execute(
        _WANT, {"ids": ids, "now": now, "lane": int(lane), "replayed": replayed}
    )
    await trail.write(
        db,
        [
            trail.Entry(
                at=now,
                workspace_id=selection.workspace_id,
                event="replay_requested",
                who=who,
                installation_id=row.installation_id,
                backlog_id=row.id,
                run_no=row.run_no,
            )
            for row in rows
        ],
    )
    await backlog.announce(db)
    return ids
