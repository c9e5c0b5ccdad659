"""Why a record has not run yet, or will not run: the first thing that stops it, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.connections.rows import ConnectionRow, connections_out_of_service
from ml_connector.connections.states import State
from ml_connector.jobs.dispositions import MOST_FAILURES
from ml_connector.sync import installations
from ml_connector.sync.causes import way_out
from ml_connector.sync.feeder import UNDER_WAY_PER_OWNER
from ml_connector.sync.installations import Installation
from ml_connector.sync.looking import RecordRow
from ml_connector.sync.states import RowState
from ml_connector.vault.processes import live_processes

WORKING_KINDS = ("up", "work")

CONNECTION_WORDS = {
    State.READY: "is ready",
    State.NEEDS_LOGIN: "needs a login",
    State.MISCONFIGURED: "is misconfigured",
    State.UNREACHABLE: "cannot be reached",
    State.EXHAUSTED: "has used up its daily budget",
    State.SEATS_TAKEN: "finds no free seat",
    State.BLOCKED: "is blocked by the vendor",
    State.PAUSED: "is paused",
}
"""Follows the connection's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The first thing that keeps a record from being done."""

    words: str
    way_out: str
    """What lets it through, and who does it."""
    until: datetime | None = None
    """When it is looked at next by itself, if that is known."""
    is_blocked: bool = False
    """Whether nothing will happen before a person does something."""


_AHEAD = text(
    """
    SELECT count(*) FILTER (WHERE state IN ('queued', 'running')) AS under_way,
           count(*) FILTER (WHERE state = 'ready' AND due_at <= :now
                            AND (lane, due_at, id) < (:lane, :due_at, :id)) AS ahead
    FROM backlog WHERE owner = :owner AND state IN ('ready', 'queued', 'running')
    """
)


async def why_waiting(db: AsyncConnection, record: RecordRow, *, now: datetime) -> Waiting | None:
    """Return what keeps a record from being done; None when it is done."""
    match record.state:
        case RowState.DONE:
            return None
        case RowState.HELD | RowState.DEAD:
            return _stopped(record)
        case RowState.RUNNING:
            return await _running(db, record)
        case RowState.READY | RowState.QUEUED:
            return await _in_line(db, record, now)


async def has_live_worker(db: AsyncConnection) -> bool:
    """Tell whether any process works the backlog off."""
    return any(process.kind in WORKING_KINDS for process in await live_processes(db))


def out_of_service_words(row: ConnectionRow) -> Waiting:
    """Say why a connection's records wait, and what puts it right."""
    ways = {
        State.NEEDS_LOGIN: "correct its credentials and apply the file, or consent again",
        State.MISCONFIGURED: "correct its settings and apply the file",
        State.UNREACHABLE: "nothing to do here: it is probed by itself",
        State.EXHAUSTED: "nothing to do: it goes on when its daily budget renews",
        State.SEATS_TAKEN: "free a seat at the vendor; it is probed by itself",
        State.BLOCKED: "nothing to do: the vendor lifts the block",
        State.PAUSED: f"`connections resume {row.name}`",
    }
    return Waiting(
        words=f"connection {row.name} {CONNECTION_WORDS[row.state]}"
        + (f": {row.state_reason}" if row.state_reason else ""),
        way_out=ways.get(row.state, "see `connections ping`"),
        until=row.paused_until,
        is_blocked=row.paused_until is None,
    )


def _stopped(record: RecordRow) -> Waiting:
    is_held = record.state is RowState.HELD
    return Waiting(
        words=record.reason or "no reason was given",
        way_out=way_out(record.state, record.waits_for),
        until=record.due_at if is_held else None,
        is_blocked=True,
    )


async def _running(db: AsyncConnection, record: RecordRow) -> Waiting:
    if not await has_live_worker(db):
        return _no_worker()
    attempt = f", attempt {record.attempt}" if record.attempt > 1 else ""
    return Waiting(words=f"it is running{attempt}", way_out="wait for its end")


async def _in_line(db: AsyncConnection, record: RecordRow, now: datetime) -> Waiting:
    installation = await _installation(db, record)
    stopped = await _not_fed(db, record, installation)
    if stopped is not None:
        return stopped
    if not await has_live_worker(db):
        return _no_worker()
    if record.state is RowState.QUEUED:
        return Waiting(words="it was handed to a worker", way_out="wait for its run")
    if record.due_at > now:
        return _resting(record)
    return await _behind_others(db, record, now)


async def _installation(db: AsyncConnection, record: RecordRow) -> Installation | None:
    if record.installation_id is None:
        return None
    return await installations.get(db, record.installation_id)


async def _not_fed(
    db: AsyncConnection, record: RecordRow, installation: Installation | None
) -> Waiting | None:
    if installation is not None and installation.is_paused:
        return Waiting(
            words=f"installation {installation.name} is paused",
            way_out=f"`installations resume {installation.name}`",
            is_blocked=True,
        )
    needed: Sequence[int] = (
        list(installation.connections.values())
        if installation is not None
        else [number for number in (record.connection_id,) if number is not None]
    )
    out = await connections_out_of_service(db, needed)
    return out_of_service_words(out[0]) if out else None


def _no_worker() -> Waiting:
    return Waiting(
        words="no worker runs",
        way_out="start `ml-connector up`, or `ml-connector work` beside it",
        is_blocked=True,
    )


def _resting(record: RecordRow) -> Waiting:
    if record.outcome == "retrying":
        words = f"attempt {record.failures} of {MOST_FAILURES} failed: {record.reason}"
    elif record.outcome == "waiting" and record.reason:
        words = record.reason
    else:
        words = "it rests before its next run"
    return Waiting(words=words, way_out="nothing to do: it runs by itself", until=record.due_at)


async def _behind_others(db: AsyncConnection, record: RecordRow, now: datetime) -> Waiting:
    found = (
        await db.execute(
            _AHEAD,
            {
                "owner": record.owner,
                "now": now,
                "lane": int(record.lane),
                "due_at": record.due_at,
                "id": record.id,
            },
        )
    ).one()
    if found.ahead == 0:
        return Waiting(words="it is next in line", way_out="wait a moment", until=now)
    full = found.under_way >= UNDER_WAY_PER_OWNER
    places = f" ({found.under_way} under way, as many as may be at once)" if full else ""
    return Waiting(
        words=f"{found.ahead} records of this installation go first{places}",
        way_out="wait, or `run FLOW --record ID` to put it first",
        until=now,
    )
