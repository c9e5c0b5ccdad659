"""How an installation's flows stand: counts by state, what waits longest, what is late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.sync.installations import FlowSwitch, Installation
from ml_connector.sync.rows import POLL
from ml_connector.sync.schedules import ScheduleError, longest_gap, parse_schedule
from ml_connector.sync.states import RowState

# A flow that only waits for events has no cadence: then this is late.
LATE_WITHOUT_CADENCE = timedelta(minutes=10)

WAITING = (RowState.READY, RowState.QUEUED, RowState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFigures:
    """One flow of one installation."""

    flow: str
    """Without its pair."""
    is_on: bool
    go_live_at: datetime | None
    when: object
    """Its schedule, as a file has it."""
    next_due_at: datetime | None
    counts: Mapping[RowState, int] = field(default_factory=dict)
    oldest_waiting_at: datetime | None = None
    """Since when the longest waiting record that may run is wanted."""
    late: int = 0
    """Records that wait for longer than the flow's cadence."""

    @property
    def waiting(self) -> int:
        """Return how many records may run and have not."""
        return sum(self.counts.get(state, 0) for state in WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFigures:
    """One stream of one connection, as its polls left it."""

    connection_id: int
    stream: str
    state: RowState
    due_at: datetime
    settled_at: datetime | None
    outcome: str | None
    reason: str | None
    read_up_to: str | None
    """The high-water mark."""


_COUNTS = text(
    """
    WITH cadence AS (
        SELECT * FROM unnest(
            CAST(:owners AS text[]), CAST(:flows AS text[]), CAST(:late_befores AS timestamptz[])
        ) AS c (owner, flow, late_before)
    )
    SELECT b.owner, b.flow, b.state, count(*) AS records,
           min(b.wanted_at) AS oldest_at,
           count(*) FILTER (WHERE b.wanted_at < c.late_before) AS late
    FROM backlog b JOIN cadence c ON c.owner = b.owner AND c.flow = b.flow
    WHERE b.workspace_id = :workspace_id
    GROUP BY b.owner, b.flow, b.state
    """
)

_STREAMS = text(
    """
    SELECT b.connection_id, b.record AS stream, b.state, b.due_at, b.settled_at, b.outcome,
           b.reason, m.position
    FROM backlog b
    LEFT JOIN high_water_mark m ON m.connection_id = b.connection_id AND m.stream = b.record
    WHERE b.workspace_id = :workspace_id AND b.flow = :poll
    ORDER BY b.connection_id, b.record LIMIT 1000
    """
).columns(position=JSONB)

_NEXT = text(
    """
    SELECT least(
        (SELECT min(f.next_due_at) FROM installation_flow f
         JOIN installation i ON i.id = f.installation_id
         WHERE i.workspace_id = :workspace_id AND f.is_on AND NOT i.is_paused),
        (SELECT min(due_at) FROM backlog
         WHERE workspace_id = :workspace_id AND state IN ('ready', 'held') AND due_at > :now),
        (SELECT min(second_look_at) FROM effect
         WHERE workspace_id = :workspace_id AND second_look_at IS NOT NULL)
    )
    """
)


def late_before(switch: FlowSwitch, now: datetime) -> datetime:
    """Return the moment before which a record that still waits was wanted too long ago."""
    try:
        gap = longest_gap(parse_schedule(switch.schedule.get("when", "events")))
    except ScheduleError:  # written by a release that knew other schedules
        gap = None
    return now - (gap or LATE_WITHOUT_CADENCE)


async def flow_figures(
    db: AsyncConnection, installed: Sequence[Installation], *, now: datetime
) -> dict[int, list[FlowFigures]]:
    """Return each installation's flows by name; ``installed`` are of one workspace."""
    if not installed:
        return {}
    keyed = [
        (one.owner, f"{one.pair}.{name}", late_before(switch, now))
        for one in installed
        for name, switch in one.flows.items()
    ]
    found = (
        await db.execute(
            _COUNTS,
            {
                "workspace_id": installed[0].workspace_id,
                "owners": [key[0] for key in keyed],
                "flows": [key[1] for key in keyed],
                "late_befores": [key[2] for key in keyed],
            },
        )
    ).all()
    return {
        one.id: [
            _figures(
                switch, [row for row in found if (row.owner, row.flow) == (one.owner, qualified)]
            )
            for name, switch in sorted(one.flows.items())
            for qualified in (f"{one.pair}.{name}",)
        ]
        for one in installed
    }


async def stream_figures(db: AsyncConnection, workspace_id: int) -> list[StreamFigures]:
    """Return every stream that was polled, by connection."""
    found = await db.execute(_STREAMS, {"workspace_id": workspace_id, "poll": POLL})
    return [
        StreamFigures(
            connection_id=row.connection_id,
            stream=row.stream,
            state=RowState(row.state),
            due_at=row.due_at,
            settled_at=row.settled_at,
            outcome=row.outcome,
            reason=row.reason,
            read_up_to=row.position.get("mark") if row.position else None,
        )
        for row in found
    ]


async def next_event_at(
    db: AsyncConnection, workspace_id: int, *, now: datetime
) -> datetime | None:
    """Return when the next thing is due by the clock: a poll, a retry, another look."""
    parameters = {"workspace_id": workspace_id, "now": now}
    found: datetime | None = (await db.execute(_NEXT, parameters)).scalar_one()
    return found


def _figures(switch: FlowSwitch, rows: Sequence[Row[Any]]) -> FlowFigures:
    counts = {RowState(row.state): int(row.records) for row in rows}
    waiting = [row for row in rows if RowState(row.state) in WAITING]
    return FlowFigures(
        flow=switch.flow,
        is_on=switch.is_on,
        go_live_at=switch.go_live_at,
        when=switch.schedule.get("when"),
        next_due_at=switch.next_due_at if switch.is_on else None,
        counts=counts,
        oldest_waiting_at=min((row.oldest_at for row in waiting), default=None),
        late=sum(row.late for row in waiting),
    )
