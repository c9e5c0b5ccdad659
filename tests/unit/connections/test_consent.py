from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from sqlalchemy import text

from ml_connector.connections import (
    ConnectionRow,
    Consents,
    StartedConsent,
    State,
    finish_with,
    local_callback,
)
from ml_connector.core.errors import AuthenticationError, ConfigurationError
from ml_connector.transport.http import Writes

REDIRECT = "https://connector.example.com/consent"


@pytest.fixture
def consents(connections, database, keyring, clock) -> Consents:
    return Consents(connections=connections, database=database, keyring=keyring, clock=clock)


@pytest.fixture
async def row(connections, server):
    return await connections.accounts.create(
        workspace_id=1, name="by consent", vendor="fake", settings={"url": server.url}
    )


async def start(
    consents: Consents, row: ConnectionRow, redirect_uri: str = REDIRECT
) -> StartedConsent:
    return await consents.start(workspace_id=1, connection_id=row.id, redirect_uri=redirect_uri)


def verifier_in(started: StartedConsent) -> str:
    return parse_qs(urlsplit(started.url).query)["challenge"][0]


async def test_a_consent_ends_in_a_login_and_a_ready_connection(
    consents, pings, connections, row, server
):
    before = await pings.ping(workspace_id=1, connection_id=row.id)
    started = await start(consents, row)
    server.codes["the code"] = verifier_in(started)

    after = await consents.finish(state=started.state, code="the code")

    assert before.row.state is State.NEEDS_LOGIN
    assert after.state is State.READY
    async with connections.open(row.id, writes=Writes.FREE) as opened:
        await opened.client.read()


async def test_a_state_is_good_once(consents, row, server):
    started = await start(consents, row)
    server.codes["the code"] = verifier_in(started)
    await consents.finish(state=started.state, code="the code")

    with pytest.raises(AuthenticationError, match="used already"):
        await consents.finish(state=started.state, code="the code")


async def test_a_state_that_we_did_not_issue_is_refused_without_a_call(consents, server):
    with pytest.raises(AuthenticationError, match="not known"):
        await consents.finish(state="forged", code="the code")

    assert server.log_ins == 0


async def test_a_late_answer_is_refused(consents, row, clock):
    started = await start(consents, row)
    clock.advance(timedelta(minutes=10))

    with pytest.raises(AuthenticationError, match="longer than 10 minutes"):
        await consents.finish(state=started.state, code="the code")


async def test_a_consent_begun_with_other_settings_is_refused(consents, connections, row, server):
    started = await start(consents, row)
    await connections.accounts.update(
        workspace_id=1,
        connection_id=row.id,
        settings={"url": server.url, "version": "24.2"},
    )

    with pytest.raises(ConfigurationError, match="start it again"):
        await consents.finish(state=started.state, code="the code")


async def test_a_refused_code_leaves_the_connection_as_it_was(consents, row):
    started = await start(consents, row)

    with pytest.raises(AuthenticationError, match="refused"):
        await consents.finish(state=started.state, code="not a code")


async def test_neither_state_nor_verifier_is_in_the_rows(consents, database, row):
    started = await start(consents, row)

    async with database.transaction() as db:
        (dump,) = (await db.execute(text("SELECT CAST(c AS text) FROM consent c"))).scalars()
    assert started.state not in dump
    assert verifier_in(started) not in dump
    assert verifier_in(started).encode().hex() not in dump


async def test_a_vendor_without_consent_says_what_to_do_instead(
    consents, connections, row, monkeypatch
):
    vendor = connections.accounts.vendor("fake")
    monkeypatch.setitem(
        connections.accounts._vendors, "fake", dataclasses.replace(vendor, consent=None)
    )

    with pytest.raises(ConfigurationError, match="enter its credentials"):
        await start(consents, row)


async def test_the_callback_on_this_machine_receives_the_answer(consents, row, server):
    async with local_callback() as callback, aiohttp.ClientSession() as browser:
        started = await start(consents, row, callback.redirect_uri)
        server.codes["the code"] = verifier_in(started)

        async def come_back() -> None:
            for state in ("forged", started.state):
                query = {"state": state, "code": "the code"}
                async with browser.get(callback.redirect_uri, params=query) as page:
                    assert "go back to the command line" in await page.text()

        coming = asyncio.create_task(come_back())
        answer = await callback.answer(state=started.state, within=timedelta(seconds=10))
        await coming
        after = await finish_with(consents, answer)

    assert urlsplit(callback.redirect_uri).hostname == "127.0.0.1"
    assert after.state is State.READY


async def test_a_no_is_told_and_shown_harmlessly(consents, row):
    async with local_callback() as callback, aiohttp.ClientSession() as browser:
        started = await start(consents, row, callback.redirect_uri)
        query = {"state": started.state, "error": "<script>access_denied"}
        async with browser.get(callback.redirect_uri, params=query) as page:
            shown = await page.text()
        answer = await callback.answer(state=started.state, within=timedelta(seconds=10))

        with pytest.raises(AuthenticationError, match="was not given"):
            await finish_with(consents, answer)

    assert "<script>" not in shown


async def test_nobody_coming_back_ends_the_wait():
    async with local_callback() as callback:
        with pytest.raises(AuthenticationError, match="nobody consented"):
            await callback.answer(state="x", within=timedelta(milliseconds=10))


async def test_a_port_in_use_is_named():
    async with local_callback() as callback:
        port = urlsplit(callback.redirect_uri).port or 0

        with pytest.raises(ConfigurationError, match=str(port)):
            async with local_callback(port=port):
                pass
