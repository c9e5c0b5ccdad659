"""Who may call: users' API tokens, and what the OAuth app was granted."""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vendor_simulators.kit import SimClock
from vendor_simulators.kit.marks import marked
from vendor_simulators.pipedrive.answers import unauthorized

CODE_LIFE = timedelta(minutes=5)
REFRESH_LIFE = timedelta(days=60)  # counted anew by each use
_ACCESS_BYTES = 240
APP_ID = 10_493


@dataclass(frozen=True, slots=True)
class Login:
    """The caller of one request."""

    user_id: int
    key: str  # whose rate windows count
    scopes: frozenset[str] | None = None  # None: an API token, which has no scopes

    @property
    def is_oauth(self) -> bool:
        """Whether an app calls for the user."""
        return self.scopes is not None


@dataclass(slots=True)
class Grant:
    """A token or code of the OAuth app."""

    user_id: int
    scopes: frozenset[str]
    ends: datetime
    redirect_uri: str = ""
    refresh_token: str = ""


class LoginBook:
    """All credentials of the company and of its one OAuth app."""

    def __init__(self, *, clock: SimClock, rng: random.Random, switches: Mapping[str, Any]) -> None:
        self._clock = clock
        self._rng = rng
        self._switches = switches
        self.client_id = f"{rng.getrandbits(64):016x}"
        self.client_secret = marked(f"{rng.getrandbits(160):040x}")
        self._by_api_token: dict[str, int] = {}
        self._codes: dict[str, Grant] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}

    def new_api_token(self, user_id: int) -> str:
        """Give a user a new API token; the old one is dead at once."""
        self._by_api_token = {
            token: owner for token, owner in self._by_api_token.items() if owner != user_id
        }
        token = marked(f"{self._rng.getrandbits(160):040x}")
        self._by_api_token[token] = user_id
        return token

    def api_token_of(self, user_id: int) -> str:
        """Return a user's API token, or an empty text."""
        found = (token for token, owner in self._by_api_token.items() if owner == user_id)
        return next(found, "")

    def with_api_token(self, token: str) -> Login:
        """Return the user of an API token; raise 401."""
        user_id = self._by_api_token.get(token)
        if user_id is None:
            raise unauthorized()
        return Login(user_id, token)

    def with_access_token(self, token: str) -> Login:
        """Return the user and scopes of a bearer token; raise 401."""
        grant = self._access.get(token)
        if grant is None:
            raise unauthorized("Invalid token: access token is invalid")
        if grant.ends <= self._clock.now():
            del self._access[token]
            raise unauthorized("Invalid token: access token has expired")
        return Login(grant.user_id, token, grant.scopes)

    def new_code(self, user_id: int, redirect_uri: str) -> str:
        """Return a code that is good once, for five minutes."""
        code = f"{APP_ID}.{user_id}.{marked(f'{self._rng.getrandbits(128):032x}')}"
        self._codes[code] = Grant(
            user_id, self._app_scopes(), self._clock.now() + CODE_LIFE, redirect_uri
        )
        return code

    def take_code(self, code: str) -> Grant | None:
        """Return what a code grants and use it up; the caller checks its end."""
        return self._codes.pop(code, None)

    def has_ended(self, grant: Grant) -> bool:
        """Say whether a grant's time is over."""
        return grant.ends <= self._clock.now()

    def issue(self, grant: Grant) -> tuple[str, str]:
        """Return a new access token and refresh token."""
        refresh = self._new_refresh()
        self._refresh[refresh] = Grant(grant.user_id, grant.scopes, self._refresh_end())
        return self._new_access(grant, refresh), refresh

    def renew(self, refresh: str) -> tuple[str, str, Grant] | None:
        """Return a new access token and the refresh token from now on, or None if it is dead."""
        grant = self._refresh.get(refresh)
        if grant is None or grant.ends <= self._clock.now():
            self._refresh.pop(refresh, None)
            return None
        grant.ends = self._refresh_end()
        if self._switches["refresh_ends_access_token"]:
            self._drop_access(refresh)
        kept = refresh
        if self._switches["rotate_refresh_tokens"]:
            del self._refresh[refresh]
            kept = self._new_refresh()
            self._refresh[kept] = grant
        return self._new_access(grant, kept), kept, grant

    def revoke(self, token: str) -> int | None:
        """End a token; a refresh token takes its access tokens along. Return its user."""
        if token in self._refresh:
            self._drop_access(token)
            return self._refresh.pop(token).user_id
        grant = self._access.pop(token, None)
        return None if grant is None else grant.user_id

    def revoke_user(self, user_id: int) -> None:
        """End everything that the app holds for a user, as uninstalling does."""
        for book in (self._access, self._refresh, self._codes):
            for token in [token for token, grant in book.items() if grant.user_id == user_id]:
                del book[token]

    def expire_access(self, token: str | None = None) -> int:
        """Let one access token, or all, expire now; return how many were alive."""
        now = self._clock.now()
        alive = [
            grant
            for known, grant in self._access.items()
            if grant.ends > now and token in {None, known}
        ]
        for grant in alive:
            grant.ends = now
        return len(alive)

    def grants(self) -> list[dict[str, Any]]:
        """Return the app's tokens for the control API."""
        books = (("access", self._access), ("refresh", self._refresh), ("code", self._codes))
        return [
            {
                "type": name,
                "token": token,
                "user_id": grant.user_id,
                "ends": grant.ends.isoformat(),
                "scopes": sorted(grant.scopes),
            }
            for name, book in books
            for token, grant in book.items()
        ]

    def _new_refresh(self) -> str:
        return f"1:1:{marked(f'{self._rng.getrandbits(160):040x}')}"

    def _new_access(self, grant: Grant, refresh: str) -> str:
        noise = marked(base64.b64encode(self._rng.randbytes(_ACCESS_BYTES)).decode())
        token = f"v1u:AQIBAHj{noise}"
        life = timedelta(seconds=self._switches["access_token_seconds"])
        ends = self._clock.now() + life
        self._access[token] = Grant(grant.user_id, grant.scopes, ends, refresh_token=refresh)
        return token

    def _drop_access(self, refresh: str) -> None:
        self._access = {
            token: grant for token, grant in self._access.items() if grant.refresh_token != refresh
        }

    def _refresh_end(self) -> datetime:
        return self._clock.now() + REFRESH_LIFE

    def _app_scopes(self) -> frozenset[str]:
        return frozenset(self._switches["app_scopes"].replace(",", " ").split())
