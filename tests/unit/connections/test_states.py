from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ml_connector.connections.states import TRANSITIONS, TROUBLES, By, State, states_before


def test_every_state_has_a_way_back_to_ready():
    for state in State:
        reachable = {state}
        while True:
            wider = reachable | {
                following
                for each in reachable
                for table in TRANSITIONS.values()
                for following in table.get(each, frozenset())
            }
            if wider == reachable:
                break
            reachable = wider
        assert State.READY in reachable


def test_a_failing_call_moves_only_a_ready_connection():
    for trouble in TROUBLES:
        assert states_before(trouble, By.CALL) == [State.READY]


def test_only_a_person_ends_a_pause():
    assert State.PAUSED not in states_before(State.READY, By.LOOK)
    assert State.PAUSED in states_before(State.READY, By.PERSON)


@pytest.mark.parametrize("change", ["state = 'asleep'", "state = 'paused', state_reason = NULL"])
async def test_the_schema_refuses_a_state_unknown_or_without_a_reason(database, row, change):
    with pytest.raises(IntegrityError):
        async with database.transaction() as db:
            await db.execute(text(f"UPDATE connection SET {change} WHERE id = {row.id}"))  # noqa: S608 - fixed texts
