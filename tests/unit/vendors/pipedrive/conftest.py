"""A server that answers what a test tells it to, and a client that talks to it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from ml_connector.core.clock import SystemClock
from ml_connector.core.logins import LoginStore, MemoryLogins
from ml_connector.core.profile import Limits
from ml_connector.transport.http import Transport
from ml_connector.vendors.pipedrive.api import API
from ml_connector.vendors.pipedrive.client import Client
from ml_connector.vendors.pipedrive.settings import Settings


@dataclass(frozen=True)
class Call:
    """One request that came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = tuple[int, Any]


class Scripted:
    """Answers by method and path; the last answer of a list repeats."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self._answers: dict[tuple[str, str], list[Answer]] = defaultdict(list)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self._answers[method, path] = list(answers)

    def data(self, method: str, path: str, *datas: Any, cursors: bool = False) -> None:
        """Answer with good envelopes; with ``cursors`` each is a page of one list."""
        last = len(datas) - 1
        self.on(
            method,
            path,
            *(
                (200, envelope(each, cursor=f"c{i}" if cursors and i < last else None))
                for i, each in enumerate(datas)
            ),
        )

    def paths(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.calls]

    async def answer(self, request: web.Request) -> web.Response:
        self.calls.append(
            Call(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.read(),
            )
        )
        answers = self._answers.get((request.method, request.path))
        if not answers:
            return web.json_response({"success": False, "error": "not found"}, status=404)
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, content_type="text/html")
        return web.json_response(body, status=status)


def envelope(data: Any, *, cursor: str | None = None) -> dict[str, Any]:
    return {"success": True, "data": data, "additional_data": {"next_cursor": cursor}}


@pytest.fixture
async def pipedrive() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", scripted.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield scripted
    await runner.cleanup()


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    opened = Transport(profile_limits=Limits(), clock=SystemClock(), allow_private_targets=True)
    yield opened
    await opened.close()


@pytest.fixture
def settings(pipedrive: Scripted) -> Settings:
    return Settings.model_validate({"api_token": "0" * 40, "api_url": pipedrive.url})


@pytest.fixture
def oauth_settings(pipedrive: Scripted) -> Settings:
    return Settings.model_validate(
        {
            "login": "oauth",
            "client_id": "3f9c0d5e",
            "client_secret": "a client's secret",
            "oauth_url": pipedrive.url,
        }
    )


@pytest.fixture
def client(settings: Settings, transport: Transport) -> Client:
    return Client(settings, transport=transport, logins=MemoryLogins(), clock=SystemClock())


@pytest.fixture
def api(settings: Settings, transport: Transport) -> API:
    return API(settings, transport=transport, logins=MemoryLogins(), clock=SystemClock())


@pytest.fixture
def open_client(transport: Transport) -> Callable[[Settings, LoginStore], Client]:
    def opened(settings: Settings, logins: LoginStore) -> Client:
        return Client(settings, transport=transport, logins=logins, clock=SystemClock())

    return opened
