"""Who may sign in and how: by cookie or by OAuth token."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from vendor_simulators.acumatica.oauth import ConnectedApp, OAuth
from vendor_simulators.acumatica.sessions import Session, Sessions, User
from vendor_simulators.kit import SimClock
from vendor_simulators.kit.marks import MARK

TENANT = "Company"
USERNAME = "api-connector"
PASSWORD = f"Sandbox-Passw0rd-{MARK}"
CLIENT_ID = f"6B1F0C2E-9A44-4E57-BD13-2C7705A1D9E4@{TENANT}"
CLIENT_SECRET = f"sandbox-client-secret-{MARK}"
REDIRECT_URI = "http://127.0.0.1:8400/oauth/callback"
_BEARER = "bearer "


class Identity:
    """Sign-in of one tenant."""

    def __init__(self, *, clock: SimClock, rng: random.Random, switches: dict[str, Any]) -> None:
        self._clock = clock
        self.sessions = Sessions(
            clock=clock,
            rng=rng,
            switches=switches,
            users={USERNAME: User(USERNAME, PASSWORD)},
            tenants={TENANT},
        )
        self.oauth = OAuth(
            clock=clock,
            sessions=self.sessions,
            switches=switches,
            apps={CLIENT_ID: ConnectedApp(CLIENT_ID, CLIENT_SECRET, [REDIRECT_URI])},
        )

    def session_of(self, authorization: str | None, cookies: Mapping[str, str]) -> Session:
        """Return the session of a call; 401 without one, 500 when no seat is free."""
        token = _bearer(authorization)
        if token is not None:
            session = self.oauth.session_of(token, cookies)
        else:
            session = self.sessions.of_cookies(cookies)
        self.sessions.take_seat(session)
        session.used_at = self._clock.monotonic()
        return session

    def expire_login(self, authorization: str | None, cookies: Mapping[str, str]) -> bool:
        """Let the login of a call expire now; say whether it had one."""
        token = _bearer(authorization)
        if token is not None:
            return self.oauth.expire_token(token)
        session = self.sessions.of_auth_cookie(cookies.get(".ASPXAUTH", ""))
        if session is None:
            return False
        self.sessions.end(session)
        return True


def _bearer(authorization: str | None) -> str | None:
    if authorization is None or not authorization.lower().startswith(_BEARER):
        return None
    return authorization[len(_BEARER) :].strip()
