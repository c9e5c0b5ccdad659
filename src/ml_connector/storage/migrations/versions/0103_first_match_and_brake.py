"""What both sides had before: the first match. How much a flow may change in an hour: the brake."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None

_MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Add both, and the moment from which a flow that matches first may write."""
    op.add_column("installation_flow", sa.Column("matched_at", _MOMENT, nullable=True))
    _add_first_match()
    _add_brake()


def _add_first_match() -> None:
    op.create_table(
        "first_match_list",
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("surveyed_at", _MOMENT, nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["installation_id"],
            ["installation.id"],
            name=op.f("first_match_list_installation_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("installation_id", "flow", name=op.f("first_match_list_pkey")),
    )
    op.create_table(
        "first_match",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("candidates", postgresql.JSONB(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("survey", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_name", sa.Text(), nullable=True),
        sa.Column("may_share", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["installation_id"], ["installation.id"], name=op.f("first_match_installation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("first_match_pkey")),
        sa.UniqueConstraint(
            "installation_id",
            "flow",
            "source_key",
            name=op.f("first_match_installation_id_flow_source_key_key"),
        ),
    )


def _add_brake() -> None:
    op.create_table(
        "brake",
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stopped_at", _MOMENT, nullable=True),
        sa.Column("released_at", _MOMENT, nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["installation_id"], ["installation.id"], name=op.f("brake_installation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("installation_id", "flow", "kind", name=op.f("brake_pkey")),
    )
    op.create_table(
        "brake_record",
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.CheckConstraint(
            "state IN ('passed', 'stopped', 'released')",
            name=op.f("brake_record_state_known_check"),
        ),
        sa.PrimaryKeyConstraint(
            "installation_id", "flow", "kind", "record", name=op.f("brake_record_pkey")
        ),
    )
