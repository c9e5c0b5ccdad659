"""What was read, decided, called and written: the tables of the trail.

Rows point at a backlog row and its run by number, without foreign keys: they outlive both.
All are partitioned by month, so that what has aged leaves by dropping a partition.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, TIMESTAMP

from ml_connector.storage.metadata import metadata

run = Table(
    "run",
    metadata,
    Column("started_at", TIMESTAMP(timezone=True), nullable=False, primary_key=True),
    Column("backlog_id", BigInteger, nullable=False, primary_key=True),
    Column("run_no", BigInteger, nullable=False, primary_key=True),
    Column("attempt", Integer, nullable=False, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("installation_id", BigInteger),
    Column("flow", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("trigger", JSONB, nullable=False),
    Column("ended_at", TIMESTAMP(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("trace_id", Text, nullable=False),
    Column("configuration_version", BigInteger),
    Column("call_ids", ARRAY(BigInteger), nullable=False),
    Column("tokens", Integer, nullable=False),
    # serves: the runs of one record, newest first
    Index("ix_run_backlog_id", "backlog_id", "started_at"),
    # serves: what happened lately in one installation
    Index("ix_run_installation_id", "installation_id", "started_at"),
    postgresql_partition_by="RANGE (started_at)",
)

trail = Table(
    "trail",
    metadata,
    Column("at", TIMESTAMP(timezone=True), nullable=False, primary_key=True),
    Column("id", BigInteger, Identity(), nullable=False, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("installation_id", BigInteger),
    Column("connection_id", BigInteger),
    Column("backlog_id", BigInteger),
    Column("run_no", BigInteger),
    Column("event", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    # serves: the story of one record
    Index("ix_trail_backlog_id", "backlog_id", "at"),
    # serves: the story of one workspace, newest first
    Index("ix_trail_workspace_id", "workspace_id", "at"),
    postgresql_partition_by="RANGE (at)",
)

vendor_call = Table(
    "vendor_call",
    metadata,
    Column("started_at", TIMESTAMP(timezone=True), nullable=False, primary_key=True),
    Column("id", BigInteger, nullable=False, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("connection_id", BigInteger, nullable=False),
    Column("elapsed_ms", Integer, nullable=False),
    Column("method", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("status", SmallInteger),
    Column("error", Text),
    Column("tokens", Integer, nullable=False),
    # for how many runs it was made: several share a call that carries the keys of all of them
    Column("runs", Integer, nullable=False, server_default="1"),
    Column("correlation_id", Text),
    Column("purpose", Text),
    Column("request_body", LargeBinary),
    Column("response_body", LargeBinary),
    postgresql_partition_by="RANGE (started_at)",
)

run_input = Table(
    "run_input",
    metadata,
    Column("at", TIMESTAMP(timezone=True), nullable=False, primary_key=True),
    Column("backlog_id", BigInteger, nullable=False, primary_key=True),
    Column("run_no", BigInteger, nullable=False, primary_key=True),
    Column("attempt", Integer, nullable=False, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    # kept as it was written: nobody looks inside with SQL, and taking it apart costs time
    Column("inputs", JSON, nullable=False),
    postgresql_partition_by="RANGE (at)",
)

record_name = Table(
    "record_name",
    metadata,
    Column("backlog_id", BigInteger, nullable=False, primary_key=True),
    # an id, number or name on either side, case folded
    Column("name", Text, nullable=False, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    # serves: finding a record by either side's id, number or start of its name
    Index(
        "ix_record_name_name",
        "workspace_id",
        "name",
        postgresql_ops={"name": "text_pattern_ops"},
    ),
)

PARTITIONED = {"run": "started_at", "trail": "at", "vendor_call": "started_at", "run_input": "at"}
"""Table to the column it is partitioned by."""
