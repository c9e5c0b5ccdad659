"""The Pipedrive simulator: one company behind API v1, API v2 and the OAuth host, on one port."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from aiohttp import web

from vendor_simulators.kit import ControlError, SimClock, Simulator, Switch
from vendor_simulators.pipedrive import answers, beginnings
from vendor_simulators.pipedrive.calls import Operation
from vendor_simulators.pipedrive.company import COMPANY_ID, FIRST_USER, Actor, Company
from vendor_simulators.pipedrive.dumps import dump
from vendor_simulators.pipedrive.gate import COST, Gate, Handler
from vendor_simulators.pipedrive.logins import LoginBook
from vendor_simulators.pipedrive.oauth import OAuthHost
from vendor_simulators.pipedrive.plays import ACTIONS, Plays
from vendor_simulators.pipedrive.rates import Limiter
from vendor_simulators.pipedrive.search import Searcher
from vendor_simulators.pipedrive.search_index import SearchIndex
from vendor_simulators.pipedrive.seeding import Seeder
from vendor_simulators.pipedrive.switches import SWITCHES
from vendor_simulators.pipedrive.v1 import account, entities, notes, relations, relationships
from vendor_simulators.pipedrive.v1 import fields as v1_fields
from vendor_simulators.pipedrive.v1.search import v1_search_operations
from vendor_simulators.pipedrive.v1.webhooks import webhook_operations
from vendor_simulators.pipedrive.v2 import activities, contacts, deals, lines, pipelines, products
from vendor_simulators.pipedrive.v2 import fields as v2_fields
from vendor_simulators.pipedrive.v2.search import search_operations
from vendor_simulators.pipedrive.webhooks.sender import Sender, basic
from vendor_simulators.pipedrive.webhooks.subscriptions import SubscriptionBook
from vendor_simulators.pipedrive.wire import encode

_V1_PREFIXES = ("/v1", "/api/v1")
_V2_PREFIX = "/api/v2"
_FIXED: tuple[Operation, ...] = (
    *deals.OPERATIONS,
    *lines.OPERATIONS,
    *contacts.OPERATIONS,
    *products.OPERATIONS,
    *pipelines.OPERATIONS,
    *activities.OPERATIONS,
    *v2_fields.OPERATIONS,
    *relations.OPERATIONS,
    *entities.OPERATIONS,
    *notes.OPERATIONS,
    *v1_fields.OPERATIONS,
    *account.OPERATIONS,
    *relationships.OPERATIONS,
)


class PipedriveSimulator(Simulator):
    """One Pipedrive company with one OAuth app."""

    name: ClassVar[str] = "pipedrive"
    SWITCHES: ClassVar[Mapping[str, Switch]] = SWITCHES
    ACTIONS: ClassVar[Mapping[str, str]] = ACTIONS

    company: Company
    logins: LoginBook
    limiter: Limiter
    subscriptions: SubscriptionBook
    sender: Sender
    seeder: Seeder

    def __init__(
        self,
        *,
        clock: SimClock,
        rng: random.Random,
        switches: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(clock=clock, rng=rng, switches=switches, seed=seed)
        self._plays = Plays(self)
        self._operations: dict[Any, Operation] = {}
        self._running = False
        self._begin()

    def _begin(self) -> None:
        """Make everything new, in an order that a seed repeats."""
        self.logins = LoginBook(clock=self.clock, rng=self.rng, switches=self.switches)
        self.company = Company(clock=self.clock, rng=self.rng, switches=self.switches)
        self.limiter = Limiter(clock=self.clock, switches=self.switches)
        self.index = SearchIndex(self.company)
        self.searcher = Searcher(self.company, self.index, self.faults.count)
        self.subscriptions = SubscriptionBook(company=self.company, clock=self.clock)
        self.subscriptions.own_url = self.base_url
        self.sender = Sender(
            company=self.company,
            book=self.subscriptions,
            clock=self.clock,
            faults=self.faults,
            journal=self.journal,
        )
        self.seeder = Seeder(self.company, new_api_token=self.logins.new_api_token)
        self.gate = Gate(
            company=self.company, logins=self.logins, limiter=self.limiter, rng=self.rng
        )
        beginnings.furnish(self.company)
        for user in self.company["user"]:
            self.logins.new_api_token(user["id"])

    def routes(self) -> list[web.RouteDef]:
        """Return API v2, API v1 under both prefixes, and the OAuth paths."""
        operations: Iterable[Operation] = (
            *_FIXED,
            *search_operations(lambda: self.searcher),
            *v1_search_operations(lambda: self.searcher),
            *webhook_operations(lambda: self.subscriptions),
        )
        routes: list[web.RouteDef] = []
        for operation in operations:
            handler = self._handler(operation)
            self._operations[handler] = operation
            prefixes = (_V2_PREFIX,) if operation.version > 1 else _V1_PREFIXES
            routes += [
                web.route(operation.method, f"{prefix}{operation.path}", handler)
                for prefix in prefixes
            ]
        oauth = OAuthHost(
            logins=lambda: self.logins,
            switches=self.switches,
            user_id=lambda: FIRST_USER,
            api_domain=lambda: self.base_url,
            on_uninstall=self.uninstalled,
        )
        return [*routes, *oauth.routes()]

    def describe(self) -> dict[str, str]:
        """Return what an independent client needs."""
        return {
            "url": self.base_url,
            "oauth_url": self.base_url,
            "api_token": self.logins.api_token_of(FIRST_USER),
            "client_id": self.logins.client_id,
            "client_secret": self.logins.client_secret,
            "redirect_uri": self.switches["redirect_uri"],
        }

    def bind(self, base_url: str) -> None:
        """Take note of the own address, which tokens name and webhooks may not."""
        super().bind(base_url)
        self.subscriptions.own_url = base_url

    async def start(self) -> None:
        """Begin to send webhooks."""
        self._running = True
        await self.sender.start()

    async def stop(self) -> None:
        """End sending."""
        self._running = False
        await self.sender.stop()

    async def reset(self) -> None:
        """Begin anew with the same tokens; switches stay."""
        await self.sender.stop()
        self._begin()
        if self._running:
            await self.sender.start()

    async def seed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take over records; ``switches`` and ``webhooks`` may stand beside them."""
        self.set_switches(body.get("switches") or {})
        made = self.seeder.seed(body, Actor(FIRST_USER))
        if "webhooks" in body:
            login = self.logins.with_api_token(self.logins.api_token_of(FIRST_USER))
            try:
                made["webhooks"] = [
                    self.subscriptions.create(one, login).id for one in body["webhooks"]
                ]
            except answers.RefusedError as exc:
                raise ControlError(str(exc.answer.body)) from exc
        return made

    async def play(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what a person, or a test, does; ACTIONS lists what there is."""
        return await self._plays.play(action, body)

    def records(self, kind: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return all records of a kind; fractions are texts, so that they stay exact."""
        self.company.purge_due()
        return dump(self, kind, query)

    def operation_of(self, request: web.Request) -> str:
        """Name an operation by method and path pattern, the same under both prefixes of v1."""
        operation = self._operations.get(request.match_info.handler)
        return super().operation_of(request) if operation is None else operation.name

    def cost_of(self, request: web.Request) -> int:
        """Return the tokens that a call was charged."""
        return int(request.get(COST, 0))

    def expire_login(self, request: web.Request) -> bool:
        """End the bearer token that a call uses; API tokens do not expire."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.logins.expire_access(token.strip()) > 0

    def throttled(self, request: web.Request) -> web.Response:
        """Return a 429 of the burst window."""
        return self.gate.throttled(request)

    def failure(self, request: web.Request, status: int) -> web.Response:
        """Return a failure in Pipedrive's envelope."""
        headers = {"x-correlation-id": self.gate.correlation_id()}
        return web.Response(
            body=encode(answers.scripted_failure(status)),
            status=status,
            content_type="application/json",
            charset="utf-8",
            headers=headers,
        )

    def unrouted(self, request: web.Request, answer: web.HTTPException) -> web.Response:
        """Answer paths that are not there, which under OAuth look like a missing scope."""
        return self.gate.unrouted(request, answer.status)

    def uninstalled(self, user_id: int) -> None:
        """Remove what the app subscribed to for a user."""
        self.logins.revoke_user(user_id)
        self.subscriptions.delete_of_app(user_id)

    async def notify_uninstall(self, user_id: int) -> int:
        """Send the DELETE that tells the app's callback of its uninstallation."""
        moment = self.clock.now().isoformat(timespec="milliseconds")[:23] + "Z"
        notice = {
            "client_id": self.logins.client_id,
            "company_id": COMPANY_ID,
            "user_id": user_id,
            "timestamp": moment,
        }
        headers = {"Authorization": basic(self.logins.client_id, self.logins.client_secret)}
        url = self.switches["redirect_uri"]
        return await self.sender.notify("DELETE", url, encode(notice), headers)

    def _handler(self, operation: Operation) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            return self.gate.carry_out(operation, request, await request.read())

        return handle
