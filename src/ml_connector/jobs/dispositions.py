"""What becomes of a run that failed: the one table that decides.

Retry, hold or dead letter is for the record; a pause is for the connection, and then no
record loses an attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from ml_connector.core.errors import (
    AttentionError,
    AuthenticationError,
    ContractError,
    OutcomeUnknownError,
    QuotaScope,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnavailableError,
    WriteWindowClosedError,
)

MOST_FAILURES = 12  # with doubling waits to 15 min: about two hours of a record's own trouble
MOST_STARTS = 5  # starts without a settlement: the record kills its worker


class Disposition(Enum):
    """Where the backlog row goes."""

    COME_BACK = "come back"
    """Nobody's fault: ready again shortly, no attempt lost."""
    RETRY = "retry"
    """Ready again after a growing wait; dead letter after MOST_FAILURES."""
    WAIT_FOR_CONNECTION = "wait for connection"
    """The connection pauses; the row is ready again when it is not, no attempt lost."""
    HOLD = "hold"
    DEAD_LETTER = "dead letter"


class BusyError(TransientError):
    """Another run holds what this one needs, or a write's wait is not over: come back."""

    def __init__(self, message: str, *, come_back_in: timedelta) -> None:
        super().__init__(message)
        self.come_back_in = come_back_in


class ConnectionPausedError(TransientError):
    """The run's connection is out of service now: the record waits for it, whatever failed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with the row, and the least wait."""

    disposition: Disposition
    floor: timedelta = timedelta()


def verdict_on(error: Exception) -> Verdict:
    """Return what becomes of the run that ended with ``error``: the first row that fits."""
    for kind, verdict in _TABLE:
        if isinstance(error, kind):
            return verdict(error) if callable(verdict) else verdict
    return Verdict(Disposition.DEAD_LETTER)


def _busy(error: Exception) -> Verdict:
    return Verdict(Disposition.COME_BACK, getattr(error, "come_back_in", _SHORTLY))


def _rate_limited(error: Exception) -> Verdict:
    wait = getattr(error, "retry_after", None)
    if getattr(error, "scope", None) is QuotaScope.BURST:
        return Verdict(Disposition.COME_BACK, wait or _SHORTLY)
    # The connection may go on for more urgent work, as when a reserve is kept for it.
    return Verdict(Disposition.WAIT_FOR_CONNECTION, wait or _WHEN_RESERVED)


def _unavailable(error: Exception) -> Verdict:
    if getattr(error, "is_connection_wide", True):
        # Until it has failed often enough to pause, a connection that is down is asked again.
        return Verdict(Disposition.WAIT_FOR_CONNECTION, _SHORTLY)
    return Verdict(Disposition.RETRY, getattr(error, "retry_after", None) or timedelta())


_SHORTLY = timedelta(seconds=1)
_WHEN_RESERVED = timedelta(minutes=1)

_TABLE: tuple[tuple[type[Exception], Verdict | Callable[[Exception], Verdict]], ...] = (
    (BusyError, _busy),
    (ConnectionPausedError, Verdict(Disposition.WAIT_FOR_CONNECTION)),
    (WriteWindowClosedError, Verdict(Disposition.COME_BACK, _SHORTLY)),
    (RateLimitedError, _rate_limited),
    (UnavailableError, _unavailable),
    (OutcomeUnknownError, Verdict(Disposition.RETRY)),
    (TransientError, Verdict(Disposition.RETRY)),
    (AuthenticationError, Verdict(Disposition.WAIT_FOR_CONNECTION)),
    (AttentionError, Verdict(Disposition.HOLD)),
    (RejectedError, Verdict(Disposition.DEAD_LETTER)),
    (ContractError, Verdict(Disposition.DEAD_LETTER)),
)
