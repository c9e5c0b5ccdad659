from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text

from ml_connector.connections import ConnectionRow, Connections, State
from ml_connector.connections.watching import Watch
from ml_connector.core.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    InvalidRecordError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.core.lanes import Lane
from ml_connector.transport.failures import CertificateError


def watch_of_outage() -> Watch:
    watch = Watch()
    watch.failed(UnavailableError("away"), attempts=3)
    return watch


async def report(
    connections: Connections, row: ConnectionRow, error: ConnectorError, watch: Watch | None = None
) -> bool:
    return await connections.health.report(row, error, watch=watch or watch_of_outage())


async def state_of(connections: Connections, row: ConnectionRow) -> State:
    return (await connections.read(row.id)).state


async def test_an_outage_takes_the_connection_out_of_service_with_reason_and_moment(
    connections, row, clock, changes
):
    is_out = await report(connections, row, UnavailableError("the vendor answered 503"))

    now = await connections.read(row.id)
    assert is_out
    assert now.state is State.UNREACHABLE
    assert now.state_reason == "the vendor answered 503"
    assert now.state_since == clock.now()
    assert now.paused_until > clock.now()
    assert [(each.before, each.row.state) for each in changes] == [(State.READY, State.UNREACHABLE)]


async def test_one_dropped_call_does_not(connections, row):
    watch = Watch()
    watch.failed(UnavailableError("away"), attempts=1)

    assert not await report(connections, row, UnavailableError("away"), watch)
    assert await state_of(connections, row) is State.READY


async def test_a_records_own_fault_does_not(connections, row):
    assert not await report(connections, row, InvalidRecordError("no name"))
    assert await state_of(connections, row) is State.READY


async def test_a_crowd_of_failing_runs_changes_the_state_once(connections, row, changes):
    with structlog.testing.capture_logs() as logs:
        await asyncio.gather(
            *(report(connections, row, UnavailableError("away")) for _ in range(10))
        )

    assert len(changes) == 1
    assert [each["event"] for each in logs] == ["connection_state_changed"]


async def test_a_failure_with_settings_that_were_replaced_says_nothing(connections, row, server):
    await connections.accounts.update(
        workspace_id=1, connection_id=row.id, settings={"url": server.url, "password": "new"}
    )

    is_out = await report(connections, row, AuthenticationError("refused"))

    assert not is_out
    assert await state_of(connections, row) is State.READY


async def test_a_late_failure_does_not_shorten_a_longer_pause(connections, row):
    await report(connections, row, RateLimitedError("barred", scope=QuotaScope.BLOCKED))
    before = await connections.read(row.id)

    assert await report(connections, row, UnavailableError("away"))
    assert await connections.read(row.id) == before


async def test_budget_kept_for_urgent_work_does_not_pause_the_connection(connections, row):
    watch = Watch()
    declined = RateLimitedError("only urgent work", scope=QuotaScope.DAILY)
    watch.declined(declined, Lane.BULK)

    assert not await report(connections, row, declined, watch)
    assert await state_of(connections, row) is State.READY


async def test_one_worker_at_a_time_probes_a_connection_whose_pause_has_ended(
    connections, row, clock
):
    await report(connections, row, UnavailableError("away"))
    too_early = await connections.health.take_turns()
    clock.advance(timedelta(minutes=5))

    turns = await asyncio.gather(*(connections.health.take_turns() for _ in range(5)))

    assert too_early == []
    assert [turn.row.id for each in turns for turn in each] == [row.id]


async def test_a_good_probe_puts_it_back_to_work(connections, row, clock, changes):
    await report(connections, row, UnavailableError("away"))
    clock.advance(timedelta(minutes=5))
    (turn,) = await connections.health.take_turns()

    await connections.health.end_turn(turn, None)

    now = await connections.read(row.id)
    assert now.state is State.READY
    assert now.state_reason is None
    assert now.paused_until is None
    assert now.failed_probes == 0
    assert changes[-1].before is State.UNREACHABLE


async def test_a_probe_that_lost_its_turn_changes_nothing(connections, database, row, clock):
    await report(connections, row, UnavailableError("away"))
    clock.advance(timedelta(minutes=5))
    (slow,) = await connections.health.take_turns()
    async with database.transaction() as db:
        await db.execute(text("UPDATE connection SET probe_until = clock_timestamp()"))
    (other,) = await connections.health.take_turns()

    await connections.health.end_turn(slow, None)

    assert await state_of(connections, row) is State.UNREACHABLE
    await connections.health.end_turn(other, None)
    assert await state_of(connections, row) is State.READY


async def test_a_refused_login_waits_for_somebody_to_change_something(
    connections, row, clock, server
):
    await report(connections, row, AuthenticationError("refused"))
    clock.advance(timedelta(days=30))
    by_itself = await connections.health.take_turns()

    await connections.accounts.update(
        workspace_id=1, connection_id=row.id, settings={"url": server.url, "password": "new"}
    )

    assert by_itself == []
    assert [turn.row.id for turn in await connections.health.take_turns()] == [row.id]


async def test_a_doubtful_configuration_is_looked_at_while_work_goes_on(connections, row, clock):
    error = ConfigurationError("no such version")

    is_out = await report(connections, row, error)
    (turn,) = await connections.health.take_turns()
    await connections.health.end_turn(turn, None)
    await report(connections, row, error)
    again_at_once = await connections.health.take_turns()
    clock.advance(timedelta(minutes=2))
    await report(connections, row, error)

    assert not is_out
    assert turn.row.state is State.READY
    assert turn.row.paused_until is None
    assert again_at_once == []
    assert len(await connections.health.take_turns()) == 1


async def test_a_bad_certificate_needs_no_second_look(connections, row):
    assert await report(connections, row, CertificateError("the certificate is not good"))
    assert await state_of(connections, row) is State.MISCONFIGURED


async def test_a_configuration_that_a_record_waits_for_is_not_the_connections(connections, row):
    await report(connections, row, ConfigurationError("no such item", waits_for="item:PUMP-40"))

    assert await connections.health.take_turns() == []


async def test_a_persons_pause_is_not_ended_by_a_look_nor_by_a_failing_call(connections, row):
    paused = await connections.health.pause(
        workspace_id=1, connection_id=row.id, reason="stock-taking"
    )
    await report(connections, row, UnavailableError("away"))
    await connections.health.looked(paused, None)
    between = await connections.read(row.id)

    resumed = await connections.health.resume(workspace_id=1, connection_id=row.id)

    assert (between.state, between.state_reason) == (State.PAUSED, "stock-taking")
    assert resumed.state is State.READY


async def test_a_pause_until_a_moment_ends_by_itself(connections, row, clock):
    await connections.health.pause(
        workspace_id=1,
        connection_id=row.id,
        reason="until tomorrow",
        until=clock.now() + timedelta(days=1),
    )
    await connections.health.take_turns()
    today = await state_of(connections, row)
    clock.advance(timedelta(days=1))
    await connections.health.take_turns()

    assert today is State.PAUSED
    assert await state_of(connections, row) is State.READY


async def test_resuming_a_connection_in_trouble_has_it_looked_at_at_once(connections, row):
    await report(connections, row, AuthenticationError("refused"))

    resumed = await connections.health.resume(workspace_id=1, connection_id=row.id)

    assert resumed.state is State.NEEDS_LOGIN
    assert len(await connections.health.take_turns()) == 1


@pytest.mark.parametrize("other_workspace", [2])
async def test_another_workspace_cannot_pause_it(connections, row, other_workspace):
    with pytest.raises(ConnectorError):
        await connections.health.pause(
            workspace_id=other_workspace, connection_id=row.id, reason="mine"
        )

    assert await state_of(connections, row) is State.READY
