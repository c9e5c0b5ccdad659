from __future__ import annotations

from sqlalchemy import text
from tests.engine_support.backlog_rows import FLOW, NOW, BacklogRows

from ml_connector.core.lanes import Lane
from ml_connector.sync import replaying
from ml_connector.sync.replaying import FEW, Selection, count, replay
from ml_connector.sync.states import RowState


async def replayed(database, selection: Selection) -> int:
    async with database.transaction() as db:
        total = sum(group.records for group in await count(db, selection))
    done = 0
    async for progress in replay(database, selection, total=total, who="ann", now=NOW):
        done = progress.done
    assert done == total
    return done


async def test_held_and_dead_records_are_ready_again_with_a_clean_slate(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    held = await rows.record(installed, 1, waits_for="item:A", failures=3)
    dead = await rows.record(installed, 2, state="dead", failures=12, starts=5)

    await replayed(database, Selection(workspace_id=installed[0]))

    for number in (held, dead):
        row = await rows.row(number)
        assert (row.state, row.wanted, row.failures, row.starts) == ("ready", 2, 0, 0)
        assert (row.lane, row.due_at) == (Lane.URGENT, NOW)


async def test_a_replay_keeps_what_started_the_record_and_names_who_replayed_it(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    number = await rows.record(installed, 1)

    await replayed(database, Selection(workspace_id=installed[0]))

    trigger = (await rows.row(number)).trigger
    assert (trigger["by"], trigger["replayed_by"]) == ("webhook", "ann")
    async with database.transaction() as db:
        entry = (await db.execute(text("SELECT event, who, backlog_id FROM trail"))).one()
    assert tuple(entry) == ("replay_requested", "ann", number)


async def test_a_running_record_only_gets_one_more_wish(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    number = await rows.record(installed, 1, state="running", starts=1)

    await replayed(database, Selection(workspace_id=installed[0]))

    row = await rows.row(number)
    assert (row.state, row.wanted, row.starts) == ("running", 2, 1)


async def test_conditions_narrow_the_selection_together(database):
    rows = BacklogRows(database)
    installed, other = await rows.installation("one"), await rows.installation("two")
    chosen = await rows.record(installed, 1, waits_for="item:A")
    left = [
        await rows.record(installed, 2, waits_for="items:A"),
        await rows.record(installed, 3, state="dead", waits_for="item:A"),
        await rows.record(other, 1, waits_for="item:A"),
    ]

    done = await replayed(
        database,
        Selection(
            workspace_id=installed[0],
            states=frozenset({RowState.HELD}),
            cause="item:*",
            flow=FLOW,
        ),
    )

    assert done == 1
    assert (await rows.row(chosen)).state == "ready"
    assert {(await rows.row(number)).wanted for number in left} == {1}


async def test_many_records_go_in_batches_behind_everything_else(database, monkeypatch):
    monkeypatch.setattr(replaying, "BATCH", 4)
    rows = BacklogRows(database)
    installed = await rows.installation()
    numbers = [await rows.record(installed, record) for record in range(FEW + 1)]

    assert await replayed(database, Selection(workspace_id=installed[0])) == FEW + 1

    assert {(await rows.row(number)).wanted for number in numbers} == {2}
    assert {(await rows.row(number)).lane for number in numbers} == {Lane.BULK}
