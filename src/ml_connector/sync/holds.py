"""Causes of holds that have ended: what waited runs, and a cause that returns is told again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.notifications.notices import ToldHold, resolve, unresolved_holds
from ml_connector.sync import backlog
from ml_connector.sync.installations import Installation
from ml_connector.sync.runner import RECHECK_HELD

# A record that is looked at again is not held for that moment, and tells its cause anew.
_QUIET_FOR = 2 * RECHECK_HELD

_ENDED = text(
    """
    SELECT h.number
    FROM unnest(
        CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]), CAST(:records AS text[]),
        CAST(:causes AS text[])
    ) WITH ORDINALITY AS h (installation_id, flow, record, waits_for, number)
    WHERE CASE WHEN h.waits_for IS NULL
          THEN NOT EXISTS (SELECT FROM backlog b
                           WHERE b.owner = 'installation:' || h.installation_id
                             AND b.flow = h.flow AND b.record = h.record AND b.state = 'held')
          ELSE NOT EXISTS (SELECT FROM backlog b
                           WHERE b.installation_id = h.installation_id
                             AND b.waits_for = h.waits_for AND b.state = 'held') END
    ORDER BY h.number
    """
)


async def end_cause(
    db: AsyncConnection, installation: Installation, cause: str, *, now: datetime
) -> int:
    """Wake the records that a person has let through; return how many they were."""
    await resolve(
        db,
        workspace_id=installation.workspace_id,
        causes=[f"{installation.owner}:held:{cause}"],
        now=now,
    )
    return await backlog.wake(db, installation_id=installation.id, causes=[cause], now=now)


async def resolve_ended(db: AsyncConnection, *, now: datetime) -> int:
    """Take note of the causes that no held record names any more; return how many they were."""
    told = await unresolved_holds(db, before=now - _QUIET_FOR)
    ended = await _ended(db, told)
    for workspace_id, holds in groupby(ended, key=lambda hold: hold.workspace_id):
        await resolve(db, workspace_id=workspace_id, causes=[hold.cause for hold in holds], now=now)
    return len(ended)


async def _ended(db: AsyncConnection, told: Sequence[ToldHold]) -> list[ToldHold]:
    rows = await db.execute(
        _ENDED,
        {
            "installation_ids": [hold.installation_id for hold in told],
            "flows": [hold.flow for hold in told],
            "records": [hold.record for hold in told],
            "causes": [hold.waits_for for hold in told],
        },
    )
    return sorted((told[row.number - 1] for row in rows), key=lambda hold: hold.workspace_id)
