"""Sessions: opened with the user's login, kept for all processes, renewed before they end.

A session is the sender's, the company's, the user's and the entity's; each entity has its own in
the store. It ends by the cap that the settings name, or earlier when the gateway says so: each
answer tells when the session will end if it is not used again. The first request goes to the
gateway's address, all further ones to the address that the session names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from ml_connector.core.clock import Clock
from ml_connector.core.errors import ConfigurationError, ContractError
from ml_connector.core.ids import new_trace_id
from ml_connector.core.logins import Login, LoginStore
from ml_connector.core.secret import Secret
from ml_connector.transport.http import HTTP
from ml_connector.transport.messages import FREE
from ml_connector.vendors.sage_intacct import answers, requests
from ml_connector.vendors.sage_intacct.answers import Authentication
from ml_connector.vendors.sage_intacct.nodes import parent
from ml_connector.vendors.sage_intacct.requests import OPEN_SESSION, Function, Numbered
from ml_connector.vendors.sage_intacct.settings import Settings

LONGEST_MARGIN = timedelta(minutes=5)
"""A session with less than this left, or with a tenth of its life, is renewed: 45 of 50 minutes."""

_OPEN = Function(operation=OPEN_SESSION, subject="session", content=parent("getAPISession"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as requests use it."""

    entity_id: str | None
    id: Secret = field(repr=False)
    endpoint: str
    version: int
    """Of the stored login that it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the latest answer to a session told."""

    version: int
    ends_at: datetime
    margin: timedelta


class Sessions:
    """The sessions of one connection, by entity."""

    def __init__(
        self,
        settings: Settings,
        *,
        http_at: Callable[[str], HTTP],
        logins: LoginStore,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._http_at = http_at
        self._logins = logins
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    async def current(self, entity_id: str | None) -> Session:
        """Return a session that is good for a while; open one if need be."""
        name = login_name(entity_id)
        held = await self._logins.current(name)
        if held is None:
            return await self._opened(entity_id, replacing=None)
        if self._is_anothers(held, entity_id) or self._is_over(name, held):
            return await self._opened(entity_id, replacing=held.version)
        return self._session(held, entity_id)

    async def renewed(self, refused: Session) -> Session:
        """Return another session than one that the gateway refused.

        Somebody else may have opened it already: then nothing is asked.
        """
        return await self._opened(refused.entity_id, replacing=refused.version)

    def saw(self, session: Session, authentication: Authentication) -> None:
        """Take notice of when a session ends by now: every use moves it."""
        lasts = authentication.ends_in
        if lasts is None:
            return  # older gateways do not tell
        name = login_name(session.entity_id)
        before = self._seen.get(name)
        margin = _margin(lasts)
        if before is not None and before.version == session.version:
            # Near a fixed end the margin must not shrink with what is left.
            margin = max(margin, before.margin)
        self._seen[name] = _Seen(
            version=session.version, ends_at=self._clock.now() + lasts, margin=margin
        )

    async def forget(self, entity_id: str | None) -> None:
        """Drop a session. The gateway has no function to end one: it runs out there."""
        name = login_name(entity_id)
        held = await self._logins.current(name)
        if held is not None:
            await self._logins.forget(name, version=held.version)

    async def _opened(self, entity_id: str | None, *, replacing: int | None) -> Session:
        async def renewal(_: Login | None) -> Login:
            return await self._log_in(entity_id)

        name = login_name(entity_id)
        login = await self._logins.renew(name, replacing=replacing, renewal=renewal)
        if self._is_anothers(login, entity_id):
            # Stored by a process that still works with the settings from before a change.
            login = await self._logins.renew(name, replacing=login.version, renewal=renewal)
        return self._session(login, entity_id)

    async def _log_in(self, entity_id: str | None) -> Login:
        settings = self._settings
        began = self._clock.now()
        request = requests.encode(
            [Numbered(control_id="session", function=_OPEN)],
            settings=settings,
            authentication=requests.with_login(settings, entity_id),
            control_id=new_trace_id(),
            is_unique=False,
        )
        response = await self._http_at(settings.gateway_url).call(
            "POST",
            "",
            operation=OPEN_SESSION,
            body=request.body,
            cost=FREE,
            is_safe=True,  # a session too many harms nobody
            reads_only=True,
        )
        answer = answers.read(response.body)
        session_id, endpoint = _granted(answer)
        self._check(endpoint)
        cap = timedelta(minutes=settings.session_minutes)
        lasts = None if answer.authentication is None else answer.authentication.ends_in
        facts = {"endpoint": endpoint, "margin": str(_margin(lasts or cap).total_seconds())}
        if lasts is not None:
            facts["ends_at"] = (began + lasts).isoformat()
        return Login(
            values={"sessionid": Secret(session_id)},
            facts=facts | _whose(settings, entity_id),
            expires_at=began + cap - _margin(cap),
        )

    def _check(self, endpoint: str) -> None:
        """Raise unless the session may be sent to where it says that it lives."""
        parts = urlsplit(endpoint)
        host = parts.hostname or ""
        is_downgrade = self._settings.gateway_url.startswith("https:") and parts.scheme != "https"
        if not host or is_downgrade or not self._settings.allows_host(host):
            raise ConfigurationError(
                f"Intacct says that the session lives at {parts.scheme}://{parts.netloc}, where no "
                "session is sent: it is neither Intacct's own nor one of the allowed hosts"
            )

    def _is_over(self, name: str, login: Login) -> bool:
        now = self._clock.now()
        if login.expires_at is not None and login.expires_at <= now:
            return True
        seen = self._seen.get(name)
        if seen is not None and seen.version == login.version:
            return seen.ends_at - seen.margin <= now
        told = login.facts.get("ends_at")
        if told is None:
            return False
        margin = timedelta(seconds=float(login.facts.get("margin", "0")))
        return datetime.fromisoformat(told) - margin <= now

    def _is_anothers(self, login: Login, entity_id: str | None) -> bool:
        wanted = _whose(self._settings, entity_id)
        return any(login.facts.get(name) != value for name, value in wanted.items())

    def _session(self, login: Login, entity_id: str | None) -> Session:
        return Session(
            entity_id=entity_id,
            id=login.values["sessionid"],
            endpoint=login.facts["endpoint"],
            version=login.version,
        )


def login_name(entity_id: str | None) -> str:
    """Return the name under which an entity's session is stored."""
    return f"session:{entity_id}" if entity_id else "session"


def _whose(settings: Settings, entity_id: str | None) -> dict[str, str]:
    """Return whose a session is: one won under other settings is not used."""
    return {
        "sender_id": settings.sender_id,
        "company_id": settings.company_id,
        "user_id": settings.user_id,
        "entity_id": entity_id or "",
        "gateway_url": settings.gateway_url,
    }


def _margin(lasts: timedelta) -> timedelta:
    return min(LONGEST_MARGIN, lasts / 10)


def _granted(answer: answers.Answer) -> tuple[str, str]:
    data = answer.results[0].data if answer.results else None
    session_id = "" if data is None else (data.findtext("api/sessionid") or "").strip()
    endpoint = "" if data is None else (data.findtext("api/endpoint") or "").strip()
    if not (session_id and endpoint):
        raise ContractError("Intacct accepted the login without a session and its address")
    return session_id, endpoint
