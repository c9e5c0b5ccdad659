"""OAuth 2.0: codes, tokens and the chains of refresh tokens."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from vendor_simulators.acumatica.answers import RefusalError
from vendor_simulators.acumatica.sessions import Session, Sessions, not_logged_in
from vendor_simulators.kit import SimClock

_CODE_SECONDS = 300
_DAY = 86_400
_MANY_TOKENS = 1_000  # from here on, expired ones are dropped
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass
class ConnectedApp:
    """A row of the Connected Applications form (SM303010)."""

    client_id: str  # with @tenant
    secret: str
    redirect_uris: list[str] = field(default_factory=list)


@dataclass
class Grant:
    """One consent or password sign-in, with its chain of refresh tokens."""

    client_id: str
    user: str
    scope: str
    session: Session
    expires_at: float
    refresh_token: str | None = None
    is_revoked: bool = False


@dataclass
class _Token:
    grant: Grant
    expires_at: float


@dataclass
class _Code:
    client_id: str
    redirect_uri: str
    scope: str
    user: str
    challenge: str | None
    expires_at: float


class OAuthError(Exception):
    """A refusal of the authorize or token endpoint, by its standard code."""

    def __init__(self, code: str, description: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.description = description

    def content(self) -> dict[str, str]:
        """Return the JSON body of the refusal."""
        more = {} if self.description is None else {"error_description": self.description}
        return {"error": self.code, **more}


class OAuth:
    """Gives out and checks codes and tokens."""

    def __init__(
        self,
        *,
        clock: SimClock,
        sessions: Sessions,
        switches: dict[str, Any],
        apps: Mapping[str, ConnectedApp],
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._switches = switches
        self.apps = dict(apps)
        self._tokens: dict[str, _Token] = {}
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, Grant] = {}
        self._used_refresh: dict[str, Grant] = {}

    def authorize(self, query: Mapping[str, str], user: str) -> str:
        """Return a code for the consent of ``user``; raise OAuthError when it must be refused."""
        app = self._app(query.get("client_id"))
        if app is None:
            raise OAuthError("unauthorized_client")
        if not self._takes_redirect(app, query.get("redirect_uri", "")):
            raise OAuthError("invalid_request", "the redirect_uri is not registered")
        if query.get("response_type") != "code":
            raise OAuthError("unsupported_response_type")
        if "api" not in query.get("scope", "").replace(":concurrent_access", "").split():
            raise OAuthError("invalid_scope")
        challenge = query.get("code_challenge")
        if challenge is not None and query.get("code_challenge_method") != "S256":
            raise OAuthError("invalid_request", "code_challenge_method must be S256")
        code = self._sessions.secret(12)
        self._codes[code] = _Code(
            client_id=app.client_id,
            redirect_uri=query["redirect_uri"],
            scope=query["scope"],
            user=user,
            challenge=challenge,
            expires_at=self._clock.monotonic() + _CODE_SECONDS,
        )
        return code

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer the token endpoint; raise OAuthError when it must be refused."""
        app = self._app(form.get("client_id"))
        if app is None or form.get("client_secret") != app.secret:
            raise OAuthError("invalid_client")
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._tokens_of(self._grant_by_code(app, form))
        if kind == "password":
            return self._tokens_of(self._grant_by_password(app, form))
        if kind == "refresh_token":
            return self._renewed(app, form.get("refresh_token", ""))
        raise OAuthError("unsupported_grant_type")

    def session_of(self, value: str, cookies: Mapping[str, str]) -> Session:
        """Return the session of an access token; 401 when the token is not good."""
        token = self._tokens.get(value)
        if token is None or token.expires_at <= self._clock.monotonic() or token.grant.is_revoked:
            raise not_logged_in()
        grant = token.grant
        if "api:concurrent_access" in grant.scope.split():
            named = self._sessions.all.get(cookies.get("ASP.NET_SessionId", ""))
            session = named if named is not None else self._sessions.open(grant.user, "oauth")
            session.is_concurrent = True
            return session
        if grant.session.is_over:
            grant.session = self._sessions.open(grant.user, "oauth")
        if self._sessions.is_idle(grant.session):
            grant.session.has_seat = False
        return grant.session

    def expire_token(self, value: str) -> bool:
        """Let an access token expire now; say whether it was good."""
        return self._tokens.pop(value, None) is not None

    def expire_access_tokens(self) -> int:
        """Let every access token expire; refresh tokens stay good."""
        number = len(self._tokens)
        self._tokens.clear()
        return number

    def revoke_grants(self) -> int:
        """Revoke everything that was consented to: a person has to sign in again."""
        number = len(self._refresh)
        self._refresh.clear()
        self._tokens.clear()
        self._sessions.end_all()
        return number

    def _app(self, client_id: str | None) -> ConnectedApp | None:
        app = self.apps.get(client_id or "")
        if app is None or app.client_id.rpartition("@")[2] not in self._sessions.tenants:
            return None
        return app

    def _takes_redirect(self, app: ConnectedApp, uri: str) -> bool:
        if uri in app.redirect_uris:
            return True
        return bool(self._switches["any_loopback_redirect"] and urlsplit(uri).hostname in _LOOPBACK)

    def _grant_by_code(self, app: ConnectedApp, form: Mapping[str, str]) -> Grant:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.client_id != app.client_id:
            raise OAuthError("invalid_grant")
        if code.expires_at <= self._clock.monotonic():
            raise OAuthError("invalid_grant")
        if code.redirect_uri != form.get("redirect_uri"):
            raise OAuthError("invalid_grant")
        if code.challenge is not None and code.challenge != _s256(form.get("code_verifier", "")):
            raise OAuthError("invalid_grant")
        return self._grant(app, code.user, code.scope)

    def _grant_by_password(self, app: ConnectedApp, form: Mapping[str, str]) -> Grant:
        user = self._sessions.checked_user(form.get("username"), form.get("password"))
        if user is None:
            raise OAuthError("invalid_grant", "invalid_username_or_password")
        scope = form.get("scope", "")
        if not {"api", "api:concurrent_access"} & set(scope.split()):
            raise OAuthError("invalid_scope")
        return self._grant(app, user.name, scope)

    def _grant(self, app: ConnectedApp, user: str, scope: str) -> Grant:
        life = float(self._switches["refresh_days"]) * _DAY
        grant = Grant(
            client_id=app.client_id,
            user=user,
            scope=scope,
            session=self._sessions.open(user, "oauth"),
            expires_at=self._clock.monotonic() + life,
        )
        if self._switches["seat_taken_at"] == "token":
            try:
                self._sessions.take_seat(grant.session)
            except RefusalError:
                self._sessions.end(grant.session)
                raise
        return grant

    def _renewed(self, app: ConnectedApp, refresh_token: str) -> dict[str, Any]:
        reused = self._used_refresh.get(refresh_token)
        if reused is not None and self._switches["revoke_chain_on_reuse"]:
            reused.is_revoked = True
            self._refresh.pop(reused.refresh_token or "", None)
        grant = self._refresh.get(refresh_token)
        if grant is None or grant.client_id != app.client_id or grant.is_revoked:
            raise OAuthError("invalid_grant")
        now = self._clock.monotonic()
        if grant.expires_at <= now:
            raise OAuthError("invalid_grant")
        sliding = self._switches["sliding_refresh_days"]
        if sliding is not None:
            grant.expires_at = now + float(sliding) * _DAY
        if self._switches["renewal_without_refresh_token"]:
            answer = self._tokens_of(grant, keeps_refresh_token=True)
            answer.pop("refresh_token", None)
            return answer
        self._used_refresh[refresh_token] = self._refresh.pop(refresh_token)
        return self._tokens_of(grant)

    def _tokens_of(self, grant: Grant, *, keeps_refresh_token: bool = False) -> dict[str, Any]:
        seconds = int(self._switches["token_seconds"])
        self._drop_expired_tokens()
        access = self._sessions.secret(24)
        self._tokens[access] = _Token(grant, self._clock.monotonic() + seconds)
        answer: dict[str, Any] = {
            "access_token": access,
            "expires_in": seconds,
            "token_type": "Bearer",
        }
        if "offline_access" in grant.scope.split() and not keeps_refresh_token:
            grant.refresh_token = self._sessions.secret(32)
            self._refresh[grant.refresh_token] = grant
            answer["refresh_token"] = grant.refresh_token
        if self._switches["scope_in_token_answer"]:
            answer["scope"] = grant.scope
        return answer

    def _drop_expired_tokens(self) -> None:
        if len(self._tokens) < _MANY_TOKENS:
            return
        now = self._clock.monotonic()
        self._tokens = {
            value: token for value, token in self._tokens.items() if token.expires_at > now
        }


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
