"""Secrets that people entered, by owner and field, in versions.

A new value replaces the one in force. The old one can stay good for a while, as a webhook's
guard does when its secret is rotated. Every function takes the caller's database connection,
so that a secret is stored in the same transaction as what it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from ml_connector.core.secret import Secret
from ml_connector.vault.envelopes import Envelope, open_envelope, seal
from ml_connector.vault.tables import secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ml_connector.vault.envelopes import Binding, Owner
    from ml_connector.vault.keyring import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """One version of a secret."""

    version: int
    value: Secret
    valid_until: datetime | None
    """None for the one in force; a replaced one is good until then."""


class Secrets:
    """Stores and reads secrets with this process's master keys."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def store(
        self,
        db: AsyncConnection,
        owner: Owner,
        field: str,
        value: Secret,
        *,
        now: datetime,
        old_valid_until: datetime | None = None,
    ) -> int:
        """Put ``value`` in force and return its version.

        The same value again changes nothing. The one before is good until
        ``old_valid_until``; without it, it is gone.
        """
        binding = owner.binding(field)
        await _lock(db, binding)
        versions = await self._versions(db, binding)
        if versions and versions[0].valid_until is None and versions[0].value == value:
            return versions[0].version
        await _retire(db, binding, until=old_valid_until, now=now)
        version = 1 + max((each.version for each in versions), default=0)
        await self._insert(db, binding, value, version=version, now=now)
        return version

    async def read(self, db: AsyncConnection, owner: Owner) -> dict[str, Secret]:
        """Return the values in force, by field."""
        rows = await db.execute(
            select(secret).where(_belongs_to(owner), secret.c.valid_until.is_(None))
        )
        return {row.field: self._open(row, owner.binding(row.field)) for row in rows}

    async def read_field(
        self, db: AsyncConnection, owner: Owner, field: str, *, now: datetime
    ) -> tuple[StoredSecret, ...]:
        """Return the field's values that are good now, newest first."""
        versions = await self._versions(db, owner.binding(field))
        return tuple(
            each for each in versions if each.valid_until is None or each.valid_until > now
        )

    async def delete(self, db: AsyncConnection, owner: Owner, field: str | None = None) -> int:
        """Delete a field's values, or all of the owner's; return how many rows went."""
        condition = _belongs_to(owner)
        if field is not None:
            condition &= secret.c.field == field
        return (await db.execute(delete(secret).where(condition))).rowcount

    async def _versions(self, db: AsyncConnection, binding: Binding) -> list[StoredSecret]:
        rows = await db.execute(
            select(secret).where(_is_at(binding)).order_by(secret.c.version.desc())
        )
        return [
            StoredSecret(
                version=row.version, value=self._open(row, binding), valid_until=row.valid_until
            )
            for row in rows
        ]

    async def _insert(
        self, db: AsyncConnection, binding: Binding, value: Secret, *, version: int, now: datetime
    ) -> None:
        envelope = seal(value.reveal().encode(), binding, self._keyring)
        await db.execute(
            insert(secret).values(
                workspace_id=binding.owner.workspace_id,
                owner=binding.owner.name,
                field=binding.field,
                version=version,
                created_at=now,
                **envelope_values(envelope),
            )
        )

    def _open(self, row: Row[tuple[object, ...]], binding: Binding) -> Secret:
        return Secret(open_envelope(envelope_of(row), binding, self._keyring).decode())


def envelope_values(envelope: Envelope) -> Mapping[str, str | bytes]:
    """Return the envelope as values of `tables.envelope_columns`."""
    return {
        "key_id": envelope.key_id,
        "wrapped_key": envelope.wrapped_key,
        "sealed": envelope.sealed,
    }


def envelope_of(row: Row[tuple[object, ...]]) -> Envelope:
    """Return the envelope in a row that has `tables.envelope_columns`."""
    return Envelope(key_id=row.key_id, wrapped_key=row.wrapped_key, sealed=row.sealed)


def _belongs_to(owner: Owner) -> ColumnElement[bool]:
    return (secret.c.workspace_id == owner.workspace_id) & (secret.c.owner == owner.name)


def _is_at(binding: Binding) -> ColumnElement[bool]:
    return _belongs_to(binding.owner) & (secret.c.field == binding.field)


async def _lock(db: AsyncConnection, binding: Binding) -> None:
    """Let one transaction at a time change this field: there may be no row to lock yet."""
    name = f"secret {binding.associated_data().decode()}"
    await db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def _retire(
    db: AsyncConnection, binding: Binding, *, until: datetime | None, now: datetime
) -> None:
    """Take the value in force out of force, and delete those that no longer count."""
    in_force = _is_at(binding) & secret.c.valid_until.is_(None)
    if until is None:
        await db.execute(delete(secret).where(in_force))
    else:
        await db.execute(update(secret).where(in_force).values(valid_until=until))
    await db.execute(delete(secret).where(_is_at(binding), secret.c.valid_until <= now))
