"""What a vendor package offers to the service, alike for all vendors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from ml_connector.core.changes import ChangeReader
from ml_connector.core.clock import Clock
from ml_connector.core.logins import Login, LoginStore
from ml_connector.core.profile import Limits, Profile
from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import ReadEvents, Verify
from ml_connector.transport.http import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class PingLine:
    """One thing that a ping looked at."""

    check: Literal["address", "certificate", "login", "version", "tenant", "right", "fact"]
    subject: str
    """What was looked at: the address, the right's name, ``company``."""
    is_good: bool
    message: str
    """What was found, or what to put right."""
    round_trip_ms: float | None = None


class VendorClient(ChangeReader, Protocol):
    """What the engine asks of every vendor's client; the rest is in the vendor's own words."""

    async def ping(self, needs: Sequence[str]) -> list[PingLine]:
        """Probe address, login, version or tenant and each right in ``needs``, in this order.

        Never raises for what it probes: each failure is a line that says what to put right,
        and what could not be looked at because of it is left out.
        """
        ...

    async def log_out(self) -> None:
        """Give back what the login holds at the vendor, such as a seat."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """OAuth consent by a person: where to send them, and what comes back."""

    authorize_url: Callable[[BaseModel, str, str, str], str]
    """(settings, redirect_uri, state, PKCE verifier) to the address to open."""
    exchange: Callable[..., Awaitable[Login]]
    """``async (settings, *, code, redirect_uri, verifier, transport, clock) -> Login``."""
    login_name: str
    """Under which name the login is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """What a vendor sends us now."""

    kept: int
    created: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDestination:
    """What an administrator is told who sets up that the vendor pushes to us."""

    where: str
    """The form or page at the vendor."""
    header: str
    """The name of the fixed header that guards the address."""
    queries: Mapping[str, tuple[str, ...]]
    """How the name of a query ends, and the columns that it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """How this vendor's webhooks are guarded and read."""

    verify: Verify
    read: ReadEvents
    subscribe: Callable[..., Awaitable[Subscribed]] | None = None
    """``async (client, *, address, guard, kinds)``: make sure that the vendor sends what happens
    to these kinds of record to the address; None where an administrator sets that up."""
    destination: PushDestination | None = None
    """What an administrator enters at the vendor, where one sets that up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """The whole of a vendor package, as its ``__init__`` exports it under the name VENDOR."""

    profile: Profile
    settings: type[BaseModel]
    open_client: Callable[..., VendorClient]
    """``(settings, *, transport: Transport, logins: LoginStore, clock: Clock) -> client``."""
    webhooks: Webhooks | None = None
    consent: Consent | None = None
    limits_of: Callable[[Any], Limits] | None = None
    """``(settings)`` to this account's limits, where they depend on it; else the profile's."""


__all__ = [
    "Clock",
    "Consent",
    "Login",
    "LoginStore",
    "PingLine",
    "PushDestination",
    "Secret",
    "Subscribed",
    "Transport",
    "Vendor",
    "VendorClient",
    "Webhooks",
]
