"""The sign-in paths: OAuth under /identity, cookie sessions under /entity/auth."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import msgspec
from aiohttp import web

from vendor_simulators.acumatica.answers import (
    RefusalError,
    invalid_request,
    json_response,
    no_route,
)
from vendor_simulators.acumatica.identity import USERNAME, Identity
from vendor_simulators.acumatica.oauth import OAuthError
from vendor_simulators.acumatica.sessions import Session

_GONE = "Thu, 01 Jan 1970 00:00:00 GMT"
_CONSENT = """<!DOCTYPE html><html><head><title>Sign In</title></head><body>
<form method="post"><input type="hidden" name="query" value="{query}">
<input name="username"><input name="password" type="password">
<button name="consent" value="allow">Allow</button>
<button name="consent" value="deny">Deny</button></form></body></html>"""


class SigningIn:
    """Answers the sign-in paths."""

    def __init__(self, identity: Identity, switches: dict[str, Any]) -> None:
        self._identity = identity
        self._switches = switches

    async def identity_path(self, request: web.Request, rest: tuple[str, ...]) -> web.Response:
        """Answer a path below /identity."""
        path = "/".join(rest).lower()
        match request.method, path:
            case "GET", ".well-known/openid-configuration":
                return json_response(_discovery(str(request.url.origin()), request.path))
            case "GET", ".well-known/openid-configuration/jwks":
                return json_response({"keys": []})
            case "GET", "connect/authorize":
                return self._authorize(dict(request.query))
            case "POST", "connect/authorize":
                return self._consented(await _form(request))
            case "POST", "connect/token":
                return self._token(await _form(request), request.headers.get("Authorization"))
            case "GET", "connect/userinfo":
                session = self._identity.session_of(
                    request.headers.get("Authorization"), request.cookies
                )
                return json_response({"sub": session.user, "name": session.user})
        raise no_route(str(request.url))

    async def login(self, request: web.Request) -> web.Response:
        """Open a cookie session: 204 and the cookies of a site."""
        content = await _login_content(request)
        session = self._identity.sessions.login(content)
        answer = web.Response(status=204)
        for name, value in _cookies(session).items():
            answer.headers.add("Set-Cookie", f"{name}={value}; path=/{_flags(name)}")
        return answer

    def logout(self, request: web.Request) -> web.Response:
        """End the session of the call, if it has one; the cookies are cleared either way."""
        try:
            session = self._identity.session_of(
                request.headers.get("Authorization"), request.cookies
            )
        except RefusalError:
            session = None
        if session is not None:
            self._identity.sessions.end(session)
        answer = web.Response(status=204)
        for name in (".ASPXAUTH", "ASP.NET_SessionId"):
            answer.headers.add("Set-Cookie", f"{name}=; expires={_GONE}; path=/; HttpOnly")
        return answer

    def _authorize(self, query: dict[str, str]) -> web.Response:
        try:
            if not self._switches["auto_allow"]:
                page = _CONSENT.format(query=escape(urlencode(query), quote=True))
                return web.Response(text=page, content_type="text/html")
            return self._allowed(query)
        except OAuthError as exc:
            return json_response(exc.content(), status=400)

    def _consented(self, form: Mapping[str, str]) -> web.Response:
        query = dict(parse_qsl(form.get("query", "")))
        user = self._identity.sessions.users.get(form.get("username", ""))
        if user is None or user.password != form.get("password"):
            return web.Response(status=401, text="Invalid credentials.", content_type="text/html")
        try:
            return self._allowed(query, user=user.name, is_denied=form.get("consent") != "allow")
        except OAuthError as exc:
            return json_response(exc.content(), status=400)

    def _allowed(
        self, query: dict[str, str], *, user: str = USERNAME, is_denied: bool = False
    ) -> web.Response:
        # The request is checked before a refusal may be sent to its redirect_uri.
        code = self._identity.oauth.authorize(query, user)
        state = {"state": query["state"]} if "state" in query else {}
        result = {"code": code, "scope": query["scope"], **state}
        if is_denied or self._switches["deny_consent"]:
            result = {"error": "access_denied", **state}
        target = query["redirect_uri"]
        joint = "&" if "?" in target else "?"
        return web.Response(status=302, headers={"Location": f"{target}{joint}{urlencode(result)}"})

    def _token(self, form: dict[str, str], authorization: str | None) -> web.Response:
        if authorization is not None and authorization.startswith("Basic "):
            decoded = base64.b64decode(authorization[6:]).decode("utf-8", "replace")
            client_id, _, secret = decoded.partition(":")
            form = {"client_id": unquote(client_id), "client_secret": unquote(secret), **form}
        try:
            answer = json_response(self._identity.oauth.token(form))
        except OAuthError as exc:
            return json_response(exc.content(), status=400)
        answer.headers["Cache-Control"] = "no-store, no-cache, max-age=0"
        return answer


def session_cookie(session: Session) -> str:
    """Return the Set-Cookie of a session that a token with concurrent access opened."""
    return f"ASP.NET_SessionId={session.id}; path=/; HttpOnly; SameSite=Lax"


async def _form(request: web.Request) -> dict[str, str]:
    return dict(parse_qsl((await request.read()).decode("utf-8", "replace")))


async def _login_content(request: web.Request) -> Mapping[str, Any]:
    body = await request.read()
    if not body:
        raise invalid_request("The request body should not be empty.")
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError as exc:
        raise invalid_request(str(exc)) from exc


def _cookies(session: Session) -> dict[str, str]:
    return {
        ".ASPXAUTH": session.auth_cookie,
        "ASP.NET_SessionId": session.id,
        "CompanyID": "COMPANY",
        "Locale": "Culture=en-US&TimeZone=GMTM0800A",
        "UserBranch": "1",
        "requestid": session.id[:8].upper(),
        "requeststat": "+st:16+sc:~/entity/auth/login+start:0+tg:",
    }


def _flags(name: str) -> str:
    # A site sends these with `secure`; over plain HTTP a client would then keep them back.
    return "; HttpOnly; SameSite=Lax" if name in {".ASPXAUTH", "ASP.NET_SessionId"} else ""


def _discovery(origin: str, path: str) -> dict[str, Any]:
    base = origin + path[: path.lower().index("/identity")] + "/identity"
    return {
        "issuer": base,
        "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
        "authorization_endpoint": f"{base}/connect/authorize",
        "token_endpoint": f"{base}/connect/token",
        "userinfo_endpoint": f"{base}/connect/userinfo",
        "scopes_supported": ["openid", "api", "offline_access", "api:concurrent_access"],
        "grant_types_supported": ["authorization_code", "refresh_token", "implicit", "password"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
    }
