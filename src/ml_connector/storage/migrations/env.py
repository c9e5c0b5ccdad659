"""Alembic's entrance: runs the revisions on the connection that `storage.schema` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from ml_connector.storage.metadata import metadata

connection: Connection | None = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("run migrations with `ml-connector migrate`, not with alembic's command")

context.configure(
    connection=connection,
    target_metadata=metadata,
    # A revision that fails leaves those before it done.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
