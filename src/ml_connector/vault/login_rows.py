"""The row of a login: its envelope, its lease, and how the last renewal failed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.core.logins import Login
from ml_connector.core.secret import Secret
from ml_connector.vault.envelopes import open_envelope, seal
from ml_connector.vault.secrets import envelope_of, envelope_values
from ml_connector.vault.tables import login as table

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ml_connector.vault.envelopes import Owner
    from ml_connector.vault.keyring import Keyring

_FIELD_PREFIX = "login "  # apart from the owner's own secrets, whose fields are settings' names
_EMPTY = {"key_id": None, "wrapped_key": None, "sealed": None}
# What those who waited for a renewal meet when it failed; anything else was a passing trouble.
_LASTING: tuple[type[ConnectorError], ...] = (
    AuthenticationError,
    AccessDeniedError,
    ConfigurationError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRow:
    """What the row says now."""

    login: Login | None
    version: int
    fence: int
    is_leased: bool
    failed_fence: int | None
    failure: ConnectorError | None
    """How the renewal under ``failed_fence`` ended."""


class LoginRows:
    """Reads and writes the login rows of one owner, in the caller's transaction."""

    def __init__(self, *, keyring: Keyring, owner: Owner) -> None:
        self._keyring = keyring
        self._owner = owner

    async def read(self, db: AsyncConnection, name: str) -> LoginRow | None:
        """Return the row, if there is one."""
        return self._row_of((await db.execute(self._select(name))).one_or_none(), name)

    async def lock(self, db: AsyncConnection, name: str) -> LoginRow:
        """Return the row, made if need be, and hold it until the transaction ends."""
        await db.execute(
            insert(table)
            .values(workspace_id=self._owner.workspace_id, owner=self._owner.name, name=name)
            .on_conflict_do_nothing()
        )
        row = (await db.execute(self._select(name).with_for_update())).one()
        locked = self._row_of(row, name)
        assert locked is not None  # noqa: S101 - one() raises before
        return locked

    async def lease(
        self, db: AsyncConnection, name: str, *, worker: str, lease_for: timedelta
    ) -> int:
        """Take the lease of a locked row and return its fence."""
        statement = (
            update(table)
            .where(self._is(name))
            .values(
                fence=table.c.fence + 1,
                lease_owner=worker,
                lease_until=func.clock_timestamp() + lease_for,
            )
            .returning(table.c.fence)
        )
        return int((await db.execute(statement)).scalar_one())

    async def extend(
        self, db: AsyncConnection, name: str, *, fence: int, lease_for: timedelta
    ) -> None:
        """Let the lease under ``fence`` run on, if it is still the one in force."""
        await db.execute(
            update(table)
            .where(self._is(name), table.c.fence == fence, table.c.lease_until.is_not(None))
            .values(lease_until=func.clock_timestamp() + lease_for)
        )

    async def put_renewed(
        self, db: AsyncConnection, name: str, login: Login, *, fence: int, base_version: int
    ) -> int | None:
        """Store what the renewal under ``fence`` won; return its version, or None.

        None: a newer login was stored meanwhile, and stays. A renewal that lost its lease but
        finds nothing newer is stored all the same: what it started from may be used up now.
        """
        is_ours = table.c.fence == fence
        statement = (
            update(table)
            .where(self._is(name), or_(is_ours, table.c.version == base_version))
            .values(
                lease_until=case((is_ours, None), else_=table.c.lease_until),
                **self._values(name, login),
            )
            .returning(table.c.version)
        )
        version: int | None = (await db.execute(statement)).scalar_one_or_none()
        return version

    async def put(self, db: AsyncConnection, name: str, login: Login) -> int:
        """Store a login that no renewal won; every renewal under way is too late."""
        await self.lock(db, name)
        statement = (
            update(table)
            .where(self._is(name))
            .values(fence=table.c.fence + 1, lease_until=None, **self._values(name, login))
            .returning(table.c.version)
        )
        return int((await db.execute(statement)).scalar_one())

    async def release(
        self, db: AsyncConnection, name: str, *, fence: int, failure: ConnectorError
    ) -> None:
        """Give the lease back after a renewal that failed, and leave word of it."""
        await db.execute(
            update(table)
            .where(self._is(name), table.c.fence == fence)
            .values(lease_until=None, failed_fence=fence, failure=_failure_values(failure))
        )

    async def forget(self, db: AsyncConnection, name: str, *, version: int) -> None:
        """Drop the login of that version; its number is not used again."""
        await db.execute(
            update(table)
            .where(self._is(name), table.c.version == version)
            .values(expires_at=None, facts={}, **_EMPTY)
        )

    def _values(self, name: str, login: Login) -> dict[str, Any]:
        revealed = {key: value.reveal() for key, value in login.values.items()}
        envelope = seal(
            json.dumps(revealed).encode(), self._owner.binding(_FIELD_PREFIX + name), self._keyring
        )
        return {
            "version": table.c.version + 1,
            "facts": dict(login.facts),
            "expires_at": login.expires_at,
            "renewed_at": func.clock_timestamp(),
            **envelope_values(envelope),
        }

    def _select(self, name: str) -> Any:
        is_leased = func.coalesce(table.c.lease_until > func.clock_timestamp(), False)
        return select(table, is_leased.label("is_leased")).where(self._is(name))

    def _is(self, name: str) -> ColumnElement[bool]:
        return (
            (table.c.workspace_id == self._owner.workspace_id)
            & (table.c.owner == self._owner.name)
            & (table.c.name == name)
        )

    def _row_of(self, row: Row[Any] | None, name: str) -> LoginRow | None:
        if row is None:
            return None
        return LoginRow(
            login=self._login_of(row, name) if row.sealed is not None else None,
            version=row.version,
            fence=row.fence,
            is_leased=row.is_leased,
            failed_fence=row.failed_fence,
            failure=_failure_of(row.failure) if row.failure else None,
        )

    def _login_of(self, row: Row[Any], name: str) -> Login:
        binding = self._owner.binding(_FIELD_PREFIX + name)
        values = json.loads(open_envelope(envelope_of(row), binding, self._keyring))
        return Login(
            values={key: Secret(value) for key, value in values.items()},
            facts=row.facts,
            expires_at=row.expires_at,
            version=row.version,
        )


async def delete_logins(db: AsyncConnection, owner: Owner) -> None:
    """Delete all logins of an owner that is deleted itself, or has other credentials now."""
    await db.execute(
        table.delete().where(
            (table.c.workspace_id == owner.workspace_id) & (table.c.owner == owner.name)
        )
    )


def _failure_values(error: ConnectorError) -> dict[str, str]:
    kind = next((each for each in (*_LASTING, RateLimitedError) if isinstance(error, each)), None)
    return {"error": (kind or UnavailableError).__name__, "message": error.message}


def _failure_of(values: dict[str, str]) -> ConnectorError:
    known = (*_LASTING, RateLimitedError, UnavailableError)
    kinds: dict[str, type[ConnectorError]] = {kind.__name__: kind for kind in known}
    return kinds[values["error"]](values["message"])
