"""The sandbox's clock: one row that all processes follow, set together with the simulators'.

The row is also what makes a deployment a sandbox's: then connections may go to private
addresses, where the simulators are. Only a configuration file makes it (`app/applying.py`).
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def read_offset(db: AsyncConnection) -> timedelta | None:
    """Return by how much business time is ahead of the machine's; None outside of a sandbox."""
    found = (await db.execute(text("SELECT clock_offset FROM sandbox_clock"))).scalar_one_or_none()
    return found if isinstance(found, timedelta) else None


async def set_offset(db: AsyncConnection, offset: timedelta) -> None:
    """Move business time for every process of this database."""
    await db.execute(
        text(
            "INSERT INTO sandbox_clock (id, clock_offset) VALUES (1, :offset)"
            " ON CONFLICT (id) DO UPDATE SET clock_offset = excluded.clock_offset"
        ),
        {"offset": offset},
    )


async def begin_sandbox(db: AsyncConnection) -> None:
    """Make this deployment a sandbox's, whose time is the machine's until it is moved."""
    await db.execute(
        text(
            "INSERT INTO sandbox_clock (id, clock_offset) VALUES (1, interval '0')"
            " ON CONFLICT (id) DO NOTHING"
        )
    )
