from __future__ import annotations

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from tests.engine_support.pair import ToyERP, toy

from ml_connector.storage.database import Database


async def test_a_database_that_is_away_in_the_middle_of_a_run_costs_it_nothing(database: Database):
    erp = ToyERP(failing=[PoolTimeoutError("no connection")])
    pair = await toy(database, erp=erp)
    await pair.want(42)

    await pair.work_off()
    row = await pair.row()

    assert (row.state, row.outcome, row.failures) == ("ready", "waiting", 0)
    assert row.reason == "the database was away"


async def test_a_fault_of_ours_is_a_dead_letter_that_says_so(database: Database):
    pair = await toy(database, erp=ToyERP(failing=[ZeroDivisionError("division by zero")]))
    await pair.want(42)

    await pair.work_off()
    row = await pair.row()

    assert row.state == "dead"
    assert "ZeroDivisionError" in row.reason
