"""Sealed secrets, logins won at vendors, and the processes that hold master keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from ml_connector.storage.metadata import metadata


def moment(name: str, *, nullable: bool = False) -> Column[Any]:
    """Return a column for an aware moment."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def envelope_columns(*, nullable: bool = False) -> tuple[Column[Any], ...]:
    """Return the columns of an Envelope. A table that has them is re-wrapped by `rotation`."""
    return (
        Column("key_id", Text, nullable=nullable),
        Column("wrapped_key", LargeBinary, nullable=nullable),
        Column("sealed", LargeBinary, nullable=nullable),
    )


secret = Table(
    "secret",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("version", Integer, nullable=False),
    *envelope_columns(),
    moment("created_at"),
    # Null: the one in force. Otherwise one that was replaced, and is still taken until then.
    moment("valid_until", nullable=True),
    # Two writers cannot both make the next version of a field.
    UniqueConstraint("workspace_id", "owner", "field", "version"),
    # One value in force for each field.
    Index(
        "uq_secret_in_force",
        "workspace_id",
        "owner",
        "field",
        unique=True,
        postgresql_where=text("valid_until IS NULL"),
    ),
    # Finds what a rotation has still to re-wrap, and which keys are in use at all.
    Index("ix_secret_key_id", "key_id"),
)

login = Table(
    "login",
    metadata,
    Column("workspace_id", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    # Raised with each renewal and kept when a login is forgotten, so that it never repeats.
    Column("version", Integer, nullable=False, server_default=text("0")),
    *envelope_columns(nullable=True),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    moment("expires_at", nullable=True),
    moment("renewed_at", nullable=True),
    # Who is renewing now. The fence is raised with each lease; times are the database's.
    Column("fence", BigInteger, nullable=False, server_default=text("0")),
    Column("lease_owner", Text),
    moment("lease_until", nullable=True),
    # How the renewal under `failed_fence` ended, for those who waited for it.
    Column("failed_fence", BigInteger),
    Column("failure", JSONB),
    # One row for each login of an owner.
    PrimaryKeyConstraint("workspace_id", "owner", "name"),
    # An envelope is there whole or not at all.
    CheckConstraint(
        "(key_id IS NULL) = (sealed IS NULL) AND (key_id IS NULL) = (wrapped_key IS NULL)",
        name="envelope_is_whole",
    ),
    # Finds what a rotation has still to re-wrap.
    Index("ix_login_key_id", "key_id"),
)

process = Table(
    "process",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("release", Text, nullable=False),
    # Newest first: the first one seals.
    Column("key_ids", ARRAY(Text), nullable=False),
    moment("started_at"),
    moment("heartbeat_at"),
    # Finds the processes that still live, and those to clear away.
    Index("ix_process_heartbeat_at", "heartbeat_at"),
)
