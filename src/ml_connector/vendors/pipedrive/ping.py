"""What a ping looks at, in plain words.

An OAuth login says itself which scopes it has. An API token has none and may what its user may;
reading is tried, and what can be learned only by writing is said to be so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ml_connector.core.clock import Clock
from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.transport.failures import CertificateError
from ml_connector.transport.vendor import PingLine
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.api import API, Version
from ml_connector.vendors.pipedrive.models import Me
from ml_connector.vendors.pipedrive.settings import Settings

_Check = Literal["address", "certificate", "login", "right", "fact"]


@dataclass(frozen=True, slots=True)
class _Probe:
    """The cheapest call that needs a right."""

    path: str
    operation: str
    version: Version = "v2"


_PROBES = {
    "deals": _Probe("deals", "deals.list"),
    "contacts": _Probe("organizations", "organizations.list"),
    "products": _Probe("products", "products.list"),
    "deal-fields": _Probe("dealFields", "deal_fields.list"),
    "contact-fields": _Probe("organizationFields", "organization_fields.list"),
    "product-fields": _Probe("productFields", "product_fields.list"),
    "users": _Probe("users", "users.list", "v1"),
    "admin": _Probe("webhooks", "webhooks.list", "v1"),
}


async def ping(api: API, settings: Settings, needs: Sequence[str], clock: Clock) -> list[PingLine]:
    """Probe address, login, company and each right in ``needs``: names of scopes."""
    try:
        origin = await api.origin()
    except ConnectorError as exc:
        return [_no_login(settings.oauth_url, exc)]
    asked_at = clock.monotonic()
    try:
        me = wire.record(Me, (await api.read("users/me", operation="users.me", version="v1")).data)
    except ConnectorError as exc:
        return _why_not(origin, exc)
    elapsed_ms = round((clock.monotonic() - asked_at) * 1000, 1)
    lines = [
        PingLine(
            check="address",
            subject=origin,
            is_good=True,
            message=f"Pipedrive answers at {origin}",
            round_trip_ms=elapsed_ms,
        ),
        PingLine(check="login", subject="user", is_good=True, message=f"logged in as {me.name}"),
        _company(settings, me),
    ]
    return [*lines, *[await _right(api, need) for need in needs]]


def _no_login(oauth_url: str, exc: ConnectorError) -> PingLine:
    """Say why there is no login to be tried: nobody gave consent, or it cannot be renewed."""
    match exc:
        case CertificateError():
            return _bad("certificate", oauth_url, exc)
        case UnavailableError():
            return _bad("address", oauth_url, exc)
        case _:
            return _bad("login", "user", exc)


def _why_not(origin: str, exc: ConnectorError) -> list[PingLine]:
    """Say which of the first steps failed, with the ones that must have worked before it."""
    answers = PingLine(check="address", subject=origin, is_good=True, message=f"{origin} answers")
    match exc:
        case CertificateError():
            return [_bad("certificate", origin, exc)]
        case AuthenticationError():
            return [answers, _bad("login", "user", exc)]
        case RateLimitedError():
            return [answers, _bad("fact", "limits", exc)]
        case ConfigurationError() | UnavailableError() | ContractError():
            return [_bad("address", origin, exc)]
        case AccessDeniedError():
            return [answers, _bad("right", exc.right or "users/me", exc)]
        case _:
            return [_bad("address", origin, exc)]


def _company(settings: Settings, me: Me) -> PingLine:
    expected = settings.company_domain
    is_expected = expected is None or expected == me.company_domain
    found = f"company {me.company_name} ({me.company_domain})"
    return PingLine(
        check="tenant",
        subject="company",
        is_good=is_expected,
        message=found
        if is_expected
        else f"this login belongs to {found}, but {expected} is entered as company domain: "
        "correct one of the two",
    )


async def _right(api: API, need: str) -> PingLine:
    scopes = await api.login.scopes()
    if scopes is None:
        return await _tried(api, need)
    enough = {need, need.replace(":read", ":full")}
    if scopes & enough:
        return _good_right(need, f"the app has the scope {need}")
    return PingLine(
        check="right",
        subject=need,
        is_good=False,
        message=f"the app lacks the scope {need}: add it in Developer Hub and give consent again",
    )


async def _tried(api: API, need: str) -> PingLine:
    subject, _, degree = need.partition(":")
    probe = _PROBES.get(subject)
    if probe is None:
        return _good_right(need, "cannot be tried beforehand; an API token may what its user may")
    try:
        await api.read(
            probe.path,
            operation=probe.operation,
            version=probe.version,
            params=[("limit", "1")] if probe.version == "v2" else None,
        )
    except ConnectorError as exc:
        return _bad("right", need, exc)
    if degree == "full":
        return _good_right(
            need, "can be read; whether it may be changed, Pipedrive tells only when it is"
        )
    return _good_right(need, "can be used")


def _good_right(need: str, message: str) -> PingLine:
    return PingLine(check="right", subject=need, is_good=True, message=message)


def _bad(check: _Check, subject: str, exc: ConnectorError) -> PingLine:
    return PingLine(check=check, subject=subject, is_good=False, message=exc.message)
