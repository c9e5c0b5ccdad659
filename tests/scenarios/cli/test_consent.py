"""Logging in by consent: the command sends a person to the vendor, who comes back to it."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
import yaml
from tests.scenarios.cli.conftest import CommandLine, Ended
from tests.world.world import World

from ml_connector.app.cli import connections


async def apply_oauth(made: World, cli: CommandLine) -> str:
    """Configure a Pipedrive app; return the redirect address that it is registered with."""
    described = made.sandbox.describe()["pipedrive"]
    redirect_uri = f"http://127.0.0.1:{free_port()}/oauth/callback"
    await made.control(
        "pipedrive/switches", {"redirect_uri": redirect_uri, "oauth_auto_allow": True}
    )
    settings = {
        "login": "oauth",
        "api_url": described["url"],
        "oauth_url": described["oauth_url"],
        "client_id": described["client_id"],
        "client_secret": described["client_secret"],
    }
    path = made.folder / "oauth.yaml"
    path.write_text(
        yaml.safe_dump({"connections": {"crm": {"vendor": "pipedrive", "settings": settings}}})
    )
    await cli("apply", str(path), "--yes")
    return redirect_uri


async def consented(
    made: World, cli: CommandLine, monkeypatch: pytest.MonkeyPatch, *arguments: str, **ending: Any
) -> Ended:
    """Run `consent` as a person does who opens the address that it shows."""
    shown: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def send(_screen: Any, url: str, *, opens: bool) -> None:  # noqa: ARG001 - as the real one
        loop.call_soon_threadsafe(shown.put_nowait, url)

    monkeypatch.setattr(connections, "_send", send)
    command = asyncio.create_task(cli("connections", "consent", "crm", *arguments, **ending))
    url = await asyncio.wait_for(shown.get(), 20)
    async with made.http.get(url) as answer:
        assert answer.status < 500
    return await asyncio.wait_for(command, 20)


async def test_a_consent_logs_the_connection_in(made, cli, monkeypatch):
    redirect_uri = await apply_oauth(made, cli)
    await cli("connections", "ping", "crm", code=1)

    ended = await consented(made, cli, monkeypatch, "--redirect-uri", redirect_uri)

    assert "crm is logged in" in ended.out
    await cli("connections", "ping", "crm")
    (entry,) = (await cli("audit", "--event", "connection_consented", "--json")).json["entries"]
    assert entry["detail"] == {"connection": "crm"}


@pytest.mark.parametrize(
    "address", ["https://example.com/callback", "http://127.0.0.1/callback", "callback"]
)
async def test_a_redirect_that_does_not_come_back_here_is_refused(made, cli, address):
    await apply_oauth(made, cli)

    ended = await cli("connections", "consent", "crm", "--redirect-uri", address, code=2)

    assert "does not come back to this command" in ended.err


async def test_a_consent_for_an_unknown_connection_is_told(made, cli):
    await made.apply()

    ended = await cli("connections", "consent", "nothing", code=2)

    assert "there is no connection 'nothing'; there are: crm, erp" in ended.err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
