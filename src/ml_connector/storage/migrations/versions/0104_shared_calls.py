"""Calls that several runs share, because they carried the keys of all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add for how many runs a call was made; the release before made each for one."""
    op.add_column(
        "vendor_call", sa.Column("runs", sa.Integer(), nullable=False, server_default="1")
    )
