"""Pausing an installation for a person: events are stored, nothing is run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.sync import backlog, feeder
from ml_connector.sync.installations import Installation

_SET = text(
    """
    UPDATE installation SET is_paused = :is_paused, updated_at = :now
    WHERE id = :id AND is_paused <> :is_paused RETURNING id
    """
)


async def pause(
    db: AsyncConnection, installation: Installation, *, reason: str, who: str, now: datetime
) -> bool:
    """Stop an installation; return whether it worked until now.

    Runs under way end as they would. What was handed over and has not begun is taken back: it
    runs after the pause, in order of age.
    """
    await feeder.keep_from_feeding(db)
    if not await _set(db, installation, is_paused=True, now=now):
        return False
    taken_back = await feeder.take_back(db, installation.owner)
    await _note(
        db,
        installation,
        "installation_paused",
        who=who,
        now=now,
        detail={"reason": reason, "taken_back": taken_back},
    )
    return True


async def resume(
    db: AsyncConnection, installation: Installation, *, who: str, now: datetime
) -> bool:
    """Let an installation work again, what waits the longest first; return whether it was paused.

    Polls that fell due meanwhile are due at once.
    """
    if not await _set(db, installation, is_paused=False, now=now):
        return False
    await _note(db, installation, "installation_resumed", who=who, now=now, detail={})
    await backlog.announce(db)
    return True


async def _set(
    db: AsyncConnection, installation: Installation, *, is_paused: bool, now: datetime
) -> bool:
    parameters = {"id": installation.id, "is_paused": is_paused, "now": now}
    return (await db.execute(_SET, parameters)).first() is not None


async def _note(
    db: AsyncConnection,
    installation: Installation,
    event: str,
    *,
    who: str,
    now: datetime,
    detail: dict[str, object],
) -> None:
    entry = trail.Entry(
        at=now,
        workspace_id=installation.workspace_id,
        installation_id=installation.id,
        event=event,
        who=who,
        detail={"installation": installation.name, **detail},
    )
    await trail.write(db, [entry])
