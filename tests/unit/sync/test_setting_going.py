"""What a run sets going: records of other flows, held records, a look at itself later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.engine_support.pair import START, Toy, ToyContext, ToyERP, toy

from ml_connector.core.errors import HeldError
from ml_connector.core.lanes import Lane
from ml_connector.storage.database import Database
from ml_connector.sync import backlog, links
from ml_connector.sync.flow import Flow, Found, Outcome
from ml_connector.sync.links import RecordLink
from ml_connector.sync.rows import Wanted

SUMS = "toy_pair.sums"
INVOICE = "toy_pair.invoice"


def flow(
    name: str,
    run: Callable[[str, Any], Awaitable[Outcome]],
    *,
    rest: timedelta = timedelta(0),
) -> Flow:
    return Flow(
        name=name,
        title=name,
        record_kind=name,
        source="erp",
        started_by=(),
        run=run,
        rest=rest,
    )


async def kept(pair: Toy, invoice_key: int) -> list[RecordLink]:
    async with pair.database.transaction() as db:
        return await links.of_source(
            db,
            installation_id=pair.installation_id,
            kind="invoice:deal",
            source_key=str(invoice_key),
        )


async def sums(_deal: str, _ctx: ToyContext) -> Outcome:
    return Outcome.unchanged("summed up")


async def invoice(key: str, ctx: ToyContext) -> Outcome:
    """Want the sums of deal 7, and remember that it is of that deal, unless the vendor fails."""
    ctx.remember_at_end("invoice:deal", key, Found(key="7"), {"seen": "open"})
    ctx.want("sums", 7, because=f"invoice {key} changed")
    ctx.end_cause("item:PUMP")
    if ctx.erp.failing:
        raise ctx.erp.failing.pop(0)
    return Outcome.unchanged("traced")


async def pair_of(database: Database, *more: Flow, erp: ToyERP | None = None) -> Toy:
    return await toy(database, more=more, erp=erp)


async def rows_of(pair: Toy, flow_name: str) -> list[Any]:
    return [row for row in await pair.rows() if row.flow == flow_name]


async def test_many_records_that_want_one_lead_to_one_run_of_it(database: Database):
    rest = timedelta(seconds=3)
    pair = await pair_of(database, flow("sums", sums, rest=rest), flow("invoice", invoice))
    await pair.want(*range(20), flow=INVOICE)

    await pair.work_off()
    pair.clock.advance(seconds=3)
    await pair.work_off()

    (row,) = await rows_of(pair, SUMS)
    assert (row.record, row.state, row.run_no) == ("7", "done", 1)
    assert row.trigger["by"] == "flow"
    assert row.trigger["because"].startswith("invoice ")


async def test_run_that_did_not_end_well_wants_nothing_yet(database: Database):
    erp = ToyERP(failing=[HeldError("a person must look", waits_for="toy:1")])
    pair = await pair_of(database, flow("sums", sums), flow("invoice", invoice), erp=erp)
    await pair.want(1, flow=INVOICE)

    await pair.work_off()
    before = await rows_of(pair, SUMS)
    await pair.want(1, flow=INVOICE)
    await pair.work_off()

    assert before == []
    assert len(await rows_of(pair, SUMS)) == 1


async def test_what_a_run_learned_is_kept_with_what_it_wants_or_not_at_all(database: Database):
    erp = ToyERP(failing=[HeldError("a person must look", waits_for="toy:1")])
    pair = await pair_of(database, flow("sums", sums), flow("invoice", invoice), erp=erp)
    await pair.want(1, flow=INVOICE)

    await pair.work_off()
    before = await kept(pair, 1)
    await pair.want(1, flow=INVOICE)
    await pair.work_off()

    assert before == []
    assert [(one.target_key, one.written) for one in await kept(pair, 1)] == [
        ("7", {"seen": "open"})
    ]


async def test_flow_that_is_switched_off_is_not_asked(database: Database):
    pair = await pair_of(database, flow("sums", sums), flow("invoice", invoice))
    async with database.transaction() as db:
        await db.execute(text("UPDATE installation_flow SET is_on = false WHERE flow = 'sums'"))
    await pair.want(1, flow=INVOICE)

    await pair.work_off()

    assert await rows_of(pair, SUMS) == []


async def test_ended_cause_lets_its_held_records_run_and_no_others(database: Database):
    erp = ToyERP(
        failing=[HeldError("no item", waits_for=f"item:{code}") for code in ("PUMP", "BOLT")]
    )
    pair = await pair_of(database, flow("sums", sums), flow("invoice", invoice), erp=erp)
    await pair.want(1)
    await pair.work_off()
    await pair.want(2)
    await pair.work_off()

    await pair.want(9, flow=INVOICE)
    await pair.work_off()

    deals = {row.record: row.state for row in await rows_of(pair, "toy_pair.deal_to_order")}
    assert deals == {"1": "done", "2": "held"}


@pytest.fixture
async def due_tomorrow(database: Database) -> Toy:
    tomorrow = START + timedelta(days=1)

    async def overdue(_deal: str, ctx: ToyContext) -> Outcome:
        is_due = ctx.clock.now() >= tomorrow
        if is_due:
            return Outcome.written("overdue")
        return Outcome.unchanged("not due yet", look_again_at=tomorrow)

    pair = await pair_of(database, flow("overdue", overdue))
    await pair.want(7, flow="toy_pair.overdue")
    await pair.work_off()
    return pair


async def look_again(pair: Toy) -> int:
    async with pair.database.transaction() as db:
        return await backlog.look_again(db, now=pair.clock.now())


async def test_record_runs_again_when_its_moment_comes_though_nothing_happened(due_tomorrow: Toy):
    pair = due_tomorrow
    early = await look_again(pair)
    pair.clock.advance(days=1)

    due = await look_again(pair)
    await pair.work_off()

    row = await pair.row()
    assert (early, due) == (0, 1)
    assert (row.state, row.reason, row.run_no, row.wanted, row.done) == ("done", "overdue", 2, 2, 2)
    assert row.trigger["by"] == "time"
    assert await look_again(pair) == 0


async def test_an_event_before_the_moment_sets_it_anew(due_tomorrow: Toy):
    pair = due_tomorrow
    pair.clock.advance(days=1)
    await pair.want(7, flow="toy_pair.overdue")
    await pair.work_off()

    assert await look_again(pair) == 0
    assert (await pair.row()).run_no == 2


async def capture(pair: Toy, trigger: dict[str, Any]) -> None:
    now = pair.clock.now()
    wanted = Wanted(
        workspace_id=1,
        owner=f"installation:{pair.installation_id}",
        installation_id=pair.installation_id,
        flow=SUMS,
        record="7",
        lane=Lane.EVENT,
        due_at=now,
        wanted_at=now,
        trigger=trigger,
    )
    async with pair.database.transaction() as db:
        await backlog.capture(db, [wanted])


async def test_merge_that_an_event_told_stays_known_until_a_run_has_ended_with_it(
    database: Database,
):
    pair = await pair_of(database, flow("sums", sums))
    merge = {"merged_from": "3", "merged_into": "7"}
    await capture(pair, {"by": "webhook", **merge})
    await capture(pair, {"by": "webhook", "action": "changed"})

    (row,) = await rows_of(pair, SUMS)
    assert row.trigger == {"by": "webhook", "action": "changed", **merge}

    await pair.work_off()
    await capture(pair, {"by": "poll"})
    (row,) = await rows_of(pair, SUMS)
    assert row.trigger == {"by": "poll"}


async def test_deletion_that_an_event_told_is_not_forgotten_because_of_a_poll(database: Database):
    pair = await pair_of(database, flow("sums", sums))
    deleted = {"by": "webhook", "action": "deleted"}
    await capture(pair, deleted)
    await capture(pair, {"by": "poll"})

    (row,) = await rows_of(pair, SUMS)
    assert row.trigger == deleted

    await capture(pair, {"by": "webhook", "action": "changed"})
    (row,) = await rows_of(pair, SUMS)
    assert row.trigger["action"] == "changed"
