from __future__ import annotations

from datetime import timedelta

import pytest
from tests.engine_support.backlog_rows import BacklogRows

from ml_connector.storage.database import Database
from ml_connector.sync import looking
from ml_connector.sync.states import RowState


@pytest.fixture
def rows(database: Database) -> BacklogRows:
    return BacklogRows(database)


async def found(database: Database, workspace_id: int, key: str, **narrowed) -> list[str]:
    async with database.transaction() as db:
        return [row.record for row in await looking.find(db, workspace_id, key, **narrowed)]


async def test_a_record_is_found_by_any_of_its_names_whatever_the_capitals(database, rows):
    installed = await rows.installation()
    await rows.record(installed, 42, names=("42", "SO004201", "Nordwerk GmbH"))
    await rows.record(installed, 43, names=("43", "SO004202"))

    for key in ("42", "so004201", "NORDWERK GMBH", "nordw"):
        assert await found(database, installed[0], key) == ["42"]


async def test_a_record_that_never_ran_is_found_by_its_id(database, rows):
    installed = await rows.installation()
    await rows.record(installed, 42, state="ready")

    assert await found(database, installed[0], "42") == ["42"]


async def test_an_exact_match_goes_before_beginnings(database, rows):
    installed = await rows.installation()
    await rows.record(installed, 4, names=("4",))
    await rows.record(installed, 42, names=("42",))

    assert await found(database, installed[0], "4") == ["4"]


@pytest.mark.parametrize("key", ["%", "_2", "4%", "\\"])
async def test_signs_of_patterns_are_taken_as_they_are(database, rows, key):
    installed = await rows.installation()
    await rows.record(installed, 42, names=("42",))

    assert await found(database, installed[0], key) == []


async def test_no_search_or_list_crosses_the_workspace(database, rows):
    mine, other = await rows.installation("mine"), await rows.installation("other")
    number = await rows.record(other, 42, names=("42", "nordwerk"))

    for key in ("42", "nordwerk", "nord"):
        assert await found(database, mine[0], key) == []
    async with database.transaction() as db:
        listed = await looking.rows(db, mine[0], states=tuple(RowState))
        assert await looking.names_of(db, mine[0], number) == []
        with pytest.raises(LookupError):
            await looking.row(db, mine[0], number)
    assert listed == []


async def test_a_list_is_bounded_and_begins_with_the_longest_waiting(database, rows):
    installed = await rows.installation()
    for minutes in (1, 3, 2):
        await rows.record(installed, minutes, state="ready", wanted_for=timedelta(minutes=minutes))
    await rows.record(installed, 9, state="done")

    async with database.transaction() as db:
        listed = await looking.rows(db, installed[0], states=(RowState.READY,), limit=2)

    assert [row.record for row in listed] == ["3", "2"]
