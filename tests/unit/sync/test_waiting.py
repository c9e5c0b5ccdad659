from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from tests.engine_support.backlog_rows import NOW, BacklogRows

from ml_connector.sync import looking
from ml_connector.sync.waiting import Waiting, why_waiting


async def why(database, installed: tuple[int, int], number: int) -> Waiting | None:
    async with database.transaction() as db:
        record = await looking.row(db, installed[0], number)
        return await why_waiting(db, record, now=NOW)


async def a_worker_lives(database) -> None:
    async with database.transaction() as db:
        await db.execute(
            text(
                "INSERT INTO process (kind, host, pid, release, key_ids, started_at, heartbeat_at)"
                " VALUES ('work', 'here', 1, 'test', '{}', clock_timestamp(), clock_timestamp())"
            )
        )


async def test_a_record_that_is_done_waits_for_nothing(database):
    rows = BacklogRows(database)
    installed = await rows.installation()

    assert await why(database, installed, await rows.record(installed, 1, state="done")) is None


async def test_a_held_record_tells_its_reason_its_way_out_and_its_next_look(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    number = await rows.record(
        installed,
        1,
        waits_for="item:A",
        reason="no item A",
        due_at=NOW + timedelta(minutes=15),
    )

    found = await why(database, installed, number)

    assert found is not None
    assert found.words == "no item A"
    assert "create or correct the item" in found.way_out
    assert (found.until, found.is_blocked) == (NOW + timedelta(minutes=15), True)


async def test_without_a_worker_that_is_what_stops_a_record(database):
    rows = BacklogRows(database)
    installed = await rows.installation()

    found = await why(database, installed, await rows.record(installed, 1, state="ready"))

    assert found is not None
    assert (found.words, found.is_blocked) == ("no worker runs", True)


async def test_a_connection_out_of_service_is_named_with_its_reason(database):
    rows = BacklogRows(database)
    async with database.transaction() as db:
        connection: int = (
            await db.execute(
                text(
                    "INSERT INTO connection (workspace_id, name, vendor, settings, secret_fields,"
                    " state, state_reason, state_since, created_at, changed_at)"
                    " VALUES (1, 'erp', 'acumatica', '{}', '{}', 'needs_login', 'password refused',"
                    " :now, :now, :now) RETURNING id"
                ),
                {"now": NOW},
            )
        ).scalar_one()
    installed = await rows.installation(connections=f'{{"erp": {connection}}}')
    await a_worker_lives(database)

    found = await why(database, installed, await rows.record(installed, 1, state="ready"))

    assert found is not None
    assert found.words == "connection erp needs a login: password refused"
    assert "correct its credentials" in found.way_out


async def test_a_record_that_failed_tells_which_attempt_comes_next_and_when(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    await a_worker_lives(database)
    soon = NOW + timedelta(minutes=2)
    number = await rows.record(
        installed,
        1,
        state="ready",
        outcome="retrying",
        reason="no answer",
        failures=3,
        due_at=soon,
    )

    found = await why(database, installed, number)

    assert found is not None
    assert found.words == "attempt 3 of 12 failed: no answer"
    assert found.until == soon


async def test_a_record_behind_others_tells_how_many_go_first(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    await a_worker_lives(database)
    for record in range(3):
        await rows.record(installed, record, state="ready", due_at=NOW - timedelta(minutes=1))
    number = await rows.record(installed, 9, state="ready")

    found = await why(database, installed, number)

    assert found is not None
    assert found.words == "3 records of this installation go first"
