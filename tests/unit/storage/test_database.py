import asyncio
import os
import signal
from decimal import Decimal

import asyncpg
import pytest
from sqlalchemy import Column, Table, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.schema import MetaData

from ml_connector.core.errors import ConfigurationError
from ml_connector.storage import database as database_module
from ml_connector.storage.database import (
    Database,
    database_now,
    is_database_away,
    is_worth_repeating,
    open_connection,
    sqlstate_of,
)
from ml_connector.storage.embedded import EmbeddedServer


@pytest.fixture
async def things(database):
    async with database.transaction() as db:
        await db.execute(text("CREATE TABLE things (n int PRIMARY KEY, changes int DEFAULT 0)"))
        await db.execute(text("INSERT INTO things (n) VALUES (1), (2)"))
    return database


async def test_an_errors_words_never_hold_the_values_of_a_statement(things):
    with pytest.raises(ProgrammingError) as failed:
        async with things.transaction() as db:
            await db.execute(text("INSERT INTO nothing VALUES (:name)"), {"name": "Erika Muster"})

    assert "Erika" not in str(failed.value)


async def test_transaction_commits_at_the_end_and_rolls_back_on_an_error(things):
    async def fail() -> None:
        async with things.transaction() as db:
            await db.execute(text("INSERT INTO things (n) VALUES (3)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with things.transaction() as db:
        await db.execute(text("INSERT INTO things (n) VALUES (4)"))

    async with things.transaction() as db:
        numbers = (await db.execute(text("SELECT n FROM things ORDER BY n"))).scalars().all()
    assert numbers == [1, 2, 4]


async def test_database_clock_is_aware_and_moves_inside_a_transaction(database):
    async with database.transaction() as db:
        first = await database_now(db)
        second = await database_now(db)

    assert first.tzinfo is not None
    assert second > first


async def test_deadlocked_work_is_repeated_until_both_are_done(things):
    both_hold_one = asyncio.Barrier(2)
    attempts = []

    async def change(first: int, second: int) -> None:
        async def work(db):
            attempts.append(first)
            statement = text("UPDATE things SET changes = changes + 1 WHERE n = :n")
            await db.execute(statement, {"n": first})
            if len(attempts) <= 2:
                await both_hold_one.wait()
            await db.execute(statement, {"n": second})

        await things.run(work)

    await asyncio.gather(change(1, 2), change(2, 1))

    assert len(attempts) == 3
    async with things.transaction() as db:
        assert (await db.execute(text("SELECT changes FROM things"))).scalars().all() == [2, 2]


async def test_error_of_the_work_itself_is_not_repeated(things):
    attempts = []

    async def work(db):
        attempts.append(1)
        await db.execute(text("INSERT INTO things (n) VALUES (1)"))

    with pytest.raises(IntegrityError) as failed:
        await things.run(work)

    assert len(attempts) == 1
    assert sqlstate_of(failed.value) == "23505"
    assert not is_worth_repeating(failed.value)
    assert not is_database_away(failed.value)


async def test_wrong_statement_is_not_taken_for_a_lost_database(database):
    with pytest.raises(ProgrammingError) as failed:
        async with database.transaction() as db:
            await db.execute(text("SELECT * FROM nowhere"))

    assert not is_database_away(failed.value)


async def test_connection_cut_amid_a_transaction_is_told_apart(database):
    admin = await open_connection(database.url)

    async def be_cut() -> None:
        async with database.transaction() as db:
            pid = (await db.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            await admin.execute("SELECT pg_terminate_backend($1)", pid)
            await db.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError) as failed:
        await be_cut()
    await admin.close()

    assert is_database_away(failed.value)
    async with database.transaction() as db:
        assert (await db.execute(text("SELECT 1"))).scalar_one() == 1


async def test_pool_serves_on_after_the_server_was_killed_and_came_back(tmp_path):
    server = EmbeddedServer(tmp_path)
    database = await Database.connect(await server.start(), pool_size=3)
    async with database.transaction() as db, database.transaction() as other:
        await db.execute(text("SELECT 1"))
        await other.execute(text("SELECT 1"))
    killed = server.server_pid
    assert killed is not None

    os.kill(killed, signal.SIGKILL)
    errors = await errors_until_answered(database)

    assert all(is_database_away(error) for error in errors)
    for _ in range(3):
        async with database.transaction() as db:
            await db.execute(text("SELECT 1"))
    await database.close()
    await server.stop()


async def test_wrong_address_shows_when_connecting():
    with pytest.raises(FileNotFoundError) as failed:
        await Database.connect("postgresql://me@/db?host=/nowhere")

    assert is_database_away(failed.value)


async def test_older_server_is_refused(database_url, monkeypatch):
    monkeypatch.setattr(database_module, "OLDEST_SERVER", 99)

    with pytest.raises(ConfigurationError, match="PostgreSQL 99 or newer"):
        await open_connection(database_url)


async def test_sessions_are_in_utc_and_end_when_they_hold_locks_idly(database_url):
    connection = await open_connection(database_url, application_name="a test")

    assert await connection.fetchval("SHOW timezone") == "UTC"
    assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "15s"
    assert await connection.fetchval("SHOW application_name") == "a test"
    await connection.close()


async def test_numbers_in_json_stay_decimal(database):
    table = Table("documents", MetaData(), Column("body", JSONB))
    body = {"amount": Decimal("19.90"), "count": 3, "text": "ü", "list": [Decimal("0.1"), None]}

    async with database.transaction() as db:
        await db.run_sync(table.create)
        await db.execute(table.insert().values(body=body))
        read = (await db.execute(table.select())).scalar_one()
        exact = await db.scalar(
            text("SELECT body ->> 'amount' FROM documents WHERE body = :body").bindparams(
                bindparam("body", body, JSONB)
            )
        )

    assert read == body
    assert isinstance(read["amount"], Decimal)
    assert exact == "19.90"


def test_errors_of_the_way_to_the_server_are_told_from_others():
    assert is_database_away(asyncpg.CannotConnectNowError("starting up"))
    assert is_database_away(asyncpg.TooManyConnectionsError("no slot"))
    assert is_database_away(ConnectionRefusedError())
    assert not is_database_away(ValueError("x"))
    assert is_worth_repeating(asyncpg.DeadlockDetectedError("x"))


async def errors_until_answered(database: Database) -> list[BaseException]:
    errors: list[BaseException] = []
    async with asyncio.timeout(20):
        while True:
            try:
                async with database.transaction() as db:
                    await db.execute(text("SELECT 1"))
            except (DBAPIError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
                errors.append(exc)
                await asyncio.sleep(0.01)
            else:
                if errors:
                    return errors
