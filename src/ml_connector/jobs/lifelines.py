"""A worker's lifeline: a lock that its connection holds, and that falls the moment it is gone.

A killed process's connection is closed by its machine at once, long before its heartbeats are
missed. So what it had claimed is queued again within a second; heartbeats remain for machines
that vanish without a word. A worker that has only lost its lifeline lives on under the fence:
of its runs and those begun again elsewhere, one settles.
"""

from __future__ import annotations

from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_CLASS = 0x6D6C6C66  # "mllf": the first half of the lock's key; the second is the worker's

_TAKE = "SELECT pg_advisory_lock($1, hashtext($2))"

# The lock's halves stand in pg_locks as oids, which have no sign.
_FREE_LOST = text(
    """
    UPDATE run_queue SET status = 'queued', queue_manager_id = NULL, updated = clock_timestamp()
    WHERE status = 'picked' AND queue_manager_id IN (
        SELECT DISTINCT queue_manager_id FROM run_queue WHERE status = 'picked'
        EXCEPT
        SELECT claimed.queue_manager_id
        FROM (SELECT DISTINCT queue_manager_id FROM run_queue WHERE status = 'picked') claimed
        JOIN pg_locks held
          ON held.locktype = 'advisory' AND held.granted AND held.objsubid = 2
         AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND held.classid::bigint = :class
         AND held.objid::bigint = hashtext(claimed.queue_manager_id::text)::bigint & 4294967295)
    RETURNING id
    """
)


async def take(connection: asyncpg.Connection[Any] | PoolConnectionProxy[Any], worker: str) -> None:
    """Hold the lifeline of ``worker`` for as long as ``connection`` is open."""
    await connection.execute(_TAKE, _CLASS, worker)


async def free_lost(db: AsyncConnection) -> int:
    """Queue again what workers had claimed whose lifeline has fallen; return how many runs."""
    return len((await db.execute(_FREE_LOST, {"class": _CLASS})).all())
