"""After a restore from a backup: what was done since then is not known here, but it was done.

A restore raises an epoch. Every write that is not known to be done counts as sent with its
answer lost, and so does, for a while, every write that this database has never heard of: it may
have been intended, sent and concluded in the time that is lost. So each is searched for before
anything is created, not before the vendor's search would show it, and looked for once more
afterwards. High-water marks go back, and every stream is polled at once.

Run numbers and ids leap, so that a worker of the lost time that is still out there can start,
intend and settle nothing here. Logins stay: a token that was renewed since then is refused by
the vendor, and the connection says that it needs a login.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.jobs.queue import forget_all
from ml_connector.sync import backlog, installations
from ml_connector.sync.flow import Integration
from ml_connector.sync.installations import Installation
from ml_connector.sync.marks import Position
from ml_connector.sync.polling import poll_wanted, write_mark

_LEAP = 1_000_000  # more runs of one record, and more rows, than any backup is behind

_RAISE_EPOCH = text(
    """
    INSERT INTO epoch (raised_at, backup_age) VALUES (clock_timestamp(), :backup_age)
    RETURNING number, raised_at
    """
)

_DOUBT = text(
    """
    UPDATE effect SET state = 'unknown', sent_before = :raised_at,
        sendings = GREATEST(sendings, 1), updated_at = :now
    WHERE state <> 'done'
    """
)

_MAKE_READY = text(
    """
    UPDATE backlog b SET
        state = CASE WHEN was.under_way THEN 'ready' ELSE b.state END,
        due_at = CASE WHEN was.under_way THEN LEAST(b.due_at, :now) ELSE b.due_at END,
        starts = CASE WHEN was.under_way THEN 0 ELSE b.starts END,
        run_no = b.run_no + :leap, attempt = 0
    FROM (SELECT id, state IN ('queued', 'running') AS under_way FROM backlog) AS was
    WHERE was.id = b.id
    RETURNING was.under_way
    """
)

_LEAP_IDS = text(
    """
    SELECT setval(pg_get_serial_sequence('backlog', 'id'),
                  nextval(pg_get_serial_sequence('backlog', 'id')) + :leap),
           setval(pg_get_serial_sequence('effect', 'id'),
                  nextval(pg_get_serial_sequence('effect', 'id')) + :leap)
    """
)

_MARKS = text(
    "SELECT connection_id, stream, workspace_id, position FROM high_water_mark FOR UPDATE"
).columns(position=JSONB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore has called into question."""

    epoch: int
    effects_in_doubt: int
    """Writes that may have reached the vendor; each is searched for first."""
    runs_taken_back: int
    """Records that were queued or running when the backup was taken: ready again."""
    marks_set_back: int
    polls: int
    """Streams that are read again at once."""


@dataclass(slots=True)
class _Stream:
    """A stream that flows start from."""

    workspace_id: int
    connection_id: int
    name: str
    has_cadence: bool = False
    """Whether any of the flows polls by itself; the others know their records by events alone."""


async def after_restore(
    db: AsyncConnection,
    integrations: Mapping[str, Integration],
    *,
    backup_age: timedelta,
    now: datetime,
    who: str,
) -> Restored:
    """Make a restored database safe to work on, in this transaction; no process may run on it.

    ``backup_age`` is how long ago the backup was taken; rather too long than too short. Doing
    this twice does no harm.
    """
    if backup_age < timedelta():
        raise ValueError(f"a backup cannot be {backup_age} old")
    epoch = (await db.execute(_RAISE_EPOCH, {"backup_age": backup_age})).one()
    doubted = await db.execute(_DOUBT, {"raised_at": epoch.raised_at, "now": now})
    await forget_all(db)
    rows = (await db.execute(_MAKE_READY, {"leap": _LEAP, "now": now})).scalars().all()
    await db.execute(_LEAP_IDS, {"leap": _LEAP})
    installed = await installations.every(db)
    streams = _streams(installed, integrations)
    set_back = await _set_marks_back(db, streams, backup_age=backup_age, now=now)
    await _poll(db, streams.values(), now=now)
    await backlog.announce(db)
    restored = Restored(
        epoch=epoch.number,
        effects_in_doubt=doubted.rowcount,
        runs_taken_back=sum(rows),
        marks_set_back=set_back,
        polls=len(streams),
    )
    await _tell(db, installed, restored, backup_age=backup_age, now=now, who=who)
    return restored


def _streams(
    installed: Sequence[Installation], integrations: Mapping[str, Integration]
) -> dict[tuple[int, str], _Stream]:
    """Return the streams that flows which are on start from, by connection and name."""
    streams: dict[tuple[int, str], _Stream] = {}
    for installation in installed:
        integration = integrations.get(installation.pair)
        for flow in integration.flows if integration is not None else ():
            switch = installation.flows.get(flow.name)
            if switch is None or not switch.is_on:
                continue
            for source in flow.started_by:
                key = installation.connections[source.role], source.stream
                stream = streams.setdefault(key, _Stream(installation.workspace_id, *key))
                stream.has_cadence |= switch.next_due_at is not None
    return streams


async def _set_marks_back(
    db: AsyncConnection,
    streams: Mapping[tuple[int, str], _Stream],
    *,
    backup_age: timedelta,
    now: datetime,
) -> int:
    """Set every mark back, and give one to streams whose events alone were listened to.

    A stream that is polled and has no mark yet begins with its flows' go-live, as ever.
    """
    marks = (await db.execute(_MARKS)).all()
    back_to = {
        (row.connection_id, row.stream): (
            row.workspace_id,
            Position.from_json(row.position).mark - backup_age,
        )
        for row in marks
    }
    for key, stream in streams.items():
        if not stream.has_cadence:
            back_to.setdefault(key, (stream.workspace_id, now - backup_age))
    for (connection_id, name), (workspace_id, mark) in sorted(back_to.items()):
        await write_mark(
            db,
            connection_id=connection_id,
            stream=name,
            workspace_id=workspace_id,
            position=Position(mark=mark),
        )
    return len(marks)


async def _poll(db: AsyncConnection, streams: Iterable[_Stream], *, now: datetime) -> None:
    await backlog.capture(
        db,
        [
            poll_wanted(
                workspace_id=stream.workspace_id,
                connection_id=stream.connection_id,
                stream=stream.name,
                now=now,
                because="restore",
            )
            for stream in streams
        ],
    )


async def _tell(
    db: AsyncConnection,
    installed: Sequence[Installation],
    restored: Restored,
    *,
    backup_age: timedelta,
    now: datetime,
    who: str,
) -> None:
    """Let every workspace's story say why its records ran again."""
    detail = {"epoch": restored.epoch, "backup_age_seconds": backup_age.total_seconds()}
    await trail.write(
        db,
        [
            trail.Entry(
                at=now,
                workspace_id=workspace_id,
                event="backup_restored",
                detail=detail,
                who=who,
            )
            for workspace_id in sorted({one.workspace_id for one in installed})
        ],
    )
