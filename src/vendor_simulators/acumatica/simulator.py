"""The Acumatica simulator: one tenant of one site, at the root and under /AcumaticaERP."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from aiohttp import web

from vendor_simulators.acumatica import openapi, seeding
from vendor_simulators.acumatica.actions import Operations
from vendor_simulators.acumatica.answers import (
    RefusalError,
    fault,
    invalid_request,
    json_response,
    lock_violation,
    no_route,
    timed_out,
)
from vendor_simulators.acumatica.erp import Erp
from vendor_simulators.acumatica.identity import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REDIRECT_URI,
    TENANT,
    USERNAME,
    Identity,
)
from vendor_simulators.acumatica.licence import Licence
from vendor_simulators.acumatica.paths import VIRTUAL_DIRECTORY, Target, parse
from vendor_simulators.acumatica.people import People
from vendor_simulators.acumatica.push import PushSender
from vendor_simulators.acumatica.resources import Call, Resources
from vendor_simulators.acumatica.screens import told
from vendor_simulators.acumatica.sessions import Session
from vendor_simulators.acumatica.signing_in import SigningIn, session_cookie
from vendor_simulators.acumatica.switches import SWITCHES
from vendor_simulators.acumatica.values import UnreadableError, converted
from vendor_simulators.kit import Outbox, SimClock, Simulator, Switch

_STARTING = (
    "<!DOCTYPE html><html><head><title>Acumatica</title></head>"
    "<body><h1>The site is starting.</h1></body></html>"
)
_SIGN_IN_PAGE = f"/{VIRTUAL_DIRECTORY}/Frames/Login.aspx"
_TARGET = web.RequestKey("target", Target)
_WRITES = frozenset({"PUT", "POST", "PATCH", "DELETE"})
_TABLES = {"SalesOrder": "SOOrder", "Customer": "BAccount", "SalesInvoice": "ARInvoice"}


class Acumatica(Simulator):
    """Acumatica's contract-based REST API."""

    name: ClassVar[str] = "acumatica"
    SWITCHES: ClassVar[Mapping[str, Switch]] = SWITCHES
    ACTIONS: ClassVar[Mapping[str, str]] = People.ACTIONS
    SEEDS: ClassVar[Mapping[str, str]] = seeding.SEEDS

    def __init__(
        self,
        *,
        clock: SimClock,
        rng: random.Random,
        switches: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(clock=clock, rng=rng, switches=switches, seed=seed)
        self.outbox = Outbox(clock=clock, faults=self.faults, journal=self.journal)
        self._build()

    def _build(self) -> None:
        self.erp = Erp(clock=self.clock, rng=self.rng, faults=self.faults, switches=self.switches)
        self.identity = Identity(clock=self.clock, rng=self.rng, switches=self.switches)
        self.licence = Licence(clock=self.clock, switches=self.switches)
        self.operations = Operations(self.erp)
        self.push = PushSender(self.erp, self.outbox.send, TENANT)
        self.erp.on_commit = self.push.saved
        self.erp.on_delete = self.push.deleted
        self.people = People(self.erp, self.identity, self.operations)
        self._signing_in = SigningIn(self.identity, self.switches)
        self._resources = Resources(self.erp, self.operations)

    async def reset(self) -> None:
        """Begin anew with the default records and switches as they were last set."""
        self._build()

    async def start(self) -> None:
        """Start sending notifications."""
        await self.outbox.start()

    async def stop(self) -> None:
        """Stop sending notifications."""
        await self.outbox.stop()

    def describe(self) -> dict[str, str]:
        """Return addresses and credentials."""
        return {
            "instance_url": f"{self.base_url}/{VIRTUAL_DIRECTORY}",
            "endpoint_version": "24.200.001",
            "tenant": TENANT,
            "username": USERNAME,
            "password": PASSWORD,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": REDIRECT_URI,
        }

    async def seed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take over records, prices, sign-in data and push destinations; see seeding.SEEDS."""
        with told(), self.erp.transaction():
            return seeding.seed(self.erp, self.identity, self.push, body)

    async def play(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what a person in finance or an administrator would do; see ACTIONS."""
        self.erp.business_date = self.erp.call_branch = None
        return self.people.play(action, body)

    def records(self, kind: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return all records of an entity, by its name in any form: sales_orders, SalesOrder."""
        return seeding.dump(self.erp, self.identity, kind, query)

    # Around every call

    def routes(self) -> list[web.RouteDef]:
        """Return the one route: paths are taken apart here, since they know no case."""
        return [web.route("*", "/{path:.*}", self._answer)]

    def operation_of(self, request: web.Request) -> str:
        """Return method and entity, action or sign-in path."""
        return self._target(request).operation

    def expire_login(self, request: web.Request) -> bool:
        """Expire the token or end the session of a call."""
        return self.identity.expire_login(request.headers.get("Authorization"), request.cookies)

    def throttled(self, request: web.Request) -> web.Response:
        """Return a declined request: 429 in plain text."""
        return self.licence.refusal().answer()

    def failure(self, request: web.Request, status: int) -> web.Response:
        """Return a passing fault: a lock violation, a query that timed out, or a proxy's page."""
        if status != web.HTTPInternalServerError.status_code:
            return web.Response(status=status, text=_STARTING, content_type="text/html")
        entity = self._target(request).entity
        if request.method in _WRITES and entity is not None:
            return lock_violation(_TABLES.get(entity.name, entity.name)).answer()
        return timed_out().answer()

    def _target(self, request: web.Request) -> Target:
        target: Target | None = request.get(_TARGET)
        if target is None:
            versions = self.switches["versions"]
            target = parse(request.method, request.raw_path, self.erp.contract, versions)
            request[_TARGET] = target
        return target

    async def _answer(self, request: web.Request) -> web.Response:
        target = self._target(request)
        try:
            cold = self._cold_answer(target)
            if cold is not None:
                return cold
            _check_length(request)
            if target.area == "logout":  # bypasses the queue
                return self._signing_in.logout(request)
            async with self.licence.slot():
                return await self._admitted(request, target)
        except RefusalError as exc:
            return exc.answer()

    async def _admitted(self, request: web.Request, target: Target) -> web.Response:
        match target.area:
            case "versions":
                return self._versions(target)
            case "login":
                return await self._signing_in.login(request)
            case "identity":
                return await self._signing_in.identity_path(request, target.rest)
            case "frames":
                return web.Response(text=_STARTING, content_type="text/html")
            case "nowhere":
                raise no_route(str(request.url))
        session = self.identity.session_of(request.headers.get("Authorization"), request.cookies)
        call = Call(request, target, session, await request.read())
        self.erp.business_date = _business_date(request)
        self.erp.call_branch = self._branch_of(request, session)
        with self.erp.transaction():
            answer = self._inside(call)
        if session.kind == "oauth" and "ASP.NET_SessionId" not in request.cookies:
            self._add_session_cookie(answer, session)
        return answer

    def _inside(self, call: Call) -> web.Response:
        if call.target.area == "swagger":
            return json_response(openapi.document(call.target.version, self.erp.forms))
        if call.target.area == "files":
            return self._resources.files(call)
        self.people.raise_planned_lock(call.entity.name, call.request.method)
        return self._resources.answer(call)

    def _branch_of(self, request: web.Request, session: Session) -> str:
        named = request.headers.get("PX-CbApiBranch")
        if named is None:
            return session.branch
        branch = self.erp.canonical("branch", named)
        if branch is None:
            raise fault(f"The branch {named} cannot be found in the system.")
        return branch

    def _add_session_cookie(self, answer: web.Response, session: Session) -> None:
        if session.is_concurrent:
            answer.headers.add("Set-Cookie", session_cookie(session))

    def _cold_answer(self, target: Target) -> web.Response | None:
        if self.switches["cold_requests"] <= 0 or target.area == "frames":
            return None
        self.switches["cold_requests"] -= 1
        self.faults.count("cold_start")
        form = self.switches["cold_answer"]
        if form == "redirect":
            return web.Response(status=302, headers={"Location": _SIGN_IN_PAGE})
        status = 503 if form == "unavailable" else 200
        return web.Response(status=status, text=_STARTING, content_type="text/html")

    def _versions(self, target: Target) -> web.Response:
        rows = [
            {
                "name": "Default",
                "version": version,
                "href": f"{target.prefix}/entity/Default/{version}/",
            }
            for version in self.switches["versions"]
        ]
        rows.append(
            {
                "name": "MANUFACTURING",
                "version": "24.200.001",
                "href": f"{target.prefix}/entity/MANUFACTURING/24.200.001/",
            }
        )
        if self.switches["bare_version_list"]:
            return json_response(rows)
        build = self.switches["build_version"]
        version = {"acumaticaBuildVersion": build, "databaseVersion": build}
        return json_response({"version": version, "endpoints": rows})


def _check_length(request: web.Request) -> None:
    has_length = "Content-Length" in request.headers or "Transfer-Encoding" in request.headers
    if request.method == "POST" and not has_length:
        raise RefusalError(
            411, text="HTTP Error 411. The request must be chunked or have a length."
        )


def _business_date(request: web.Request) -> date | None:
    text = request.headers.get("PX-CbApiBusinessDate")
    if text is None:
        return None
    try:
        found: date | None = converted("D", text)
    except UnreadableError as exc:
        raise invalid_request(f"The business date {text} cannot be read.") from exc
    return found
