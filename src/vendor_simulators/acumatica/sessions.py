"""Users, the sessions that are open, and the seats that they take."""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vendor_simulators.acumatica.answers import RefusalError, fault, message
from vendor_simulators.kit import SimClock
from vendor_simulators.kit.marks import MARK


@dataclass
class User:
    """A person or an integration that signs in."""

    name: str
    password: str
    must_change_password: bool = False


@dataclass
class Session:
    """A session on the server; it takes a seat until it ends or stays idle."""

    id: str
    user: str
    kind: str  # "cookie" or "oauth"
    used_at: float
    auth_cookie: str = ""
    branch: str = "MAIN"
    has_seat: bool = False
    is_concurrent: bool = False
    is_over: bool = False


class Sessions:
    """Opens and ends sessions and counts seats."""

    def __init__(
        self,
        *,
        clock: SimClock,
        rng: random.Random,
        switches: dict[str, Any],
        users: Mapping[str, User],
        tenants: set[str],
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._switches = switches
        self.users = dict(users)
        self.tenants = tenants
        self.all: dict[str, Session] = {}
        self._by_auth_cookie: dict[str, Session] = {}

    def login(self, content: Mapping[str, Any]) -> Session:
        """Open a session by name and password, as POST /entity/auth/login does."""
        tenant = content.get("tenant") or content.get("company")
        is_known = tenant is None or tenant in self.tenants or self._switches["any_tenant"]
        if not is_known:
            raise fault(
                "A proper company ID cannot be determined for the request.",
                "PX.Data.PXUndefinedCompanyException",
            )
        user = self.checked_user(content.get("name"), content.get("password"))
        if user is None:
            raise fault("Error: Invalid credentials. Please try again.")
        session = self.open(user.name, "cookie")
        session.branch = str(content.get("branch") or session.branch)
        try:
            self.take_seat(session)
        except RefusalError:
            self.end(session)
            raise
        return session

    def open(self, user: str, kind: str) -> Session:
        """Open a session; it has no seat yet."""
        session = Session(id=self.secret(12), user=user, kind=kind, used_at=self._clock.monotonic())
        self.all[session.id] = session
        if kind == "cookie":
            session.auth_cookie = self.secret(32).upper()
            self._by_auth_cookie[session.auth_cookie] = session
        return session

    def end(self, session: Session) -> None:
        """Sign a session out and free its seat."""
        session.is_over, session.has_seat = True, False
        self.all.pop(session.id, None)
        self._by_auth_cookie.pop(session.auth_cookie, None)

    def end_all(self) -> int:
        """Sign everybody out; access tokens open a new session with the next call."""
        ending = list(self.all.values())
        for session in ending:
            session.has_seat = False
            if session.kind == "cookie":
                self.end(session)
        return len(ending)

    def of_cookies(self, cookies: Mapping[str, str]) -> Session:
        """Return the session that cookies carry; 401 when it is not there or was idle."""
        session = self._by_auth_cookie.get(cookies.get(".ASPXAUTH", ""))
        if session is None or session.id != cookies.get("ASP.NET_SessionId"):
            raise not_logged_in()
        if self.is_idle(session):
            self.end(session)
            raise not_logged_in()
        return session

    def of_auth_cookie(self, value: str) -> Session | None:
        """Return the session of an .ASPXAUTH cookie."""
        return self._by_auth_cookie.get(value)

    def take_seat(self, session: Session) -> None:
        """Give a session a seat unless it has one; refuse with ``API Login Limit``."""
        if session.has_seat:
            return
        self._free_idle_seats()
        limit = self._switches["api_users"]
        if limit is not None and self.seats_taken >= limit:
            raise fault("API Login Limit", status=self._switches["seat_limit_status"])
        session.has_seat = True

    @property
    def seats_taken(self) -> int:
        """How many sessions hold a seat."""
        return sum(session.has_seat for session in self.all.values())

    def checked_user(self, name: Any, password: Any) -> User | None:
        """Return the user whose password is right and need not be changed."""
        user = self.users.get(str(name))
        if user is None or user.password != password or user.must_change_password:
            return None
        return user

    def is_idle(self, session: Session) -> bool:
        """Say whether a session was not used for longer than it may be."""
        idle = self._clock.monotonic() - session.used_at
        return idle > float(self._switches["session_idle_minutes"]) * 60

    def secret(self, size: int) -> str:
        """Return a fresh secret of ``size`` random bytes, after the sandbox's mark."""
        drawn = self._rng.getrandbits(size * 8).to_bytes(size, "big")
        return MARK + base64.urlsafe_b64encode(drawn).decode().rstrip("=").replace("-", "x")

    def _free_idle_seats(self) -> None:
        for session in list(self.all.values()):
            if session.has_seat and self.is_idle(session):
                session.has_seat = False


def not_logged_in() -> RefusalError:
    """Return the answer to a call without a session."""
    return message(401, "You are not logged in.")
