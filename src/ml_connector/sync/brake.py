"""The brake: a flow about to change more of one kind than is usual stops and asks (P-21).

Records are counted, not changes: one that is changed twice, or tried again after a lost answer,
counts once. A window opens with the first change and lasts an hour; the share is taken of what
was linked then. Once the brake has stopped, no window ends and nothing more passes until a
person releases it (`releasing.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.core.errors import HeldError
from ml_connector.sync.rows import StartedRun

WINDOW = timedelta(hours=1)
RELEASE_LASTS = timedelta(days=1)  # for what the brake had held; working that off may take hours

BrakeKey: TypeAlias = tuple[int, str, str]
"""Installation, flow without its pair, kind of record link."""


class BrakeRules(BaseModel, frozen=True, extra="forbid"):
    """How many records of one kind a flow may change within an hour without asking."""

    count: int = Field(default=200, ge=1, description="At most so many records.")
    share_percent: int = Field(
        default=20, ge=0, le=100, description="At most this share of the linked records."
    )
    at_least: int = Field(
        default=20, ge=1, description="The share stops nothing before so many are changed."
    )

    def most(self, base: int) -> int:
        """Return how many of ``base`` linked records may be changed in a window."""
        return min(self.count, max(base * self.share_percent // 100, self.at_least))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """One record that a run is about to change."""

    run: StartedRun
    installation_id: int
    kind: str
    record: str
    name: str | None
    rules: BrakeRules
    now: datetime

    @property
    def flow(self) -> str:
        """The flow's name without its pair."""
        return self.run.flow.rpartition(".")[2]

    @property
    def brake(self) -> BrakeKey:
        """Which brake counts it; also the order in which brakes are locked."""
        return self.installation_id, self.flow, self.kind

    def as_tuple(self) -> tuple[int, str, str, str]:
        """Return what is counted once."""
        return *self.brake, self.record


@dataclass(slots=True)
class Brake:
    """A brake as it stands."""

    opened_at: datetime
    base: int
    most: int
    changed: int
    stopped_at: datetime | None
    released_at: datetime | None

    def takes(self, state: str | None, most: int, now: datetime) -> str:
        """Count one record and return its state: passed, or stopped."""
        self.most = most
        if state == "passed":
            return state
        if self.released_at is not None:
            self.changed += 1
            return "passed"
        if state == "released":
            return "passed"  # let go in an earlier window: it takes no place in this one
        if self.stopped_at is None and self.changed < most:
            self.changed += 1
            return "passed"
        self.stopped_at = self.stopped_at or now
        return "stopped"


def cause_of(flow: str, kind: str) -> str:
    """Return what records wait for that a brake has stopped."""
    return f"brake:{flow}:{kind}"


# Locked in this order by every process; a new one is opened by the next statement.
_LOCK = text(
    """
    INSERT INTO brake AS b (installation_id, flow, kind, opened_at, base, most)
    SELECT k.installation_id, k.flow, k.kind, '-infinity', 0, 0
    FROM unnest(CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]),
                CAST(:kinds AS text[])) AS k (installation_id, flow, kind)
    ORDER BY 1, 2, 3
    ON CONFLICT (installation_id, flow, kind) DO UPDATE SET most = b.most
    """
)

_OPEN = text(
    """
    WITH opened AS (
        UPDATE brake b SET
            opened_at = :now, changed = 0, stopped_at = NULL, released_at = NULL,
            released_by = NULL,
            base = (SELECT count(*) FROM record_link l
                    WHERE l.installation_id = b.installation_id AND l.kind = b.kind)
        FROM unnest(CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]),
                    CAST(:kinds AS text[])) AS k (installation_id, flow, kind)
        WHERE b.installation_id = k.installation_id AND b.flow = k.flow AND b.kind = k.kind
          AND CASE WHEN b.released_at IS NOT NULL THEN b.released_at <= :over
                   WHEN b.stopped_at IS NOT NULL THEN false
                   ELSE b.opened_at <= :over END
        RETURNING b.installation_id, b.flow, b.kind
    )
    DELETE FROM brake_record r USING opened o
    WHERE r.installation_id = o.installation_id AND r.flow = o.flow AND r.kind = o.kind
      AND (r.state = 'passed' OR r.at <= :release_over)
    """
)

_READ = text(
    """
    SELECT b.* FROM brake b
    JOIN unnest(CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]),
                CAST(:kinds AS text[])) AS k (installation_id, flow, kind)
      ON b.installation_id = k.installation_id AND b.flow = k.flow AND b.kind = k.kind
    """
)

_READ_RECORDS = text(
    """
    SELECT r.installation_id, r.flow, r.kind, r.record, r.state
    FROM unnest(CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]),
                CAST(:kinds AS text[]), CAST(:records AS text[]))
         AS k (installation_id, flow, kind, record)
    JOIN brake_record r ON r.installation_id = k.installation_id AND r.flow = k.flow
     AND r.kind = k.kind AND r.record = k.record
    """
)

_WRITE_RECORDS = text(
    """
    INSERT INTO brake_record AS r (installation_id, flow, kind, record, name, state, at)
    SELECT * FROM unnest(
        CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]), CAST(:kinds AS text[]),
        CAST(:records AS text[]), CAST(:names AS text[]), CAST(:states AS text[]),
        CAST(:ats AS timestamptz[]))
    ON CONFLICT (installation_id, flow, kind, record) DO UPDATE SET
        state = excluded.state, at = excluded.at, name = COALESCE(excluded.name, r.name)
    """
)

_WRITE = text(
    """
    UPDATE brake b SET most = k.most, changed = k.changed, stopped_at = k.stopped_at
    FROM unnest(CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]),
                CAST(:kinds AS text[]), CAST(:mosts AS bigint[]), CAST(:changeds AS bigint[]),
                CAST(:stopped_ats AS timestamptz[]))
         AS k (installation_id, flow, kind, most, changed, stopped_at)
    WHERE b.installation_id = k.installation_id AND b.flow = k.flow AND b.kind = k.kind
    """
)


async def count(db: AsyncConnection, countings: Sequence[Counting]) -> Sequence[HeldError | None]:
    """Count records that are about to be changed; return for each why it has to wait, if it has.

    Every brake is locked until the commit, so that however many workers count at once, no more
    pass than may.
    """
    brakes = await _open(db, countings)
    states = await _states(db, countings)
    entries: list[trail.Entry] = []
    for each in countings:
        brake = brakes[each.brake]
        stood = brake.stopped_at
        most = each.rules.most(brake.base)
        states[each.as_tuple()] = brake.takes(states.get(each.as_tuple()), most, each.now)
        if brake.stopped_at is not stood:
            entries.append(_stopped_entry(each, brake))
    await _store(db, countings, brakes, states)
    await trail.write(db, entries)
    return [
        None if states[each.as_tuple()] == "passed" else _held(each, brakes[each.brake])
        for each in countings
    ]


async def _open(db: AsyncConnection, countings: Sequence[Counting]) -> dict[BrakeKey, Brake]:
    """Lock the brakes, begin a new window where the one before has ended, and return them."""
    keys = _columns(sorted({each.brake for each in countings}))
    now = max(each.now for each in countings)
    await db.execute(_LOCK, keys)
    await db.execute(
        _OPEN, {**keys, "now": now, "over": now - WINDOW, "release_over": now - RELEASE_LASTS}
    )
    return {
        (row.installation_id, row.flow, row.kind): Brake(
            opened_at=row.opened_at,
            base=row.base,
            most=row.most,
            changed=row.changed,
            stopped_at=row.stopped_at,
            released_at=row.released_at,
        )
        for row in await db.execute(_READ, keys)
    }


async def _states(
    db: AsyncConnection, countings: Sequence[Counting]
) -> dict[tuple[int, str, str, str], str]:
    keys = sorted({each.as_tuple() for each in countings})
    values = {**_columns([key[:3] for key in keys]), "records": [key[3] for key in keys]}
    rows = await db.execute(_READ_RECORDS, values)
    return {(row.installation_id, row.flow, row.kind, row.record): row.state for row in rows}


async def _store(
    db: AsyncConnection,
    countings: Sequence[Counting],
    brakes: Mapping[BrakeKey, Brake],
    states: Mapping[tuple[int, str, str, str], str],
) -> None:
    keys = sorted(brakes)
    await db.execute(
        _WRITE,
        {
            **_columns(keys),
            "mosts": [brakes[key].most for key in keys],
            "changeds": [brakes[key].changed for key in keys],
            "stopped_ats": [brakes[key].stopped_at for key in keys],
        },
    )
    latest = {each.as_tuple(): each for each in countings}
    ordered = [latest[key] for key in sorted(latest)]
    await db.execute(
        _WRITE_RECORDS,
        {
            **_columns([each.brake for each in ordered]),
            "records": [each.record for each in ordered],
            "names": [each.name for each in ordered],
            "states": [states[each.as_tuple()] for each in ordered],
            "ats": [each.now for each in ordered],
        },
    )


def _columns(keys: Sequence[BrakeKey]) -> dict[str, Any]:
    return {
        "installation_ids": [key[0] for key in keys],
        "flows": [key[1] for key in keys],
        "kinds": [key[2] for key in keys],
    }


def _stopped_entry(counting: Counting, brake: Brake) -> trail.Entry:
    return trail.Entry(
        at=counting.now,
        workspace_id=counting.run.workspace_id,
        event="brake_stopped",
        detail={
            "flow": counting.flow,
            "kind": counting.kind,
            "changed": brake.changed,
            "most": brake.most,
            "linked": brake.base,
            "record": counting.name or counting.record,
        },
        installation_id=counting.installation_id,
        backlog_id=counting.run.backlog_id,
        run_no=counting.run.run_no,
    )


def _held(counting: Counting, brake: Brake) -> HeldError:
    return HeldError(
        f"{counting.flow} changed {brake.changed} of {brake.base} linked records "
        f"({counting.kind}) since {brake.opened_at:%Y-%m-%d %H:%M} UTC, and may change "
        f"{brake.most} within an hour: {counting.name or counting.record} and what follows wait; "
        f"look at `brakes list`, and if that is meant, `brakes release {counting.flow}`",
        waits_for=cause_of(counting.flow, counting.kind),
    )
