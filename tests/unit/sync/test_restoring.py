from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.engine_support.pair import START, Toy, toy, toy_integration

from ml_connector.storage.database import Database
from ml_connector.sync import backlog
from ml_connector.sync.effects import IN_DOUBT, Intent
from ml_connector.sync.marks import Position
from ml_connector.sync.polling import write_mark
from ml_connector.sync.restoring import Restored, after_restore
from ml_connector.sync.rows import POLL, Settlement, StartedRun
from ml_connector.sync.states import RowState

TWO_HOURS = timedelta(hours=2)


async def test_an_order_made_after_the_backup_is_found_and_not_made_again(database: Database):
    pair = await toy(database)
    await pair.want(42)
    await pair.work_off()
    await _forget_everything_since_the_backup(pair)

    await _restore(pair)
    await pair.want(42)
    await _work_off_flows(pair)

    row = await _deal(pair)
    assert pair.erp.orders == [("SO0001", "deal-42")]
    assert (row.state, row.reason) == ("done", "order SO0001 is there")
    assert await pair.scalar("SELECT target_key FROM record_link") == "SO0001"


async def test_an_order_that_the_search_does_not_show_yet_is_waited_for(database: Database):
    pair = await toy(database, search_lag=timedelta(seconds=30))
    await pair.want(42)
    await pair.work_off()
    pair.erp.hidden.add("SO0001")
    await _forget_everything_since_the_backup(pair)

    await _restore(pair)
    await pair.want(42)
    await _work_off_flows(pair)

    row = await _deal(pair)
    assert len(pair.erp.orders) == 1
    assert row.state == "ready"
    assert "may have been sent" in row.reason


async def test_an_order_made_while_in_doubt_is_looked_for_once_more(database: Database):
    pair = await toy(database)

    await _restore(pair)
    await pair.want(42)
    await _work_off_flows(pair)

    assert pair.erp.orders == [("SO0001", "deal-42")]
    assert await pair.scalar("SELECT second_look_at FROM effect") is not None


async def test_the_doubt_ends(database: Database):
    pair = await toy(database)
    await _restore(pair)
    async with database.transaction() as db:
        await db.execute(
            text("UPDATE epoch SET raised_at = raised_at - CAST(:age AS interval)"),
            {"age": IN_DOUBT},
        )

    await pair.want(42)
    await _work_off_flows(pair)

    assert await pair.scalar("SELECT second_look_at FROM effect") is None


@pytest.mark.parametrize("state", ["claimed", "intended", "refused", "unknown"])
async def test_every_write_that_was_not_done_may_have_been_sent(database: Database, state: str):
    pair = await toy(database)
    await pair.want(42)
    await pair.work_off()
    async with database.transaction() as db:
        await db.execute(text("DELETE FROM record_link"))
        await db.execute(
            text("UPDATE effect SET state = :state, sendings = 0, sent_before = NULL"),
            {"state": state},
        )

    restored = await _restore(pair)

    async with database.transaction() as db:
        effect = (await db.execute(text("SELECT * FROM effect"))).one()
    assert restored.effects_in_doubt == 1
    assert (effect.state, effect.sendings) == ("unknown", 1)
    assert effect.sent_before is not None


async def test_a_worker_of_the_lost_time_can_change_nothing(database: Database):
    pair = await toy(database)
    await pair.want(42)
    (job,) = await pair.queue()
    lost = await pair.engine.start(*job)
    assert lost is not None
    async with database.transaction() as db:
        await db.execute(
            text(
                "INSERT INTO effect (workspace_id, installation_id, kind, source_key, occurrence,"
                " state, backlog_id, run_no, attempt, reference, idempotency_key, created_at,"
                " updated_at) VALUES (1, :installation, 'order', '42', 1, 'claimed', :row, :run,"
                " :attempt, 'deal-42', 'key', now(), now())"
            ),
            {
                "installation": pair.installation_id,
                "row": lost.backlog_id,
                "run": lost.run_no,
                "attempt": lost.attempt,
            },
        )

    restored = await _restore(pair)
    await pair.queue()
    began_again = await pair.engine.start(*job)
    may_send = await pair.engine.intend(
        Intent(
            effect_id=await pair.scalar("SELECT id FROM effect"),
            run=lost,
            deadline=timedelta(seconds=1),
            now=START,
        )
    )
    async with database.transaction() as db:
        (settled,) = await backlog.settle(db, [_done(lost)])

    assert restored.runs_taken_back == 1
    assert (began_again, may_send, settled) == (None, False, None)


async def test_ids_of_the_lost_time_are_not_given_again(database: Database):
    pair = await toy(database)
    await pair.want(1)
    before = (await pair.row()).id

    await _restore(pair)
    await pair.want(2)

    assert (await pair.rows())[-1].id > before + 1000


async def test_marks_go_back_by_the_age_of_the_backup_and_streams_are_polled(database: Database):
    pair = await toy(database)
    await _set_mark(pair, START)

    restored = await _restore(pair)

    polls = [row for row in await pair.rows() if row.flow == POLL]
    assert await _mark(pair) == START - TWO_HOURS
    assert (restored.marks_set_back, restored.polls) == (1, 1)
    assert [(row.record, row.state, row.trigger["by"]) for row in polls] == [
        ("deals", "ready", "restore")
    ]


async def test_a_stream_of_events_alone_is_read_from_the_backup_on(database: Database):
    pair = await toy(database)

    await _restore(pair)

    assert await _mark(pair) == START - TWO_HOURS


async def test_a_stream_that_was_never_polled_begins_with_its_go_live(database: Database):
    pair = await toy(database)
    async with database.transaction() as db:
        await db.execute(text("UPDATE installation_flow SET next_due_at = :at"), {"at": START})

    await _restore(pair)

    assert await pair.scalar("SELECT count(*) FROM high_water_mark") == 0


async def test_doing_it_twice_does_no_harm(database: Database):
    pair = await toy(database)
    await pair.want(42)
    await pair.queue()

    await _restore(pair)
    again = await _restore(pair)
    await _work_off_flows(pair)

    assert again.runs_taken_back == 0
    assert pair.erp.orders == [("SO0001", "deal-42")]


async def test_an_age_from_the_future_is_refused(database: Database):
    pair = await toy(database)

    with pytest.raises(ValueError, match="cannot be"):
        await _restore(pair, backup_age=-TWO_HOURS)


def _done(run: StartedRun) -> Settlement:
    return Settlement(
        backlog_id=run.backlog_id,
        run_no=run.run_no,
        attempt=run.attempt,
        wanted=run.wanted,
        state=RowState.DONE,
        due_at=START,
        settled_at=START,
        outcome="written",
    )


async def _restore(pair: Toy, *, backup_age: timedelta = TWO_HOURS) -> Restored:
    async with pair.database.transaction() as db:
        return await after_restore(
            db,
            {"toy_pair": toy_integration()},
            backup_age=backup_age,
            now=pair.clock.now(),
            who="test",
        )


async def _forget_everything_since_the_backup(pair: Toy) -> None:
    async with pair.database.transaction() as db:
        for table in ("effect", "record_link", "backlog"):
            await db.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names


async def _work_off_flows(pair: Toy) -> None:
    """Carry out everything but the polls, for which the toy pair has no vendor."""
    async with pair.database.transaction() as db:
        await db.execute(text("DELETE FROM backlog WHERE flow = 'poll'"))
    await pair.work_off()


async def _deal(pair: Toy) -> Any:
    (row,) = [row for row in await pair.rows() if row.flow != POLL]
    return row


async def _set_mark(pair: Toy, mark: datetime) -> None:
    async with pair.database.transaction() as db:
        await write_mark(
            db, connection_id=1, stream="deals", workspace_id=1, position=Position(mark=mark)
        )


async def _mark(pair: Toy) -> datetime:
    async with pair.database.transaction() as db:
        stored = (await db.execute(text("SELECT position FROM high_water_mark"))).scalar_one()
    return Position.from_json(stored).mark
