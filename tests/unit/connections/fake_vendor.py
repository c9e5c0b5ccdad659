"""A vendor of the tests' own: a small server, and a package that talks to it."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import BaseModel, ConfigDict, Field

from ml_connector.core.changes import ChangePage
from ml_connector.core.clock import Clock
from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.core.logins import Login, LoginStore
from ml_connector.core.profile import Limits, Profile, Window
from ml_connector.core.secret import Secret
from ml_connector.transport.http import Transport
from ml_connector.transport.messages import FREE, Cost, Request, Response
from ml_connector.transport.vendor import Consent, PingLine, Vendor

PASSWORD = "canary-password-4711"
LOGIN_NAME = "user"


@dataclass
class FakeServer:
    """The vendor's side, as the test wants it."""

    password: str = PASSWORD
    codes: dict[str, str] = field(default_factory=dict)
    """Code to the PKCE verifier that may exchange it."""
    status: int | None = None
    """Answered to every call of the API instead of 200."""
    headers: dict[str, str] = field(default_factory=dict)
    version: str = "24.1"
    rights: set[str] = field(default_factory=lambda: {"read", "write"})
    log_ins: int = 0
    calls: int = 0
    tokens: set[str] = field(default_factory=set)
    url: str = ""
    _server: TestServer | None = None

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        application = web.Application()
        application.router.add_post("/token", self._token)
        application.router.add_get("/{version}/{what}", self._api)
        self._server = TestServer(application, scheme="https" if tls else "http")
        await self._server.start_server(ssl=tls)
        self.url = str(self._server.make_url("")).rstrip("/")

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def _token(self, request: web.Request) -> web.Response:
        self.log_ins += 1
        form = await request.post()
        by_code = self.codes.pop(str(form.get("code")), None)
        if form.get("password") != self.password and (
            by_code is None or by_code != form.get("verifier")
        ):
            return web.json_response({"error": "refused"}, status=401)
        token = f"canary-token-{self.log_ins}"
        self.tokens.add(token)
        return web.json_response({"token": token})

    async def _api(self, request: web.Request) -> web.Response:
        self.calls += 1
        if self.status is not None:
            return web.json_response({}, status=self.status, headers=self.headers)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.json_response({}, status=401)
        if request.match_info["version"] != self.version:
            return web.json_response({}, status=404)
        if request.match_info["what"] not in self.rights | {"me", "deals"}:
            return web.json_response({}, status=403)
        return web.json_response({"ok": True})


class FakeSettings(BaseModel):
    """What an operator enters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    password: Secret | None = None
    version: str = "24.1"
    calls_at_once: int = Field(default=4, json_schema_extra={"keeps_login": True})
    daily_tokens: int | None = None


def error_of(_: Request, response: Response) -> ConnectorError | None:
    match response.status:
        case 200:
            return None
        case 401:
            return AuthenticationError("the vendor refused the login")
        case 403:
            return AccessDeniedError("the login lacks a right")
        case 404:
            return ConfigurationError("the vendor has no such version")
        case 429:
            scope = QuotaScope(response.headers.get("x-scope", "burst"))
            return RateLimitedError("too many calls", scope=scope)
        case _:
            return UnavailableError(f"the vendor answered {response.status}")


class _Bearer:
    def __init__(
        self, settings: FakeSettings, transport: Transport, logins: LoginStore, clock: Clock
    ) -> None:
        self._settings = settings
        self._logins = logins
        self._clock = clock
        self._http = transport.http(base_url=settings.url, error_of=error_of)

    async def headers(self) -> Mapping[str, str]:
        login = await self._logins.current(LOGIN_NAME)
        if login is None:
            login = await self._logins.renew(LOGIN_NAME, replacing=None, renewal=self._log_in)
        return _bearer(login)

    async def renew(self, rejected: Mapping[str, str]) -> bool:
        held = await self._logins.current(LOGIN_NAME)
        version = None if held is None else held.version
        await self._logins.renew(LOGIN_NAME, replacing=version, renewal=self._log_in)
        return True

    async def _log_in(self, _: Login | None) -> Login:
        if self._settings.password is None:
            raise AuthenticationError("give consent first")
        form = {"password": self._settings.password.reveal()}
        return await _token(self._http, form, self._clock)


class FakeClient:
    """The vendor's client."""

    def __init__(
        self, settings: FakeSettings, *, transport: Transport, logins: LoginStore, clock: Clock
    ) -> None:
        self._settings = settings
        self._http = transport.http(
            base_url=settings.url,
            error_of=error_of,
            authenticator=_Bearer(settings, transport, logins, clock),
        )

    async def read(self, what: str = "deals") -> None:
        """Make one call."""
        path = f"{self._settings.version}/{what}"
        await self._http.call("GET", path, operation=f"{what}.get", cost=Cost(tokens=2))

    async def write(self) -> None:
        """Make one call that is not safe."""
        path = f"{self._settings.version}/deals"
        await self._http.call("POST", path, operation="deals.post", is_safe=False)

    async def ping(self, needs: Sequence[str]) -> list[PingLine]:
        """Look at login, version and rights."""
        lines: list[PingLine] = []
        try:
            await self.read("me")
        except UnavailableError as exc:
            return [_bad("address", self._settings.url, exc)]
        except ConfigurationError as exc:
            return [_bad("version", self._settings.version, exc)]
        except (AuthenticationError, RateLimitedError) as exc:
            return [_bad("login", "user", exc)]
        lines.append(PingLine(check="login", subject="user", is_good=True, message="logged in"))
        for need in needs:
            try:
                await self.read(need)
            except AccessDeniedError as exc:
                lines.append(_bad("right", need, exc))
        return lines

    async def changes(self, stream: str, *, since: datetime, page: str | None) -> ChangePage:
        """Read nothing."""
        raise NotImplementedError

    async def log_out(self) -> None:
        """Hold nothing."""


def authorize_url(settings: BaseModel, redirect_uri: str, state: str, verifier: str) -> str:
    assert isinstance(settings, FakeSettings)
    query = {"redirect_uri": redirect_uri, "state": state, "challenge": verifier}
    return f"{settings.url}/authorize?{urlencode(query)}"


async def exchange(
    settings: FakeSettings,
    *,
    code: str,
    redirect_uri: str,
    verifier: str,
    transport: Transport,
    clock: Clock,
) -> Login:
    http = transport.http(base_url=settings.url, error_of=error_of)
    form = {"code": code, "verifier": verifier, "redirect_uri": redirect_uri}
    return await _token(http, form, clock)


def limits_of(settings: FakeSettings) -> Limits:
    return Limits(
        windows=(Window(name="burst", calls=1000, seconds=1),),
        concurrency=settings.calls_at_once,
        daily_tokens=settings.daily_tokens,
    )


FAKE = Vendor(
    profile=Profile(name="fake", title="Fake"),
    settings=FakeSettings,
    open_client=FakeClient,
    consent=Consent(authorize_url=authorize_url, exchange=exchange, login_name=LOGIN_NAME),
    limits_of=limits_of,
)


async def _token(http: Any, form: Mapping[str, str], clock: Clock) -> Login:
    answer = await http.call(
        "POST", "token", operation="log_in", form=form, cost=FREE, is_safe=True, reads_only=True
    )
    return Login(
        values={"token": Secret(json.loads(answer.body)["token"])},
        facts={},
        expires_at=clock.now() + timedelta(hours=1),
    )


def _bearer(login: Login) -> Mapping[str, str]:
    return {"authorization": f"Bearer {login.values['token'].reveal()}"}


def _bad(check: Any, subject: str, error: ConnectorError) -> PingLine:
    return PingLine(check=check, subject=subject, is_good=False, message=error.message)
