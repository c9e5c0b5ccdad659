"""Reading the trail: a record's runs, what was noted in them, and the calls that they made.

Every question is bounded by a workspace and by a number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit.calls import call_made_at

_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One execution of a flow on a record."""

    backlog_id: int
    run_no: int
    attempt: int
    flow: str
    record: str
    trigger: Mapping[str, Any]
    started_at: datetime
    ended_at: datetime
    outcome: str
    reason: str | None
    trace_id: str
    configuration_version: int | None
    call_ids: tuple[int, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailRow:
    """One fact of the trail."""

    id: int
    at: datetime
    event: str
    who: str
    detail: Mapping[str, Any]
    installation_id: int | None
    connection_id: int | None
    backlog_id: int | None
    run_no: int | None
    flow: str | None = None
    record: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One attempt at a call to a vendor."""

    id: int
    started_at: datetime
    elapsed_ms: int
    connection_id: int
    method: str
    url: str
    operation: str
    status: int | None
    error: str | None
    tokens: int
    runs: int
    """How many runs share it; 1 where it was made for one alone."""
    correlation_id: str | None
    purpose: str | None


_RUNS = text(
    """
    SELECT backlog_id, run_no, attempt, flow, record, trigger, started_at, ended_at, outcome,
           reason, trace_id, configuration_version, call_ids, tokens
    FROM run
    WHERE workspace_id = :workspace_id AND backlog_id = :backlog_id
    ORDER BY started_at DESC LIMIT :limit
    """
).columns(trigger=JSONB)

_ENTRIES_OF_RECORD = text(
    """
    SELECT id, at, event, who, detail, installation_id, connection_id, backlog_id, run_no
    FROM trail
    WHERE workspace_id = :workspace_id AND backlog_id = :backlog_id
    ORDER BY at DESC, id DESC LIMIT :limit
    """
).columns(detail=JSONB)

_ENTRIES = text(
    """
    SELECT t.id, t.at, t.event, t.who, t.detail, t.installation_id, t.connection_id,
           t.backlog_id, t.run_no, b.flow, b.record
    FROM trail t LEFT JOIN backlog b ON b.id = t.backlog_id
    WHERE t.workspace_id = :workspace_id
      AND (CAST(:since AS timestamptz) IS NULL OR t.at >= :since)
      AND (CAST(:event AS text) IS NULL OR t.event LIKE :event)
      AND (CAST(:installation_id AS bigint) IS NULL OR t.installation_id = :installation_id)
      AND (CAST(:backlog_ids AS bigint[]) IS NULL
           OR t.backlog_id = ANY(CAST(:backlog_ids AS bigint[])))
    ORDER BY t.at DESC, t.id DESC LIMIT :limit
    """
).columns(detail=JSONB)

# A call's id begins with its moment, so that its partition is known without an index on ids.
_CALLS = text(
    """
    SELECT id, started_at, elapsed_ms, connection_id, method, url, operation, status, error,
           tokens, runs, correlation_id, purpose
    FROM vendor_call
    WHERE workspace_id = :workspace_id AND id = ANY(CAST(:ids AS bigint[]))
      AND started_at >= :first AND started_at < :last
    ORDER BY started_at, id LIMIT :limit
    """
)


async def runs_of(
    db: AsyncConnection, workspace_id: int, backlog_id: int, *, limit: int = _LIMIT
) -> list[RunRow]:
    """Return a record's latest runs, oldest first."""
    rows = await db.execute(
        _RUNS, {"workspace_id": workspace_id, "backlog_id": backlog_id, "limit": limit}
    )
    found = [
        RunRow(**{**row._mapping, "call_ids": tuple(row.call_ids)})  # noqa: SLF001 - public API of SQLAlchemy
        for row in rows
    ]
    return found[::-1]


async def entries_of(
    db: AsyncConnection, workspace_id: int, backlog_id: int, *, limit: int = _LIMIT
) -> list[TrailRow]:
    """Return the latest entries about a record, oldest first."""
    rows = await db.execute(
        _ENTRIES_OF_RECORD,
        {"workspace_id": workspace_id, "backlog_id": backlog_id, "limit": limit},
    )
    return [TrailRow(**row._mapping) for row in rows][::-1]  # noqa: SLF001 - public API of SQLAlchemy


async def entries(
    db: AsyncConnection,
    workspace_id: int,
    *,
    since: datetime | None = None,
    event: str | None = None,
    backlog_ids: Sequence[int] | None = None,
    installation_id: int | None = None,
    limit: int = _LIMIT,
) -> list[TrailRow]:
    """Return the latest entries of a workspace, oldest first.

    ``event`` is a name, or the beginning of one with ``*`` after it.
    """
    rows = await db.execute(
        _ENTRIES,
        {
            "workspace_id": workspace_id,
            "since": since,
            "event": None if event is None else _pattern(event),
            "backlog_ids": None if backlog_ids is None else list(backlog_ids),
            "installation_id": installation_id,
            "limit": limit,
        },
    )
    return [TrailRow(**row._mapping) for row in rows][::-1]  # noqa: SLF001 - public API of SQLAlchemy


async def calls_of(
    db: AsyncConnection, workspace_id: int, call_ids: Sequence[int], *, limit: int = _LIMIT
) -> list[CallRow]:
    """Return the calls of those ids that are still kept, in the order in which they were made."""
    if not call_ids:
        return []
    rows = await db.execute(
        _CALLS,
        {
            "workspace_id": workspace_id,
            "ids": list(call_ids),
            "first": call_made_at(min(call_ids)),
            "last": call_made_at(max(call_ids)) + timedelta(milliseconds=1),
            "limit": limit,
        },
    )
    return [CallRow(**row._mapping) for row in rows]  # noqa: SLF001 - public API of SQLAlchemy


def _pattern(event: str) -> str:
    escaped = event.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"{escaped[:-1]}%" if escaped.endswith("*") else escaped
