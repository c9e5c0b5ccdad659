"""Putting won deals into the backlog, and watching it empty."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from benchmarks.deployment import FLOW, Deployment
from ml_connector.core.lanes import Lane
from ml_connector.storage.database import Database
from ml_connector.sync import backlog
from ml_connector.sync.rows import Wanted

_LOOK_EVERY = 0.1  # seconds; the end is read from the rows
_STUCK_AFTER = 20.0  # seconds without a settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """How long a backlog took."""

    deals: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Return deals per second."""
        return self.deals / self.seconds


async def capture(deployment: Deployment, deals: Sequence[int]) -> datetime:
    """Mark deals as to be looked at, as a webhook or a poll does; return when that was."""
    database = await Database.connect(deployment.url, pool_size=1)
    try:
        async with database.transaction() as db:
            now = datetime.now(UTC)
            await backlog.capture(
                db,
                [
                    Wanted(
                        workspace_id=1,
                        owner="installation:1",
                        installation_id=1,
                        flow=FLOW,
                        record=str(deal),
                        lane=Lane.EVENT,
                        due_at=now,
                        wanted_at=now,
                        trigger={"by": "benchmark"},
                    )
                    for deal in deals
                ],
            )
    finally:
        await database.close()
    return now


async def drained(deployment: Deployment, deals: Sequence[int]) -> Drain:
    """Capture deals and wait until each has settled; raises if one did not become an order."""
    db = await deployment.database()
    try:
        began = await capture(deployment, deals)
        await until_settled(db)
        ended: datetime = await db.fetchval(
            "SELECT max(settled_at) FROM backlog WHERE flow = $1", FLOW
        )
        failed = await db.fetch(
            "SELECT record, state, outcome, reason FROM backlog"
            " WHERE flow = $1 AND (state <> 'done' OR outcome NOT IN ('written', 'unchanged'))"
            " LIMIT 3",
            FLOW,
        )
    finally:
        await db.close()
    if failed:
        raise RuntimeError(f"not every deal became an order: {[tuple(row) for row in failed]}")
    return Drain(deals=len(deals), seconds=(ended - began).total_seconds())


async def until_settled(db: asyncpg.Connection[asyncpg.Record]) -> None:
    """Wait until no row has anything to do; raises when it goes no further."""
    before, since = -1, time.monotonic()
    while True:
        left: int = await db.fetchval(
            "SELECT count(*) FROM backlog WHERE state IN ('ready', 'queued', 'running')"
        )
        if left == 0:
            return
        if left != before:
            before, since = left, time.monotonic()
        elif time.monotonic() - since > _STUCK_AFTER:
            raise RuntimeError(f"{left} records are left and it goes no further")
        await asyncio.sleep(_LOOK_EVERY)
