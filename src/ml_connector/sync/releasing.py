"""Brakes as a person sees them, and letting go of one: what it held runs again (P-21)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.sync.brake import WINDOW, cause_of
from ml_connector.sync.holds import end_cause
from ml_connector.sync.installations import Installation

_EXAMPLES = 5  # records named of each


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeFigures:
    """One brake: what was changed in its window, and what it has stopped."""

    installation_id: int
    installation: str
    flow: str
    """Without its pair."""
    kind: str
    opened_at: datetime
    changed: int
    most: int
    base: int
    """Records that were linked when the window was opened."""
    stopped_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    held: int
    """Records that wait for its release now."""
    examples: tuple[str, ...]
    """Of what it has stopped."""

    def state(self, now: datetime) -> Literal["stopped", "released", "counting", "over"]:
        """Say how it stands; over: the window has ended, the next change opens another."""
        if self.stopped_at is not None and self.released_at is None:
            return "stopped"
        if (self.released_at or self.opened_at) <= now - WINDOW:
            return "over"
        return "counting" if self.released_at is None else "released"


_LIST = text(
    """
    SELECT b.*, i.name AS installation,
           (SELECT count(*) FROM backlog r
            WHERE r.installation_id = b.installation_id AND r.state = 'held'
              AND r.waits_for = 'brake:' || b.flow || ':' || b.kind) AS held,
           ARRAY(SELECT COALESCE(s.name || ' (' || s.record || ')', s.record)
                 FROM brake_record s
                 WHERE s.installation_id = b.installation_id AND s.flow = b.flow
                   AND s.kind = b.kind AND s.state = 'stopped'
                 ORDER BY s.at, s.record LIMIT :examples) AS examples
    FROM brake b JOIN installation i ON i.id = b.installation_id
    WHERE i.workspace_id = :workspace_id
      AND (CAST(:installation_id AS bigint) IS NULL OR b.installation_id = :installation_id)
      AND (CAST(:flow AS text) IS NULL OR b.flow = :flow)
      AND (CAST(:kind AS text) IS NULL OR b.kind = :kind)
    ORDER BY i.name, b.flow, b.kind
    """
)

_RELEASE = text(
    """
    UPDATE brake SET released_at = :now, released_by = :who
    WHERE installation_id = :installation_id AND flow = :flow AND kind = :kind
      AND stopped_at IS NOT NULL AND released_at IS NULL
    RETURNING changed, most, base
    """
)

_RELEASE_RECORDS = text(
    """
    UPDATE brake_record SET state = 'released', at = :now
    WHERE installation_id = :installation_id AND flow = :flow AND kind = :kind
      AND state = 'stopped'
    """
)


async def brakes(
    db: AsyncConnection,
    workspace_id: int,
    *,
    installation_id: int | None = None,
    flow: str | None = None,
    kind: str | None = None,
) -> list[BrakeFigures]:
    """Return a workspace's brakes by installation, flow and kind."""
    rows = await db.execute(
        _LIST,
        {
            "workspace_id": workspace_id,
            "installation_id": installation_id,
            "flow": flow,
            "kind": kind,
            "examples": _EXAMPLES,
        },
    )
    return [
        BrakeFigures(
            installation_id=row.installation_id,
            installation=row.installation,
            flow=row.flow,
            kind=row.kind,
            opened_at=row.opened_at,
            changed=row.changed,
            most=row.most,
            base=row.base,
            stopped_at=row.stopped_at,
            released_at=row.released_at,
            released_by=row.released_by,
            held=row.held,
            examples=tuple(row.examples),
        )
        for row in rows
    ]


async def release(
    db: AsyncConnection,
    installation: Installation,
    stopped: Sequence[BrakeFigures],
    *,
    who: str,
    now: datetime,
) -> int:
    """Let go of brakes that have stopped, and wake what they held; return how many records.

    For an hour whatever comes passes, and what was held for as long as a day. A brake that
    somebody else has released meanwhile stays as it is.
    """
    woken = 0
    for brake in stopped:
        key = {"installation_id": brake.installation_id, "flow": brake.flow, "kind": brake.kind}
        row = (await db.execute(_RELEASE, {**key, "who": who, "now": now})).first()
        if row is None:
            continue
        await db.execute(_RELEASE_RECORDS, {**key, "now": now})
        await trail.write(
            db,
            [
                trail.Entry(
                    at=now,
                    workspace_id=installation.workspace_id,
                    event="brake_released",
                    who=who,
                    installation_id=installation.id,
                    detail={
                        "flow": brake.flow,
                        "kind": brake.kind,
                        "changed": row.changed,
                        "most": row.most,
                        "linked": row.base,
                    },
                )
            ],
        )
        woken += await end_cause(db, installation, cause_of(brake.flow, brake.kind), now=now)
    return woken
