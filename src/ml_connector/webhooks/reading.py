"""Reading the inbox: what was delivered about a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One verified request of a vendor, without its body."""

    id: int
    received_at: datetime
    connection_id: int
    correlation_id: str | None
    events: Sequence[Mapping[str, Any]]
    """What it was about: kind, key, action, attempt."""


_ABOUT = text(
    """
    SELECT id, received_at, connection_id, correlation_id, detail
    FROM webhook_inbox
    WHERE workspace_id = :workspace_id AND connection_id = :connection_id
      AND records @> ARRAY[CAST(:record AS text)]
    ORDER BY received_at DESC, id DESC LIMIT :limit
    """
).columns(detail=JSONB)


async def deliveries_about(
    db: AsyncConnection,
    workspace_id: int,
    *,
    connection_id: int,
    kind: str,
    key: str,
    limit: int = 100,
) -> list[DeliveryRow]:
    """Return the latest deliveries about one record, oldest first."""
    rows = await db.execute(
        _ABOUT,
        {
            "workspace_id": workspace_id,
            "connection_id": connection_id,
            "record": f"{kind}/{key}",
            "limit": limit,
        },
    )
    found = [
        DeliveryRow(
            id=row.id,
            received_at=row.received_at,
            connection_id=row.connection_id,
            correlation_id=row.correlation_id,
            events=[
                event
                for event in row.detail.get("events", ())
                if (event.get("kind"), event.get("key")) == (kind, key)
            ],
        )
        for row in rows
    ]
    return found[::-1]
