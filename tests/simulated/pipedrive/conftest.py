"""The client and the simulator, over real sockets, and a hand on the control API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from ml_connector.core.clock import SystemClock
from ml_connector.core.logins import Login, LoginStore, MemoryLogins
from ml_connector.transport.http import Transport
from ml_connector.vendors.pipedrive import PROFILE, Client, Settings
from ml_connector.vendors.pipedrive.auth import exchange
from vendor_simulators.kit import Sandbox


class Hand:
    """What a person at the simulated Pipedrive does, through the control API."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def seed(self, **records: Any) -> dict[str, Any]:
        return await self._post("pipedrive/seed", records)

    async def play(self, action: str, **body: Any) -> dict[str, Any]:
        return await self._post(f"pipedrive/play/{action}", body)

    async def switch(self, **settings: Any) -> None:
        await self._post("pipedrive/switches", settings)

    async def fault(self, kind: str, *, times: int = 1, path: str = ".*", **effect: Any) -> None:
        method = effect.pop("method", None)
        match = {"path": path} | ({"method": method} if method else {})
        await self._post(
            "pipedrive/faults",
            {"match": match, "times": times, "effect": {"kind": kind, **effect}},
        )

    async def pass_time(self, seconds: float) -> None:
        await self._post("clock", {"advance_seconds": seconds})

    async def records(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._get(f"pipedrive/records/{kind}"))["records"]
        return found

    async def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._get("pipedrive/calls"))["calls"]
        return found

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(f"/_control/{path}", json=body) as answer:
            return self._good(answer.status, await answer.text())

    async def _get(self, path: str) -> dict[str, Any]:
        async with self._http.get(f"/_control/{path}") as answer:
            return self._good(answer.status, await answer.text())

    @staticmethod
    def _good(status: int, text: str) -> dict[str, Any]:
        assert status == 200, text
        found: dict[str, Any] = json.loads(text)
        return found


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox.start(vendors=["pipedrive"], seed=7) as running:
        yield running


@pytest.fixture
async def hand(sandbox: Sandbox) -> AsyncIterator[Hand]:
    async with aiohttp.ClientSession(sandbox.control_url) as http:
        yield Hand(http)


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    opened = Transport(
        profile_limits=PROFILE.limits,
        clock=SystemClock(),
        allow_private_targets=True,
        patience=timedelta(seconds=10),
    )
    yield opened
    await opened.close()


@pytest.fixture
def settings(sandbox: Sandbox) -> Settings:
    told = sandbox.describe()["pipedrive"]
    return Settings.model_validate({"api_token": told["api_token"], "api_url": told["url"]})


@pytest.fixture
def oauth_settings(sandbox: Sandbox) -> Settings:
    told = sandbox.describe()["pipedrive"]
    return Settings.model_validate(
        {
            "login": "oauth",
            "client_id": told["client_id"],
            "client_secret": told["client_secret"],
            "oauth_url": told["oauth_url"],
        }
    )


@pytest.fixture
def client(settings: Settings, transport: Transport) -> Client:
    return Client(settings, transport=transport, logins=MemoryLogins(), clock=SystemClock())


@pytest.fixture
async def consented(
    sandbox: Sandbox, hand: Hand, oauth_settings: Settings, transport: Transport
) -> Login:
    """A login won by a person's consent."""
    code = (await hand.play("authorize", user_id=2001))["code"]
    return await exchange(
        oauth_settings,
        code=code,
        redirect_uri=sandbox.describe()["pipedrive"]["redirect_uri"],
        verifier="",
        transport=transport,
        clock=SystemClock(),
    )


@pytest.fixture
def open_with(oauth_settings: Settings, transport: Transport) -> Callable[[LoginStore], Client]:
    def opened(logins: LoginStore) -> Client:
        return Client(oauth_settings, transport=transport, logins=logins, clock=SystemClock())

    return opened
