"""A company of its own for every test, and raw XML posted to its gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import aiohttp
import pytest
from lxml import etree

from vendor_simulators.kit import Sandbox, SimClock
from vendor_simulators.sage_intacct import SageIntacct

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def tagged(name: str, content: Any) -> str:
    """Return an element of plain values; lists repeat it, dictionaries nest."""
    if isinstance(content, list):
        return "".join(tagged(name, one) for one in content)
    if isinstance(content, dict):
        inner = "".join(tagged(inside, value) for inside, value in content.items())
        return f"<{name}>{inner}</{name}>"
    return f"<{name}>{escape(str(content))}</{name}>"


def function(content: str, control_id: str = "f1") -> str:
    return f'<function controlid="{escape(control_id)}">{content}</function>'


def create(name: str, *records: dict[str, Any]) -> str:
    return f"<create>{tagged(name, list(records))}</create>"


def update(name: str, *records: dict[str, Any]) -> str:
    return f"<update>{tagged(name, list(records))}</update>"


def query(name: str, fields: str, where: str = "", more: str = "") -> str:
    select = "".join(f"<field>{one}</field>" for one in fields.split())
    condition = f"<filter>{where}</filter>" if where else ""
    return f"<query><object>{name}</object><select>{select}</select>{condition}{more}</query>"


def is_(name: str, value: str, op: str = "equalto") -> str:
    return f"<{op}><field>{name}</field><value>{escape(value)}</value></{op}>"


def vendor(
    vendor_id: str = "PD-9001", name: str = "Brightwell Tools", **more: Any
) -> dict[str, Any]:
    contact = {"PRINTAS": name, **more.pop("DISPLAYCONTACT", {})}
    return {"VENDORID": vendor_id, "NAME": name, "DISPLAYCONTACT": contact, **more}


def line(account: str, side: int, amount: Any, **more: Any) -> dict[str, Any]:
    return {"ACCOUNTNO": account, "TR_TYPE": side, "TRX_AMOUNT": amount, **more}


def entry(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    rows = lines or (line("1150", 1, "1500.00"), line("4000", -1, "1500.00"))
    head = {"JOURNAL": "GJ", "BATCH_DATE": "02/03/2026", "BATCH_TITLE": "Deal 4711 won"}
    return {**head, **more, "ENTRIES": {"GLENTRY": list(rows)}}


@dataclass
class Answer:
    """One response, read."""

    status: int
    body: bytes
    headers: Any
    root: Any

    def text(self, path: str) -> str | None:
        found = self.root.find(path)
        return None if found is None else found.text or ""

    @property
    def results(self) -> list[Any]:
        return list(self.root.findall("operation/result"))

    @property
    def statuses(self) -> list[str]:
        return [one.findtext("status") for one in self.results]

    @property
    def texts(self) -> list[str]:
        """The messages of all errors, the cause first."""
        return [one.findtext("description2") or "" for one in self.root.iter("error")]

    @property
    def cause(self) -> str:
        return self.texts[0].partition(" [Support ID")[0]

    @property
    def numbers(self) -> list[str]:
        return [one.findtext("errorno") for one in self.root.iter("error")]

    @property
    def data(self) -> Any:
        return self.root.find("operation/result/data")

    def rows(self) -> list[dict[str, str]]:
        return [{cell.tag: cell.text or "" for cell in row} for row in self.data]


@dataclass
class Books:
    """Posts requests to one simulated company."""

    simulator: SageIntacct
    clock: SimClock
    http: aiohttp.ClientSession
    described: dict[str, str]
    url: str
    session: str | None = None
    control: dict[str, str] = field(default_factory=dict)

    def request(
        self,
        *functions: str,
        unique: bool | None = False,
        transaction: bool = False,
        login: str | None = None,
        control: str | None = None,
    ) -> bytes:
        if control is None:
            told = {} if unique is None else {"uniqueid": str(unique).lower()}
            control = tagged(
                "control",
                {
                    "senderid": self.described["sender_id"],
                    "password": self.described["sender_password"],
                    "controlid": "c-1",
                    **told,
                    "dtdversion": "3.0",
                    "includewhitespace": "false",
                    **self.control,
                },
            )
        authentication = tagged("authentication", {"sessionid": self.session})
        if login is not None or self.session is None:
            authentication = f"<authentication>{login or self.login()}</authentication>"
        said = "true" if transaction else "false"
        content = "".join(functions)
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><request>{control}'
            f'<operation transaction="{said}">{authentication}'
            f"<content>{content}</content></operation></request>"
        ).encode()

    def login(self, **changes: str) -> str:
        given = {
            "userid": self.described["user_id"],
            "companyid": self.described["company_id"],
            "password": self.described["user_password"],
            **changes,
        }
        return tagged("login", given)

    async def send(self, body: bytes, url: str | None = None) -> Answer:
        headers = {"Content-Type": "application/xml"}
        async with self.http.post(url or self.url, data=body, headers=headers) as answer:
            content = await answer.read()
            is_xml = answer.content_type == "text/xml"
            return Answer(
                answer.status,
                content,
                answer.headers,
                etree.fromstring(content) if is_xml else None,
            )

    async def call(self, *contents: str, url: str | None = None, **options: Any) -> Answer:
        """Send functions, given by their content; control ids are f1, f2 and so on."""
        functions = [function(one, f"f{number}") for number, one in enumerate(contents, 1)]
        return await self.send(self.request(*functions, **options), url)

    async def done(self, *contents: str, **options: Any) -> Answer:
        answer = await self.call(*contents, **options)
        assert set(answer.statuses) == {"success"}, answer.body
        return answer

    async def open_session(self, entity: str | None = None) -> Answer:
        inner = "" if entity is None else tagged("locationid", entity)
        answer = await self.done(f"<getAPISession>{inner}</getAPISession>")
        self.session = answer.text("operation/result/data/api/sessionid")
        return answer

    async def post(self, *lines: dict[str, Any], **head: Any) -> int:
        """Post an entry and return its record number."""
        answer = await self.done(create("GLBATCH", entry(*lines, **head)))
        return int(answer.data[0].findtext("RECORDNO"))

    async def play(self, play: str, /, **body: Any) -> dict[str, Any]:
        return await self.simulator.play(play, body)

    async def seed(self, **body: Any) -> dict[str, Any]:
        return await self.simulator.seed(body)

    def switch(self, **settings: Any) -> None:
        self.simulator.set_switches(settings)

    def records(self, kind: str, **wanted: str) -> list[dict[str, Any]]:
        return self.simulator.records(kind, wanted)


@pytest.fixture
def clock() -> SimClock:
    return SimClock(START)


@pytest.fixture
async def books(clock: SimClock) -> AsyncIterator[Books]:
    async with (
        Sandbox.start(vendors=["sage_intacct"], seed=5, clock=clock) as sandbox,
        aiohttp.ClientSession() as http,
    ):
        simulator = sandbox.simulators["sage_intacct"]
        assert isinstance(simulator, SageIntacct)
        described = simulator.describe()
        yield Books(simulator, clock, http, described, described["gateway_url"])
