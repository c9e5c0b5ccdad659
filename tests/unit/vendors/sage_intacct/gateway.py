"""A gateway of the documented shape, over a real socket, that a test tells what to answer.

It knows sessions and the envelope, and refuses what its tests must never send: a wrong sender, a
session that is over, a request that the published schema refuses. What functions answer, the
test says: XML as the vendor's documents show it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from aiohttp import web
from lxml import etree
from tests.specifications import sage_intacct as schema

PATH = "/ia/xml/xmlgw.phtml"
SENDER, SENDER_PASSWORD = "ml_connector_mpp", " sender's & secret"
COMPANY, USER, USER_PASSWORD = "BRIGHTWELL", "xml_ml", "user<secret>"

Answering = Callable[[etree._Element], str]
"""From the function's element to what stands in its ``result``, the status included."""


@dataclass
class Clock:
    """The time of both sides, moved by the test."""

    at: datetime = datetime(2026, 2, 3, 10, 15, tzinfo=UTC)
    passed: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.passed

    def move(self, **span: float) -> None:
        self.at += timedelta(**span)
        self.passed += timedelta(**span).total_seconds()


@dataclass
class Received:
    """One request as it came."""

    body: bytes
    root: etree._Element
    host: str

    def text(self, path: str) -> str:
        return self.root.findtext(path) or ""

    @property
    def functions(self) -> list[etree._Element]:
        return self.root.findall("operation/content/function")

    @property
    def names(self) -> list[str]:
        return [each[0].tag for each in self.functions]


@dataclass
class Gateway:
    """Answers each function by its name; the n-th time by the n-th answer, the last one stays."""

    clock: Clock
    idle: timedelta = timedelta(minutes=50)
    """How long a session lasts without use."""
    tells_timeout: bool = True
    port: int = 0
    requests: list[Received] = field(default_factory=list)
    logins: list[etree._Element] = field(default_factory=list)
    whole: list[web.Response | Callable[[], web.Response]] = field(default_factory=list)
    """Whole answers that come before anything else, in their order."""
    endpoint: str | None = None
    faults: list[str] = field(default_factory=list)
    _answers: dict[str, list[Answering]] = field(default_factory=dict)
    _sessions: dict[str, datetime] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    @property
    def business(self) -> list[Received]:
        """The requests that are no log-ins."""
        return [each for each in self.requests if each.names != ["getAPISession"]]

    def on(self, function: str, *answers: str | Answering) -> None:
        self._answers[function] = [_always(each) for each in answers]

    def revoke(self) -> None:
        self._sessions.clear()

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        received = Received(body=body, root=etree.fromstring(body), host=request.host)
        self.requests.append(received)
        self.faults += schema.faults_of(body)
        if received.text("control/senderid") != SENDER:
            self.faults.append("a wrong sender")
        if self.whole:
            first = self.whole.pop(0)
            return first() if callable(first) else first
        return _xml(self._answered(received))

    def _answered(self, received: Received) -> str:
        control = _control(received)
        login = received.root.find("operation/authentication/login")
        session = received.text("operation/authentication/sessionid")
        if login is not None:
            self.logins.append(login)
            sender_is_right = received.text("control/password") == SENDER_PASSWORD
            if not sender_is_right or login.findtext("password") != USER_PASSWORD:
                return login_refused(control, "Sign-in information is incorrect")
            return self._wrapped(control, self._opened(received, login))
        ends_at = self._sessions.get(session)
        if ends_at is None or ends_at <= self.clock.at:
            return login_refused(control, f"Invalid session {escape(session)}")
        self._sessions[session] = self.clock.at + self.idle
        return self._wrapped(control, "".join(map(self._result, received.functions)))

    def _opened(self, received: Received, login: etree._Element) -> str:
        session = f"session-{len(self.logins)}.."
        self._sessions[session] = self.clock.at + self.idle
        endpoint = self.endpoint or f"http://{received.host}{PATH}"
        control_id = received.functions[0].get("controlid")
        return (
            "<result><status>success</status><function>getAPISession</function>"
            f"<controlid>{control_id}</controlid><data><api><sessionid>{session}</sessionid>"
            f"<endpoint>{endpoint}</endpoint>"
            f"<locationid>{login.findtext('locationid') or ''}</locationid></api></data></result>"
        )

    def _result(self, function: etree._Element) -> str:
        name = function[0].tag
        answers = self._answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return f"<result>{answer(function[0])}</result>".replace(
            "</status>",
            f"</status><function>{name}</function>"
            f"<controlid>{function.get('controlid')}</controlid>",
            1,
        )

    def _wrapped(self, control: str, results: str) -> str:
        ends = (self.clock.at + self.idle).isoformat() if self.tells_timeout else ""
        timeout = f"<sessiontimeout>{ends}</sessiontimeout>" if ends else ""
        return (
            f"<response>{control}<operation><authentication><status>success</status>"
            f"<userid>{USER}</userid><companyid>{COMPANY}</companyid><locationid></locationid>"
            f"<sessiontimestamp>{self.clock.at.isoformat()}</sessiontimestamp>{timeout}"
            f"</authentication>{results}</operation></response>"
        )


@asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[Gateway]:
    app = web.Application()
    app.router.add_post(PATH, gateway.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    gateway.port = runner.addresses[0][1]
    yield gateway
    await runner.cleanup()
    assert gateway.faults == []


# --- answers of the documented shapes --------------------------------------------------------


def rows(object_name: str, *records: dict[str, str], remaining: int = 0) -> str:
    listed = "".join(
        f"<{object_name}>"
        + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in record.items())
        + f"</{object_name}>"
        for record in records
    )
    count = len(records)
    return (
        f'<status>success</status><data listtype="{object_name}" totalcount="{count + remaining}" '
        f'offset="0" count="{count}" numremaining="{remaining}">{listed}</data>'
    )


def made(object_name: str, **fields: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return (
        '<status>success</status><data listtype="objects" count="1">'
        f"<{object_name}>{inner}</{object_name}></data>"
    )


def refused(*faults: tuple[str, str], status: str = "failure", data: str = "") -> str:
    return f"<status>{status}</status>{data}{errors(*faults)}"


def errors(*faults: tuple[str, str]) -> str:
    listed = "".join(
        f"<error><errorno>{number}</errorno><description></description>"
        f"<description2>{escape(text)}</description2><correction></correction></error>"
        for number, text in faults
    )
    return f"<errormessage>{listed}</errormessage>"


def login_refused(control: str, text: str) -> str:
    return (
        f"<response>{control}<operation><authentication><status>failure</status><userid></userid>"
        f"<companyid></companyid></authentication>{errors(('XL03000006', text))}</operation>"
        "</response>"
    )


def control_refused(number: str, text: str, *, status: int = 200, **headers: str) -> web.Response:
    """The control block of the gateway's front: it echoes nothing."""
    return _xml(
        f"<response><control><status>failure</status></control>{errors((number, text))}</response>",
        status=status,
        **headers,
    )


def _control(received: Received) -> str:
    return (
        f"<control><status>success</status><senderid>{SENDER}</senderid>"
        f"<controlid>{received.text('control/controlid')}</controlid>"
        f"<uniqueid>{received.text('control/uniqueid')}</uniqueid>"
        "<dtdversion>3.0</dtdversion></control>"
    )


def _xml(text: str, *, status: int = 200, **headers: str) -> web.Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return web.Response(body=body, status=status, content_type="text/xml", headers=headers)


def _always(answer: str | Answering) -> Answering:
    return (lambda _: answer) if isinstance(answer, str) else answer
