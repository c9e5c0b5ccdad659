"""Tables of the deployment itself."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Interval, Table

from ml_connector.storage.metadata import metadata

sandbox_clock = Table(
    "sandbox_clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("clock_offset", Interval, nullable=False),
    # prevents two clocks
    CheckConstraint("id = 1", name="one_row"),
)
