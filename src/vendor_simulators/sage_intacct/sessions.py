"""Senders, users, logins and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from vendor_simulators.kit.marks import MARK, marked
from vendor_simulators.sage_intacct.answers import (
    REFUSED,
    ControlError,
    Fault,
    FunctionError,
    GatewayError,
    SignInError,
)
from vendor_simulators.sage_intacct.company import Actor, Company
from vendor_simulators.sage_intacct.requests import Control, Credentials
from vendor_simulators.sage_intacct.responses import SignedIn

COMPANY_ID = "BRIGHTWELL"
SENDER_ID, SENDER_PASSWORD = "ml_connector_mpp", f"sandbox-sender-{MARK}"
USER_ID, USER_PASSWORD = "xml_ml", f"sandbox-user-{MARK}"
_BAD_REQUEST = 400


@dataclass
class User:
    """Somebody who can sign in, with the rights that their roles give."""

    user_id: str
    password: str
    rights: dict[str, str] = field(default_factory=dict)  # by policy; absent: everything
    entities: list[str] | None = None  # None: all of them and the top level
    is_locked: bool = False


@dataclass
class Session:
    """An API session, tied to a sender, a user and an entity."""

    session_id: str
    sender: str
    user: str
    entity: str
    pod: str
    began_at: float
    used_at: float


@dataclass(frozen=True)
class Caller:
    """Who sent a request."""

    sender: str
    actor: Actor
    session: Session | None = None


class Identity:
    """Lets senders and users in."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._clock = company.clock
        self._switches = company.switches
        self.senders = {SENDER_ID: SENDER_PASSWORD}
        self.authorized = {SENDER_ID}
        self.users = {USER_ID: User(USER_ID, USER_PASSWORD)}
        self.sessions: dict[str, Session] = {}
        self.is_expired_demo = False

    def check_sender(self, control: Control) -> None:
        """Refuse a wrong sender or sender password; both are case-sensitive."""
        if self.is_expired_demo:
            text = "This company is a demo company and has expired."
            raise ControlError(Fault("PL04000055", text, is_final=True))
        if self.senders.get(control.sender) == control.password:
            return
        if self._switches["bad_sender_answer"] == "gateway":
            request_id = self._company.secret(6).lower()
            text = f"Invalid Request [Request ID: {request_id}]"
            raise GatewayError(_BAD_REQUEST, "GW-0011", text)
        text = "Incorrect Intacct XML Partner ID or password."
        raise ControlError(Fault(REFUSED, text, is_final=True))

    def sign_in(self, control: Control, credentials: Credentials, pod: str) -> Caller:
        """Return who calls; raise SignInError for a wrong login or a session that is over."""
        if credentials.session is not None:
            return self._of_session(control, credentials.session, pod)
        user = self._checked_user(credentials)
        self._check_authorized(control, credentials)
        if credentials.entity and not self.may_enter(user, credentials.entity):
            raise _wrong_login(credentials)
        if user.entities is not None and not credentials.entity:
            raise _wrong_login(credentials)
        return Caller(control.sender, Actor(user.user_id, credentials.entity))

    def open(self, caller: Caller, entity: str | None) -> Session:
        """Open a session at an entity, at the top level for "", where the caller is for None."""
        user = self.users[caller.actor.user]
        place = caller.actor.entity if entity is None else entity
        if place and not self.may_enter(user, place):
            text = f"The location {place} is not an entity that the user can enter."
            raise FunctionError(Fault(REFUSED, text, is_final=True))
        if not place and user.entities is not None:
            text = "The user cannot sign in at the top level."
            raise FunctionError(Fault(REFUSED, text, is_final=True))
        now = self._clock.monotonic()
        session = Session(
            session_id=f"{marked(self._company.secret(43))}..",
            sender=caller.sender,
            user=user.user_id,
            entity=place,
            pod=str(self._switches["pod"]),
            began_at=now,
            used_at=now,
        )
        self.sessions[session.session_id] = session
        return session

    def may_enter(self, user: User, entity: str) -> bool:
        """Say whether a location is an entity, and one that the user may enter."""
        if not self._switches["multi_entity"]:
            return False
        is_entity = self._company.keyed("LOCATIONENTITY", entity) is not None
        return is_entity and (user.entities is None or entity in user.entities)

    def signed_in(self, caller: Caller) -> SignedIn:
        """Return the authentication block for a caller, with the end of the session."""
        now = self._clock.now()
        left = self._left(caller.session)
        return SignedIn(
            "success",
            user=caller.actor.user,
            company=COMPANY_ID,
            entity=caller.actor.entity,
            timestamp=self._stamp(now),
            timeout=self._stamp(now + left) if self._switches["session_timeout_told"] else "",
        )

    def end(self, session_id: str) -> bool:
        """End a session; say whether there was one."""
        return self.sessions.pop(session_id, None) is not None

    def end_of(self, user: str) -> int:
        """End every session of a user; return how many."""
        ending = [one.session_id for one in self.sessions.values() if one.user == user]
        return sum(self.end(session_id) for session_id in ending)

    def _of_session(self, control: Control, session_id: str, pod: str) -> Caller:
        session = self.sessions.get(session_id)
        if session is None or session.sender != control.sender or session.pod != pod:
            raise _invalid(session_id)
        if self._left(session) <= timedelta() or self.users[session.user].is_locked:
            self.end(session_id)
            raise _invalid(session_id)
        self._check_authorized(control, Credentials(user=session.user, company=COMPANY_ID))
        session.used_at = self._clock.monotonic()
        return Caller(control.sender, Actor(session.user, session.entity), session)

    def _checked_user(self, credentials: Credentials) -> User:
        user = self.users.get(credentials.user)
        is_right = (
            user is not None
            and user.password == credentials.password
            and not user.is_locked
            and credentials.company == COMPANY_ID
            and credentials.client in {"", COMPANY_ID}
        )
        if user is None or not is_right:
            raise _wrong_login(credentials)
        return user

    def _check_authorized(self, control: Control, credentials: Credentials) -> None:
        if control.sender in self.authorized:
            return
        fault = Fault(
            REFUSED,
            f"The sender ID '{control.sender}' is not authorized to make Web Services requests "
            f"to company ID '{credentials.company}'.",
            correction="Contact the company administrator to grant Web Services authorization "
            "to this sender ID.",
            description="Invalid Web Services Authorization",
            is_final=True,
        )
        raise SignInError(fault, user=credentials.user, company=credentials.company)

    def _left(self, session: Session | None) -> timedelta:
        idle = float(self._switches["session_idle_minutes"]) * 60
        if session is None:
            return timedelta(seconds=idle)
        now = self._clock.monotonic()
        left = session.used_at + idle - now
        whole = self._switches["session_minutes"]
        if whole is not None:
            left = min(left, session.began_at + float(whole) * 60 - now)
        return timedelta(seconds=left)

    def _stamp(self, moment: datetime) -> str:
        hours = int(str(self._switches["session_offset"])[:3])
        zone = timezone(timedelta(hours=hours))
        return moment.astimezone(zone).isoformat(timespec="seconds")


def sessions_as_rows(identity: Identity) -> list[Mapping[str, Any]]:
    """Return the open sessions as plain values."""
    return [vars(session) for session in identity.sessions.values()]


def _wrong_login(credentials: Credentials) -> SignInError:
    fault = Fault(REFUSED, "Sign-in information is incorrect", is_final=True)
    return SignInError(fault, user=credentials.user, company=credentials.company)


def _invalid(session_id: str) -> SignInError:
    return SignInError(Fault(REFUSED, f"Invalid session {session_id[:1]}....", is_final=True))
