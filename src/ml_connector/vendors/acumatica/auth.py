"""Logging in to Acumatica, renewing, and giving the seat back.

Three ways in: OAuth after a person's consent, OAuth with a user's password, and the old cookie
sign-in. All processes share one stored login, so they share one session and take one seat.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

import msgspec
from pydantic import BaseModel

from ml_connector.core.clock import Clock
from ml_connector.core.errors import (
    AuthenticationError,
    ContractError,
    OutcomeUnknownError,
    UnavailableError,
)
from ml_connector.core.logins import Login, LoginStore
from ml_connector.core.secret import Secret
from ml_connector.transport.http import HTTP, Transport
from ml_connector.transport.messages import FREE
from ml_connector.vendors.acumatica import errors, wire
from ml_connector.vendors.acumatica.settings import Settings

LOGIN = "user"
"""The name under which the login is stored."""

SCOPE = "api offline_access"
"""Not `api:concurrent_access`: that opens a session per call in parallel, each a seat."""

CONSENT_LASTS = timedelta(days=30)
"""The chain of refresh tokens ends so long after the consent, unless the site slides it."""

_RENEW_BEFORE = timedelta(minutes=3)  # a call may take two minutes, and clocks differ
_SESSION_COOKIE = ".ASPXAUTH"
_PER_REQUEST_COOKIES = frozenset({"requestid", "requeststat"})
_CONSENTED_AT = "consented_at"


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint grants."""

    access_token: str
    expires_in: int = 3600
    refresh_token: str | None = None
    scope: str | None = None


class Way(Protocol):
    """One way of logging in."""

    async def log_in(self, held: Login | None) -> Login:
        """Return a new login, by renewing ``held`` where that can be done."""
        ...

    def headers(self, login: Login) -> dict[str, str]:
        """Return the headers that carry a login."""
        ...


class UserLogin:
    """Adds the connection's login to its calls (an Authenticator of the transport)."""

    def __init__(self, way: Way, *, logins: LoginStore, clock: Clock, http: HTTP) -> None:
        self._way = way
        self._logins = logins
        self._clock = clock
        self._http = http

    async def headers(self) -> Mapping[str, str]:
        """Return the headers of a login that is good for a while; log in or renew if need be."""
        held = await self._logins.current(LOGIN)
        if held is None or self._is_over(held):
            held = await self._renewed(held)
        return self._way.headers(held)

    async def renew(self, rejected: Mapping[str, str]) -> bool:
        """Log in again, unless the stored login is no longer the one that was rejected."""
        held = await self._logins.current(LOGIN)
        if held is None or self._way.headers(held) == dict(rejected):
            await self._renewed(held)
        return True

    async def log_out(self) -> None:
        """End the session, so that its seat is free at once.

        OAuth tokens are kept: the next call opens a session anew without a person.
        """
        held = await self._logins.current(LOGIN)
        if held is None:
            return
        # Refused: the session had ended already, and there is no seat to give back.
        with contextlib.suppress(AuthenticationError):
            await self._http.call(
                "POST",
                "entity/auth/logout",
                operation="auth.logout",
                headers=self._way.headers(held),
                body=b"",  # not None: IIS answers 411 to a POST without a length
                cost=FREE,
                is_safe=True,
                reads_only=True,
            )
        if isinstance(self._way, CookieWay):
            await self._logins.forget(LOGIN, version=held.version)

    async def _renewed(self, held: Login | None) -> Login:
        replacing = None if held is None else held.version
        return await self._logins.renew(LOGIN, replacing=replacing, renewal=self._way.log_in)

    def _is_over(self, login: Login) -> bool:
        return login.expires_at is not None and login.expires_at <= self._clock.now()


class OAuthWay:
    """OAuth 2.0: refresh tokens, and the password grant where the settings say so."""

    def __init__(self, settings: Settings, *, tokens: HTTP, clock: Clock) -> None:
        self._settings = settings
        self._tokens = tokens
        self._clock = clock

    async def log_in(self, held: Login | None) -> Login:
        """Refresh; with the password grant log in anew when there is nothing to refresh by."""
        refresh_token = held.values.get("refresh_token") if held is not None else None
        by_password = self._settings.login_mode == "oauth_password"
        if refresh_token is not None:
            try:
                return await self._refreshed(held, refresh_token)
            except AuthenticationError:
                if not by_password:
                    raise
        if by_password:
            return await self._by_password()
        raise AuthenticationError(
            "Nobody has consented to this connection yet: log in to Acumatica once in the browser",
            waits_for="consent",
        )

    def headers(self, login: Login) -> dict[str, str]:
        """Return the bearer header."""
        return {"Authorization": f"Bearer {login.values['access_token'].reveal()}"}

    async def by_code(self, *, code: str, redirect_uri: str, verifier: str) -> Login:
        """Exchange what the consent page sent back."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        return await self._granted(form, "auth.code", held=None)

    async def _refreshed(self, held: Login | None, refresh_token: Secret) -> Login:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}
        return await self._granted(form, "auth.refresh", held=held)

    async def _by_password(self) -> Login:
        form = {
            "grant_type": "password",
            "username": self._settings.username or "",
            "password": _reveal(self._settings.password),
            "scope": SCOPE,
        }
        return await self._granted(form, "auth.password", held=None)

    async def _granted(
        self, form: Mapping[str, str], operation: str, *, held: Login | None
    ) -> Login:
        now = self._clock.now()
        client = {
            "client_id": self._settings.client_id or "",
            "client_secret": _reveal(self._settings.client_secret),
        }
        try:
            answer = await self._tokens.call(
                "POST",
                "token",
                operation=operation,
                form={**form, **client},
                cost=FREE,
                # Not safe: a refresh token counts once, and each password grant takes a seat.
                is_safe=False,
                reads_only=True,
            )
        except OutcomeUnknownError as exc:
            raise UnavailableError(f"Acumatica's answer to the login was lost: {exc}") from exc
        return _login_of(answer.body, now=now, held=held)


class CookieWay:
    """The old sign-in: a session cookie."""

    def __init__(self, settings: Settings, *, http: HTTP) -> None:
        self._settings = settings
        self._http = http

    async def log_in(self, held: Login | None) -> Login:
        """Sign in. What ``held`` is has ended at the server, so it takes no seat."""
        body = {
            "name": self._settings.username,
            "password": _reveal(self._settings.password),
            "tenant": self._settings.tenant,
        }
        if self._settings.branch:
            body["branch"] = self._settings.branch
        try:
            answer = await self._http.call(
                "POST",
                "entity/auth/login",
                operation="auth.login",
                json=msgspec.json.encode(body),
                cost=FREE,
                is_safe=False,  # each takes a seat
                reads_only=True,
            )
        except OutcomeUnknownError as exc:
            raise UnavailableError(f"Acumatica's answer to the login was lost: {exc}") from exc
        cookies = {
            name: Secret(value)
            for name, value in answer.cookies.items()
            if value and name not in _PER_REQUEST_COOKIES
        }
        if _SESSION_COOKIE not in cookies:
            raise ContractError("Acumatica accepted the login without a session cookie")
        company = cookies.get("CompanyID")
        return Login(
            values=cookies,
            facts={"company": company.reveal()} if company else {},
            expires_at=None,  # ends after idle minutes that nobody states; 401 tells
        )

    def headers(self, login: Login) -> dict[str, str]:
        """Return the cookies of the session; answers never change those that carry it."""
        return {
            "Cookie": "; ".join(f"{name}={value.reveal()}" for name, value in login.values.items())
        }


def open_login(
    settings: Settings, *, transport: Transport, http: HTTP, logins: LoginStore, clock: Clock
) -> UserLogin:
    """Return the connection's login, by the way that its settings name.

    ``http`` makes calls to the instance without a login.
    """
    way: Way
    if settings.login_mode == "cookie":
        way = CookieWay(settings, http=http)
    else:
        way = OAuthWay(settings, tokens=_tokens(settings, transport), clock=clock)
    return UserLogin(way, logins=logins, clock=clock, http=http)


def consent_ends_at(login: Login) -> datetime | None:
    """Return when the consent runs out by the vendor's default; None when it is not known."""
    told = login.facts.get(_CONSENTED_AT)
    return None if told is None else datetime.fromisoformat(told) + CONSENT_LASTS


# --- consent by a person -------------------------------------------------------------------


def authorize_url(settings: BaseModel, redirect_uri: str, state: str, verifier: str) -> str:
    """Return the address at which a person consents (authorization code with PKCE)."""
    checked = _checked(settings)
    digest = hashlib.sha256(verifier.encode()).digest()
    query = urlencode(
        {
            "response_type": "code",
            "client_id": checked.client_id or "",
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": state,
            "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        }
    )
    return f"{checked.instance_url}/identity/connect/authorize?{query}"


async def exchange(
    settings: BaseModel,
    *,
    code: str,
    redirect_uri: str,
    verifier: str,
    transport: Transport,
    clock: Clock,
) -> Login:
    """Exchange the code that the consent page sent back for a login."""
    checked = _checked(settings)
    way = OAuthWay(checked, tokens=_tokens(checked, transport), clock=clock)
    return await way.by_code(code=code, redirect_uri=redirect_uri, verifier=verifier)


def _checked(settings: BaseModel) -> Settings:
    if not isinstance(settings, Settings):
        raise TypeError(f"these are no settings of Acumatica: {type(settings).__name__}")
    return settings


def _tokens(settings: Settings, transport: Transport) -> HTTP:
    return transport.http(
        base_url=f"{settings.instance_url}/identity/connect", error_of=errors.token_error_of
    )


def _login_of(body: bytes, *, now: datetime, held: Login | None) -> Login:
    raw = wire.decode(body)
    try:
        granted = msgspec.convert(raw, TokenAnswer, strict=False)
    except msgspec.ValidationError as exc:
        raise ContractError(f"Acumatica's token answer is not as documented: {exc}") from exc
    values = {"access_token": Secret(granted.access_token)}
    if granted.refresh_token is not None:
        values["refresh_token"] = Secret(granted.refresh_token)
    elif held is not None and "refresh_token" in held.values:
        values["refresh_token"] = held.values["refresh_token"]
    consented_at = held.facts.get(_CONSENTED_AT) if held is not None else None
    lifetime = timedelta(seconds=granted.expires_in)
    return Login(
        values=values,
        facts={_CONSENTED_AT: consented_at or now.isoformat(), "scope": granted.scope or SCOPE},
        expires_at=now + lifetime - min(_RENEW_BEFORE, lifetime / 5),
    )


def _reveal(secret: Secret | None) -> str:
    return secret.reveal() if secret is not None else ""
