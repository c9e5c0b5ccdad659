"""Installations: a pair of vendors switched on for one workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.sync.flow import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSwitch:
    """Whether and since when a flow is on, and how often its poll runs."""

    flow: str
    is_on: bool
    go_live_at: datetime | None
    schedule: Mapping[str, Any]
    next_due_at: datetime | None = None
    matched_at: datetime | None = None
    """When a person confirmed the flow's first match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One installation, as configured in one version."""

    id: int
    workspace_id: int
    name: str
    pair: str
    connections: Mapping[Role, int]
    settings: Mapping[str, Any]
    own_fields: Mapping[str, str]
    """Keys of the CRM fields that were provided for it, by our name of each."""
    pins: Mapping[str, str]
    """What the names in its settings stand for, by the name; see `flow.Checked`."""
    configuration_version: int
    is_paused: bool
    flows: Mapping[str, FlowSwitch] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """Its name in the feeder's round robin."""
        return f"installation:{self.id}"


_SELECT = """
    SELECT i.id, i.workspace_id, i.name, i.pair, i.connections, i.settings, i.own_fields,
           i.pins, i.configuration_version, i.is_paused
    FROM installation i
"""

_FLOWS = text(
    """
    SELECT installation_id, flow, is_on, go_live_at, schedule, next_due_at, matched_at
    FROM installation_flow WHERE installation_id = ANY(CAST(:ids AS bigint[]))
    """
).columns(schedule=JSONB)


async def get(db: AsyncConnection, installation_id: int) -> Installation:
    """Return one installation; raises LookupError for an unknown one."""
    found = await _select(db, "WHERE i.id = :id", {"id": installation_id})
    if not found:
        raise LookupError(f"there is no installation {installation_id}")
    return found[0]


async def of_workspace(db: AsyncConnection, workspace_id: int) -> list[Installation]:
    """Return a workspace's installations by name."""
    return await _select(
        db, "WHERE i.workspace_id = :workspace ORDER BY i.name", {"workspace": workspace_id}
    )


async def of_connection(db: AsyncConnection, connection_id: int) -> list[Installation]:
    """Return the installations that use a connection."""
    return await _select(
        db,
        "WHERE EXISTS (SELECT FROM jsonb_each(i.connections) c"
        " WHERE c.value = to_jsonb(CAST(:connection AS bigint))) ORDER BY i.id",
        {"connection": connection_id},
    )


async def every(db: AsyncConnection) -> list[Installation]:
    """Return all installations of this cell, for the feeder and the scheduler."""
    return await _select(db, "ORDER BY i.id", {})


async def _select(
    db: AsyncConnection, condition: str, parameters: Mapping[str, Any]
) -> list[Installation]:
    statement = text(_SELECT + condition).columns(
        connections=JSONB, settings=JSONB, own_fields=JSONB, pins=JSONB
    )
    rows = (await db.execute(statement, parameters)).all()
    switches: dict[int, dict[str, FlowSwitch]] = {row.id: {} for row in rows}
    for flow in await db.execute(_FLOWS, {"ids": list(switches)}):
        switches[flow.installation_id][flow.flow] = FlowSwitch(
            flow=flow.flow,
            is_on=flow.is_on,
            go_live_at=flow.go_live_at,
            schedule=flow.schedule,
            next_due_at=flow.next_due_at,
            matched_at=flow.matched_at,
        )
    return [
        Installation(
            id=row.id,
            workspace_id=row.workspace_id,
            name=row.name,
            pair=row.pair,
            connections=row.connections,
            settings=row.settings,
            own_fields=row.own_fields,
            pins=row.pins,
            configuration_version=row.configuration_version,
            is_paused=row.is_paused,
            flows=switches[row.id],
        )
        for row in rows
    ]
