"""Which failure takes a connection out of service, into which state, and for how long.

The vendor is down, the login is revoked, the day's budget is gone: that is the connection's
matter, and every record would meet the same. A single dropped call is not; so the vendor
counts as down only after several failed calls in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.connections.states import State
from ml_connector.core.backoff import next_delay
from ml_connector.core.errors import (
    AttentionError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    OutcomeUnknownError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.transport.failures import AddressError, CertificateError
from ml_connector.transport.leases import next_midnight

if TYPE_CHECKING:
    import random
    from datetime import datetime

TRIPS_AFTER = 3  # failed calls in a row; a safe read's own attempts are three
_MISCONFIGURED_AGAIN = timedelta(minutes=15)  # it may be put right at the vendor


@dataclass(frozen=True, slots=True)
class _Pauses:
    """At least ``floor``, drawn below a ceiling that doubles from ``first`` to ``highest``."""

    floor: timedelta
    first: timedelta
    highest: timedelta


_PAUSES = {
    State.UNREACHABLE: _Pauses(
        timedelta(milliseconds=500), timedelta(seconds=2), timedelta(minutes=5)
    ),
    # A seat becomes free when somebody leaves.
    State.SEATS_TAKEN: _Pauses(timedelta(seconds=20), timedelta(seconds=40), timedelta(minutes=5)),
    # Looking sooner would keep the block alive.
    State.BLOCKED: _Pauses(timedelta(minutes=30), timedelta(hours=1), timedelta(hours=4)),
    # For a budget that was not back when we expected it: the vendor's day may begin elsewhere.
    State.EXHAUSTED: _Pauses(timedelta(minutes=30), timedelta(hours=1), timedelta(hours=1)),
}
_SURELY_WIDE = (AddressError, CertificateError)  # no record's content has to do with these
_STATE_OF_QUOTA = {
    QuotaScope.DAILY: State.EXHAUSTED,
    QuotaScope.SEATS: State.SEATS_TAKEN,
    QuotaScope.BLOCKED: State.BLOCKED,
}
_STATE_OF_ERROR: tuple[tuple[type[ConnectorError], State], ...] = (
    (UnavailableError, State.UNREACHABLE),
    (OutcomeUnknownError, State.UNREACHABLE),
    (AuthenticationError, State.NEEDS_LOGIN),
    (ConfigurationError, State.MISCONFIGURED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A connection's own trouble."""

    state: State
    reason: str
    until: datetime | None
    """When it is probed; None: only after somebody has changed something."""


def trouble_of(
    error: ConnectorError, *, now: datetime, failed_probes: int, rng: random.Random
) -> Trouble | None:
    """Return the connection's trouble that ``error`` shows; None when it is the record's own.

    ``failed_probes`` in a row came before; the pauses grow with them.
    """
    state = _state_of(error)
    if state is None:
        return None
    until = _until(state, error, now=now, failed_probes=failed_probes, rng=rng)
    return Trouble(state=state, reason=error.message, until=until)


def needs_failures_in_a_row(error: ConnectorError) -> bool:
    """Tell whether one such failure says little: the network drops a call now and then."""
    return isinstance(error, (UnavailableError, OutcomeUnknownError))


def needs_a_look(error: ConnectorError) -> bool:
    """Tell whether only a ping can say if this is about the connection or about the record."""
    return isinstance(error, ConfigurationError) and not isinstance(error, _SURELY_WIDE)


def _state_of(error: ConnectorError) -> State | None:
    if isinstance(error, RateLimitedError):
        return _STATE_OF_QUOTA.get(error.scope)
    if isinstance(error, UnavailableError) and not error.is_connection_wide:
        return None
    if isinstance(error, AttentionError) and error.waits_for is not None:
        return None  # the record waits for something of its own
    return next((state for kind, state in _STATE_OF_ERROR if isinstance(error, kind)), None)


def _until(
    state: State,
    error: ConnectorError,
    *,
    now: datetime,
    failed_probes: int,
    rng: random.Random,
) -> datetime | None:
    if state is State.NEEDS_LOGIN:
        return None  # trying a refused password again and again would lock the account
    if state is State.MISCONFIGURED:
        return now + _MISCONFIGURED_AGAIN
    if state is State.EXHAUSTED and failed_probes == 0:
        return getattr(error, "renews_at", None) or next_midnight(now)
    pauses = _PAUSES[state]
    floor = max(pauses.floor, getattr(error, "retry_after", None) or timedelta())
    return now + next_delay(
        failed_probes, floor=floor, rng=rng, first=pauses.first, highest=pauses.highest
    )
