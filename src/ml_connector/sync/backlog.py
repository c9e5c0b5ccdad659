"""One row per (owner, flow, record): what is wanted, what is done, and why not yet.

An event only raises ``wanted``; a run settles with ``done`` as ``wanted`` was when it began.
So repeated, merged and reordered events end in the same place, no update is lost, and no
record has two runs at once. Every statement of a run carries its run number and attempt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.core.lanes import Lane
from ml_connector.sync.rows import LOOP, Settlement, StartedRun, Wanted

READY_CHANNEL = "ml_backlog_ready"  # NOTIFY: the feeder has something to look at
WAKE_SPACING = timedelta(seconds=5)  # what is edited again and again wakes a hold no more often

_CAPTURE = text(
    """
    INSERT INTO backlog AS b
        (workspace_id, owner, installation_id, connection_id, flow, record, state, lane,
         due_at, trigger, seen_version, wanted_at)
    SELECT w.workspace_id, w.owner, w.installation_id, w.connection_id, w.flow, w.record,
           'ready', w.lane, w.due_at, w.trigger, w.seen_version, w.wanted_at
    FROM unnest(
        CAST(:workspace_ids AS bigint[]), CAST(:owners AS text[]),
        CAST(:installation_ids AS bigint[]), CAST(:connection_ids AS bigint[]),
        CAST(:flows AS text[]), CAST(:records AS text[]), CAST(:lanes AS smallint[]),
        CAST(:due_ats AS timestamptz[]), CAST(:triggers AS jsonb[]),
        CAST(:versions AS text[]), CAST(:wanted_ats AS timestamptz[])
    ) AS w (workspace_id, owner, installation_id, connection_id, flow, record, lane, due_at,
            trigger, seen_version, wanted_at)
    ON CONFLICT (owner, flow, record) DO UPDATE SET
        wanted = b.wanted + 1,
        state = CASE WHEN b.state = 'held' AND starts_with(b.waits_for, :loop)
                          AND excluded.lane > :urgent THEN b.state
                     WHEN b.state IN ('done', 'held', 'dead') THEN 'ready' ELSE b.state END,
        lane = CASE WHEN b.state = 'done' THEN excluded.lane
                    ELSE LEAST(b.lane, excluded.lane) END,
        due_at = CASE
            WHEN b.state IN ('queued', 'running') THEN b.due_at
            -- events keep a loop going: only a person ends the hold that broke it
            WHEN b.state = 'held' AND starts_with(b.waits_for, :loop)
                 AND excluded.lane > :urgent THEN b.due_at
            WHEN b.state = 'ready' THEN LEAST(b.due_at, excluded.due_at)
            ELSE GREATEST(excluded.due_at, b.settled_at + CAST(:spacing AS interval)) END,
        failures = CASE WHEN b.state IN ('held', 'dead') THEN 0 ELSE b.failures END,
        starts = CASE WHEN b.state = 'dead' THEN 0 ELSE b.starts END,
        -- that a record is gone, and into which it was merged, only an event tells: a poll or
        -- another event does not make it forgotten before a run has ended well with it
        trigger = CASE
            WHEN b.state <> 'done' AND excluded.trigger ->> 'by' IS DISTINCT FROM 'webhook'
                 AND b.trigger ->> 'action' IN ('deleted', 'merged')
            THEN b.trigger
            WHEN b.state <> 'done' AND jsonb_exists(b.trigger, 'merged_from')
                 AND NOT jsonb_exists(excluded.trigger, 'merged_from')
            THEN excluded.trigger || jsonb_build_object(
                'merged_from', b.trigger -> 'merged_from',
                'merged_into', b.trigger -> 'merged_into')
            ELSE excluded.trigger END,
        seen_version = excluded.seen_version,
        wanted_at = CASE WHEN b.state = 'done' THEN excluded.wanted_at ELSE b.wanted_at END
    WHERE excluded.seen_version IS NULL
       OR b.seen_version IS DISTINCT FROM excluded.seen_version
    RETURNING b.id
    """
)

_START = text(
    """
    WITH job AS (
        SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:run_nos AS bigint[])) AS j (id, run_no)
    ), locked AS (
        SELECT b.id FROM backlog b JOIN job j USING (id)
        WHERE b.run_no = j.run_no AND b.state IN ('queued', 'running')
        ORDER BY b.id FOR UPDATE OF b
    )
    UPDATE backlog b
    SET state = 'running', attempt = b.attempt + 1, starts = b.starts + 1,
        started_at = clock_timestamp()
    FROM locked WHERE b.id = locked.id
    RETURNING b.id, b.run_no, b.attempt, b.workspace_id, b.owner, b.installation_id,
              b.connection_id, b.flow, b.record, b.wanted, b.wanted_at, b.lane, b.starts,
              b.failures, b.trigger, b.seen_version, b.loop_began_at, b.loop_writes,
              b.is_cancel_wished,
              (SELECT i.configuration_version FROM installation i
               WHERE i.id = b.installation_id) AS configuration_version
    """
).columns(trigger=JSONB)

_SETTLE = text(
    """
    WITH s AS (
        SELECT *, COALESCE(starts_with(waits_for, :loop), false) AS is_loop FROM unnest(
            CAST(:ids AS bigint[]), CAST(:run_nos AS bigint[]), CAST(:attempts AS int[]),
            CAST(:wanteds AS bigint[]), CAST(:states AS text[]),
            CAST(:due_ats AS timestamptz[]), CAST(:settled_ats AS timestamptz[]),
            CAST(:outcomes AS text[]), CAST(:reasons AS text[]), CAST(:waits_fors AS text[]),
            CAST(:failures AS smallint[]), CAST(:keeps_starts AS boolean[]),
            CAST(:loop_began_ats AS timestamptz[]), CAST(:loop_writes AS smallint[]),
            CAST(:rests AS interval[]), CAST(:look_again_ats AS timestamptz[])
        ) AS s (id, run_no, attempt, wanted, state, due_at, settled_at, outcome, reason,
                waits_for, failures, keeps_starts, loop_began_at, loop_writes, rests_for,
                look_again_at)
    ), locked AS (
        SELECT b.id FROM backlog b JOIN s ON b.id = s.id
        WHERE b.run_no = s.run_no AND b.attempt = s.attempt AND b.state = 'running'
        ORDER BY b.id FOR UPDATE OF b
    )
    UPDATE backlog b SET
        done = CASE WHEN s.state = 'done' THEN s.wanted ELSE b.done END,
        -- what was wanted while the run went on wants a run of its own, but for a broken loop
        state = CASE WHEN b.wanted > s.wanted AND NOT s.is_loop THEN 'ready' ELSE s.state END,
        due_at = CASE WHEN b.wanted > s.wanted AND NOT s.is_loop
                      THEN s.settled_at + s.rests_for ELSE s.due_at END,
        wanted_at = CASE WHEN b.wanted > s.wanted AND s.state = 'done'
                         THEN s.settled_at ELSE b.wanted_at END,
        outcome = s.outcome, reason = s.reason, waits_for = s.waits_for,
        failures = s.failures,
        starts = CASE WHEN s.keeps_starts THEN b.starts ELSE 0 END,
        attempt = 0,
        loop_began_at = s.loop_began_at, loop_writes = s.loop_writes,
        is_cancel_wished = false, settled_at = s.settled_at, look_again_at = s.look_again_at
    FROM s, locked WHERE b.id = s.id AND locked.id = s.id
    RETURNING b.id, b.state
    """
)

_WAKE = text(
    """
    UPDATE backlog SET state = 'ready', failures = 0,
        due_at = GREATEST(:now, settled_at + CAST(:spacing AS interval))
    WHERE state = 'held' AND installation_id = :installation_id
      AND (CAST(:is_all AS boolean) OR waits_for = ANY(CAST(:causes AS text[]))
           OR waits_for LIKE ANY(CAST(:prefixes AS text[])))
    RETURNING id
    """
)

_WAKE_DUE = text(
    """
    UPDATE backlog SET state = 'ready'
    WHERE id IN (SELECT id FROM backlog WHERE state = 'held' AND due_at <= :now
                 ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING id
    """
)


# Nothing happened to these records but time. What was wanted is raised as by an event, so that a
# dry look at the row tells why it ran.
_LOOK_AGAIN = text(
    """
    UPDATE backlog SET state = 'ready', wanted = wanted + 1, lane = :lane, due_at = :now,
        wanted_at = :now, look_again_at = NULL,
        trigger = jsonb_build_object('by', 'time', 'at', CAST(:now AS timestamptz))
    WHERE id IN (SELECT id FROM backlog WHERE state = 'done' AND look_again_at <= :now
                 ORDER BY look_again_at LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING id
    """
)


async def capture(db: AsyncConnection, wanted: Sequence[Wanted]) -> set[int]:
    """Mark records as to be looked at; return the rows that a worker must now see to.

    Part of the transaction that stores the event or moves the mark: nothing is acknowledged
    or passed over before it commits.
    """
    raised: set[int] = set()
    for spacing, group in _by_spacing(_merged(wanted)).items():
        rows = await db.execute(
            _CAPTURE,
            {
                **_capture_columns(group),
                "spacing": spacing,
                "loop": LOOP,
                "urgent": int(Lane.URGENT),
            },
        )
        raised.update(row.id for row in rows)
    if raised:
        await announce(db)
    return raised


async def announce(db: AsyncConnection) -> None:
    """Tell the feeder, once this transaction commits, that rows are ready."""
    await db.execute(text("SELECT pg_notify(:channel, '')"), {"channel": READY_CHANNEL})


async def start(
    db: AsyncConnection, jobs: Sequence[tuple[int, int]]
) -> Sequence[StartedRun | None]:
    """Begin runs ``(backlog_id, run_no)``; None for one that is no longer wanted so."""
    rows = await db.execute(
        _START, {"ids": [job[0] for job in jobs], "run_nos": [job[1] for job in jobs]}
    )
    started = {row.id: _started(row) for row in rows}
    return [started.get(backlog_id) for backlog_id, _ in jobs]


async def settle(db: AsyncConnection, settlements: Sequence[Settlement]) -> Sequence[str | None]:
    """End runs; return each row's new state, or None where the fence has passed it by."""
    rows = await db.execute(_SETTLE, {**_settle_columns(settlements), "loop": LOOP})
    states = {row.id: str(row.state) for row in rows}
    if "ready" in states.values():
        await announce(db)
    return [states.get(settlement.backlog_id) for settlement in settlements]


async def wake(
    db: AsyncConnection,
    *,
    installation_id: int,
    causes: Collection[str],
    now: datetime,
    spacing: timedelta = timedelta(),
) -> int:
    """Make every record ready that waits for one of ``causes``.

    ``mapping:*`` means all causes that begin so, ``*`` alone every held record. One that was
    held within ``spacing`` rests so long first.
    """
    prefixes = [cause[:-1] + "%" for cause in causes if cause.endswith("*")]
    rows = await db.execute(
        _WAKE,
        {
            "installation_id": installation_id,
            "causes": list(causes),
            "prefixes": prefixes,
            "is_all": "*" in causes,
            "now": now,
            "spacing": spacing,
        },
    )
    woken = len(rows.all())
    if woken:
        await announce(db)
    return woken


async def wake_ended(
    db: AsyncConnection, causes: Mapping[int, Collection[str]], *, now: datetime
) -> int:
    """Make the records ready that wait for something that has just changed, by installation."""
    return sum(
        [
            await wake(
                db, installation_id=number, causes=causes[number], now=now, spacing=WAKE_SPACING
            )
            for number in sorted(causes)
            if causes[number]
        ]
    )


async def wake_due(db: AsyncConnection, *, now: datetime, most: int = 1000) -> int:
    """Make holds ready that are due for another look."""
    woken = len((await db.execute(_WAKE_DUE, {"now": now, "most": most})).all())
    if woken:
        await announce(db)
    return woken


async def look_again(db: AsyncConnection, *, now: datetime, most: int = 1000) -> int:
    """Make rows ready whose last run asked for another one at a moment that has come."""
    values = {"now": now, "most": most, "lane": int(Lane.ROUTINE)}
    raised = len((await db.execute(_LOOK_AGAIN, values)).all())
    if raised:
        await announce(db)
    return raised


def _merged(wanted: Sequence[Wanted]) -> list[Wanted]:
    """Keep one per row, the last: a statement cannot touch a row twice. Sorted by row."""
    return sorted({item.key: item for item in wanted}.values(), key=lambda item: item.key)


def _by_spacing(wanted: Sequence[Wanted]) -> dict[timedelta, list[Wanted]]:
    groups: dict[timedelta, list[Wanted]] = {}
    for item in wanted:
        groups.setdefault(item.spacing, []).append(item)
    return groups


def _capture_columns(wanted: Sequence[Wanted]) -> dict[str, Any]:
    return {
        "workspace_ids": [item.workspace_id for item in wanted],
        "owners": [item.owner for item in wanted],
        "installation_ids": [item.installation_id for item in wanted],
        "connection_ids": [item.connection_id for item in wanted],
        "flows": [item.flow for item in wanted],
        "records": [item.record for item in wanted],
        "lanes": [int(item.lane) for item in wanted],
        "due_ats": [item.due_at for item in wanted],
        "triggers": [msgspec.json.encode(item.trigger).decode() for item in wanted],
        "versions": [item.version for item in wanted],
        "wanted_ats": [item.wanted_at for item in wanted],
    }


def _settle_columns(settlements: Sequence[Settlement]) -> dict[str, Any]:
    return {
        "ids": [item.backlog_id for item in settlements],
        "run_nos": [item.run_no for item in settlements],
        "attempts": [item.attempt for item in settlements],
        "wanteds": [item.wanted for item in settlements],
        "states": [item.state.value for item in settlements],
        "due_ats": [item.due_at for item in settlements],
        "settled_ats": [item.settled_at for item in settlements],
        "outcomes": [item.outcome for item in settlements],
        "reasons": [item.reason for item in settlements],
        "waits_fors": [item.waits_for for item in settlements],
        "failures": [item.failures for item in settlements],
        "keeps_starts": [item.keeps_starts for item in settlements],
        "loop_began_ats": [item.loop_began_at for item in settlements],
        "loop_writes": [item.loop_writes for item in settlements],
        "rests": [item.rests_for for item in settlements],
        "look_again_ats": [item.look_again_at for item in settlements],
    }


def _started(row: Any) -> StartedRun:
    return StartedRun(
        backlog_id=row.id,
        run_no=row.run_no,
        attempt=row.attempt,
        workspace_id=row.workspace_id,
        owner=row.owner,
        installation_id=row.installation_id,
        connection_id=row.connection_id,
        flow=row.flow,
        record=row.record,
        wanted=row.wanted,
        wanted_at=row.wanted_at,
        lane=Lane(row.lane),
        starts=row.starts,
        failures=row.failures,
        trigger=row.trigger,
        seen_version=row.seen_version,
        loop_began_at=row.loop_began_at,
        loop_writes=row.loop_writes,
        is_cancel_wished=row.is_cancel_wished,
        configuration_version=row.configuration_version,
    )
