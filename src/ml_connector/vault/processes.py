"""Which processes live, and which master keys each of them holds.

A process announces itself before it works and then beats; one that has not been heard of for
`LIVE_FOR`, on the database's clock, counts as gone. `rotation` asks here before it re-wraps.
"""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import structlog
from sqlalchemy import delete, func, insert, select, union, update

from ml_connector.core.errors import ConfigurationError
from ml_connector.storage.database import is_database_away
from ml_connector.vault.keyring import UnknownKeyError
from ml_connector.vault.tables import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ml_connector.storage.database import Database
    from ml_connector.vault.keyring import Keyring

BEAT_EVERY = timedelta(seconds=5)
LIVE_FOR = timedelta(seconds=30)  # six beats: a slow database is no reason to be taken for dead
FORGET_AFTER = timedelta(days=1)
KEYS_LOCK = 0x6D6C_6B65_7973  # "mlkeys": an announcement and a batch of a rotation take turns

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveProcess:
    """A process that was heard of lately."""

    id: int
    kind: str
    host: str
    pid: int
    release: str
    key_ids: tuple[str, ...]
    """Newest first: the first one seals."""
    started_at: datetime
    heartbeat_at: datetime

    def __str__(self) -> str:
        return f"{self.kind} on {self.host} (pid {self.pid})"


class Presence:
    """This process's place in the register, kept by heartbeats until it leaves."""

    def __init__(self, database: Database, keyring: Keyring, process_id: int) -> None:
        self._database = database
        self._keyring = keyring
        self.process_id = process_id

    @classmethod
    async def announce(
        cls,
        database: Database,
        keyring: Keyring,
        *,
        kind: str,
        release: str,
        sealed_tables: Iterable[Table],
    ) -> Self:
        """Enter this process.

        Raises UnknownKeyError when something is sealed with a key that it does not hold.
        """
        async with database.transaction() as db:
            await db.execute(select(func.pg_advisory_xact_lock_shared(KEYS_LOCK)))
            await _require_keys(db, keyring, sealed_tables)
            process_id = await db.scalar(
                insert(process)
                .values(
                    kind=kind,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    release=release,
                    key_ids=list(keyring.ids),
                    started_at=func.clock_timestamp(),
                    heartbeat_at=func.clock_timestamp(),
                )
                .returning(process.c.id)
            )
        return cls(database, keyring, int(process_id or 0))

    async def keep(self, *, reread: Callable[[], Keyring] | None = None) -> None:
        """Beat until cancelled. Runs as a task beside the process's work.

        ``reread`` reads the keys anew where they can change under a running process, as in the
        key file of embedded mode: so a new key is taken up without a restart.
        """
        while True:
            await asyncio.sleep(BEAT_EVERY.total_seconds())
            if reread is not None:
                self.take_up_keys(reread)
            try:
                await self.beat()
            except Exception as exc:
                if not is_database_away(exc):
                    raise
                log.info("process_beat_missed", process_id=self.process_id)

    def take_up_keys(self, reread: Callable[[], Keyring]) -> None:
        """Hold the keys as they are now; with unreadable ones, go on with those it has."""
        try:
            fresh = reread()
        except (OSError, ConfigurationError) as exc:
            log.warning("master_keys_not_read_again", reason=str(exc))
            return
        if fresh.ids != self._keyring.ids:
            self._keyring.take_over(fresh)
            log.info("master_keys_changed", key_ids=list(fresh.ids))

    async def beat(self) -> None:
        """Say once that this process lives and what keys it holds; clear away those long gone."""
        now = func.clock_timestamp()
        async with self._database.transaction() as db:
            await db.execute(
                update(process)
                .where(process.c.id == self.process_id)
                .values(heartbeat_at=func.clock_timestamp(), key_ids=list(self._keyring.ids))
            )
            await db.execute(delete(process).where(process.c.heartbeat_at < now - FORGET_AFTER))

    async def leave(self) -> None:
        """Take this process out of the register."""
        async with self._database.transaction() as db:
            await db.execute(delete(process).where(process.c.id == self.process_id))


async def live_processes(db: AsyncConnection) -> list[LiveProcess]:
    """Return the processes heard of within `LIVE_FOR`, oldest first."""
    rows = await db.execute(
        select(process)
        .where(process.c.heartbeat_at > func.clock_timestamp() - LIVE_FOR)
        .order_by(process.c.id)
    )
    return [
        LiveProcess(
            id=row.id,
            kind=row.kind,
            host=row.host,
            pid=row.pid,
            release=row.release,
            key_ids=tuple(row.key_ids),
            started_at=row.started_at,
            heartbeat_at=row.heartbeat_at,
        )
        for row in rows
    ]


async def _require_keys(
    db: AsyncConnection, keyring: Keyring, sealed_tables: Iterable[Table]
) -> None:
    used = await key_ids_in_use(db, list(sealed_tables))
    if unknown := used - set(keyring.ids):
        raise UnknownKeyError(
            f"secrets are sealed with master key {', '.join(sorted(unknown))}, which this process "
            f"was not given (it has {', '.join(keyring.ids)}); add that key to the list of "
            "master keys"
        )


async def key_ids_in_use(db: AsyncConnection, sealed_tables: Sequence[Table]) -> set[str]:
    """Return the ids of the master keys under which anything is sealed."""
    statement = union(
        *(
            select(table.c.key_id).where(table.c.key_id.is_not(None)).distinct()
            for table in sealed_tables
        )
    )
    return set((await db.scalars(statement)).all())
