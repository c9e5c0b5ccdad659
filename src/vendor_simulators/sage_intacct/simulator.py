"""The Sage Intacct simulator: one company behind the XML gateway."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from vendor_simulators.kit import BODY, SimClock, Simulator, Switch
from vendor_simulators.sage_intacct import seeding
from vendor_simulators.sage_intacct.answers import Fault, GatewayError
from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.gateway import GATEWAY_PATH, Gateway
from vendor_simulators.sage_intacct.limits import Limits
from vendor_simulators.sage_intacct.people import People
from vendor_simulators.sage_intacct.requests import session_of, summary
from vendor_simulators.sage_intacct.responses import Writer
from vendor_simulators.sage_intacct.sessions import (
    COMPANY_ID,
    SENDER_ID,
    SENDER_PASSWORD,
    USER_ID,
    USER_PASSWORD,
    Identity,
)
from vendor_simulators.sage_intacct.switches import SWITCHES

_COST = web.RequestKey("sage_intacct_cost", int)
_CONTENT_TYPE = "text/xml; charset=UTF-8"
_SERVER_FAULT, _THROTTLED = 500, 429


class SageIntacct(Simulator):
    """Sage Intacct's XML gateway."""

    name: ClassVar[str] = "sage_intacct"
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
        self._build()

    def _build(self) -> None:
        self.company = Company(clock=self.clock, rng=self.rng, switches=self.switches)
        self.identity = Identity(self.company)
        self.gateway = Gateway(self.company, self.identity)
        self.limits = Limits(clock=self.clock, switches=self.switches)
        self.people = People(self.company, self.identity, self.gateway.saving)
        seeding.found(self.company, self.gateway.saving)

    async def reset(self) -> None:
        """Begin anew with the default records."""
        self._build()

    def describe(self) -> dict[str, str]:
        """Return address and credentials."""
        return {
            "gateway_url": f"{self.base_url}{GATEWAY_PATH}",
            "sender_id": SENDER_ID,
            "sender_password": SENDER_PASSWORD,
            "company_id": COMPANY_ID,
            "user_id": USER_ID,
            "user_password": USER_PASSWORD,
        }

    async def seed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take over records, users, rates and dimensions; see seeding.SEEDS."""
        return seeding.seed(self.company, self.identity, self.gateway.saving, body)

    async def play(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what a person in finance or an administrator would do; see ACTIONS."""
        return self.people.play(action, body)

    def records(self, kind: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return all records of an object, by its name in any form: vendors, GLBATCH."""
        return seeding.dump(self.company, self.identity, self.gateway, kind, query)

    # Around every call

    def routes(self) -> list[web.RouteDef]:
        """Return the gateway's path, and the same under a pod's prefix."""
        return [
            web.post(GATEWAY_PATH, self._answer),
            web.post(f"/{{pod}}{GATEWAY_PATH}", self._answer),
        ]

    def operation_of(self, request: web.Request) -> str:
        """Return the functions and their objects, since every call has the same address."""
        if request.match_info.http_exception is not None:
            return super().operation_of(request)
        return summary(request[BODY])

    def cost_of(self, request: web.Request) -> int:
        """Return the transactions that a call counted for."""
        cost: int = request.get(_COST, 0)
        return cost

    def expire_login(self, request: web.Request) -> bool:
        """End the session that a call uses; logins do not expire."""
        session = session_of(request[BODY])
        return session is not None and self.identity.end(session)

    def throttled(self, request: web.Request) -> web.Response:
        """Return the refusal above the limits."""
        return self._refused(self.limits.refusal())

    def failure(self, request: web.Request, status: int) -> web.Response:
        """Return a failure of the gateway: XML with a GW number."""
        if status >= _SERVER_FAULT:
            return self._refused(GatewayError(status, "GW-0001", "Unable to process request"))
        text = f"Invalid Request [Request ID: {self.company.secret(6).lower()}]"
        return self._refused(GatewayError(status, "GW-0011", text))

    def unrouted(self, request: web.Request, answer: web.HTTPException) -> web.Response:
        """Return 404 and 405 as the web server words them."""
        text = f"<html><body><h1>{answer.status} {answer.reason}</h1></body></html>"
        return web.Response(status=answer.status, text=text, content_type="text/html")

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            async with self.limits.slot():
                answered = self.gateway.answer(
                    request[BODY],
                    origin=f"{request.scheme}://{request.host}",
                    pod=request.match_info.get("pod", ""),
                )
        except GatewayError as exc:
            return self._refused(exc)
        request[_COST] = answered.cost
        body = answered.body * (2 if self.switches["trailing_answer"] else 1)
        return _xml(200, body)

    def _refused(self, refusal: GatewayError) -> web.Response:
        fault = refusal.faults[0]
        answer = _xml(refusal.status, Writer(_told, str).acted_up(fault))
        retry_after = self.switches["throttle_retry_after"]
        if refusal.status == _THROTTLED and retry_after is not None:
            answer.headers["Retry-After"] = str(retry_after)
        return answer


def _told(fault: Fault) -> str:
    return fault.text


def _xml(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, headers={"Content-Type": _CONTENT_TYPE})
