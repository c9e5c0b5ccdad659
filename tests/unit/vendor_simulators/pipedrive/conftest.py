"""A simulator behind a real socket, a plain client, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from vendor_simulators.kit.sandbox import Sandbox

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_DEADLINE_SECONDS = 5.0


@dataclass
class Reply:
    """An answer, read whole."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return _DECODER.decode(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


class Client:
    """Calls the simulator as any program could."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self._http = http
        self.about = sandbox.describe()["pipedrive"]
        self.headers: dict[str, str] = {"x-api-token": self.about["api_token"]}
        self.simulator: Any = sandbox.simulators["pipedrive"]

    async def __call__(self, method: str, path: str, content: Any = None, **options: Any) -> Reply:
        options.setdefault("headers", self.headers)
        if content is not None:
            options["data"] = msgspec.json.encode(content)
            options["headers"] = {**options["headers"], "Content-Type": "application/json"}
        async with self._http.request(
            method, self.about["url"] + path, allow_redirects=False, **options
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **options: Any) -> Reply:
        return await self("GET", path, **options)

    async def control(self, path: str, content: Any = None) -> Any:
        method = "GET" if content is None else "POST"
        url = f"{self.sandbox.control_url}/_control/{path}"
        async with self._http.request(method, url, json=content) as answer:
            body = await answer.json()
            assert answer.status == 200, body
            return body

    async def seed(self, **records: Any) -> Any:
        return await self.control("pipedrive/seed", records)

    async def play(self, action: str, **body: Any) -> Any:
        return await self.control(f"pipedrive/play/{action}", body)

    async def switch(self, **settings: Any) -> None:
        await self.control("pipedrive/switches", settings)

    async def advance(self, seconds: float) -> None:
        await self.control("clock", {"advance_seconds": seconds})

    async def records(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.control(f"pipedrive/records/{kind}"))["records"]
        return found

    async def oauth(self) -> dict[str, Any]:
        """Return the token answer of a whole consent."""
        asked = {
            "client_id": self.about["client_id"],
            "redirect_uri": self.about["redirect_uri"],
            "state": "s1",
        }
        allowed = await self.get("/oauth/authorize", params=asked, headers={})
        code = allowed.headers["Location"].partition("code=")[2].partition("&")[0]
        exchanged = await self.token(
            grant_type="authorization_code", code=code, redirect_uri=asked["redirect_uri"]
        )
        tokens: dict[str, Any] = exchanged.json
        return tokens

    async def token(self, **form: str) -> Reply:
        pair = f"{self.about['client_id']}:{self.about['client_secret']}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return await self("POST", "/oauth/token", data=form, headers=headers)


@dataclass
class Receiver:
    """Takes webhooks; ``status`` is what it answers, after ``hold`` if there is one."""

    url: str
    status: int = 200
    hold: asyncio.Event | None = None
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append((dict(request.headers), await request.read()))
        self.changed.set()
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(status=self.status)

    async def wait_for(self, number: int) -> list[Any]:
        """Return the first ``number`` bodies once they are here."""
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while len(self.seen) < number:
                self.changed.clear()
                await self.changed.wait()
        return [_DECODER.decode(body) for _, body in self.seen[:number]]


@pytest.fixture
async def pipedrive() -> AsyncIterator[Client]:
    switches = {"pipedrive": {"rate_limits": False}}
    async with (
        Sandbox.start(vendors=["pipedrive"], switches=switches) as sandbox,
        aiohttp.ClientSession() as http,
    ):
        yield Client(sandbox, http)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    application = web.Application()
    found = Receiver(url="")
    application.router.add_route("*", "/hooks/7", found.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/7"
    yield found
    await runner.cleanup()


async def until(holds: Any) -> None:
    """Return once ``await holds()`` is true; fail after a deadline."""
    async with asyncio.timeout(_DEADLINE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - the state is behind HTTP
            await asyncio.sleep(0.01)
