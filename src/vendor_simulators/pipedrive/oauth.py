"""The OAuth host: consent, tokens, revoking. It shares the API's port."""

from __future__ import annotations

import base64
import binascii
import html
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web

from vendor_simulators.pipedrive.answers import RefusedError
from vendor_simulators.pipedrive.logins import Grant, LoginBook
from vendor_simulators.pipedrive.wire import Row, encode

_FORM = "application/x-www-form-urlencoded"
_KINDS = {
    "Missing parameter": "invalid_request",
    "Unsupported grant type": "unsupported_grant_type",
    "Invalid grant": "invalid_grant",
    "Invalid client": "invalid_client",
    "Invalid request": "invalid_request",
}
_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Pipedrive</title></head><body>
<h1>Allow the app to access your Pipedrive data?</h1><p>{scopes}</p>
<form method="post" action="/oauth/authorize">{hidden}
<button name="decision" value="allow">Allow and install</button>
<button name="decision" value="deny">Cancel</button></form></body></html>"""


class OAuthHost:
    """Answers under /oauth."""

    def __init__(
        self,
        *,
        logins: Callable[[], LoginBook],
        switches: Mapping[str, Any],
        user_id: Callable[[], int],
        api_domain: Callable[[], str],
        on_uninstall: Callable[[int], None],
    ) -> None:
        self._logins_now = logins
        self._switches = switches
        self._user_id = user_id  # who consents in the browser
        self._api_domain = api_domain
        self._on_uninstall = on_uninstall

    @property
    def _logins(self) -> LoginBook:
        return self._logins_now()

    def routes(self) -> list[web.RouteDef]:
        """Return the paths."""
        return [
            web.get("/oauth/authorize", self.authorize),
            web.post("/oauth/authorize", self.decide),
            web.post("/oauth/token", self.token),
            web.post("/oauth/token/", self.token),
            web.post("/oauth/revoke", self.revoke),
        ]

    async def authorize(self, request: web.Request) -> web.Response:
        """Show the consent page, or consent at once."""
        try:
            self._check_request(request.query)
        except RefusedError as refusal:
            return _json(refusal.answer.body, refusal.answer.status)
        if self._switches["oauth_auto_allow"]:
            return self._redirect(request.query, is_allowed=True)
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in request.query.items()
        )
        page = _PAGE.format(scopes=html.escape(self._switches["app_scopes"]), hidden=hidden)
        return web.Response(text=page, content_type="text/html")

    async def decide(self, request: web.Request) -> web.Response:
        """Take the decision of the consent page."""
        given = _fields(await request.read())
        try:
            self._check_request(given)
        except RefusedError as refusal:
            return _json(refusal.answer.body, refusal.answer.status)
        return self._redirect(given, is_allowed=given.get("decision") == "allow")

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code, or refresh."""
        try:
            given = await self._authenticated(request)
            grant_type = given.get("grant_type")
            if not grant_type:
                raise self._refused("Missing parameter: grant_type")
            if grant_type == "authorization_code":
                return self._exchanged(given)
            if grant_type == "refresh_token":
                return self._refreshed(given)
            raise self._refused("Unsupported grant type: grant_type is invalid")
        except RefusedError as refusal:
            return _json(refusal.answer.body, refusal.answer.status)

    async def revoke(self, request: web.Request) -> web.Response:
        """End a token; ending a refresh token uninstalls the app for its user."""
        try:
            given = await self._authenticated(request)
        except RefusedError as refusal:
            return _json(refusal.answer.body, refusal.answer.status)
        user_id = self._logins.revoke(given.get("token", ""))
        if user_id is not None and given.get("token_type_hint") != "access_token":
            self._on_uninstall(user_id)
        return _json({"success": True}, HTTPStatus.OK)

    def _check_request(self, given: Mapping[str, str]) -> None:
        if given.get("client_id") != self._logins.client_id:
            raise self._refused("Invalid client: client is invalid")
        self._check_redirect(given.get("redirect_uri", ""))

    def _check_redirect(self, uri: str) -> None:
        if not urlsplit(uri).scheme:
            raise self._refused("Invalid request: redirect_uri is not a valid URI")
        if uri != self._switches["redirect_uri"] and not self._switches["any_redirect_uri"]:
            raise self._refused("Invalid request: redirect_uri is invalid")

    def _redirect(self, given: Mapping[str, str], *, is_allowed: bool) -> web.Response:
        uri = given["redirect_uri"]
        found = {"error": "access_denied"}
        if is_allowed:
            found = {"code": self._logins.new_code(self._user_id(), uri)}
        if "state" in given:
            found["state"] = given["state"]
        separator = "&" if urlsplit(uri).query else "?"
        location = f"{uri}{separator}{urlencode(found)}"
        return web.Response(status=HTTPStatus.FOUND, headers={"Location": location})

    async def _authenticated(self, request: web.Request) -> dict[str, str]:
        """Return the form fields of an app that proved who it is."""
        if request.content_type != _FORM:
            raise self._refused(f"Invalid request: content must be {_FORM}")
        given = _fields(await request.read())
        known = (self._logins.client_id, self._logins.client_secret)
        claimed = _basic(request.headers.get("Authorization", ""))
        if claimed is None and "client_id" in given:
            claimed = (given["client_id"], given.get("client_secret", ""))
        if claimed is None:
            raise self._refused("Invalid client: cannot retrieve client credentials")
        if claimed != known:
            raise self._refused("Invalid client: client is invalid")
        return given

    def _exchanged(self, given: Mapping[str, str]) -> web.Response:
        grant = self._logins.take_code(given.get("code", ""))
        if grant is None:
            raise self._refused("Invalid grant: authorization_code is invalid")
        if self._logins.has_ended(grant):
            raise self._refused("Invalid grant: authorization_code has expired")
        if given.get("redirect_uri") != grant.redirect_uri:
            raise self._refused("Invalid request: redirect_uri is invalid")
        access, refresh = self._logins.issue(grant)
        return self._tokens(access, refresh, grant)

    def _refreshed(self, given: Mapping[str, str]) -> web.Response:
        renewed = self._logins.renew(given.get("refresh_token", ""))
        if renewed is None:
            raise self._refused("Invalid grant: refresh_token is invalid")
        return self._tokens(*renewed)

    def _tokens(self, access: str, refresh: str, grant: Grant) -> web.Response:
        body = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self._switches["access_token_seconds"],
            "refresh_token": refresh,
            "scope": self._switches["oauth_scope_separator"].join(sorted(grant.scopes)),
            "api_domain": self._api_domain(),
        }
        return _json(body, HTTPStatus.OK)

    def _refused(self, message: str) -> RefusedError:
        code = _KINDS[message.partition(":")[0]]
        body: Row = {"success": False, "message": message, "error": code}
        if self._switches["oauth_error_form"] == "rfc":
            body = {"error": code, "error_description": message}
        return RefusedError(HTTPStatus.BAD_REQUEST, body)


def _fields(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def _json(body: Any, status: int) -> web.Response:
    return web.Response(
        body=encode(body), status=status, content_type="application/json", charset="utf-8"
    )
