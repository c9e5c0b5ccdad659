from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text

from ml_connector.core.lanes import Lane
from ml_connector.storage.database import Database
from ml_connector.sync import feeder

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FLOW = "toy.deal_to_order"
MOST = 10


async def _ready(database: Database, count: int, *, lane: Lane = Lane.EVENT) -> None:
    async with database.transaction() as db:
        await db.execute(
            text(
                "INSERT INTO backlog (workspace_id, owner, installation_id, flow, record, state,"
                " lane, due_at, trigger, wanted_at)"
                " SELECT 1, 'installation:1', 1, :flow, :lane || '-' || n, 'ready',"
                " CAST(:number AS smallint), :now, '{}', :now FROM generate_series(1, :count) n"
            ),
            {"flow": FLOW, "lane": lane.name, "number": int(lane), "count": count, "now": NOW},
        )


async def _end(database: Database, count: int) -> None:
    async with database.transaction() as db:
        await db.execute(
            text(
                "UPDATE backlog SET state = 'done', done = wanted WHERE id IN"
                " (SELECT id FROM backlog WHERE state = 'queued' ORDER BY id LIMIT :count)"
            ),
            {"count": count},
        )


async def _fed(database: Database) -> int:
    async with database.transaction() as db:
        fed = await feeder.feed(db, now=NOW, flows=[FLOW], most_per_owner=MOST)
    return fed.runs


async def test_a_backlog_is_fed_by_the_wave(database: Database):
    await _ready(database, 30)

    first = await _fed(database)
    await _end(database, 4)
    while_most_are_under_way = await _fed(database)
    await _end(database, 1)
    when_half_have_ended = await _fed(database)

    assert (first, while_most_are_under_way, when_half_have_ended) == (10, 0, 5)


async def test_an_event_overtakes_a_backfill_at_the_next_free_place(database: Database):
    await _ready(database, 30, lane=Lane.BULK)
    await _fed(database)
    await _ready(database, 3)

    while_full = await _fed(database)
    await _end(database, 2)
    at_the_next_free_places = await _fed(database)

    assert (while_full, at_the_next_free_places) == (0, 2)
    async with database.transaction() as db:
        lanes = await db.execute(
            text("SELECT lane FROM backlog WHERE state = 'queued' ORDER BY lane LIMIT 3")
        )
    assert [row.lane for row in lanes] == [Lane.EVENT, Lane.EVENT, Lane.BULK]
