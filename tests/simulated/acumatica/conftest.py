"""The client and the simulator, over real sockets, and a hand on the control API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from tests.specifications.watching import watched_requests

from ml_connector.core.clock import SystemClock
from ml_connector.core.logins import Login, LoginStore, MemoryLogins
from ml_connector.transport.http import Transport
from ml_connector.vendors.acumatica import PROFILE, Client, Settings
from ml_connector.vendors.acumatica.auth import authorize_url, exchange
from vendor_simulators.kit import Sandbox

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"


class Hand:
    """What a person at the simulated site does, through the control API."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def seed(self, **records: Any) -> dict[str, Any]:
        return await self._post("acumatica/seed", records)

    async def play(self, action: str, **body: Any) -> dict[str, Any]:
        return await self._post(f"acumatica/play/{action}", body)

    async def switch(self, **settings: Any) -> None:
        await self._post("acumatica/switches", settings)

    async def fault(self, kind: str, *, times: int = 1, path: str = ".*", **effect: Any) -> None:
        method = effect.pop("method", None)
        match = {"path": path} | ({"method": method} if method else {})
        await self._post(
            "acumatica/faults",
            {"match": match, "times": times, "effect": {"kind": kind, **effect}},
        )

    async def pass_time(self, seconds: float) -> None:
        await self._post("clock", {"advance_seconds": seconds})

    async def records(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._get(f"acumatica/records/{kind}"))["records"]
        return found

    async def calls(self, *, since: int = 0) -> list[dict[str, Any]]:
        path = f"acumatica/calls?since={since}&limit=10000"
        found: list[dict[str, Any]] = (await self._get(path))["calls"]
        return found

    async def operations(self, *, since: int = 0) -> list[str]:
        return [call["operation"] for call in await self.calls(since=since)]

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
    async with Sandbox.start(vendors=["acumatica"], seed=7) as running:
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
def told(sandbox: Sandbox) -> dict[str, str]:
    """What the site's administrator tells: address, user, client."""
    return sandbox.describe()["acumatica"]


@pytest.fixture
def make_settings(told: dict[str, str]) -> Callable[..., Settings]:
    def make(**values: Any) -> Settings:
        known = {name: told[name] for name in ("instance_url", "endpoint_version", "tenant")}
        known |= {name: told[name] for name in ("client_id", "client_secret")}
        known |= {name: told[name] for name in ("username", "password")}
        return Settings.model_validate(known | {"login_mode": "oauth_password"} | values)

    return make


@pytest.fixture
def open_client(
    make_settings: Callable[..., Settings], transport: Transport
) -> Callable[..., Client]:
    async def no_pause(_: float) -> None:
        return None

    def opened(logins: LoginStore | None = None, **values: Any) -> Client:
        return Client(
            make_settings(**values),
            transport=transport,
            logins=logins or MemoryLogins(),
            clock=SystemClock(),
            pause=no_pause,
        )

    return opened


@pytest.fixture
def client(open_client: Callable[..., Client]) -> Client:
    return open_client()


@pytest.fixture(params=["23.200.001", "24.200.001"])
def either_version(request: pytest.FixtureRequest, open_client: Callable[..., Client]) -> Client:
    """A client of each endpoint version that is supported."""
    return open_client(endpoint_version=request.param)


@pytest.fixture
def consent(
    told: dict[str, str], make_settings: Callable[..., Settings], transport: Transport
) -> Callable[[], Any]:
    """Consent as a person in a browser does, and return the login won by it."""

    async def consented() -> Login:
        settings = make_settings(login_mode="oauth_code")
        redirect_uri = told["redirect_uri"]
        url = authorize_url(settings, redirect_uri, "n9Qe", VERIFIER)
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(url, allow_redirects=False) as answer,
        ):
            assert answer.status == 302, await answer.text()
            sent_back = answer.headers["Location"]
        query = parse_qs(urlsplit(sent_back).query)
        assert query["state"] == ["n9Qe"]
        return await exchange(
            settings,
            code=query["code"][0],
            redirect_uri=redirect_uri,
            verifier=VERIFIER,
            transport=transport,
            clock=SystemClock(),
        )

    return consented


@pytest.fixture(autouse=True)
def _sends_only_what_is_described() -> Iterator[None]:
    """Hold every request to the endpoint against the vendor's published description."""
    with watched_requests():
        yield
