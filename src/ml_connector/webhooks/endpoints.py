"""The addresses that vendors send to, each with its guard."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ids import new_token
from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import Guard
from ml_connector.vault.envelopes import Owner
from ml_connector.vault.secrets import Secrets
from ml_connector.webhooks.tables import webhook_endpoint

OLD_GUARD_VALID_FOR = timedelta(days=1)  # long enough to change every subscription

_TOKEN = "token"  # noqa: S105 - the name of a vault field
_USER, _PASSWORD = "basic_user", "basic_password"
_SIGNATURE_KEY = "signature_key"
_HEADER_NAME, _HEADER_VALUE = "header_name", "header_value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address and how requests to it prove themselves."""

    id: int
    workspace_id: int
    connection_id: int
    name: str
    is_enabled: bool
    guard: Guard
    token: Secret

    @property
    def path(self) -> str:
        """Return the path of the address; it is as secret as its guard."""
        return f"/webhooks/{self.token.reveal()}"


def digest_of(token: str) -> bytes:
    """Return what the database has of an address: it cannot be turned back."""
    return hashlib.sha256(token.encode()).digest()


class Endpoints:
    """Creates, reads and rotates addresses."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    async def create(
        self,
        db: AsyncConnection,
        *,
        workspace_id: int,
        connection_id: int,
        name: str,
        guard: Guard,
        now: datetime,
    ) -> Endpoint:
        """Create an address. Refuses one without a guard: it would believe everybody."""
        if guard.is_open:
            raise ConfigurationError(
                f"the webhook address {name} has no guard; give it a user and password, a "
                "signature key or a header"
            )
        token = Secret(new_token())
        endpoint_id: int = (
            await db.execute(
                insert(webhook_endpoint)
                .values(
                    workspace_id=workspace_id,
                    connection_id=connection_id,
                    name=name,
                    token_digest=digest_of(token.reveal()),
                    is_enabled=True,
                    created_at=now,
                )
                .returning(webhook_endpoint.c.id)
            )
        ).scalar_one()
        owner = _owner(workspace_id, endpoint_id)
        await self._secrets.store(db, owner, _TOKEN, token, now=now)
        await self._store_guard(db, owner, guard, now=now, old_valid_until=None)
        return Endpoint(
            id=endpoint_id,
            workspace_id=workspace_id,
            connection_id=connection_id,
            name=name,
            is_enabled=True,
            guard=guard,
            token=token,
        )

    async def rotate_guard(
        self, db: AsyncConnection, endpoint: Endpoint, guard: Guard, *, now: datetime
    ) -> Endpoint:
        """Put a new guard in force; the old one is good for a day more."""
        owner = _owner(endpoint.workspace_id, endpoint.id)
        until = now + OLD_GUARD_VALID_FOR
        await self._store_guard(db, owner, guard, now=now, old_valid_until=until)
        return replace(endpoint, guard=replace(guard, previous=endpoint.guard))

    async def by_token(self, db: AsyncConnection, token: str, *, now: datetime) -> Endpoint | None:
        """Return the address that ends in ``token``."""
        found = await self._select(db, webhook_endpoint.c.token_digest == digest_of(token), now)
        return found[0] if found else None

    async def of_connection(
        self, db: AsyncConnection, connection_id: int, *, now: datetime
    ) -> list[Endpoint]:
        """Return a connection's addresses by name."""
        return await self._select(db, webhook_endpoint.c.connection_id == connection_id, now)

    async def _select(
        self, db: AsyncConnection, condition: object, now: datetime
    ) -> list[Endpoint]:
        statement = select(webhook_endpoint).where(condition).order_by(webhook_endpoint.c.name)  # type: ignore[arg-type] # a column comparison
        found = []
        for row in (await db.execute(statement)).all():
            owner = _owner(row.workspace_id, row.id)
            secrets = await self._secrets.read(db, owner)
            found.append(
                Endpoint(
                    id=row.id,
                    workspace_id=row.workspace_id,
                    connection_id=row.connection_id,
                    name=row.name,
                    is_enabled=row.is_enabled,
                    guard=replace(
                        _guard(secrets), previous=await self._previous(db, owner, secrets, now)
                    ),
                    token=secrets[_TOKEN],
                )
            )
        return found

    async def _previous(
        self, db: AsyncConnection, owner: Owner, secrets: Mapping[str, Secret], now: datetime
    ) -> Guard | None:
        """Return the guard before the last rotation, while it is still good."""
        older: dict[str, Secret] = {}
        for field in secrets:
            versions = await self._secrets.read_field(db, owner, field, now=now)
            if len(versions) > 1:
                older[field] = versions[1].value
        return _guard({**secrets, **older}) if older else None

    async def _store_guard(
        self,
        db: AsyncConnection,
        owner: Owner,
        guard: Guard,
        *,
        now: datetime,
        old_valid_until: datetime | None,
    ) -> None:
        values: dict[str, Secret] = {}
        if guard.basic is not None:
            values[_USER], values[_PASSWORD] = guard.basic
        if guard.signature_key is not None:
            values[_SIGNATURE_KEY] = guard.signature_key
        if guard.header is not None:
            values[_HEADER_NAME] = Secret(guard.header[0])
            values[_HEADER_VALUE] = guard.header[1]
        for field, value in values.items():
            await self._secrets.store(
                db, owner, field, value, now=now, old_valid_until=old_valid_until
            )


def _owner(workspace_id: int, endpoint_id: int) -> Owner:
    return Owner(workspace_id=workspace_id, name=f"endpoint:{endpoint_id}")


def _guard(secrets: Mapping[str, Secret]) -> Guard:
    basic = None
    if _USER in secrets and _PASSWORD in secrets:
        basic = (secrets[_USER], secrets[_PASSWORD])
    header = None
    if _HEADER_NAME in secrets and _HEADER_VALUE in secrets:
        header = (secrets[_HEADER_NAME].reveal(), secrets[_HEADER_VALUE])
    return Guard(basic=basic, signature_key=secrets.get(_SIGNATURE_KEY), header=header)
