"""Looking at records: lists, search by either side's id, number or name, links and effects.

Every question is bounded by a workspace and by a number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.core.lanes import Lane
from ml_connector.sync.states import RowState

_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """One record in one flow, as its backlog row stands."""

    id: int
    workspace_id: int
    owner: str
    installation_id: int | None
    installation: str | None
    """The installation's name; None for a poll, which belongs to a connection."""
    connection_id: int | None
    flow: str
    """Qualified by its pair."""
    record: str
    state: RowState
    lane: Lane
    wanted: int
    done: int
    run_no: int
    attempt: int
    failures: int
    due_at: datetime
    outcome: str | None
    reason: str | None
    waits_for: str | None
    trigger: Mapping[str, Any]
    is_cancel_wished: bool
    wanted_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    settled_at: datetime | None

    @property
    def flow_name(self) -> str:
        """Return the flow's name without its pair."""
        return self.flow.rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """What is known to belong to a record on the other side."""

    kind: str
    source_key: str
    occurrence: int
    target_key: str
    target_name: str | None
    target_url: str | None
    origin: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One intended write."""

    kind: str
    source_key: str
    occurrence: int
    state: str
    reference: str
    sendings: int
    sent_before: datetime | None
    second_look_at: datetime | None
    created_at: datetime
    updated_at: datetime


_SELECT = """
    SELECT b.id, b.workspace_id, b.owner, b.installation_id, i.name AS installation,
           b.connection_id, b.flow, b.record, b.state, b.lane, b.wanted, b.done, b.run_no,
           b.attempt, b.failures, b.due_at, b.outcome, b.reason, b.waits_for, b.trigger,
           b.is_cancel_wished, b.wanted_at, b.queued_at, b.started_at, b.settled_at
    FROM backlog b LEFT JOIN installation i ON i.id = b.installation_id
"""

_NARROWED = """
      AND (CAST(:installation_id AS bigint) IS NULL OR b.installation_id = :installation_id)
      AND (CAST(:flow AS text) IS NULL OR b.flow = :flow)
"""

# Rows that ran are found by the names that their runs left, their own key among them; one that
# never ran by its key, through the rows' unique index: owner by owner and flow by flow.
_BY_KEY = """
    WHERE b.workspace_id = :workspace_id AND b.id IN (
        SELECT n.backlog_id FROM record_name n
        WHERE n.workspace_id = :workspace_id AND n.name = :folded
        UNION
        SELECT k.id FROM installation o
        JOIN installation_flow f ON f.installation_id = o.id
        JOIN backlog k ON k.owner = 'installation:' || o.id
            AND k.flow = o.pair || '.' || f.flow AND k.record = :key
        WHERE o.workspace_id = :workspace_id)
"""

_BY_BEGINNING = """
    WHERE b.workspace_id = :workspace_id AND b.id IN (
        SELECT n.backlog_id FROM record_name n
        WHERE n.workspace_id = :workspace_id AND n.name LIKE :beginning
        ORDER BY n.name LIMIT :limit)
"""

_LISTED = """
    WHERE b.workspace_id = :workspace_id AND b.installation_id IS NOT NULL
      AND b.state = ANY(CAST(:states AS text[]))
      AND (CAST(:wanted_before AS timestamptz) IS NULL OR b.wanted_at < :wanted_before)
      AND (CAST(:waits_for AS text) IS NULL OR b.waits_for = :waits_for)
"""

_ONE = "WHERE b.workspace_id = :workspace_id AND b.id = :id"

_BEST_FIRST = "ORDER BY (b.record = :key) DESC, b.wanted_at DESC, b.id LIMIT :limit"
_OLDEST_FIRST = "ORDER BY b.wanted_at, b.id LIMIT :limit"

_NAMES = text(
    """
    SELECT name FROM record_name
    WHERE workspace_id = :workspace_id AND backlog_id = :backlog_id ORDER BY name LIMIT :limit
    """
)

# Its own links, and those that its runs made on the way: the customer of a deal.
_LINKS = text(
    """
    SELECT DISTINCT l.id, l.kind, l.source_key, l.occurrence, l.target_key, l.target_name,
           l.target_url, l.origin, l.created_at, l.updated_at
    FROM record_link l
    LEFT JOIN effect e ON e.installation_id = l.installation_id
        AND e.source_key = l.source_key AND e.occurrence = l.occurrence
        AND e.kind = split_part(l.kind, ':', 2) AND e.backlog_id = :backlog_id
    WHERE l.workspace_id = :workspace_id AND l.installation_id = :installation_id
      AND (e.id IS NOT NULL OR (l.source_key = :record AND l.kind LIKE :kinds))
    ORDER BY l.created_at, l.id LIMIT :limit
    """
)

_EFFECTS = text(
    """
    SELECT kind, source_key, occurrence, state, reference, sendings, sent_before,
           second_look_at, created_at, updated_at
    FROM effect
    WHERE workspace_id = :workspace_id AND installation_id = :installation_id
      AND backlog_id = :backlog_id
    ORDER BY id LIMIT :limit
    """
)


async def find(
    db: AsyncConnection,
    workspace_id: int,
    key: str,
    *,
    installation_id: int | None = None,
    flow: str | None = None,
    limit: int = _LIMIT,
) -> list[RecordRow]:
    """Return the records that this id, number or name belongs to, on either side.

    Without an exact match, those of which a name begins with it. Capitals do not matter.
    """
    parameters = {
        "workspace_id": workspace_id,
        "key": key,
        "folded": key.casefold(),
        "beginning": f"{_escaped(key.casefold())}%",
        "installation_id": installation_id,
        "flow": flow,
        "limit": limit,
    }
    for condition in (_BY_KEY, _BY_BEGINNING):
        found = await _select(db, condition + _NARROWED + _BEST_FIRST, parameters)
        if found:
            return found
    return []


async def rows(
    db: AsyncConnection,
    workspace_id: int,
    *,
    states: Sequence[RowState],
    installation_id: int | None = None,
    flow: str | None = None,
    waits_for: str | None = None,
    wanted_before: datetime | None = None,
    limit: int = _LIMIT,
) -> list[RecordRow]:
    """Return records in these states, the longest waiting first."""
    parameters = {
        "workspace_id": workspace_id,
        "states": [state.value for state in states],
        "installation_id": installation_id,
        "flow": flow,
        "waits_for": waits_for,
        "wanted_before": wanted_before,
        "limit": limit,
    }
    return await _select(db, _LISTED + _NARROWED + _OLDEST_FIRST, parameters)


async def row(db: AsyncConnection, workspace_id: int, backlog_id: int) -> RecordRow:
    """Return one record; raises LookupError for an unknown one."""
    found = await _select(db, _ONE, {"workspace_id": workspace_id, "id": backlog_id})
    if not found:
        raise LookupError(f"there is no record {backlog_id}")
    return found[0]


async def names_of(
    db: AsyncConnection, workspace_id: int, backlog_id: int, *, limit: int = _LIMIT
) -> list[str]:
    """Return the ids, numbers and names by which a record is found."""
    found = await db.execute(
        _NAMES, {"workspace_id": workspace_id, "backlog_id": backlog_id, "limit": limit}
    )
    return list(found.scalars())


async def links_of(
    db: AsyncConnection, record: RecordRow, kind: str, *, limit: int = _LIMIT
) -> list[LinkRow]:
    """Return a record's links; ``kind`` is what it is: ``deal``."""
    found = await db.execute(
        _LINKS,
        {
            "workspace_id": record.workspace_id,
            "installation_id": record.installation_id,
            "backlog_id": record.id,
            "record": record.record,
            "kinds": f"{_escaped(kind)}:%",
            "limit": limit,
        },
    )
    return [
        LinkRow(**{name: value for name, value in one._mapping.items() if name != "id"})  # noqa: SLF001 - public API of SQLAlchemy
        for one in found
    ]


async def effects_of(
    db: AsyncConnection, record: RecordRow, *, limit: int = _LIMIT
) -> list[EffectRow]:
    """Return the intended writes that a record's runs hold."""
    found = await db.execute(
        _EFFECTS,
        {
            "workspace_id": record.workspace_id,
            "installation_id": record.installation_id,
            "backlog_id": record.id,
            "limit": limit,
        },
    )
    return [EffectRow(**one._mapping) for one in found]  # noqa: SLF001 - public API of SQLAlchemy


async def _select(
    db: AsyncConnection, condition: str, parameters: Mapping[str, Any]
) -> list[RecordRow]:
    statement = text(_SELECT + condition).columns(trigger=JSONB)
    found = await db.execute(statement, parameters)
    return [
        RecordRow(**{**one._mapping, "state": RowState(one.state), "lane": Lane(one.lane)})  # noqa: SLF001 - public API of SQLAlchemy
        for one in found
    ]


def _escaped(beginning: str) -> str:
    return beginning.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
