"""Keeps the run queue short: fair between owners, most urgent and oldest first.

A backlog of 100,000 records of one installation delays no other, and pausing a connection
is simply not feeding what needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.jobs.queue import RunJob, hand_over

UNDER_WAY_PER_OWNER = 150  # runs queued or running at once; enough to fill a worker's batches
_LOST_AFTER = timedelta(seconds=30)  # a job that is gone so long after it was queued is lost

# Only one process feeds at a time; the others find the lock taken and leave it to that one.
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext('ml_connector.feeder')) AS is_ours")

_FEED = text(
    """
    WITH under_way AS (
        SELECT owner, count(*) AS runs FROM backlog
        WHERE state IN ('queued', 'running') GROUP BY owner
    ), due AS (
        SELECT next.id FROM unnest(CAST(:owners AS text[])) AS o (owner)
        LEFT JOIN under_way USING (owner)
        CROSS JOIN LATERAL (
            SELECT b.id FROM backlog b
            WHERE b.owner = o.owner AND b.state = 'ready' AND b.due_at <= :now
              AND b.flow = ANY(CAST(:flows AS text[]))
            ORDER BY b.lane, b.due_at, b.id
            LIMIT GREATEST(CAST(:most AS bigint) - COALESCE(under_way.runs, 0), 0)
            FOR UPDATE SKIP LOCKED
        ) next
    )
    UPDATE backlog b
    SET state = 'queued', run_no = b.run_no + 1, attempt = 0, queued_at = clock_timestamp()
    FROM due WHERE b.id = due.id
    RETURNING b.id, b.run_no, b.flow, b.lane
    """
)

_OWNERS_WITH_WORK = text(
    """
    WITH RECURSIVE o AS (
        (SELECT owner FROM backlog WHERE state = 'ready' ORDER BY owner LIMIT 1)
        UNION ALL
        SELECT (SELECT b.owner FROM backlog b WHERE b.state = 'ready' AND b.owner > o.owner
                ORDER BY b.owner LIMIT 1)
        FROM o WHERE o.owner IS NOT NULL
    )
    SELECT owner FROM o WHERE owner IS NOT NULL
    """
)

_NEXT_DUE = text("SELECT min(due_at) AS due_at FROM backlog WHERE state = 'ready'")

_SWEEP = text(
    """
    UPDATE backlog b SET state = 'ready'
    WHERE b.state IN ('queued', 'running')
      AND GREATEST(b.queued_at, b.started_at) < clock_timestamp() - CAST(:lost_after AS interval)
      AND NOT EXISTS (
          SELECT FROM run_queue j
          WHERE j.dedupe_key = b.id || ':' || b.run_no AND j.status IN ('queued', 'picked'))
    RETURNING b.id
    """
)


@dataclass(frozen=True, slots=True)
class Fed:
    """What one round of feeding did."""

    runs: int
    is_ours: bool
    """False when another process was feeding at that moment."""


async def feed(
    db: AsyncConnection,
    *,
    now: datetime,
    flows: Sequence[str],
    paused_owners: Sequence[str] = (),
    most_per_owner: int = UNDER_WAY_PER_OWNER,
) -> Fed:
    """Hand due rows over to the run queue, up to ``most_per_owner`` under way for each owner.

    ``flows`` are those this process knows; rows of other flows wait for one that knows them.
    """
    if not (await db.execute(_LOCK)).scalar_one():
        return Fed(0, is_ours=False)
    owners = {row.owner for row in await db.execute(_OWNERS_WITH_WORK)} - set(paused_owners)
    if not owners:
        return Fed(0, is_ours=True)
    rows = await db.execute(
        _FEED,
        {
            "owners": sorted(owners),
            "flows": list(flows),
            "most": most_per_owner,
            "now": now,
        },
    )
    jobs = [RunJob(row.flow, row.id, row.run_no, row.lane) for row in rows]
    # Interleaved, so that the queue itself serves owners in turn.
    await hand_over(db, sorted(jobs, key=lambda job: (job.lane, job.backlog_id)))
    return Fed(len(jobs), is_ours=True)


async def next_due_at(db: AsyncConnection) -> datetime | None:
    """Return when the next ready row is due, or None when there is none."""
    found: datetime | None = (await db.execute(_NEXT_DUE)).scalar_one()
    return found


async def sweep(db: AsyncConnection) -> int:
    """Make rows ready again whose job is gone; return how many."""
    return len((await db.execute(_SWEEP, {"lost_after": _LOST_AFTER})).all())
