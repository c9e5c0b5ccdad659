from sqlalchemy import text

from ml_connector.storage.database import Database, database_now


async def test_transaction_commits_at_the_end(database: Database):
    async with database.transaction() as db:
        await db.execute(text("CREATE TABLE things (n int)"))

    async with database.transaction() as db:
        assert (await db.execute(text("SELECT count(*) FROM things"))).scalar_one() == 0


async def test_database_clock_is_aware_and_moves_inside_a_transaction(database: Database):
    async with database.transaction() as db:
        first = await database_now(db)
        second = await database_now(db)

    assert first.tzinfo is not None
    assert second > first
