from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text

from ml_connector.jobs import lifelines
from ml_connector.storage.database import Database, open_connection

_CLAIM = text(
    "INSERT INTO run_queue (priority, status, entrypoint, queue_manager_id)"
    " VALUES (0, 'picked', 'flow', :worker)"
)
_HOLDERS = text("SELECT status::text, queue_manager_id FROM run_queue ORDER BY id")


async def claims(database: Database, *workers: uuid.UUID) -> None:
    async with database.transaction() as db:
        for worker in workers:
            await db.execute(_CLAIM, {"worker": worker})


async def holders(database: Database) -> list[tuple[str, uuid.UUID | None]]:
    async with database.transaction() as db:
        return [(row.status, row.queue_manager_id) for row in await db.execute(_HOLDERS)]


async def free(database: Database) -> int:
    async with database.transaction() as db:
        return await lifelines.free_lost(db)


@pytest.mark.parametrize("repeat", range(8))  # a key's second half is below zero as often as not
async def test_claims_of_a_worker_that_is_gone_are_free_and_those_of_others_are_not(
    database: Database, repeat: int
):
    alive, gone = uuid.UUID(int=repeat), uuid.UUID(int=repeat + 1000)
    await claims(database, alive, gone, gone)
    lines = [await open_connection(database.url) for _ in range(2)]
    await lifelines.take(lines[0], str(alive))
    await lifelines.take(lines[1], str(gone))
    before = await free(database)
    await lines[1].close()

    freed = await free(database)

    assert (before, freed) == (0, 2)
    assert await holders(database) == [("picked", alive), ("queued", None), ("queued", None)]
    await lines[0].close()


async def test_lifeline_in_another_database_of_the_server_is_no_lifeline_here(
    database: Database, database_server
):
    worker = uuid.UUID(int=7)
    await claims(database, worker)
    elsewhere = database_server.create_database()
    line = await open_connection(elsewhere)
    await lifelines.take(line, str(worker))

    assert await free(database) == 1

    await line.close()
    database_server.drop_database(elsewhere)
