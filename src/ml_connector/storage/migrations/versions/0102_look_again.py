"""Rows that are done until a moment comes: what falls due is looked at without an event."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the moment, and the index by which those that are due are found."""
    op.add_column(
        "backlog", sa.Column("look_again_at", postgresql.TIMESTAMP(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_backlog_look_again",
        "backlog",
        ["look_again_at"],
        unique=False,
        postgresql_where="state = 'done' AND look_again_at IS NOT NULL",
    )
