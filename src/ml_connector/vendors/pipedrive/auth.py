"""Logging in: with a user's API token, or with OAuth 2 by a person's consent.

An OAuth login lives about an hour and is renewed with its refresh token, by one worker at a time
through the connection's LoginStore, which keeps the new login before anybody uses it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import msgspec
from pydantic import BaseModel

from ml_connector.core.clock import Clock
from ml_connector.core.errors import AuthenticationError, ContractError, TransientError
from ml_connector.core.logins import Login, LoginStore
from ml_connector.core.secret import Secret
from ml_connector.transport.http import HTTP, Transport
from ml_connector.transport.messages import FREE, Authenticator
from ml_connector.transport.vendor import Consent
from ml_connector.vendors.pipedrive import errors, wire
from ml_connector.vendors.pipedrive.settings import Settings

LOGIN_NAME = "user"
_RENEWED_BEFORE = timedelta(minutes=2)
"""How long before its end a login is renewed: longer than a call and a clock's error."""
_CONSENT_NEEDED = (
    "Pipedrive has not been connected yet, or its login was taken back: open the connection and "
    "give consent (again)"
)


class PipedriveLogin(Authenticator, Protocol):
    """An authenticator that also knows what the login is good for."""

    async def api_domain(self) -> str | None:
        """Return scheme and host of the company's API, where the login names it."""
        ...

    async def scopes(self) -> frozenset[str] | None:
        """Return the granted OAuth scopes; None for a login without scopes."""
        ...


def login_of(
    settings: Settings, *, transport: Transport, logins: LoginStore, clock: Clock
) -> PipedriveLogin:
    """Return the authenticator for the way of logging in that the settings choose."""
    if settings.login == "oauth":
        return OAuthLogin(settings, transport=transport, logins=logins, clock=clock)
    if settings.api_token is None:  # the settings' validator does not let this through
        raise AuthenticationError("Pipedrive's API token is missing")
    return TokenLogin(settings.api_token)


class TokenLogin:
    """A user's API token. It has no scopes and no end; a new one made in Pipedrive ends it."""

    def __init__(self, api_token: Secret) -> None:
        self._api_token = api_token

    async def headers(self) -> Mapping[str, str]:
        """Return the token's header: never a query parameter, which would end up in logs."""
        return {"x-api-token": self._api_token.reveal()}

    async def renew(self, rejected: Mapping[str, str]) -> bool:
        """Say that there is nothing to renew."""
        return False

    async def api_domain(self) -> str | None:
        """Return None: the settings name the company, if anybody does."""
        return None

    async def scopes(self) -> frozenset[str] | None:
        """Return None: a token may what its user may."""
        return None


class OAuthLogin:
    """A bearer token, renewed before it ends or when it is refused."""

    def __init__(
        self, settings: Settings, *, transport: Transport, logins: LoginStore, clock: Clock
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._logins = logins
        self._clock = clock
        self._held: Login | None = None

    async def headers(self) -> Mapping[str, str]:
        """Return the bearer header of a login that is good for a while yet."""
        return _bearer(await self._login())

    async def renew(self, rejected: Mapping[str, str]) -> bool:
        """Take a newer login from the store, or win one; say that another try may do.

        Raises AuthenticationError when a person has to give consent again.
        """
        stored = await self._logins.current(LOGIN_NAME)
        if stored is None:
            raise AuthenticationError(_CONSENT_NEEDED)
        if _bearer(stored)["authorization"] == rejected.get("authorization"):
            stored = await self._renewed(stored)
        self._held = stored
        return True

    async def api_domain(self) -> str | None:
        """Return scheme and host of the company's API, as the token's answer named them."""
        return (await self._login()).facts.get("api_domain")

    async def scopes(self) -> frozenset[str] | None:
        """Return the scopes that the token's answer named."""
        return parse_scopes((await self._login()).facts.get("scope", ""))

    async def _login(self) -> Login:
        held = self._held
        if held is None or self._ends_soon(held, margin=_RENEWED_BEFORE):
            held = await self._logins.current(LOGIN_NAME)
            if held is None:
                raise AuthenticationError(_CONSENT_NEEDED)
            if self._ends_soon(held, margin=_RENEWED_BEFORE):
                held = await self._renewed_while_good(held)
            self._held = held
        return held

    async def _renewed_while_good(self, held: Login) -> Login:
        """Renew; while the old login still works, an outage of the token endpoint does no harm."""
        try:
            return await self._renewed(held)
        except TransientError:
            if self._ends_soon(held, margin=timedelta()):
                raise
            return held

    async def _renewed(self, held: Login) -> Login:
        return await self._logins.renew(LOGIN_NAME, replacing=held.version, renewal=self._refresh)

    async def _refresh(self, held: Login | None) -> Login:
        if held is None or "refresh_token" not in held.values:
            raise AuthenticationError(_CONSENT_NEEDED)
        form = {
            "grant_type": "refresh_token",
            "refresh_token": held.values["refresh_token"].reveal(),
        }
        return await _token(
            self._settings, form, transport=self._transport, clock=self._clock, replaced=held
        )

    def _ends_soon(self, login: Login, *, margin: timedelta) -> bool:
        return login.expires_at is not None and self._clock.now() + margin >= login.expires_at


def authorize_url(
    settings: BaseModel,
    redirect_uri: str,
    state: str,
    verifier: str,  # noqa: ARG001 - as all vendors' consent; Pipedrive knows no PKCE
) -> str:
    """Return where to send the person.

    The scopes are those of the app in Developer Hub; the request names none.
    """
    known = _own(settings)
    query = {"client_id": known.client_id or "", "redirect_uri": redirect_uri, "state": state}
    return f"{known.oauth_url}/oauth/authorize?{urlencode(query)}"


async def exchange(
    settings: BaseModel,
    *,
    code: str,
    redirect_uri: str,
    verifier: str,  # noqa: ARG001 - as all vendors' consent; Pipedrive knows no PKCE
    transport: Transport,
    clock: Clock,
) -> Login:
    """Return the login for a code. It lives five minutes and can be exchanged once."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return await _token(_own(settings), form, transport=transport, clock=clock, replaced=None)


async def revoke(settings: Settings, login: Login, *, transport: Transport) -> None:
    """Give the consent back: the app counts as uninstalled, and its webhooks are removed."""
    await _oauth(settings, transport).call(
        "POST",
        "oauth/revoke",
        operation="oauth.revoke",
        form={
            "token": login.values["refresh_token"].reveal(),
            "token_type_hint": "refresh_token",
        },
        headers=_client_login(settings),
        cost=FREE,
        is_safe=True,
        reads_only=True,
    )


def parse_scopes(text: str) -> frozenset[str]:
    """Return the scopes of a token's answer, which separates them by spaces or by commas."""
    return frozenset(text.replace(",", " ").split())


CONSENT = Consent(authorize_url=authorize_url, exchange=exchange, login_name=LOGIN_NAME)


class _Token(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    expires_in: int | None = None
    refresh_token: str | None = None
    scope: str = ""
    api_domain: str | None = None


async def _token(
    settings: Settings,
    form: Mapping[str, str],
    *,
    transport: Transport,
    clock: Clock,
    replaced: Login | None,
) -> Login:
    asked_at = clock.now()
    answer = await _oauth(settings, transport).call(
        "POST",
        # Without a trailing slash, which the published description has for the refresh: a
        # client saw it redirected, and the form lost on the way (NOTES.md, "Login").
        "oauth/token",
        operation=f"oauth.{form['grant_type']}",
        form=form,
        headers=_client_login(settings),
        cost=FREE,
        # A refresh token may be sent twice, as Pipedrive returns the same one; a code may not.
        is_safe=form["grant_type"] == "refresh_token",
        reads_only=True,
    )
    token = wire.record(_Token, wire.parse(answer.body))
    return _login_from(token, replaced=replaced, asked_at=asked_at)


def _login_from(token: _Token, *, replaced: Login | None, asked_at: datetime) -> Login:
    kept = {} if replaced is None else dict(replaced.values)
    kept["access_token"] = Secret(token.access_token)
    if token.refresh_token:
        kept["refresh_token"] = Secret(token.refresh_token)
    facts = {} if replaced is None else dict(replaced.facts)
    facts["scope"] = token.scope or facts.get("scope", "")
    if token.api_domain:
        facts["api_domain"] = _origin(token.api_domain)
    ends_at = None if token.expires_in is None else asked_at + timedelta(seconds=token.expires_in)
    return Login(values=kept, facts=facts, expires_at=ends_at)


def _origin(api_domain: str) -> str:
    parts = urlsplit(api_domain)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ContractError(f"Pipedrive's token names {api_domain!r} as API address")
    return f"{parts.scheme}://{parts.netloc}"


def _oauth(settings: Settings, transport: Transport) -> HTTP:
    return transport.http(base_url=settings.oauth_url, error_of=errors.oauth_error_of)


def _client_login(settings: Settings) -> Mapping[str, str]:
    secret = settings.client_secret.reveal() if settings.client_secret else ""
    pair = f"{settings.client_id}:{secret}".encode()
    return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _bearer(login: Login) -> dict[str, str]:
    return {"authorization": f"Bearer {login.values['access_token'].reveal()}"}


def _own(settings: BaseModel) -> Settings:
    if not isinstance(settings, Settings):
        raise TypeError(f"{type(settings).__name__} are not settings of Pipedrive")
    return settings
