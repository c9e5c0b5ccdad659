from __future__ import annotations

from tests.storage_support.databases import import_tables
from tests.storage_support.schemas import schema_description, schema_differences

from ml_connector.storage.database import Database
from ml_connector.storage.metadata import metadata
from ml_connector.storage.schema import migrate


async def test_migrations_end_in_the_schema_that_the_code_declares(
    empty_database_url: str, database: Database
):
    import_tables()
    await migrate(empty_database_url)
    migrated = await Database.connect(empty_database_url)

    async with migrated.transaction() as db:
        differences = await db.run_sync(schema_differences, metadata)
        description = await db.run_sync(schema_description)
    async with database.transaction() as db:
        fresh = await db.run_sync(schema_description)
    await migrated.close()

    assert differences == []
    assert description == fresh
