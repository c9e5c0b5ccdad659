from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.engine_support.pair import ManualClock

from ml_connector.app import keeping
from ml_connector.app.keeping import Chore, Keeping
from ml_connector.app.settings import DeploymentSettings
from ml_connector.storage import partitions
from ml_connector.storage.database import Database

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

INBOX = (
    "INSERT INTO webhook_inbox (received_at, workspace_id, connection_id, endpoint_id, raw_body,"
    " records, detail) VALUES (:at, 1, 1, 1, :body, '{}', '{}')"
)
TRAIL = "INSERT INTO trail (at, workspace_id, event, who, detail) VALUES (:at, 1, 'x', 'x', '{}')"
RUN = (
    "INSERT INTO run (started_at, backlog_id, run_no, attempt, workspace_id, flow, record, lane,"
    " trigger, ended_at, outcome, trace_id, call_ids, tokens)"
    " VALUES (:at, 1, 1, 1, 1, 'f', 'r', 1, '{}', :at, 'written', 't', '{}', 0)"
)
INPUT = (
    "INSERT INTO run_input (at, backlog_id, run_no, attempt, workspace_id, inputs)"
    " VALUES (:at, 1, 1, 1, 1, '[]')"
)
CALL = (
    "INSERT INTO vendor_call (started_at, id, workspace_id, connection_id, elapsed_ms, method, url,"
    " operation, tokens) VALUES (:at, 1, 1, 1, 1, 'GET', '/', 'x', 1)"
)
DELIVERY = (
    "INSERT INTO webhook_delivery (connection_id, delivery_key, received_at)"
    " VALUES (1, 'key ' || CAST(CAST(:at AS timestamptz) AS text), :at)"
)
NOTICE = (
    "INSERT INTO notification (workspace_id, kind, cause, message, detail, first_at, last_at,"
    " resolved_at) VALUES (1, 'held', 'cause ' || CAST(CAST(:at AS timestamptz) AS text), 'm',"
    " '{}', :at, :at, :resolved_at)"
)
QUEUE_LOG = (
    "INSERT INTO run_queue_log (created, job_id, status, priority, entrypoint)"
    " VALUES (clock_timestamp() - CAST(:age AS interval), 1, 'successful', 0, 'f')"
)
STATISTICS = (
    "INSERT INTO run_queue_statistics (created, count, priority, status, entrypoint)"
    " VALUES (clock_timestamp() - CAST(:age AS interval), 1, 0, 'successful', 'f')"
)


def housekeeping(database: Database, *, now: datetime = NOW, **settings: Any) -> Keeping:
    return Keeping(database, ManualClock(now), DeploymentSettings(**settings))


async def do(database: Database, statement: str, **values: Any) -> None:
    async with database.transaction() as db:
        await db.execute(text(statement), values)


async def count(database: Database, table: str) -> int:
    async with database.transaction() as db:
        found: int = (await db.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()  # noqa: S608 - our own names
        return found


@pytest.mark.parametrize(("table", "insert"), [("trail", TRAIL), ("run", RUN)])
async def test_the_trail_leaves_after_its_days_by_the_month(
    database: Database, table: str, insert: str
):
    for days in (401 + 31, 399, 0):
        await do(database, insert, at=NOW - timedelta(days=days))

    await housekeeping(database).keep()

    assert await count(database, table) == 2


@pytest.mark.parametrize(
    ("table", "insert", "more"),
    [("webhook_inbox", INBOX, {"body": b""}), ("run_input", INPUT, {}), ("vendor_call", CALL, {})],
)
async def test_bodies_leave_earlier(
    database: Database, table: str, insert: str, more: dict[str, Any]
):
    for days in (91 + 31, 89, 0):
        await do(database, insert, at=NOW - timedelta(days=days), **more)

    await housekeeping(database).keep()

    assert await count(database, table) == 2


async def test_an_operator_may_keep_things_for_as_long_as_he_likes(database: Database):
    await do(database, TRAIL, at=NOW - timedelta(days=40))
    await do(database, INBOX, at=NOW - timedelta(days=300), body=b"")

    await housekeeping(database, keep_trail_days=5, keep_bodies_days=1000).keep()

    assert await count(database, "trail") == 0
    assert await count(database, "webhook_inbox") == 1


async def test_time_that_passes_drops_what_was_kept_before(database: Database):
    await do(database, TRAIL, at=NOW)
    await housekeeping(database).keep()

    await housekeeping(database, now=NOW + timedelta(days=399)).keep()
    kept = await count(database, "trail")
    await housekeeping(database, now=NOW + timedelta(days=401 + 31)).keep()

    assert (kept, await count(database, "trail")) == (1, 0)


async def test_too_many_bodies_lose_their_oldest_months_and_the_trail_stays(database: Database):
    for days in (70, 40, 0):
        await do(
            database,
            INBOX,
            at=NOW - timedelta(days=days),
            body=random.Random(1).randbytes(3_000_000),
        )
    await do(database, TRAIL, at=NOW - timedelta(days=70))

    await housekeeping(database).keep()
    before = await count(database, "webhook_inbox")
    await housekeeping(database, keep_bodies_megabytes=5).keep()

    assert (before, await count(database, "webhook_inbox")) == (3, 1)
    assert await count(database, "trail") == 1


async def test_the_coming_months_have_their_partitions(database: Database):
    await housekeeping(database).keep()

    async with database.transaction() as db:
        exists = await db.scalar(text("SELECT to_regclass('vendor_call_y2027m01') IS NOT NULL"))
    assert exists


async def test_the_queues_log_leaves_after_an_hour(database: Database):
    for minutes in (61, 59):
        await do(database, QUEUE_LOG, age=timedelta(minutes=minutes))
        await do(database, STATISTICS, age=timedelta(minutes=minutes))

    await housekeeping(database).keep()

    assert await count(database, "run_queue_log") == 1
    assert await count(database, "run_queue_statistics") == 1


async def test_more_rows_than_are_taken_at_once_leave_in_one_round(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keeping, "_ROWS_AT_ONCE", 2)
    for _ in range(5):
        await do(database, QUEUE_LOG, age=timedelta(hours=2))

    await housekeeping(database).keep()

    assert await count(database, "run_queue_log") == 0


async def test_delivery_keys_are_forgotten_when_no_vendor_repeats_them_any_more(
    database: Database,
):
    for days in (15, 13):
        await do(database, DELIVERY, at=NOW - timedelta(days=days))

    await housekeeping(database).keep()

    assert await count(database, "webhook_delivery") == 1


async def test_ended_notifications_leave_and_open_ones_stay(database: Database):
    ended, long_ago = NOW - timedelta(days=31), NOW - timedelta(days=401)
    await do(database, NOTICE, at=ended, resolved_at=ended)
    await do(database, NOTICE, at=ended + timedelta(days=2), resolved_at=None)
    await do(database, NOTICE, at=long_ago, resolved_at=None)

    await housekeeping(database).keep()

    assert await count(database, "notification") == 1


async def test_consents_that_nobody_finished_leave(database: Database):
    await do(
        database,
        "INSERT INTO connection (workspace_id, name, vendor, settings, secret_fields, state_since,"
        " created_at, changed_at) VALUES (1, 'crm', 'pipedrive', '{}', '{}', :at, :at, :at)",
        at=NOW,
    )
    for seconds in (-1, 1):
        await do(
            database,
            "INSERT INTO consent (state_hash, workspace_id, connection_id, settings_version,"
            " redirect_uri, key_id, wrapped_key, sealed, expires_at)"
            " SELECT CAST(:state AS text), 1, id, 1, '', '', '', '', :at FROM connection",
            state=str(seconds),
            at=NOW + timedelta(seconds=seconds),
        )

    await housekeeping(database).keep()

    assert await count(database, "consent") == 1


async def test_one_chores_failure_is_logged_and_the_others_are_done(database: Database):
    await do(database, QUEUE_LOG, age=timedelta(hours=2))
    worker = housekeeping(database)

    async def fail(db: AsyncConnection, _: datetime) -> int:
        await db.execute(text("SELECT 1 / 0"))
        return 0

    worker._chores = (Chore("broken", fail), *worker._chores)

    await worker.keep()

    assert await count(database, "run_queue_log") == 0


async def test_a_chore_is_done_by_one_process_at_a_time(database: Database):
    began, may_end = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def slowly(_: AsyncConnection, __: datetime) -> int:
        done.append("slowly")
        began.set()
        await may_end.wait()
        return 0

    one, other = housekeeping(database), housekeeping(database)
    one._chores = other._chores = (Chore("slow", slowly),)
    working = asyncio.create_task(one.keep())
    await began.wait()

    await other.keep()
    may_end.set()
    await working

    assert done == ["slowly"]


async def months_of(database: Database, table: str) -> int:
    statement = text("SELECT count(*) FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)")
    async with database.transaction() as db:
        found: int = (await db.execute(statement, {"table": table})).scalar_one()
        return found - 1  # DEFAULT is no month


@pytest.mark.parametrize(
    "lock",
    [
        "SELECT pg_advisory_xact_lock(hashtextextended('partitions of trail', 0))",
        "SELECT pg_advisory_xact_lock(hashtextextended('keeping new months of trail', 0))",
        "LOCK TABLE trail IN ACCESS EXCLUSIVE MODE",
    ],
)
async def test_process_that_stands_still_with_a_lock_keeps_no_other_from_starting(
    database: Database, monkeypatch: pytest.MonkeyPatch, lock: str
):
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "50ms")
    async with database.transaction() as still:
        await still.execute(text(lock))

        await housekeeping(database).prepare()

    assert await months_of(database, "run") == partitions.MONTHS_AHEAD + 1
    await housekeeping(database).prepare()
    assert await months_of(database, "trail") == partitions.MONTHS_AHEAD + 1
