from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.unit.connections.fake_vendor import FakeClient, FakeServer
from tests.unit.transport.certificates import serving, write_certificate

from ml_connector.connections import ConnectionRow, Connections, PingReport, Pings, State
from ml_connector.core.errors import ConfigurationError, NotFoundError, QuotaScope
from ml_connector.transport.http import Writes


async def ping(pings: Pings, row: ConnectionRow, *needs: str) -> PingReport:
    return await pings.ping(workspace_id=1, connection_id=row.id, needs=needs)


def bad_lines(report: PingReport) -> list[tuple[str, str]]:
    return [(line.check, line.subject) for line in report.lines if not line.is_good]


async def test_a_good_ping_says_line_by_line_what_was_found_and_is_kept(pings, connections, row):
    report = await ping(pings, row, "read", "write")

    assert report.is_good
    assert report.row.state is State.READY
    assert report.elapsed_ms > 0
    assert (await connections.read(row.id)).ping == report.as_json()


async def test_an_unreachable_host(pings, row, server):
    await server.stop()

    report = await ping(pings, row)

    assert bad_lines(report) == [("address", server.url)]
    assert report.row.state is State.UNREACHABLE
    assert "cannot be reached" in (report.row.state_reason or "")


async def test_a_bad_certificate(pings, connections, tmp_path):
    server = FakeServer()
    await server.start(serving(write_certificate(tmp_path, address="127.0.0.1")))
    row = await connections.accounts.create(
        workspace_id=1, name="tls", vendor="fake", settings={"url": server.url, "password": "x"}
    )

    report = await ping(pings, row)

    await server.stop()
    assert bad_lines(report)[0] == ("certificate", "connection")
    assert "certificate" in (report.row.state_reason or "")
    assert report.row.state is State.MISCONFIGURED


async def test_a_refused_login(pings, row, server):
    server.password = "another"

    report = await ping(pings, row)

    assert bad_lines(report) == [("login", "user")]
    assert report.row.state is State.NEEDS_LOGIN


async def test_a_wrong_version(pings, row, server):
    server.version = "25.1"

    report = await ping(pings, row)

    assert bad_lines(report) == [("version", "24.1")]
    assert report.row.state is State.MISCONFIGURED


async def test_a_missing_right_is_told_and_does_not_stop_the_connection(pings, row, server):
    server.rights = {"read"}

    report = await ping(pings, row, "read", "write")

    assert bad_lines(report) == [("right", "write")]
    assert not report.is_good
    assert report.row.state is State.READY


@pytest.mark.parametrize(
    "limit",
    [
        (QuotaScope.DAILY, State.EXHAUSTED),
        (QuotaScope.SEATS, State.SEATS_TAKEN),
        (QuotaScope.BLOCKED, State.BLOCKED),
    ],
)
async def test_a_limit_is_not_taken_for_a_refused_login(pings, row, server, clock, limit):
    scope, state = limit
    server.status = 429
    server.headers = {"x-scope": scope.value}

    report = await ping(pings, row)

    assert report.row.state is state
    assert report.row.paused_until > clock.now()


async def test_a_ping_of_broken_settings_is_a_line_too(pings, connections, row):
    await connections.accounts.update(
        workspace_id=1, connection_id=row.id, settings={**row.settings, "url": "nonsense"}
    )

    report = await ping(pings, row)

    assert not report.is_good
    assert report.row.state is State.MISCONFIGURED


async def test_a_fault_of_ours_is_a_line_and_leaves_the_state(pings, row, monkeypatch):
    async def broken(*_):
        raise KeyError("oops")

    monkeypatch.setattr("tests.unit.connections.fake_vendor.FakeClient.ping", broken)

    report = await ping(pings, row)

    assert "fault of ours" in report.lines[0].message
    assert report.row.state is State.READY


async def test_a_ping_that_takes_too_long_ends(pings, row, monkeypatch):
    async def slow(*_):
        await asyncio.sleep(60)

    monkeypatch.setattr("tests.unit.connections.fake_vendor.FakeClient.ping", slow)
    pings._within = timedelta(milliseconds=50)

    report = await ping(pings, row)

    assert bad_lines(report) == [("address", "connection")]


async def test_only_the_workspace_itself_pings(pings, row):
    with pytest.raises(NotFoundError):
        await pings.ping(workspace_id=2, connection_id=row.id)


async def test_an_outage_ends_by_itself_when_the_vendor_is_back(
    pings, connections, row, server, clock
):
    server.status = 503
    await ping(pings, row)
    pauses = []
    for _ in range(4):
        now = await connections.read(row.id)
        pauses.append(now.failed_probes)
        clock.advance(timedelta(minutes=5))
        assert await pings.probe_due() == 1
    server.status = None
    clock.advance(timedelta(minutes=5))

    await pings.probe_due()

    assert pauses == [0, 1, 2, 3]
    assert (await connections.read(row.id)).state is State.READY
    assert await pings.probe_due() == 0


async def test_a_budget_that_is_back_before_our_midnight_is_used(
    pings, connections, row, server, clock
):
    server.status, server.headers = 429, {"x-scope": "daily"}
    await ping(pings, row)
    clock.advance(timedelta(hours=13))
    still_gone = await pings.probe_due()
    middle = await connections.read(row.id)
    server.status = None
    clock.advance(timedelta(hours=1))

    await pings.probe_due()

    assert still_gone == 1
    assert middle.state is State.EXHAUSTED
    assert (await connections.read(row.id)).state is State.READY
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        await opened.client.read()


async def test_a_doubtful_version_stops_the_connection_only_when_the_look_confirms_it(
    pings: Pings, connections: Connections, row: ConnectionRow, server: FakeServer
):
    async def complain() -> bool:
        async with connections.open(row.id, writes=Writes.FREE) as opened:
            assert isinstance(opened.client, FakeClient)
            with pytest.raises(ConfigurationError) as failed:
                await opened.client.read()
            return await connections.health.report(opened.row, failed.value, watch=opened.watch)

    server.version = "25.1"

    assert not await complain()
    await pings.probe_due()

    assert (await connections.read(row.id)).state is State.MISCONFIGURED
