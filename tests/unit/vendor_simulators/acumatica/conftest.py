"""A site of its own for every test, and a plain HTTP client that has signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from vendor_simulators.acumatica import Acumatica
from vendor_simulators.kit import Sandbox, SimClock

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def wrapped(**fields: Any) -> dict[str, Any]:
    """Wrap plain values; dictionaries and lists inside are wrapped in turn."""
    return {name: _wrapped(value) for name, value in fields.items()}


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return wrapped(**value)
    if isinstance(value, list):
        return [wrapped(**row) for row in value]
    return {"value": value}


@dataclass
class Answer:
    status: int
    content: Any
    headers: Any

    def __getitem__(self, name: str) -> Any:
        """Return a field's value, None for an empty one."""
        return self.content[name].get("value")

    @property
    def text(self) -> str:
        return str(self.content.get("exceptionMessage") or self.content.get("message"))

    @property
    def exception_type(self) -> str:
        return str(self.content["exceptionType"]).rpartition(".")[2]


@dataclass
class Site:
    """A client of one simulated site."""

    simulator: Acumatica
    clock: SimClock
    http: aiohttp.ClientSession
    origin: str
    token: str = ""
    version: str = "24.200.001"
    described: dict[str, str] = field(default_factory=dict)

    async def sign_in(self, scope: str = "api offline_access") -> dict[str, Any]:
        answer = await self.token_call(
            grant_type="password",
            username=self.described["username"],
            password=self.described["password"],
            scope=scope,
        )
        assert answer.status == 200, answer.content
        self.token = answer.content["access_token"]
        content: dict[str, Any] = answer.content
        return content

    async def token_call(self, **form: str) -> Answer:
        known = {name: self.described[name] for name in ("client_id", "client_secret")}
        return await self.raw("POST", "/identity/connect/token", data={**known, **form})

    async def raw(self, method: str, path: str, **options: Any) -> Answer:
        """Call a path below the virtual directory, or one that starts with it."""
        url = path if path.startswith("/AcumaticaERP") else f"/AcumaticaERP{path}"
        async with self.http.request(
            method, f"{self.origin}{url}", allow_redirects=False, **options
        ) as answer:
            is_json = answer.content_type == "application/json"
            content = await answer.json() if is_json else await answer.text()
            return Answer(answer.status, content, answer.headers)

    async def call(self, method: str, path: str, body: Any = None, **params: Any) -> Answer:
        """Call an entity path with the token."""
        headers = {"Authorization": f"Bearer {self.token}", **params.pop("headers", {})}
        query = {f"${name}": str(value) for name, value in params.items()}
        url = path if path.startswith("/") else f"/entity/Default/{self.version}/{path}"
        options: dict[str, Any] = {"headers": headers, "params": query}
        if body is not None:
            options["json"] = body
        return await self.raw(method, url, **options)

    async def get(self, path: str, **params: Any) -> Answer:
        return await self.call("GET", path, **params)

    async def put(self, path: str, body: dict[str, Any], **params: Any) -> Answer:
        return await self.call("PUT", path, wrapped(**body), **params)

    async def saved(self, path: str, body: dict[str, Any], **params: Any) -> Answer:
        answer = await self.put(path, body, **params)
        assert answer.status == 200, answer.content
        return answer

    async def run(self, path: str, **body: Any) -> Answer:
        """Run an action to its end and return the last poll."""
        entity = body.pop("entity")
        content = {"entity": wrapped(**entity), "parameters": wrapped(**body)}
        answer = await self.call("POST", path, content)
        location = answer.headers.get("Location", "")
        while answer.status == 202:
            answer = await self.get(location)
        return answer

    async def customer(self, **fields: Any) -> str:
        """Make a customer and return its number."""
        answer = await self.saved("Customer", {"CustomerName": "Northwind Pumps", **fields})
        return str(answer["CustomerID"])

    async def order(self, customer_id: str, *lines: dict[str, Any], **fields: Any) -> Answer:
        """Make an order of the lines given, by default of two pumps."""
        rows = lines or ({"InventoryID": "PUMP-40", "OrderQty": 2},)
        body = {"CustomerID": customer_id, "Details": list(rows), **fields}
        return await self.saved("SalesOrder", body, expand="Details,Totals,TaxDetails")

    async def play(self, play: str, /, **body: Any) -> dict[str, Any]:
        return await self.simulator.play(play, body)

    def switch(self, **settings: Any) -> None:
        self.simulator.set_switches(settings)


@pytest.fixture
def clock() -> SimClock:
    return SimClock(START)


@pytest.fixture
async def sandbox(clock: SimClock) -> AsyncIterator[Sandbox]:
    async with Sandbox.start(vendors=["acumatica"], seed=5, clock=clock) as running:
        yield running


@pytest.fixture
async def anonymous(sandbox: Sandbox, clock: SimClock) -> AsyncIterator[Site]:
    simulator = sandbox.simulators["acumatica"]
    assert isinstance(simulator, Acumatica)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        # aiohttp repeats a PUT whose connection broke; here every call is counted.
        http._retry_connection = False
        yield Site(
            simulator,
            clock,
            http,
            origin=sandbox.urls["acumatica"],
            described=simulator.describe(),
        )


@pytest.fixture
async def site(anonymous: Site) -> Site:
    await anonymous.sign_in()
    return anonymous
