"""A vendor with three paths, enough to see what the kit does around a call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

import aiohttp
import pytest
from aiohttp import web

from vendor_simulators import catalogue
from vendor_simulators.kit import ControlError, Sandbox, Simulator, Switch, json_answer


class Echo(Simulator):
    name = "pipedrive"  # any name of the catalogue will do
    SWITCHES: ClassVar[Mapping[str, Switch]] = {
        "greeting": Switch("hello", "what GET /hello answers")
    }
    ACTIONS: ClassVar[Mapping[str, str]] = {"rename": "changes a thing's name"}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/hello", self._hello),
            web.get("/things/{id}", self._thing, name="thing"),
            web.post("/things", self._create),
            web.get("/broken", self._broken),
        ]

    async def reset(self) -> None:
        self.things: list[dict[str, Any]] = []

    async def start(self) -> None:
        await self.reset()

    def describe(self) -> dict[str, str]:
        return {"url": self.base_url}

    async def seed(self, body: dict[str, Any]) -> dict[str, Any]:
        self.things += body["things"]
        return {"ids": [thing["id"] for thing in body["things"]]}

    async def play(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        if action not in self.ACTIONS:
            raise ControlError(f"no action {action}")
        self.things[0]["name"] = body["name"]
        return {}

    def records(self, kind: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        return self.things

    def cost_of(self, request: web.Request) -> int:
        return 2 if request.method == "GET" else 10

    def expire_login(self, request: web.Request) -> bool:
        return "Authorization" in request.headers

    async def _hello(self, request: web.Request) -> web.Response:
        return json_answer({"greeting": self.switches["greeting"]})

    async def _thing(self, request: web.Request) -> web.Response:
        return json_answer({"id": request.match_info["id"]})

    async def _create(self, request: web.Request) -> web.Response:
        self.things.append({"name": (await request.read()).decode()})
        return json_answer(self.things[-1], status=201)

    async def _broken(self, request: web.Request) -> web.Response:
        raise RuntimeError("a mistake in the simulator")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(catalogue, "load", {"pipedrive": Echo}.__getitem__)
    return ["pipedrive"]


@pytest.fixture
async def sandbox(built: list[str]) -> AsyncIterator[Sandbox]:
    async with Sandbox.start(vendors=built, seed=7) as running:
        yield running


@pytest.fixture
def echo(sandbox: Sandbox) -> Echo:
    simulator = sandbox.simulators["pipedrive"]
    assert isinstance(simulator, Echo)
    return simulator


@pytest.fixture
async def vendor(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sandbox.urls["pipedrive"]) as http:
        yield http


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sandbox.control_url) as http:
        yield http
