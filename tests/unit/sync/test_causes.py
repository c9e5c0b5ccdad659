from __future__ import annotations

from datetime import timedelta

import pytest
from tests.engine_support.backlog_rows import NOW, BacklogRows

from ml_connector.sync.causes import causes, way_out
from ml_connector.sync.states import RowState


async def test_records_are_grouped_by_what_they_wait_for_the_most_frequent_first(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    for record in range(7):
        await rows.record(
            installed,
            record,
            waits_for="item:PUMP-40",
            reason=f"no item (line {record})",
            wanted_for=timedelta(minutes=10 - record),
        )
    await rows.record(installed, 8, waits_for="mapping:terms:30D", reason="no terms")
    await rows.record(installed, 9, state="dead", reason="refused")
    await rows.record(installed, 10, state="done")

    async with database.transaction() as db:
        found = await causes(db, installed[0])

    assert [(cause.waits_for, cause.state.value, cause.records) for cause in found] == [
        ("item:PUMP-40", "held", 7),
        ("mapping:terms:30D", "held", 1),
        (None, "dead", 1),
    ]
    assert found[0].examples == ("0", "1", "2", "3", "4")
    assert found[0].oldest_at == NOW - timedelta(minutes=10)
    assert found[2].next_look_at is None


async def test_what_names_no_cause_is_grouped_by_its_words(database):
    rows = BacklogRows(database)
    installed = await rows.installation()
    for record, reason in enumerate(("one", "other", "one")):
        await rows.record(installed, record, reason=reason)

    async with database.transaction() as db:
        found = await causes(db, installed[0])

    assert [(cause.reason, cause.records) for cause in found] == [("one", 2), ("other", 1)]


async def test_causes_of_another_workspace_are_not_shown(database):
    rows = BacklogRows(database)
    mine, other = await rows.installation("mine"), await rows.installation("other")
    await rows.record(other, 1, waits_for="item:A")

    async with database.transaction() as db:
        assert await causes(db, mine[0]) == []


@pytest.mark.parametrize(
    ("state", "waits_for", "words"),
    [
        (RowState.HELD, "mapping:terms:30D", "then apply the file: they run by themselves"),
        (RowState.HELD, "item:PUMP-40", "looked at again every 15 minutes"),
        (RowState.HELD, "something new", "put right what the reason names"),
        (RowState.HELD, None, "put right what the reason names"),
        (RowState.DEAD, None, "then `replay`"),
    ],
)
def test_every_cause_has_a_way_out(state, waits_for, words):
    assert words in way_out(state, waits_for)
