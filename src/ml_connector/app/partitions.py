"""Every table that is partitioned by month, whichever part owns it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import tables as audit_tables
from ml_connector.storage import partitions
from ml_connector.storage.metadata import metadata
from ml_connector.webhooks import tables as webhook_tables


def partitioned_tables() -> list[Table]:
    """Return the tables, in the order of their names."""
    names = {*audit_tables.PARTITIONED, *webhook_tables.PARTITIONED}
    return [metadata.tables[name] for name in sorted(names)]


async def ensure_partitions(db: AsyncConnection, *, now: datetime) -> None:
    """Make this month's partitions and those of the coming months."""
    for table in partitioned_tables():
        await partitions.ensure(db, table, now=now)
