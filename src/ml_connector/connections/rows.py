"""A connection as its row says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.connections.states import State
from ml_connector.connections.tables import connection
from ml_connector.core.errors import NotFoundError
from ml_connector.core.ids import ConnectionId, WorkspaceId
from ml_connector.vault.envelopes import Owner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow:
    """One workspace's account at one vendor, without its secrets."""

    id: ConnectionId
    workspace_id: WorkspaceId
    name: str
    vendor: str
    settings: Mapping[str, Any]
    """As validated, without secrets."""
    secret_fields: tuple[str, ...]
    """The settings that the vault holds."""
    settings_version: int
    state: State
    state_reason: str | None
    state_since: datetime
    look_at: datetime | None
    """When it is looked at next; None: not by itself."""
    failed_probes: int
    ping: Mapping[str, Any] | None
    """The last ping, as `ping.PingReport.as_json` wrote it."""
    created_at: datetime
    changed_at: datetime

    @property
    def owner(self) -> Owner:
        """Return under which name the vault keeps its secrets and logins."""
        return owner_of(self.workspace_id, self.id)

    @property
    def paused_until(self) -> datetime | None:
        """Return when a connection out of service is tried again; None: not by itself."""
        return None if self.is_ready else self.look_at

    @property
    def is_ready(self) -> bool:
        """Tell whether work may be fed to it."""
        return self.state is State.READY


def owner_of(workspace_id: int, connection_id: int) -> Owner:
    """Return under which name the vault keeps a connection's secrets and logins."""
    return Owner(workspace_id=workspace_id, name=f"connection:{connection_id}")


async def connection_by_id(db: AsyncConnection, connection_id: int) -> ConnectionRow:
    """Return a connection of whichever workspace: for the engine, never for a person's request."""
    return await _one(db, connection.c.id == connection_id, f"connection {connection_id}")


async def workspace_connection(
    db: AsyncConnection, workspace_id: int, connection_id: int, *, lock: bool = False
) -> ConnectionRow:
    """Return a connection of this workspace, or raise NotFoundError.

    With ``lock`` the row stays as it is until the transaction ends.
    """
    condition = (connection.c.workspace_id == workspace_id) & (connection.c.id == connection_id)
    return await _one(db, condition, f"connection {connection_id}", lock=lock)


async def connection_by_name(db: AsyncConnection, workspace_id: int, name: str) -> ConnectionRow:
    """Return the connection of that name in this workspace, or raise NotFoundError."""
    condition = (connection.c.workspace_id == workspace_id) & (connection.c.name == name)
    return await _one(db, condition, f"connection {name!r}")


async def connections_of(
    db: AsyncConnection, workspace_id: int | None = None
) -> list[ConnectionRow]:
    """Return a workspace's connections by name, or those of all workspaces."""
    statement = select(connection).order_by(connection.c.workspace_id, connection.c.name)
    if workspace_id is not None:
        statement = statement.where(connection.c.workspace_id == workspace_id)
    return [row_of(row) for row in await db.execute(statement)]


async def connections_out_of_service(
    db: AsyncConnection, connection_ids: Sequence[int] | None = None
) -> list[ConnectionRow]:
    """Return the connections that nothing may be fed to, for the feeder."""
    statement = select(connection).where(connection.c.state != State.READY.value)
    if connection_ids is not None:
        statement = statement.where(connection.c.id.in_(connection_ids))
    return [row_of(row) for row in await db.execute(statement)]


def row_of(row: Row[Any]) -> ConnectionRow:
    """Return a row of the table as a ConnectionRow."""
    return ConnectionRow(
        id=ConnectionId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        name=row.name,
        vendor=row.vendor,
        settings=row.settings,
        secret_fields=tuple(row.secret_fields),
        settings_version=row.settings_version,
        state=State(row.state),
        state_reason=row.state_reason,
        state_since=row.state_since,
        look_at=row.look_at,
        failed_probes=row.failed_probes,
        ping=row.ping,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


async def _one(
    db: AsyncConnection, condition: ColumnElement[bool], what: str, *, lock: bool = False
) -> ConnectionRow:
    statement = select(connection).where(condition)
    if lock:
        statement = statement.with_for_update()
    row = (await db.execute(statement)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no {what}")
    return row_of(row)
