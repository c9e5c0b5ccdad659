"""Changing the master key while everything runs.

Hand the new key to every process as one more, then as the first of its list, then rotate:
batch by batch the data keys are wrapped anew, and what they seal is not touched. A rotation
can be stopped anywhere and started again, since each row names the key that it is wrapped
with. Once it has ended, the old key can be taken away from the processes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from ml_connector.core.errors import HeldError
from ml_connector.storage.metadata import metadata
from ml_connector.vault.envelopes import SealBrokenError, rewrap
from ml_connector.vault.processes import KEYS_LOCK, live_processes
from ml_connector.vault.secrets import envelope_of, envelope_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ml_connector.storage.database import Database
    from ml_connector.vault.keyring import Keyring

_LOOK_EVERY = 0.2  # seconds
BATCH = 200  # rows re-wrapped in one transaction; some milliseconds of row locks


class RotationRefusedError(HeldError):
    """A live process could not open what the new key wraps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a rotation has come."""

    total: int
    done: int


def sealed_tables() -> list[Table]:
    """Return every table with envelopes, of whichever part that has been imported."""
    return [table for table in metadata.sorted_tables if "wrapped_key" in table.c]


async def count_by_key(db: AsyncConnection) -> dict[str, int]:
    """Return how many secrets are sealed under each master key, by its id."""
    counts: dict[str, int] = {}
    for table in sealed_tables():
        statement = (
            select(table.c.key_id, func.count())
            .where(table.c.key_id.is_not(None))
            .group_by(table.c.key_id)
        )
        for key_id, sealed in (await db.execute(statement)).all():
            counts[key_id] = counts.get(key_id, 0) + sealed
    return counts


async def rotate(
    database: Database,
    keyring: Keyring,
    *,
    report: Callable[[Progress], None] = lambda _: None,
    batch: int = BATCH,
    patience: timedelta = timedelta(),
) -> Progress:
    """Wrap every data key with the newest master key, and return how many were.

    Raises RotationRefusedError, at the start or between two batches, while a live process
    lacks that key; what was done by then stays, and the next call goes on from there. At the
    start it gives the processes ``patience`` to take the key up (`Presence.keep`).
    """
    tables = sealed_tables()
    await _wait_until_known(database, keyring.newest.id, patience)
    async with database.transaction() as db:
        await _refuse_while_a_process_lacks(db, keyring.newest.id)
        total = sum([await _count_left(db, table, keyring) for table in tables])
    done = 0
    report(Progress(total=total, done=done))
    for table in tables:
        while count := await _rotate_batch(database, table, keyring, batch):
            done += count
            # Rows sealed meanwhile by a process that still puts an old key first count too.
            report(Progress(total=max(total, done), done=done))
    return Progress(total=max(total, done), done=done)


async def _wait_until_known(database: Database, key_id: str, patience: timedelta) -> None:
    ends = asyncio.get_running_loop().time() + patience.total_seconds()
    while asyncio.get_running_loop().time() < ends:
        async with database.transaction() as db:
            if all(key_id in each.key_ids for each in await live_processes(db)):
                return
        await asyncio.sleep(_LOOK_EVERY)


async def _rotate_batch(database: Database, table: Table, keyring: Keyring, batch: int) -> int:
    async def work(db: AsyncConnection) -> int:
        await db.execute(select(func.pg_advisory_xact_lock(KEYS_LOCK)))
        await _refuse_while_a_process_lacks(db, keyring.newest.id)
        rows = await db.execute(
            select(table)
            .where(table.c.key_id != keyring.newest.id)
            .order_by(*table.primary_key)
            .limit(batch)
            .with_for_update()
        )
        found = rows.all()
        for row in found:
            await _rewrap_row(db, table, row, keyring)
        return len(found)

    return await database.run(work)


async def _rewrap_row(
    db: AsyncConnection, table: Table, row: Row[tuple[object, ...]], keyring: Keyring
) -> None:
    try:
        envelope = rewrap(envelope_of(row), keyring)
    except SealBrokenError as exc:
        place = ", ".join(f"{column.name} {row._mapping[column]}" for column in table.primary_key)  # noqa: SLF001 - public API of SQLAlchemy
        raise SealBrokenError(f"{table.name} ({place}): {exc.message}") from exc
    statement = update(table).values(**envelope_values(envelope))
    for column in table.primary_key:
        statement = statement.where(column == row._mapping[column])  # noqa: SLF001 - public API of SQLAlchemy
    await db.execute(statement)


async def _refuse_while_a_process_lacks(db: AsyncConnection, key_id: str) -> None:
    lacking = [each for each in await live_processes(db) if key_id not in each.key_ids]
    if lacking:
        raise RotationRefusedError(
            f"master key {key_id} is not known to {', '.join(map(str, lacking))}; add it to their "
            "list of master keys, restart them, and rotate again"
        )


async def _count_left(db: AsyncConnection, table: Table, keyring: Keyring) -> int:
    statement = select(func.count()).where(table.c.key_id != keyring.newest.id)
    return int(await db.scalar(statement) or 0)
