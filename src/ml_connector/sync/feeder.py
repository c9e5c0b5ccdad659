"""Keeps the run queue short: fair between owners, most urgent and oldest first.

A backlog of 100,000 records of one installation delays no other, and pausing a connection
is simply not feeding what needs it. A backlog is fed by the wave and not record by record: runs
that begin together ask for their records together, and one vendor call serves them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.core.lanes import Lane
from ml_connector.jobs.queue import RunJob, hand_over

UNDER_WAY_PER_OWNER = 200  # runs queued or running at once; two batches of a vendor's reads
_WAVE_SHARE = 2  # the next wave is fed when half of them have ended
_LOST_AFTER = timedelta(seconds=30)  # a job that is gone so long after it was queued is lost

# Only one process feeds at a time; the others find the lock taken and leave it to that one.
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext('ml_connector.feeder')) AS is_ours")
_AWAIT_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('ml_connector.feeder'))")

# Asked for under the lock: an installation that was paused just now must not be fed once more.
_PAUSED = text("SELECT 'installation:' || id AS owner FROM installation WHERE is_paused")

_UNDER_WAY = text(
    """
    SELECT owner, lane, count(*) AS runs FROM backlog
    WHERE state IN ('queued', 'running') GROUP BY owner, lane
    """
)

_FEED = text(
    """
    WITH due AS (
        SELECT next.id
        FROM unnest(CAST(:owners AS text[]), CAST(:places AS bigint[]), CAST(:lanes AS smallint[]))
            AS o (owner, places, least_urgent)
        CROSS JOIN LATERAL (
            SELECT b.id FROM backlog b
            WHERE b.owner = o.owner AND b.state = 'ready' AND b.due_at <= :now
              AND b.lane <= o.least_urgent AND b.flow = ANY(CAST(:flows AS text[]))
            ORDER BY b.lane, b.due_at, b.id
            LIMIT o.places
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

# Its job finds another run number, or no run at all, and is dropped.
_TAKE_BACK = text(
    """
    WITH locked AS (
        SELECT id FROM backlog WHERE owner = :owner AND state = 'queued' ORDER BY id FOR UPDATE
    )
    UPDATE backlog b SET state = 'ready' FROM locked WHERE b.id = locked.id RETURNING b.id
    """
)

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
    paused = {row.owner for row in await db.execute(_PAUSED)} | set(paused_owners)
    owners = {row.owner for row in await db.execute(_OWNERS_WITH_WORK)} - paused
    rooms = await _rooms(db, sorted(owners), most_per_owner) if owners else []
    if not rooms:
        return Fed(0, is_ours=True)
    rows = await db.execute(
        _FEED,
        {
            "owners": [room.owner for room in rooms],
            "places": [room.places for room in rooms],
            "lanes": [room.least_urgent for room in rooms],
            "flows": list(flows),
            "now": now,
        },
    )
    jobs = [RunJob(row.flow, row.id, row.run_no, row.lane) for row in rows]
    # Interleaved, so that the queue itself serves owners in turn.
    await hand_over(db, sorted(jobs, key=lambda job: (job.lane, job.backlog_id)))
    return Fed(len(jobs), is_ours=True)


@dataclass(frozen=True, slots=True)
class _Room:
    """How much of an owner may be fed now."""

    owner: str
    places: int
    least_urgent: Lane


async def _rooms(db: AsyncConnection, owners: Sequence[str], most: int) -> list[_Room]:
    """Return the owners that have room, each with the lanes whose next wave is due.

    A lane waits for its wave only behind work as urgent as its own: an event overtakes a
    backfill at the next free place.
    """
    runs: dict[str, dict[Lane, int]] = {}
    for row in await db.execute(_UNDER_WAY):
        runs.setdefault(row.owner, {})[Lane(row.lane)] = row.runs
    rooms = []
    for owner in owners:
        own = runs.get(owner, {})
        due = [
            lane
            for lane in Lane
            if sum(count for other, count in own.items() if other <= lane) * _WAVE_SHARE <= most
        ]
        places = most - sum(own.values())
        if due and places > 0:
            rooms.append(_Room(owner, places, max(due)))
    return rooms


async def next_due_at(db: AsyncConnection) -> datetime | None:
    """Return when the next ready row is due, or None when there is none."""
    found: datetime | None = (await db.execute(_NEXT_DUE)).scalar_one()
    return found


async def keep_from_feeding(db: AsyncConnection) -> None:
    """Wait until no process feeds, and let none feed before this transaction ends."""
    await db.execute(_AWAIT_LOCK)


async def take_back(db: AsyncConnection, owner: str) -> int:
    """Make an owner's rows ready again that were handed over and have not begun."""
    return len((await db.execute(_TAKE_BACK, {"owner": owner})).all())


async def sweep(db: AsyncConnection) -> int:
    """Make rows ready again whose job is gone; return how many."""
    return len((await db.execute(_SWEEP, {"lost_after": _LOST_AFTER})).all())
