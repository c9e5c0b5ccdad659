from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import text
from tests.engine_support.pair import Toy, ToyERP, toy

from ml_connector.core.errors import InvalidRecordError, RateLimitedError, UnavailableError
from ml_connector.storage.database import Database
from ml_connector.sync import backlog
from ml_connector.sync.rows import Settlement, StartedRun
from ml_connector.sync.states import RowState
from ml_connector.sync.works import take_up_second_looks


async def test_a_wanted_record_is_written_once_and_settled(database: Database):
    pair = await toy(database)
    await pair.want(42)

    await pair.work_off()

    row = await pair.row()
    assert pair.erp.orders == [("SO0001", "deal-42")]
    assert (row.state, row.outcome, row.reason) == ("done", "written", "order SO0001 created")
    assert row.done == row.wanted == 1


async def test_a_second_event_finds_the_order_there(database: Database):
    pair = await toy(database)
    await pair.want(42)
    await pair.work_off()
    await pair.want(42)

    await pair.work_off()

    row = await pair.row()
    assert len(pair.erp.orders) == 1
    assert (row.outcome, row.done, row.wanted) == ("unchanged", 2, 2)


async def test_an_order_that_was_typed_in_by_hand_is_adopted(database: Database):
    erp = ToyERP(orders=[("SO0001", "deal-42")])
    pair = await toy(database, erp=erp)
    await pair.want(42)

    await pair.work_off()

    assert len(erp.orders) == 1
    assert (await pair.row()).reason == "order SO0001 is there"


async def test_a_lost_answer_is_searched_for_and_never_sent_again(database: Database):
    erp = ToyERP(lost_answers=1)
    pair = await toy(database, erp=erp, write_deadline=timedelta(seconds=-1.9))
    await pair.want(42)

    await pair.work_off()
    pair.clock.advance(minutes=30)
    await pair.work_off()

    assert erp.orders == [("SO0001", "deal-42")]
    assert (await pair.row()).state == "done"


async def test_nothing_is_searched_before_the_first_call_can_leave_no_more(database: Database):
    erp = ToyERP(lost_answers=1)
    pair = await toy(database, erp=erp, write_deadline=timedelta(seconds=60))
    await pair.want(42)
    await pair.work_off()
    finds = erp.finds
    pair.clock.advance(seconds=30)

    await pair.work_off()

    row = await pair.row()
    assert erp.finds == finds
    assert row.state == "ready"
    assert "may have been sent" in row.reason


async def test_the_wait_for_a_slow_search_ends_once_its_lag_has_passed(database: Database):
    erp = ToyERP(lost_answers=1)
    pair = await toy(database, erp=erp, search_lag=timedelta(seconds=30))
    await pair.want(42)
    await pair.work_off()
    pair.clock.advance(minutes=5)
    await pair.work_off()
    waiting = await pair.row()
    async with database.transaction() as db:  # as if the database's clock had gone on
        await db.execute(text("UPDATE effect SET sent_before = sent_before - interval '1 minute'"))
    pair.clock.advance(minutes=5)

    await pair.work_off()

    assert "may have been sent" in waiting.reason
    assert erp.orders == [("SO0001", "deal-42")]
    assert (await pair.row()).state == "done"


async def test_several_records_with_the_reference_are_held_and_none_is_picked(database: Database):
    erp = ToyERP(orders=[("SO0001", "deal-42"), ("SO0002", "deal-42")])
    pair = await toy(database, erp=erp)
    await pair.want(42)

    await pair.work_off()

    row = await pair.row()
    assert row.state == "held"
    assert "SO0001, SO0002" in row.reason
    assert await pair.scalar("SELECT count(*) FROM notification WHERE kind = 'held'") == 1


async def test_a_twin_behind_a_late_search_index_is_found_by_the_second_look(database: Database):
    erp = ToyERP(lost_answers=1)
    pair = await toy(database, erp=erp, write_deadline=timedelta(seconds=-1.9))
    await pair.want(42)
    await pair.work_off()
    erp.hidden.add("SO0001")
    pair.clock.advance(minutes=5)
    await pair.work_off()
    erp.hidden.clear()

    pair.clock.advance(minutes=5)
    async with database.transaction() as db:
        taken_up = await take_up_second_looks(db, now=pair.clock.now())
    await pair.work_off()

    assert taken_up == 1
    assert [number for number, _ in erp.orders] == ["SO0001", "SO0002"]
    told = await pair.scalar("SELECT message FROM notification WHERE kind = 'twin'")
    assert "SO0001" in told
    assert "SO0002" in told


async def test_a_refused_record_is_a_dead_letter_with_the_vendors_words(database: Database):
    erp = ToyERP(failing=[InvalidRecordError("Acumatica refuses item NOPE of the order")])
    pair = await toy(database, erp=erp)
    await pair.want(42)

    await pair.work_off()

    row = await pair.row()
    assert (row.state, row.outcome) == ("dead", "dead letter")
    assert "NOPE" in row.reason


async def test_an_outage_costs_no_attempt(database: Database):
    erp = ToyERP(failing=[UnavailableError("down"), RateLimitedError("slow down")])
    pair = await toy(database, erp=erp)
    await pair.want(42)

    for _ in range(4):
        await pair.work_off()
        pair.clock.advance(seconds=2)

    row = await pair.row()
    assert (row.state, row.failures) == ("done", 0)


async def test_two_runs_that_need_the_same_record_make_one(database: Database):
    erp = ToyERP(delay=0.05)
    one = await toy(database, erp=erp)
    other = await toy(database, erp=erp)
    await _want_two_flows_of_one_effect(one)
    jobs = await one.queue()

    await asyncio.gather(
        *(toy.runner.carry_out(*job) for toy, job in zip((one, other), jobs, strict=True))
    )

    assert len(erp.orders) == 1
    assert [row.state for row in await one.rows()] == ["done", "done"]


async def test_a_run_that_another_attempt_took_over_sends_nothing(database: Database):
    erp = ToyERP()
    pair = await toy(database, erp=erp)
    await pair.want(42)
    ((backlog_id, run_no),) = await pair.queue()
    started = await pair.engine.start(backlog_id, run_no)
    assert started is not None

    await pair.runner.carry_out(backlog_id, run_no)
    await pair.runner.carry_out(backlog_id, run_no)

    assert len(erp.orders) == 1
    assert (await pair.row()).state == "done"


async def test_the_story_of_a_run_is_written_with_its_settlement(database: Database):
    pair = await toy(database)
    await pair.want(42)

    await pair.work_off()

    async with database.transaction() as db:
        run = (await db.execute(text("SELECT * FROM run"))).one()
        entry = (await db.execute(text("SELECT * FROM trail"))).one()
        names = (await db.execute(text("SELECT name FROM record_name"))).scalars().all()
    assert (run.record, run.outcome) == ("42", "written")
    assert entry.event == "order_created"
    assert entry.detail["reference"] == "deal-42"
    assert set(names) == {"42", "so0001"}


async def _want_two_flows_of_one_effect(pair: Toy) -> None:
    """Two backlog rows that lead to one effect: the same deal under two owners."""
    await pair.want(42)
    async with pair.database.transaction() as db:
        await db.execute(
            text(
                "INSERT INTO backlog (workspace_id, owner, installation_id, flow, record, state,"
                " lane, due_at, trigger, wanted_at) SELECT workspace_id, 'twin', installation_id,"
                " flow, record, state, lane, due_at, trigger, wanted_at FROM backlog"
            )
        )


async def test_what_is_wanted_while_a_run_goes_on_gets_a_run_of_its_own(database: Database):
    pair = await toy(database)
    await pair.want(42)
    (job,) = await pair.queue()
    run = await pair.engine.start(*job)
    assert run is not None
    await pair.want(42)
    pair.clock.advance(seconds=1)

    async with database.transaction() as db:
        (state,) = await backlog.settle(db, [_done(run, pair)])

    row = await pair.row()
    assert (state, row.done, row.wanted) == ("ready", 1, 2)


def _done(run: StartedRun, pair: Toy) -> Settlement:
    now = pair.clock.now()
    return Settlement(
        backlog_id=run.backlog_id,
        run_no=run.run_no,
        attempt=run.attempt,
        wanted=run.wanted,
        state=RowState.DONE,
        due_at=now,
        settled_at=now,
        outcome="written",
    )
