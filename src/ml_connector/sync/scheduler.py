"""What is due by the clock: polls of the streams that flows start from.

Each flow's next due moment is computed in its zone and stored; whoever finds it past raises
the polls and stores the next one, in one transaction. Moments missed while nobody ran are due
once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.sync import backlog
from ml_connector.sync.flow import Integration
from ml_connector.sync.polling import poll_wanted
from ml_connector.sync.rows import Wanted
from ml_connector.sync.schedules import next_due_at, parse_schedule

_DUE = text(
    """
    SELECT f.installation_id, f.flow, f.schedule, i.pair, i.workspace_id, i.connections
    FROM installation_flow f JOIN installation i ON i.id = f.installation_id
    WHERE f.is_on AND f.next_due_at <= :now AND NOT i.is_paused
    ORDER BY f.installation_id, f.flow
    FOR UPDATE OF f SKIP LOCKED
    """
).columns(schedule=JSONB, connections=JSONB)

_PLAN_NEXT = text(
    """
    UPDATE installation_flow SET next_due_at = :next, last_due_at = :now
    WHERE installation_id = :installation_id AND flow = :flow
    """
)

_NEXT = text("SELECT min(next_due_at) AS next FROM installation_flow WHERE is_on")


async def raise_due(
    db: AsyncConnection, integrations: Mapping[str, Integration], *, now: datetime
) -> int:
    """Put the polls that are due into the backlog; return how many flows were due."""
    due = (await db.execute(_DUE, {"now": now})).all()
    polls: list[Wanted] = []
    for row in due:
        integration = integrations.get(row.pair)
        if integration is None:
            continue  # a process that knows the pair will find it due
        polls.extend(
            poll_wanted(
                workspace_id=row.workspace_id,
                connection_id=row.connections[source.role],
                stream=source.stream,
                now=now,
            )
            for source in integration.flow(row.flow).started_by
        )
        following = next_due_at(parse_schedule(row.schedule["when"]), now)
        await db.execute(
            _PLAN_NEXT,
            {
                "installation_id": row.installation_id,
                "flow": row.flow,
                "next": following,
                "now": now,
            },
        )
    await backlog.capture(db, polls)
    return len(due)


async def next_schedule(db: AsyncConnection) -> datetime | None:
    """Return when the next flow is due, or None when all wait for events only."""
    found: datetime | None = (await db.execute(_NEXT)).scalar_one()
    return found
