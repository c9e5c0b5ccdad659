"""Every table that is partitioned by month, whichever part owns it."""

from __future__ import annotations

from sqlalchemy import Table

from ml_connector.audit import tables as audit_tables
from ml_connector.storage.metadata import metadata
from ml_connector.webhooks import tables as webhook_tables


def partitioned_tables() -> list[Table]:
    """Return the tables, in the order of their names."""
    names = {*audit_tables.PARTITIONED, *webhook_tables.PARTITIONED}
    return [metadata.tables[name] for name in sorted(names)]
