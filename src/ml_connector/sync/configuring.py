"""Changing an installation: each change is a version, and wakes what waited for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.sync import backlog
from ml_connector.sync.flow import Role
from ml_connector.sync.schedules import next_due_at, parse_schedule

_EVERYTHING = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowConfig:
    """A flow as it should be."""

    is_on: bool
    when: Any
    """A schedule, as `schedules.parse_schedule` reads it."""
    go_live_at: datetime | None = None
    """None: now, if it is switched on for the first time; otherwise as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationConfig:
    """An installation as it should be."""

    workspace_id: int
    name: str
    pair: str
    connections: Mapping[Role, int]
    settings: Mapping[str, Any]
    flows: Mapping[str, FlowConfig] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the content that its version names."""
        return {
            "pair": self.pair,
            "connections": dict(self.connections),
            "settings": dict(self.settings),
            "flows": {
                name: {"on": flow.is_on, "when": flow.when} for name, flow in self.flows.items()
            },
        }


_ENSURE_WORKSPACE = text(
    """
    INSERT INTO workspace (name, created_at) VALUES (:name, :now)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name
    RETURNING id
    """
)

_UPSERT = text(
    """
    INSERT INTO installation AS i
        (workspace_id, name, pair, connections, settings, configuration_version, created_at,
         updated_at)
    VALUES (:workspace_id, :name, :pair, CAST(:connections AS jsonb), CAST(:settings AS jsonb),
            0, :now, :now)
    ON CONFLICT (workspace_id, name) DO UPDATE SET
        connections = excluded.connections, settings = excluded.settings,
        updated_at = excluded.updated_at
    WHERE i.pair = excluded.pair
    RETURNING i.id
    """
)

_NEW_VERSION = text(
    """
    WITH version AS (
        INSERT INTO configuration_version
            (workspace_id, installation_id, digest, document, who, created_at)
        VALUES (:workspace_id, :installation_id, :digest, CAST(:document AS jsonb), :who, :now)
        RETURNING id
    )
    UPDATE installation SET configuration_version = (SELECT id FROM version)
    WHERE id = :installation_id
    """
)

# A version of its own, so that every process reads the installation again.
_KEEP_FIELDS = text(
    """
    WITH version AS (
        INSERT INTO configuration_version
            (workspace_id, installation_id, digest, document, who, created_at)
        SELECT v.workspace_id, v.installation_id, v.digest, v.document, v.who, :now
        FROM installation i JOIN configuration_version v ON v.id = i.configuration_version
        WHERE i.id = :installation_id
        RETURNING id
    )
    UPDATE installation SET own_fields = own_fields || CAST(:keys AS jsonb),
        pins = CAST(COALESCE(:pins, pins::text) AS jsonb),
        configuration_version = (SELECT id FROM version)
    WHERE id = :installation_id
    """
)

_SWITCH_FLOW = text(
    """
    INSERT INTO installation_flow AS f
        (installation_id, flow, is_on, go_live_at, schedule, next_due_at)
    VALUES (:installation_id, :flow, :is_on, :go_live_at, CAST(:schedule AS jsonb), :next_due_at)
    ON CONFLICT (installation_id, flow) DO UPDATE SET
        is_on = excluded.is_on,
        go_live_at = COALESCE(CAST(:stated_go_live_at AS timestamptz), f.go_live_at,
                              excluded.go_live_at),
        schedule = excluded.schedule,
        next_due_at = CASE WHEN f.schedule = excluded.schedule AND f.is_on = excluded.is_on
                           THEN f.next_due_at ELSE excluded.next_due_at END
    """
)

_LATEST_DIGEST = text(
    """
    SELECT v.digest FROM installation i
    JOIN configuration_version v ON v.id = i.configuration_version
    WHERE i.id = :installation_id
    """
)


async def ensure_workspace(db: AsyncConnection, name: str, *, now: datetime) -> int:
    """Return the workspace of that name, made if need be."""
    found: int = (await db.execute(_ENSURE_WORKSPACE, {"name": name, "now": now})).scalar_one()
    return found


async def workspace_named(db: AsyncConnection, name: str) -> int | None:
    """Return the workspace of that name, if there is one."""
    statement = text("SELECT id FROM workspace WHERE name = :name")
    found: int | None = (await db.execute(statement, {"name": name})).scalar_one_or_none()
    return found


async def configure(
    db: AsyncConnection,
    wanted: InstallationConfig,
    *,
    now: datetime,
    who: str,
    wakes: Sequence[str] = _EVERYTHING,
) -> tuple[int, bool]:
    """Bring an installation to what is wanted; return its id and whether anything changed.

    Held records whose cause is among ``wakes`` are ready again on the next cycle: by default
    all, since any of them may wait for what has changed. Raises LookupError when an
    installation of that name links another pair.
    """
    document = wanted.document()
    row = (
        await db.execute(
            _UPSERT,
            {
                "workspace_id": wanted.workspace_id,
                "name": wanted.name,
                "pair": wanted.pair,
                "connections": _json(wanted.connections),
                "settings": _json(wanted.settings),
                "now": now,
            },
        )
    ).first()
    if row is None:
        raise LookupError(f"the installation {wanted.name} links another pair; remove it first")
    digest = hashlib.sha256(_json(document).encode()).hexdigest()
    latest = (await db.execute(_LATEST_DIGEST, {"installation_id": row.id})).scalar_one_or_none()
    for name, flow in wanted.flows.items():
        await _switch(db, row.id, name, flow, now=now)
    if latest == digest:
        return int(row.id), False
    await db.execute(
        _NEW_VERSION,
        {
            "workspace_id": wanted.workspace_id,
            "installation_id": row.id,
            "digest": digest,
            "document": _json(document),
            "who": who,
            "now": now,
        },
    )
    await backlog.wake(db, installation_id=row.id, causes=wakes, now=now)
    return int(row.id), True


async def keep_own_fields(
    db: AsyncConnection, installation_id: int, keys: Mapping[str, str], *, now: datetime
) -> None:
    """Keep the keys of the CRM fields that were provided for an installation: a new version."""
    await db.execute(
        _KEEP_FIELDS,
        {"installation_id": installation_id, "keys": _json(keys), "pins": None, "now": now},
    )


async def keep_pins(
    db: AsyncConnection, installation_id: int, pins: Mapping[str, str], *, now: datetime
) -> None:
    """Keep what the names in an installation's settings stand for: a new version."""
    await db.execute(
        _KEEP_FIELDS,
        {"installation_id": installation_id, "keys": "{}", "pins": _json(pins), "now": now},
    )


async def let_be_read_again(db: AsyncConnection, installation_id: int, *, now: datetime) -> None:
    """Let every process read an installation again: a new version of the same content."""
    await keep_own_fields(db, installation_id, {}, now=now)


async def flow_documents(
    db: AsyncConnection, installation_id: int
) -> Mapping[str, Mapping[str, Any]]:
    """Return an installation's flows as a file has them."""
    rows = await db.execute(
        text(
            "SELECT flow, is_on, go_live_at, schedule FROM installation_flow"
            " WHERE installation_id = :id ORDER BY flow"
        ).columns(schedule=JSONB),
        {"id": installation_id},
    )
    return {
        row.flow: {
            "on": row.is_on,
            "when": row.schedule.get("when"),
            "go_live": row.go_live_at.isoformat() if row.go_live_at else "now",
        }
        for row in rows
    }


async def _switch(
    db: AsyncConnection, installation_id: int, name: str, flow: FlowConfig, *, now: datetime
) -> None:
    due = next_due_at(parse_schedule(flow.when), now)
    await db.execute(
        _SWITCH_FLOW,
        {
            "installation_id": installation_id,
            "flow": name,
            "is_on": flow.is_on,
            # whole seconds: vendors' times have no more, and what happens now is not before now
            "go_live_at": (flow.go_live_at or now.replace(microsecond=0)) if flow.is_on else None,
            "stated_go_live_at": flow.go_live_at,
            "schedule": _json({"when": flow.when}),
            # switched on: the first look is at once
            "next_due_at": now if flow.is_on and due is not None else due,
        },
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="deterministic", enc_hook=str).decode()
