"""Creating and changing connections: settings to the row, secrets to the vault, in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from ml_connector.connections import rows, splitting
from ml_connector.connections.states import State
from ml_connector.connections.tables import connection
from ml_connector.core.errors import ConfigurationError
from ml_connector.vault.login_rows import delete_logins

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import BaseModel
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ml_connector.connections.rows import ConnectionRow
    from ml_connector.core.clock import Clock
    from ml_connector.core.secret import Secret
    from ml_connector.storage.database import Database
    from ml_connector.transport.vendor import Vendor
    from ml_connector.vault.secrets import Secrets

KEEPS_LOGIN = "keeps_login"
"""Key in a setting's ``json_schema_extra``: a change of it leaves stored logins as they are.

After a change of any other setting they are dropped: a token won at the old address or for the
old tenant would be sent to the wrong one, or would book into it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChange:
    """What differs between stored and new settings."""

    settings: Mapping[str, tuple[Any, Any]]
    """Old and new value, by name."""
    secrets: frozenset[str]
    """Secrets that are new, other or gone: by name, never by value."""
    drops_logins: bool
    """Whether tokens and sessions won so far do not outlive the change."""

    def __bool__(self) -> bool:
        return bool(self.settings or self.secrets)


class Accounts:
    """The accounts at vendors, as people enter them."""

    def __init__(
        self,
        *,
        database: Database,
        secrets: Secrets,
        vendors: Mapping[str, Vendor],
        clock: Clock,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._vendors = vendors
        self._clock = clock

    async def create(
        self, *, workspace_id: int, name: str, vendor: str, settings: Mapping[str, Any]
    ) -> ConnectionRow:
        """Add a connection.

        Raises SettingsRefusedError for settings that its vendor does not take, and
        ConfigurationError for an unknown vendor or a name that is taken.
        """
        known = splitting.validated(self.vendor(vendor).settings, settings)
        plain, found = splitting.split(known)
        now = self._clock.now()
        try:
            async with self._database.transaction() as db:
                row = await _insert(
                    db, workspace_id, name, vendor, plain=plain, found=found, now=now
                )
                for field, value in found.items():
                    await self._secrets.store(db, row.owner, field, value, now=now)
        except IntegrityError as exc:
            raise ConfigurationError(f"there is a connection {name!r} already") from exc
        return row

    async def update(
        self,
        *,
        workspace_id: int,
        connection_id: int,
        settings: Mapping[str, Any],
    ) -> ConnectionRow:
        """Replace the settings. A secret that ``settings`` leaves out stays; None removes it.

        The same again changes nothing. A change closes the clients that were opened before,
        and a connection in trouble is looked at again at once.
        """

        async def work(db: AsyncConnection) -> ConnectionRow:
            row = await rows.workspace_connection(db, workspace_id, connection_id, lock=True)
            stored = await self._secrets.read(db, row.owner)
            model = self.vendor(row.vendor).settings
            new = splitting.validated(model, splitting.joined(settings, stored))
            return await self._change(db, row, new, stored)

        return await self._database.run(work)

    async def preview(
        self, *, workspace_id: int, connection_id: int, settings: Mapping[str, Any]
    ) -> SettingsChange:
        """Return what `update` with the same settings would change."""
        async with self._database.transaction() as db:
            row = await rows.workspace_connection(db, workspace_id, connection_id)
            stored = await self._secrets.read(db, row.owner)
        model = self.vendor(row.vendor).settings
        new = splitting.validated(model, splitting.joined(settings, stored))
        return _change_between(row, stored, new)

    async def renew_version(self, connection_id: int) -> None:
        """Let every process open its clients anew: the login is another person's consent."""
        statement = (
            update(connection)
            .where(connection.c.id == connection_id)
            .values(
                settings_version=connection.c.settings_version + 1, changed_at=self._clock.now()
            )
        )
        async with self._database.transaction() as db:
            await db.execute(statement)

    async def settings_of(self, db: AsyncConnection, row: ConnectionRow) -> BaseModel:
        """Return the settings with their secrets, as the vendor's package takes them."""
        stored = await self._secrets.read(db, row.owner)
        values = splitting.joined(row.settings, stored)
        return splitting.validated(self.vendor(row.vendor).settings, values)

    async def get(self, workspace_id: int, connection_id: int) -> ConnectionRow:
        """Return one connection of the workspace, or raise NotFoundError."""
        async with self._database.transaction() as db:
            return await rows.workspace_connection(db, workspace_id, connection_id)

    async def by_name(self, workspace_id: int, name: str) -> ConnectionRow:
        """Return the connection of that name, or raise NotFoundError."""
        async with self._database.transaction() as db:
            return await rows.connection_by_name(db, workspace_id, name)

    async def list(self, workspace_id: int | None = None) -> list[ConnectionRow]:
        """Return the connections of a workspace by name; of all workspaces without one."""
        async with self._database.transaction() as db:
            return await rows.connections_of(db, workspace_id)

    async def delete(self, *, workspace_id: int, connection_id: int) -> None:
        """Delete a connection with its secrets, logins and counts."""
        async with self._database.transaction() as db:
            row = await rows.workspace_connection(db, workspace_id, connection_id)
            await self._secrets.delete(db, row.owner)
            await delete_logins(db, row.owner)
            await db.execute(delete(connection).where(connection.c.id == row.id))

    def vendor(self, name: str) -> Vendor:
        """Return the vendor's package, or raise ConfigurationError naming those there are."""
        try:
            return self._vendors[name]
        except KeyError:
            known = ", ".join(sorted(self._vendors))
            raise ConfigurationError(f"there is no vendor {name!r}; known are {known}") from None

    async def _change(
        self,
        db: AsyncConnection,
        row: ConnectionRow,
        new: BaseModel,
        stored: Mapping[str, Secret],
    ) -> ConnectionRow:
        change = _change_between(row, stored, new)
        if not change:
            return row
        plain, found = splitting.split(new)
        now = self._clock.now()
        for field in stored.keys() - found.keys():
            await self._secrets.delete(db, row.owner, field)
        for field, value in found.items():
            await self._secrets.store(db, row.owner, field, value, now=now)
        if change.drops_logins:
            await delete_logins(db, row.owner)
        return await _replace(db, row, plain=plain, found=found, now=now)


def _change_between(
    row: ConnectionRow, stored: Mapping[str, Secret], new: BaseModel
) -> SettingsChange:
    old = _as_validated(row, stored, type(new))
    plain, found = splitting.split(new)
    settings = {name: (old.get(name), plain.get(name)) for name in _changed(old, plain)}
    secrets = frozenset(_changed(stored, found))
    fields = {*settings, *(path.partition(".")[0] for path in secrets)}
    return SettingsChange(
        settings=settings,
        secrets=secrets,
        drops_logins=not fields <= _fields_that_keep_login(type(new)),
    )


async def _insert(
    db: AsyncConnection,
    workspace_id: int,
    name: str,
    vendor: str,
    *,
    plain: Mapping[str, Any],
    found: Mapping[str, Secret],
    now: datetime,
) -> ConnectionRow:
    statement = (
        insert(connection)
        .values(
            workspace_id=workspace_id,
            name=name,
            vendor=vendor,
            settings=plain,
            secret_fields=sorted(found),
            state=State.READY.value,
            state_since=now,
            created_at=now,
            changed_at=now,
        )
        .returning(connection)
    )
    return rows.row_of((await db.execute(statement)).one())


async def _replace(
    db: AsyncConnection,
    row: ConnectionRow,
    *,
    plain: Mapping[str, Any],
    found: Mapping[str, Secret],
    now: datetime,
) -> ConnectionRow:
    values: dict[str, Any] = {
        "settings": plain,
        "secret_fields": sorted(found),
        "settings_version": connection.c.settings_version + 1,
        "changed_at": now,
    }
    if row.state not in {State.READY, State.PAUSED}:
        # A probe with the new settings decides; one under way with the old ones is fenced off.
        values |= {
            "look_at": now,
            "failed_probes": 0,
            "probe_fence": connection.c.probe_fence + 1,
            "probe_until": None,
        }
    statement = (
        update(connection).where(connection.c.id == row.id).values(**values).returning(connection)
    )
    return rows.row_of((await db.execute(statement)).one())


def _as_validated(
    row: ConnectionRow, stored: Mapping[str, Secret], model: type[BaseModel]
) -> Mapping[str, Any]:
    """Return the stored settings with the defaults that the model has gained since."""
    try:
        old = splitting.validated(model, splitting.joined(row.settings, stored))
    except splitting.SettingsRefusedError:
        return row.settings  # the model has become stricter; compare with what is there
    return splitting.split(old)[0]


def _changed(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def _fields_that_keep_login(model: type[BaseModel]) -> set[str]:
    return {
        name
        for name, field in model.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get(KEEPS_LOGIN)
    }
