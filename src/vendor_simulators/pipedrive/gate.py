"""What every call passes: login, scope, budgets; then it is carried out, charged and answered."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from vendor_simulators.pipedrive import answers
from vendor_simulators.pipedrive.answers import Answer, RefusedError
from vendor_simulators.pipedrive.calls import Call, Operation
from vendor_simulators.pipedrive.company import Company
from vendor_simulators.pipedrive.logins import Login, LoginBook
from vendor_simulators.pipedrive.rates import Limiter
from vendor_simulators.pipedrive.rules import UnfitError
from vendor_simulators.pipedrive.wire import encode

Handler = Callable[[web.Request], Awaitable[web.Response]]

COST = web.RequestKey("pipedrive_cost", int)
_JSON = "application/json; charset=utf-8"
_EXPOSED = (
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    "X-Daily-RateLimit-Token-Limit, X-Daily-RateLimit-Token-Remaining"
)
_ADMIN_ONLY = frozenset({"admin"})
_UNCHARGED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})
_BLOCKED = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Access denied | api.pipedrive.com used '
    "Cloudflare to restrict access</title></head><body><h1>Error 1015</h1>"
    "<p>You are being rate limited.</p></body></html>"
)


class Gate:
    """The front of the API."""

    def __init__(
        self, *, company: Company, logins: LoginBook, limiter: Limiter, rng: random.Random
    ) -> None:
        self.company = company
        self.logins = logins
        self.limiter = limiter
        self._rng = rng

    def carry_out(self, operation: Operation, request: web.Request, body: bytes) -> web.Response:
        """Answer a call, with the headers that every answer carries."""
        correlation_id = self.correlation_id()
        login: Login | None = None
        try:
            login = self.login_of(request)
            if self.limiter.is_blocked(login):
                return web.Response(status=403, text=_BLOCKED, content_type="text/html")
            self._admit(login, operation)
            call = self._call(operation, request, body, login, correlation_id)
            answer = self._run(operation, call)
        except RefusedError as refusal:
            answer = refusal.answer
        return self._respond(request, operation, login, answer, correlation_id)

    def login_of(self, request: web.Request) -> Login:
        """Return who calls; an API token wins over a bearer token."""
        token = request.headers.get("x-api-token")
        if token is None and self.company.switches["token_in_query"]:
            token = request.query.get("api_token")
        if token is not None:
            return self.logins.with_api_token(token)
        given = request.headers.get("Authorization")
        if given is None:
            raise answers.unauthorized()
        scheme, _, bearer = given.partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise answers.v1_bad_request("Invalid request: malformed authorization header")
        return self.logins.with_access_token(bearer.strip())

    def correlation_id(self) -> str:
        """Return a new x-correlation-id."""
        digits = f"{self._rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def throttled(self, request: web.Request) -> web.Response:
        """Return a 429 of the burst window, as a script asked for."""
        headers = {"x-correlation-id": self.correlation_id()}
        try:
            login = self.login_of(request)
        except RefusedError:
            login = None
        if login is not None:
            headers |= self.limiter.headers(login, is_search=False)
            headers |= {"x-ratelimit-remaining": "0"}
        headers["x-ratelimit-reset"] = headers.get("x-ratelimit-reset", "2")
        if headers["x-ratelimit-reset"] == "0":
            headers["x-ratelimit-reset"] = "2"
        return _json(answers.over_limit(headers).answer)

    def unrouted(self, request: web.Request, status: int) -> web.Response:
        """Answer a path or method that is not there."""
        try:
            login = self.login_of(request)
            if login.is_oauth:
                raise answers.scope_mismatch()
            wrong = status == HTTPStatus.METHOD_NOT_ALLOWED
            raise answers.wrong_method() if wrong else answers.unknown_path()
        except RefusedError as refusal:
            answer = refusal.answer
        answer.headers["x-correlation-id"] = self.correlation_id()
        return _json(answer)

    def _admit(self, login: Login, operation: Operation) -> None:
        refused = self.limiter.admit(login, is_search=operation.is_search)
        if refused is not None:
            raise answers.over_limit(refused)
        needed, held = operation.scopes, login.scopes
        if held is not None:
            if needed and needed.isdisjoint(held):
                raise answers.scope_mismatch()
        elif needed == _ADMIN_ONLY and not self._is_admin(login):
            raise answers.forbidden()

    def _is_admin(self, login: Login) -> bool:
        user = self.company["user"].find(login.user_id)
        return user is not None and bool(user["is_admin"])

    def _call(
        self,
        operation: Operation,
        request: web.Request,
        body: bytes,
        login: Login,
        correlation_id: str,
    ) -> Call:
        self.company.purge_due()
        return Call(
            company=self.company,
            login=login,
            version=operation.version,
            path=request.match_info,
            query=request.query,
            body=body,
            content_type=request.content_type,
            user_agent=request.headers.get("User-Agent"),
            correlation_id=correlation_id,
        )

    @staticmethod
    def _run(operation: Operation, call: Call) -> Answer:
        try:
            return operation.run(call)
        except UnfitError as unfit:
            if unfit.status == HTTPStatus.FORBIDDEN:
                raise answers.forbidden(unfit.problem) from unfit
            raise answers.rejected(call.version, unfit.name, unfit.problem) from unfit

    def _respond(
        self,
        request: web.Request,
        operation: Operation,
        login: Login | None,
        answer: Answer,
        correlation_id: str,
    ) -> web.Response:
        if answer.status not in _UNCHARGED and (
            answer.status < HTTPStatus.BAD_REQUEST or self.company.switches["failed_calls_cost"]
        ):
            self.limiter.spend(operation.cost)
            request[COST] = operation.cost
        answer.headers["x-correlation-id"] = correlation_id
        if login is not None:
            answer.headers["access-control-expose-headers"] = _EXPOSED
            if "x-ratelimit-limit" not in answer.headers:
                answer.headers |= self.limiter.headers(login, is_search=operation.is_search)
        return _json(answer)


def _json(answer: Answer) -> web.Response:
    body = answer.body if isinstance(answer.body, bytes) else encode(answer.body)
    headers = {**answer.headers, "Content-Type": _JSON}
    if answer.status == HTTPStatus.NO_CONTENT:
        del headers["Content-Type"]
    return web.Response(body=body, status=answer.status, headers=headers)
