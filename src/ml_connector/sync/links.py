"""Record links: this record here is that record there.

A link also remembers what we last wrote, field by field: a difference to that is somebody
else's change, and what equals it when it comes back is our own echo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

Origin = Literal["created", "found", "chosen"]
"""We made the counterpart, found it there, or a person chose it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkKey:
    """One source record's counterpart of one kind: ``organization:customer 5512``."""

    installation_id: int
    kind: str
    source_key: str
    occurrence: int = 1

    def as_tuple(self) -> tuple[int, str, str, int]:
        """Return the key as the database has it."""
        return self.installation_id, self.kind, self.source_key, self.occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLink:
    """A link as it is stored."""

    key: LinkKey
    target_key: str
    target_name: str | None = None
    target_url: str | None = None
    written: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = "created"


# One look into the index for each key, whatever the planner knows of the table so far: a join
# planned while the table was empty reads all of it each time.
_READ = text(
    """
    SELECT l.installation_id, l.kind, l.source_key, l.occurrence, l.target_key, l.target_name,
           l.target_url, l.written, l.origin
    FROM unnest(
        CAST(:installation_ids AS bigint[]), CAST(:kinds AS text[]),
        CAST(:source_keys AS text[]), CAST(:occurrences AS int[])
    ) AS k (installation_id, kind, source_key, occurrence)
    CROSS JOIN LATERAL (
        SELECT * FROM record_link r
        WHERE r.installation_id = k.installation_id AND r.kind = k.kind
          AND r.source_key = k.source_key AND r.occurrence = k.occurrence
        LIMIT 1
    ) l
    """
).columns(written=JSONB)

_WRITE = text(
    """
    INSERT INTO record_link AS l
        (workspace_id, installation_id, kind, source_key, occurrence, target_key, target_name,
         target_url, written, origin, created_at, updated_at)
    SELECT i.workspace_id, k.installation_id, k.kind, k.source_key, k.occurrence, k.target_key,
           k.target_name, k.target_url, k.written, k.origin, :now, :now
    FROM unnest(
        CAST(:installation_ids AS bigint[]), CAST(:kinds AS text[]),
        CAST(:source_keys AS text[]), CAST(:occurrences AS int[]), CAST(:target_keys AS text[]),
        CAST(:target_names AS text[]), CAST(:target_urls AS text[]),
        CAST(:writtens AS jsonb[]), CAST(:origins AS text[])
    ) AS k (installation_id, kind, source_key, occurrence, target_key, target_name, target_url,
            written, origin)
    JOIN installation i ON i.id = k.installation_id
    ON CONFLICT (installation_id, kind, source_key, occurrence) DO UPDATE SET
        target_name = COALESCE(excluded.target_name, l.target_name),
        target_url = COALESCE(excluded.target_url, l.target_url),
        written = l.written || excluded.written,
        updated_at = excluded.updated_at
    -- the same counterpart is brought up to date; another one never replaces it silently
    WHERE l.target_key = excluded.target_key
    """
)

_REPOINT = text(
    """
    UPDATE record_link
    SET target_key = :target_key, target_name = :target_name, target_url = NULL,
        written = '{}', origin = 'chosen', updated_at = :now
    WHERE installation_id = :installation_id AND kind = :kind AND source_key = :source_key
      AND occurrence = :occurrence AND target_key <> :target_key
    """
)

_BY_SOURCE = text(
    """
    SELECT installation_id, kind, source_key, occurrence, target_key, target_name, target_url,
           written, origin
    FROM record_link
    WHERE installation_id = :installation_id AND kind = :kind AND source_key = :source_key
    ORDER BY occurrence
    """
).columns(written=JSONB)

_BY_TARGET = text(
    """
    SELECT installation_id, kind, source_key, occurrence, target_key, target_name, target_url,
           written, origin
    FROM record_link
    WHERE installation_id = :installation_id AND kind = :kind AND target_key = :target_key
    ORDER BY source_key, occurrence
    """
).columns(written=JSONB)


_SOURCES = text(
    """
    SELECT DISTINCT source_key FROM record_link
    WHERE installation_id = :installation_id AND kind = :kind
    ORDER BY source_key
    """
)


async def read(
    db: AsyncConnection, keys: Sequence[LinkKey]
) -> dict[tuple[int, str, str, int], RecordLink]:
    """Return the links there are, by key."""
    rows = await db.execute(
        _READ,
        {
            "installation_ids": [key.installation_id for key in keys],
            "kinds": [key.kind for key in keys],
            "source_keys": [key.source_key for key in keys],
            "occurrences": [key.occurrence for key in keys],
        },
    )
    links = [_link(row) for row in rows]
    return {link.key.as_tuple(): link for link in links}


async def write(db: AsyncConnection, links: Sequence[RecordLink], *, now: datetime) -> None:
    """Store links; what was written before is kept where a field is not named again."""
    latest: dict[tuple[int, str, str, int], RecordLink] = {}
    for link in links:
        earlier = latest.get(link.key.as_tuple())
        written = {**earlier.written, **link.written} if earlier else link.written
        latest[link.key.as_tuple()] = replace(link, written=written)
    ordered = [latest[key] for key in sorted(latest)]
    await db.execute(
        _WRITE,
        {
            "installation_ids": [link.key.installation_id for link in ordered],
            "kinds": [link.key.kind for link in ordered],
            "source_keys": [link.key.source_key for link in ordered],
            "occurrences": [link.key.occurrence for link in ordered],
            "target_keys": [link.target_key for link in ordered],
            "target_names": [link.target_name for link in ordered],
            "target_urls": [link.target_url for link in ordered],
            "writtens": [msgspec.json.encode(link.written).decode() for link in ordered],
            "origins": [link.origin for link in ordered],
            "now": now,
        },
    )


async def repoint(
    db: AsyncConnection, key: LinkKey, *, target_key: str, name: str | None, now: datetime
) -> None:
    """Let a link lead to another record; what was written to the one before is forgotten."""
    await db.execute(
        _REPOINT,
        {
            "installation_id": key.installation_id,
            "kind": key.kind,
            "source_key": key.source_key,
            "occurrence": key.occurrence,
            "target_key": target_key,
            "target_name": name,
            "now": now,
        },
    )


async def of_source(
    db: AsyncConnection, *, installation_id: int, kind: str, source_key: str
) -> list[RecordLink]:
    """Return the links of one record, in the order of their occurrence."""
    rows = await db.execute(
        _BY_SOURCE, {"installation_id": installation_id, "kind": kind, "source_key": source_key}
    )
    return [_link(row) for row in rows]


async def sources(db: AsyncConnection, *, installation_id: int, kind: str) -> list[str]:
    """Return every record that has a link of a kind."""
    rows = await db.execute(_SOURCES, {"installation_id": installation_id, "kind": kind})
    return list(rows.scalars())


async def of_target(
    db: AsyncConnection, *, installation_id: int, kind: str, target_key: str
) -> list[RecordLink]:
    """Return the links that lead to one record of the other side."""
    rows = await db.execute(
        _BY_TARGET, {"installation_id": installation_id, "kind": kind, "target_key": target_key}
    )
    return [_link(row) for row in rows]


def _link(row: Any) -> RecordLink:
    return RecordLink(
        key=LinkKey(
            installation_id=row.installation_id,
            kind=row.kind,
            source_key=row.source_key,
            occurrence=row.occurrence,
        ),
        target_key=row.target_key,
        target_name=row.target_name,
        target_url=row.target_url,
        written=row.written,
        origin=row.origin,
    )
