"""Connections, what limits their calls, and what they have called."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ml_connector.connections.states import State
from ml_connector.storage.metadata import metadata
from ml_connector.vault.tables import envelope_columns, moment


def _one_of(column: str, allowed: type[State]) -> str:
    return f"{column} IN ({', '.join(repr(each.value) for each in allowed)})"


connection = Table(
    "connection",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    # Without secrets: those are in the vault, under the paths named in secret_fields.
    Column("settings", JSONB, nullable=False),
    Column("secret_fields", ARRAY(Text), nullable=False),
    # Raised by every change of a setting or a secret: a client opened before is closed.
    Column("settings_version", Integer, nullable=False, server_default=text("1")),
    Column("state", Text, nullable=False, server_default=State.READY.value),
    Column("state_reason", Text),
    moment("state_since"),
    # When somebody looks at it, in business time; null: not by itself.
    moment("look_at", nullable=True),
    # When runs last asked for a look at a connection that works on.
    moment("asked_at", nullable=True),
    # Failed probes in a row; the pauses between them grow with it.
    Column("failed_probes", Integer, nullable=False, server_default=text("0")),
    # The one worker that may probe; the database's clock.
    Column("probe_fence", BigInteger, nullable=False, server_default=text("0")),
    moment("probe_until", nullable=True),
    # The last ping, line by line.
    Column("ping", JSONB),
    moment("created_at"),
    moment("changed_at"),
    # One account of a name in a workspace: configuration files refer to it by name.
    UniqueConstraint("workspace_id", "name"),
    # A state that no code knows cannot be stored.
    CheckConstraint(_one_of("state", State), name="state_is_known"),
    # A state other than ready says why.
    CheckConstraint("state = 'ready' OR state_reason IS NOT NULL", name="trouble_has_a_reason"),
    # Finds the connections whose probe is due.
    Index(
        "ix_connection_look_at",
        "look_at",
        postgresql_where=text("look_at IS NOT NULL"),
    ),
)

call_window = Table(
    "call_window",
    metadata,
    Column("connection_id", ForeignKey("connection.id", ondelete="CASCADE"), nullable=False),
    Column("window_name", Text, nullable=False),
    # The limit that the vendor package declares: when it changes, it counts again.
    Column("declared", Integer, nullable=False),
    # transport.leases.WindowLedger, or concurrency.PlacesLedger under the name of places; moments
    # are the database's clock in seconds.
    Column("ledger", JSONB, nullable=False),
    # One ledger for a window: its row lock is what makes the arithmetic safe.
    PrimaryKeyConstraint("connection_id", "window_name"),
)

call_budget = Table(
    "call_budget",
    metadata,
    # One budget a connection: its row lock is what makes the arithmetic safe.
    Column("connection_id", ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True),
    # The limit that the vendor package declares: when it changes, it counts again.
    Column("declared", BigInteger),
    # transport.leases.BudgetLedger; moments are business time.
    Column("ledger", JSONB, nullable=False),
)

call_count = Table(
    "call_count",
    metadata,
    Column("connection_id", ForeignKey("connection.id", ondelete="CASCADE"), nullable=False),
    Column("on_day", Date, nullable=False),
    Column("operation", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    # One sum for each day, operation, flow and lane.
    PrimaryKeyConstraint("connection_id", "on_day", "operation", "flow", "lane"),
)

consent = Table(
    "consent",
    metadata,
    # The hash of OAuth's state: whoever reads this table cannot finish somebody's consent.
    Column("state_hash", Text, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("connection_id", ForeignKey("connection.id", ondelete="CASCADE"), nullable=False),
    Column("settings_version", Integer, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    # The PKCE verifier.
    *envelope_columns(),
    moment("expires_at"),
    # Finds those that nobody finished.
    Index("ix_consent_expires_at", "expires_at"),
)
