from __future__ import annotations

from datetime import timedelta

import pytest
from tests.engine_support.backlog_rows import NOW, BacklogRows

from ml_connector.sync import installations
from ml_connector.sync.figures import flow_figures, next_event_at
from ml_connector.sync.states import RowState


async def figures_of(database, workspace_id: int):
    async with database.transaction() as db:
        installed = await installations.of_workspace(db, workspace_id)
        ((flow,),) = (await flow_figures(db, installed, now=NOW)).values()
        return flow


async def test_records_are_counted_by_state_and_the_oldest_that_may_run_is_told(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    await rows.record(installed, 1, state="ready", wanted_for=timedelta(minutes=3))
    await rows.record(installed, 2, state="running", wanted_for=timedelta(minutes=5))
    await rows.record(installed, 3, state="held", wanted_for=timedelta(days=3))
    await rows.record(installed, 4, state="done")

    found = await figures_of(database, installed[0])

    assert found.counts == {
        RowState.READY: 1,
        RowState.RUNNING: 1,
        RowState.HELD: 1,
        RowState.DONE: 1,
    }
    assert found.waiting == 2
    assert found.oldest_waiting_at == NOW - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("when", "late"), [({"every": "5m"}, 2), ({"every": "1h"}, 1), ("events", 2)]
)
async def test_a_record_is_late_when_it_waits_for_longer_than_the_flows_cadence(
    database, when, late
):
    rows = BacklogRows(database)
    installed = await rows.installation(when=when)
    for minutes in (3, 20, 90):
        await rows.record(installed, minutes, state="ready", wanted_for=timedelta(minutes=minutes))
    await rows.record(installed, 1, state="held", wanted_for=timedelta(days=1))

    assert (await figures_of(database, installed[0])).late == late


async def test_the_next_event_is_the_earliest_of_schedules_retries_and_other_looks(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    async with database.transaction() as db:
        assert await next_event_at(db, installed[0], now=NOW) == NOW  # the flow's first poll
    await rows.record(installed, 1, state="held", due_at=NOW + timedelta(minutes=4))
    other = await rows.installation("other")

    async with database.transaction() as db:
        from sqlalchemy import text  # noqa: PLC0415 - for this one statement

        await db.execute(text("UPDATE installation_flow SET next_due_at = NULL"))
        assert await next_event_at(db, installed[0], now=NOW) == NOW + timedelta(minutes=4)
        assert await next_event_at(db, other[0], now=NOW) is None
