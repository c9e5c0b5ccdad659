from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import structlog
from tests.unit.connections.fake_vendor import FAKE, PASSWORD, FakeClient, FakeServer

from ml_connector.connections import (
    ConnectionRow,
    Connections,
    State,
    budgets_of,
    calls_of_flow,
    counts_of,
    tokens_spent,
)
from ml_connector.core.clock import SystemClock
from ml_connector.core.errors import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    OutcomeUnknownError,
    UnavailableError,
)
from ml_connector.core.lanes import Lane
from ml_connector.storage.database import Database
from ml_connector.transport.failures import PlanOnlyError, WriteNotPermittedError
from ml_connector.transport.http import Writes
from ml_connector.transport.lanes import in_lane
from ml_connector.transport.messages import CallRecord
from ml_connector.vault import Keyring, MasterKey


@dataclass(eq=False)
class Kept:
    """A recorder that keeps what it is told."""

    calls: list[CallRecord] = field(default_factory=list)

    def record(self, call: CallRecord) -> None:
        self.calls.append(call)


async def update(
    connections: Connections, row: ConnectionRow, server: FakeServer, **settings: Any
) -> ConnectionRow:
    values = {"url": server.url, "password": PASSWORD, **settings}
    return await connections.accounts.update(workspace_id=1, connection_id=row.id, settings=values)


async def forget_rows(connections: Connections) -> None:
    """Stand for the second that a row read before counts as fresh."""
    connections._rows.clear()


async def test_an_opened_client_logs_in_and_calls(connections, row, server):
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        await opened.client.read()

    assert (server.calls, server.log_ins) == (1, 1)
    assert opened.row == row
    assert opened.profile is FAKE.profile


async def test_clients_are_shared_and_logins_kept(connections, row, server):
    recorder = Kept()
    seen = []
    for _ in range(3):
        async with connections.open(row.id, writes=Writes.FREE, recorder=recorder) as opened:
            await opened.client.read()
            seen.append(opened.client)

    assert len({id(each) for each in seen}) == 1
    assert server.log_ins == 1
    assert len(recorder.calls) == 4  # the log-in too


async def test_many_opening_at_once_get_one_client(connections, row):
    async def client() -> int:
        async with connections.open(row.id, writes=Writes.FREE) as opened:
            return id(opened.client)

    assert len(set(await asyncio.gather(*(client() for _ in range(20))))) == 1


async def test_a_changed_setting_gives_a_new_client_and_the_old_one_works_to_its_end(
    connections, row, server
):
    async with connections.open(row.id, writes=Writes.FREE) as old:
        await old.client.read()
        await update(connections, row, server, calls_at_once=2)
        await forget_rows(connections)
        async with connections.open(row.id, writes=Writes.FREE) as new:
            await new.client.read()
        await old.client.read()

    assert new.client is not old.client
    assert new.row.settings_version == 2
    async with connections.open(row.id, writes=Writes.FREE) as again:
        assert again.client is new.client
    assert connections._retired == []


async def test_idle_clients_are_closed(connections, row, clock, monkeypatch):
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        first = opened.client
    later = clock.monotonic() + timedelta(minutes=6).total_seconds()
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    other = await connections.accounts.create(
        workspace_id=1, name="other", vendor="fake", settings=dict(row.settings)
    )
    async with connections.open(other.id, writes=Writes.FREE):
        pass

    async with connections.open(row.id, writes=Writes.FREE) as opened:
        assert opened.client is not first


async def test_writes_are_guarded_as_the_opener_says(connections, row):
    async with connections.open(row.id, writes=Writes.REFUSED) as plan:
        with pytest.raises(PlanOnlyError):
            await plan.client.write()
    async with connections.open(row.id, writes=Writes.PERMITTED) as service:
        with pytest.raises(WriteNotPermittedError):
            await service.client.write()


async def test_an_unknown_connection_is_not_found(connections):
    with pytest.raises(NotFoundError):
        async with connections.open(4711, writes=Writes.FREE):
            pass


async def test_an_error_is_known_by_the_connection_that_raised_it(connections, row, server):
    other_row = await connections.accounts.create(
        workspace_id=1,
        name="other",
        vendor="fake",
        settings={"url": server.url, "password": PASSWORD},
    )
    async with (
        connections.open(row.id, writes=Writes.FREE) as one,
        connections.open(other_row.id, writes=Writes.FREE) as other,
    ):
        server.status = 503
        with pytest.raises(UnavailableError) as failed:
            await one.client.read()
        with pytest.raises(OutcomeUnknownError) as unknown:
            await other.client.write()

    assert one.raised(failed.value)
    assert not other.raised(failed.value)
    assert other.raised(unknown.value)
    assert not one.raised(unknown.value)


async def test_a_read_that_failed_in_all_its_attempts_trips_the_breaker_a_lost_write_does_not(
    connections, row, server
):
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        await opened.client.read()
        server.status = 503
        with pytest.raises(OutcomeUnknownError) as unknown:
            await opened.client.write()
        is_out_by_write = await connections.health.report(
            opened.row, unknown.value, watch=opened.watch
        )
        with pytest.raises(UnavailableError) as failed:
            await opened.client.read()
        is_out_by_read = await connections.health.report(
            opened.row, failed.value, watch=opened.watch
        )

    assert not is_out_by_write
    assert is_out_by_read
    assert (await connections.read(row.id)).state is State.UNREACHABLE


async def test_an_unreachable_vendor_trips_it_too(connections, row, server):
    await server.stop()
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        with pytest.raises(UnavailableError) as failed:
            await opened.client.read()
        is_out = await connections.health.report(opened.row, failed.value, watch=opened.watch)

    assert is_out


async def test_a_401_takes_the_login_that_another_process_won_and_logs_in_only_once(
    connections, database_url, row, server, keyring
):
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        await opened.client.read()
        server.tokens.clear()  # the vendor ended every session
        database = await Database.connect(database_url)
        other = Connections(
            database=database,
            keyring=keyring,
            vendors={"fake": FAKE},
            clock=SystemClock(),
            rng=random.Random(1),
            allow_private_targets=True,
        )
        async with other.open(row.id, writes=Writes.FREE) as theirs:
            assert isinstance(theirs.client, FakeClient)
            await asyncio.gather(theirs.client.read(), opened.client.read(), opened.client.read())
        await other.close()
        await database.close()

    assert server.log_ins == 2


async def test_a_revoked_login_stops_that_connection_alone_until_it_is_entered_anew(
    connections, pings, row, server
):
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        await opened.client.read()
        server.tokens.clear()
        server.password = "a new one"
        with pytest.raises(AuthenticationError) as refused:
            await opened.client.read()
        await connections.health.report(opened.row, refused.value, watch=opened.watch)
    stopped = await connections.read(row.id)

    await update(connections, row, server, password="a new one")
    await pings.probe_due()

    assert stopped.state is State.NEEDS_LOGIN
    assert (await connections.read(row.id)).state is State.READY
    await forget_rows(connections)
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        await opened.client.read()


async def test_settings_sealed_with_a_key_that_is_gone_say_so(database, row, clock):
    other = Connections(
        database=database,
        keyring=Keyring([MasterKey(b"x" * 32)]),
        vendors={"fake": FAKE},
        clock=clock,
        rng=random.Random(1),
    )

    with pytest.raises(ConfigurationError, match="master key"):
        async with other.open(row.id, writes=Writes.FREE):
            pass


async def test_private_targets_are_refused_unless_the_deployment_allows_them(
    database, keyring, row
):
    strict = Connections(
        database=database,
        keyring=keyring,
        vendors={"fake": FAKE},
        clock=SystemClock(),
        rng=random.Random(1),
    )

    async with strict.open(row.id, writes=Writes.FREE) as opened:
        assert isinstance(opened.client, FakeClient)
        with pytest.raises(ConfigurationError):
            await opened.client.read()
    await strict.close()


async def test_calls_and_tokens_are_counted_by_flow_and_lane(connections, database, row, clock):
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        with calls_of_flow("won_deal_to_sales_order"), in_lane(Lane.EVENT):
            for _ in range(3):
                await opened.client.read()
        await opened.client.read()
    await connections.counts.add()
    await connections.counts.add()

    async with database.transaction() as db:
        counts = await counts_of(db, row.id, since=clock.now().date())
        spent = await tokens_spent(db, row.id, on_day=clock.now().date())
        budgets = await budgets_of(db, [row.id], now=clock.now())

    found = {(key.operation, key.flow, key.lane): sums for key, sums in counts}
    in_flow = found["deals.get", "won_deal_to_sales_order", Lane.EVENT]
    assert (in_flow.calls, in_flow.tokens, in_flow.failures) == (3, 6, 0)
    assert found["deals.get", "-", Lane.ROUTINE].calls == 1
    assert spent == 8
    assert row.id not in budgets or budgets[row.id].limit is None


async def test_secrets_and_won_tokens_show_nowhere(connections, row, server, capsys, caplog):
    recorder = Kept()
    with structlog.testing.capture_logs() as logs:
        async with connections.open(row.id, writes=Writes.FREE, recorder=recorder) as opened:
            await opened.client.read()
            server.status = 503
            with pytest.raises(UnavailableError) as failed:
                await opened.client.read()

    shown = [repr(recorder.calls), repr(opened), str(failed.value), str(logs), caplog.text]
    shown += capsys.readouterr()
    assert not [each for each in shown if "canary" in each]
