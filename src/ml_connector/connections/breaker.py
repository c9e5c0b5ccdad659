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
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    OutcomeUnknownError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)

from ml_connector.transport.leases import next_midnight

if TYPE_CHECKING:
    import random
    from datetime import datetime

TRIPS_AFTER = 3  # failed calls in a row; a safe read's own attempts are three
_SHORTEST_PAUSE = timedelta(milliseconds=500)
_FIRST_CEILING = timedelta(seconds=2)
_HIGHEST_CEILING = timedelta(minutes=5)
_BUDGET_FLOOR = timedelta(minutes=30)
_BUDGET_CEILING = timedelta(hours=1)
_SEATS_FLOOR = timedelta(seconds=20)  # a seat becomes free when somebody leaves
_BLOCKED_FLOOR = timedelta(minutes=30)  # looking sooner would keep the block alive
_MISCONFIGURED_AGAIN = timedelta(minutes=15)  # it may be put right at the vendor


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
    return isinstance(error, ConfigurationError) and error.waits_for is None


def _state_of(error: ConnectorError) -> State | None:
    match error:
        case RateLimitedError(scope=QuotaScope.DAILY):
            return State.EXHAUSTED
        case RateLimitedError(scope=QuotaScope.SEATS):
            return State.SEATS_TAKEN
        case RateLimitedError(scope=QuotaScope.BLOCKED):
            return State.BLOCKED
        case UnavailableError(is_connection_wide=True) | OutcomeUnknownError():
            return State.UNREACHABLE
        case AuthenticationError():
            return State.NEEDS_LOGIN
        case ConfigurationError():
            return State.MISCONFIGURED
        case _:
            return None


def _until(
    state: State,
    error: ConnectorError,
    *,
    now: datetime,
    failed_probes: int,
    rng: random.Random,
) -> datetime | None:
    asked = getattr(error, "retry_after", None) or timedelta()
    match state:
        case State.NEEDS_LOGIN:
            return None  # trying a refused password again and again would lock the account
        case State.MISCONFIGURED:
            return now + _MISCONFIGURED_AGAIN
        case State.EXHAUSTED:
            if failed_probes == 0:
                return getattr(error, "renews_at", None) or next_midnight(now)
            # Not back when we expected it: the vendor's day may begin in another zone.
            floor, first, highest = _BUDGET_FLOOR, _BUDGET_CEILING, _BUDGET_CEILING
        case State.BLOCKED:
            floor, first, highest = max(asked, _BLOCKED_FLOOR), _BLOCKED_FLOOR, _BLOCKED_FLOOR * 8
        case State.SEATS_TAKEN:
            floor, first, highest = max(asked, _SEATS_FLOOR), _SEATS_FLOOR, _HIGHEST_CEILING
        case _:
            floor, first, highest = max(asked, _SHORTEST_PAUSE), _FIRST_CEILING, _HIGHEST_CEILING
    return now + next_delay(failed_probes, floor=floor, rng=rng, first=first, highest=highest)
