"""Addresses that vendors send to, what they delivered, and which deliveries are known."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from ml_connector.storage.metadata import metadata

MOMENT = TIMESTAMP(timezone=True)

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("connection_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    # SHA-256 of the unguessable part of the address; the address itself is in the vault
    Column("token_digest", LargeBinary, nullable=False, unique=True),
    Column("is_enabled", Boolean, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    # prevents two addresses of one purpose for a connection
    UniqueConstraint("connection_id", "name"),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("connection_id", BigInteger, primary_key=True),
    # prevents taking one delivery up twice, however often the vendor repeats it
    Column("delivery_key", Text, primary_key=True),
    Column("received_at", MOMENT, nullable=False),
    # serves: forgetting keys that no vendor repeats any more
    Index("ix_webhook_delivery_received_at", "received_at"),
)

webhook_inbox = Table(
    "webhook_inbox",
    metadata,
    Column("received_at", MOMENT, nullable=False, primary_key=True),
    Column("id", BigInteger, Identity(), nullable=False, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("connection_id", BigInteger, nullable=False),
    Column("endpoint_id", BigInteger, nullable=False),
    Column("raw_body", LargeBinary, nullable=False),
    # "deal/42 changed", for each record the delivery is about; empty if it could not be read
    Column("records", ARRAY(Text), nullable=False),
    Column("correlation_id", Text),
    Column("detail", JSONB, nullable=False),
    # serves: the deliveries about one record
    Index("ix_webhook_inbox_records", "records", postgresql_using="gin"),
    postgresql_partition_by="RANGE (received_at)",
)

PARTITIONED = {"webhook_inbox": "received_at"}
"""Table to the column it is partitioned by."""
