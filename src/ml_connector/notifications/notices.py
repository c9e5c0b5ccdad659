"""Telling people once for each cause, however many records wait for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a person should know or do."""

    workspace_id: int
    installation_id: int | None
    kind: str
    """held, dead_letter, connection, twin, brake."""
    cause: str
    """What it is about; one notification lasts as long as its cause."""
    message: str
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


_RAISE = text(
    """
    INSERT INTO notification AS n
        (workspace_id, installation_id, kind, cause, message, detail, first_at, last_at,
         next_attempt_at)
    SELECT w.workspace_id, w.installation_id, w.kind, w.cause, w.message, w.detail, w.at, w.at,
           w.at
    FROM unnest(
        CAST(:workspace_ids AS bigint[]), CAST(:installation_ids AS bigint[]),
        CAST(:kinds AS text[]), CAST(:causes AS text[]), CAST(:messages AS text[]),
        CAST(:details AS jsonb[]), CAST(:ats AS timestamptz[])
    ) AS w (workspace_id, installation_id, kind, cause, message, detail, at)
    ON CONFLICT (workspace_id, cause) DO UPDATE SET
        times = n.times + 1, last_at = excluded.last_at, message = excluded.message,
        detail = excluded.detail,
        -- a cause that comes back after it was resolved is told again
        sent_at = CASE WHEN n.resolved_at IS NULL THEN n.sent_at END,
        next_attempt_at = CASE WHEN n.resolved_at IS NULL THEN n.next_attempt_at
                               ELSE excluded.last_at END,
        attempts = CASE WHEN n.resolved_at IS NULL THEN n.attempts ELSE 0 END,
        resolved_at = NULL
    """
)

_RESOLVE = text(
    """
    UPDATE notification SET resolved_at = :now
    WHERE workspace_id = :workspace_id AND cause = ANY(CAST(:causes AS text[]))
      AND resolved_at IS NULL
    """
)


_UNRESOLVED_HOLDS = text(
    """
    SELECT workspace_id, installation_id, cause, detail FROM notification
    WHERE kind = 'held' AND resolved_at IS NULL AND last_at < :before
    ORDER BY id LIMIT 1000
    """
).columns(detail=JSONB)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldHold:
    """A cause of holds that people were told of."""

    workspace_id: int
    installation_id: int
    cause: str
    flow: str
    record: str
    waits_for: str | None


async def tell(db: AsyncConnection, notices: Sequence[Notice]) -> None:
    """Raise notices, in the transaction of what they are about."""
    if not notices:
        return
    latest = {(notice.workspace_id, notice.cause): notice for notice in notices}
    ordered = [latest[key] for key in sorted(latest)]
    await db.execute(
        _RAISE,
        {
            "workspace_ids": [notice.workspace_id for notice in ordered],
            "installation_ids": [notice.installation_id for notice in ordered],
            "kinds": [notice.kind for notice in ordered],
            "causes": [notice.cause for notice in ordered],
            "messages": [notice.message for notice in ordered],
            "details": [
                msgspec.json.encode(notice.detail, enc_hook=str).decode() for notice in ordered
            ],
            "ats": [notice.at for notice in ordered],
        },
    )


async def resolve(
    db: AsyncConnection, *, workspace_id: int, causes: Sequence[str], now: datetime
) -> None:
    """Take note that causes are put right; should one come back, it is told again."""
    await db.execute(_RESOLVE, {"workspace_id": workspace_id, "causes": list(causes), "now": now})


async def unresolved_holds(db: AsyncConnection, *, before: datetime) -> list[ToldHold]:
    """Return causes of holds that nobody met again since ``before``."""
    return [
        ToldHold(
            workspace_id=row.workspace_id,
            installation_id=row.installation_id,
            cause=row.cause,
            flow=row.detail["flow"],
            record=row.detail["record"],
            waits_for=row.detail.get("waits_for"),
        )
        for row in await db.execute(_UNRESOLVED_HOLDS, {"before": before})
    ]
