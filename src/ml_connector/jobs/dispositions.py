"""What becomes of a run that failed: the one table that decides.

Retry, hold or dead letter is for the record; a pause is for the connection, and then no
record loses an attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from ml_connector.core.errors import (
    AccessDeniedError,
    AttentionError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with the row, and the least wait."""

    disposition: Disposition
    floor: timedelta = timedelta()


def verdict_on(error: Exception) -> Verdict:
    """Return what becomes of the run that ended with ``error``."""
    match error:
        case BusyError():
            return Verdict(Disposition.COME_BACK, error.come_back_in)
        case WriteWindowClosedError():
            return Verdict(Disposition.COME_BACK, timedelta(seconds=1))
        case RateLimitedError(scope=QuotaScope.BURST):
            return Verdict(Disposition.COME_BACK, error.retry_after or timedelta(seconds=1))
        case RateLimitedError():
            return Verdict(Disposition.WAIT_FOR_CONNECTION, error.retry_after or timedelta())
        case UnavailableError(is_connection_wide=True) | AuthenticationError():
            return Verdict(Disposition.WAIT_FOR_CONNECTION)
        case OutcomeUnknownError():
            return Verdict(Disposition.RETRY)
        case UnavailableError():
            return Verdict(Disposition.RETRY, error.retry_after or timedelta())
        case TransientError():
            return Verdict(Disposition.RETRY)
        case AccessDeniedError() | ConfigurationError() | AttentionError():
            return Verdict(Disposition.HOLD)
        case RejectedError() | ContractError() | ConnectorError():
            return Verdict(Disposition.DEAD_LETTER)
        case _:
            return Verdict(Disposition.DEAD_LETTER)
