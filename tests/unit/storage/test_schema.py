import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from tests.storage_support.databases import import_tables
from tests.storage_support.owner import running_owner
from tests.storage_support.schemas import schema_differences

from ml_connector.storage.database import Database, open_connection
from ml_connector.storage.metadata import metadata
from ml_connector.storage.schema import (
    MIGRATIONS,
    NEWEST_SCHEMA,
    OLDEST_SCHEMA,
    SchemaTooNewError,
    SchemaTooOldError,
    SchemaWindow,
    check_schema,
    head_revision,
    migrate,
    schema_revision,
    wait_for_schema,
    watch_schema,
)

WINDOW = SchemaWindow(oldest=101, newest=299)


@pytest.fixture
async def empty(empty_database_url):
    database = await Database.connect(empty_database_url)
    yield database
    await database.close()


@pytest.fixture
def scripts(tmp_path):
    """A place for revisions of a test's own."""
    folder = tmp_path / "100% migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text((MIGRATIONS / "env.py").read_text())
    add_revision(folder, "0101", None, "CREATE TABLE things (n int)")
    return folder


def add_revision(folder: Path, revision: str, before: str | None, statement: str) -> None:
    (folder / "versions" / f"{revision}_test.py").write_text(
        f"""
from alembic import op
revision = {revision!r}
down_revision = {before!r}

def upgrade():
    op.execute({statement!r})
"""
    )


async def revision_of(database: Database) -> int:
    async with database.transaction() as db:
        return await schema_revision(db)


async def test_migration_brings_an_empty_database_to_the_head(empty, scripts):
    add_revision(scripts, "0102", "0101", "INSERT INTO things VALUES (1)")

    assert await revision_of(empty) == 0
    assert await migrate(empty.url, scripts=scripts) == 102
    assert await revision_of(empty) == 102


async def test_migrating_again_does_nothing(empty, scripts):
    await migrate(empty.url, scripts=scripts)

    assert await migrate(empty.url, scripts=scripts) == 101


async def test_two_migrators_at_once_do_it_once(empty, scripts):
    add_revision(scripts, "0102", "0101", "SELECT pg_sleep(0.3)")
    add_revision(scripts, "0103", "0102", "INSERT INTO things VALUES (1)")

    heads = await asyncio.gather(*(migrate(empty.url, scripts=scripts) for _ in range(4)))

    assert heads == [103] * 4
    async with empty.transaction() as db:
        assert (await db.execute(text("SELECT count(*) FROM things"))).scalar_one() == 1


async def test_index_can_be_built_concurrently_while_another_migrator_waits(empty, scripts):
    add_revision(scripts, "0102", "0101", "SELECT pg_sleep(0.3)")
    (scripts / "versions" / "0103_test.py").write_text(
        """
from alembic import op
revision = "0103"
down_revision = "0102"

def upgrade():
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY things_n_idx ON things (n)")
"""
    )

    async with asyncio.timeout(10):
        heads = await asyncio.gather(*(migrate(empty.url, scripts=scripts) for _ in range(2)))

    assert heads == [103, 103]


async def test_failed_revision_leaves_those_before_it_done_and_can_be_tried_again(empty, scripts):
    add_revision(scripts, "0102", "0101", "CREATE TABLE more (n nonsense)")
    with pytest.raises(ProgrammingError):
        await migrate(empty.url, scripts=scripts)
    assert await revision_of(empty) == 101

    add_revision(scripts, "0102", "0101", "CREATE TABLE more (n int)")

    assert await migrate(empty.url, scripts=scripts) == 102


async def test_migration_carries_on_after_the_migrator_was_killed(tmp_path, scripts):
    add_revision(scripts, "0102", "0101", "SELECT pg_sleep(600)")
    with running_owner(tmp_path / "home") as owner:
        blocked = asyncio.create_task(migrate(owner.url, scripts=scripts))
        admin = await open_connection(owner.url)
        await kill_sleeper(admin)
        with pytest.raises(Exception, match=r"terminat|closed"):
            await blocked
        add_revision(scripts, "0102", "0101", "SELECT 1")

        assert await migrate(owner.url, scripts=scripts) == 102

        await admin.close()
        os.kill(owner.process.pid, signal.SIGTERM)
        owner.process.wait()


async def test_database_of_a_newer_release_is_not_touched(empty, scripts):
    await set_revision(empty, "0399")

    with pytest.raises(SchemaTooNewError, match="0399"):
        await migrate(empty.url, scripts=scripts)


@pytest.mark.parametrize("revision", ["0101", "0150", "0299"])
async def test_schema_of_this_and_the_next_series_fits(empty, revision):
    await set_revision(empty, revision)

    assert await check_schema(empty, WINDOW) == int(revision)


async def test_schema_outside_the_window_is_refused_with_the_way_out(empty):
    with pytest.raises(SchemaTooOldError, match=r"empty.*ml-connector migrate"):
        await check_schema(empty, WINDOW)
    await set_revision(empty, "0099")
    with pytest.raises(SchemaTooOldError, match=r"at 0099.*needs 0101"):
        await check_schema(empty, WINDOW)
    await set_revision(empty, "0301")
    with pytest.raises(SchemaTooNewError, match=r"at 0301.*up to 0299"):
        await check_schema(empty, WINDOW)


async def test_waiting_ends_when_another_process_has_migrated(empty, scripts):
    waiting = asyncio.create_task(wait_for_schema(empty, WINDOW))
    await asyncio.sleep(0)
    assert not waiting.done()

    await migrate(empty.url, scripts=scripts)

    async with asyncio.timeout(10):
        assert await waiting == 101


async def test_waiting_is_refused_for_a_schema_that_is_too_new(empty):
    await set_revision(empty, "0301")

    with pytest.raises(SchemaTooNewError):
        await wait_for_schema(empty, WINDOW)


async def test_running_process_is_told_when_the_schema_leaves_its_window(empty):
    await set_revision(empty, "0101")
    watching = asyncio.create_task(watch_schema(empty, WINDOW, every=timedelta(milliseconds=10)))
    await set_revision(empty, "0201")
    await asyncio.sleep(0)
    assert not watching.done()

    await set_revision(empty, "0301")

    async with asyncio.timeout(10):
        assert isinstance(await watching, SchemaTooNewError)


async def test_watch_goes_on_while_the_database_is_away(empty):
    await set_revision(empty, "0101")
    watching = asyncio.create_task(watch_schema(empty, WINDOW, every=timedelta(milliseconds=10)))
    admin = await open_connection(empty.url)
    for _ in range(5):
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert not watching.done()

    await admin.execute("UPDATE alembic_version SET version_num = '0301'")

    async with asyncio.timeout(10):
        assert isinstance(await watching, SchemaTooNewError)
    await admin.close()


def test_release_brings_what_it_needs_and_leaves_room_for_the_next_series():
    series = head_revision() // 100

    assert head_revision() >= OLDEST_SCHEMA
    assert (series + 2) * 100 - 1 == NEWEST_SCHEMA


async def test_declared_tables_and_the_tests_template_are_the_same(database):
    import_tables()

    async with database.transaction() as db:
        assert await db.run_sync(schema_differences, metadata) == []


async def set_revision(database: Database, revision: str) -> None:
    async with database.transaction() as db:
        await db.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num text)"))
        await db.execute(text("DELETE FROM alembic_version"))
        await db.execute(text("INSERT INTO alembic_version VALUES (:r)"), {"r": revision})


async def kill_sleeper(admin) -> None:
    """Kill the backend that sleeps in a statement, as soon as it does."""
    async with asyncio.timeout(10):
        while True:
            killed = await admin.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE wait_event = 'PgSleep'"
            )
            if killed:
                return
            await asyncio.sleep(0.01)
