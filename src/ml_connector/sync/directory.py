"""The installations of this cell, kept in memory and read again when one changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.storage.database import Database, is_database_away
from ml_connector.sync import installations
from ml_connector.sync.installations import Installation

log = structlog.get_logger()

_READ_AGAIN_AFTER = 1.0  # seconds; a switched-on flow takes up webhooks at most so much later


class Directory:
    """Answers who uses a connection, without a query for each webhook."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all: tuple[Installation, ...] = ()
        self._by_connection: dict[int, tuple[Installation, ...]] = {}

    def all(self) -> Sequence[Installation]:
        """Return every installation, as last read."""
        return self._all

    def of_connection(self, connection_id: int) -> Sequence[Installation]:
        """Return the installations that use a connection."""
        return self._by_connection.get(connection_id, ())

    async def read(self) -> None:
        """Read everything again."""
        async with self._database.transaction() as db:
            self._all = tuple(await installations.every(db))
        by_connection: dict[int, list[Installation]] = {}
        for installation in self._all:
            for connection_id in set(installation.connections.values()):
                by_connection.setdefault(connection_id, []).append(installation)
        self._by_connection = {key: tuple(found) for key, found in by_connection.items()}

    async def keep_reading(self) -> None:
        """Read again and again, until cancelled; an absent database leaves what was read."""
        while True:
            await asyncio.sleep(_READ_AGAIN_AFTER)
            try:
                await self.read()
            except Exception as exc:
                if not is_database_away(exc):
                    raise
                log.info("installations_not_read", error=str(exc))


async def owners_to_pause(db: AsyncConnection, connection_ids: Sequence[int]) -> list[str]:
    """Return the owners that need one of these connections: the feeder passes them by."""
    rows = await db.execute(
        text(
            """
            SELECT DISTINCT 'installation:' || i.id AS owner
            FROM installation i, jsonb_each(i.connections) c
            WHERE (c.value #>> '{}')::bigint = ANY(CAST(:ids AS bigint[]))
            """
        ),
        {"ids": list(connection_ids)},
    )
    return [row.owner for row in rows] + [f"connection:{number}" for number in connection_ids]
