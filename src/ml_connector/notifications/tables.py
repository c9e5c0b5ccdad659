"""What people were told, and what is still to be told."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from ml_connector.storage.metadata import metadata

notification = Table(
    "notification",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("installation_id", BigInteger),
    Column("kind", Text, nullable=False),
    # what it is about; the same cause is told once until it is resolved, however many records wait
    Column("cause", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("first_at", TIMESTAMP(timezone=True), nullable=False),
    Column("last_at", TIMESTAMP(timezone=True), nullable=False),
    Column("sent_at", TIMESTAMP(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", TIMESTAMP(timezone=True)),
    Column("resolved_at", TIMESTAMP(timezone=True)),
    # prevents telling one cause twice while it lasts
    UniqueConstraint("workspace_id", "cause"),
    # serves: what is still to be sent
    Index("ix_notification_unsent", "next_attempt_at", postgresql_where="sent_at IS NULL"),
)
