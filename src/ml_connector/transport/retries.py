"""When a call is made once more.

Only where that can do no harm: the vendor declined it, so it was not carried out; or it may be
carried out twice. These are short waits inside one call, for hiccups. A longer outage or a used
up budget is the engine's affair, which can do other work meanwhile.
"""

from __future__ import annotations

import random
from datetime import timedelta

from ml_connector.core.backoff import next_delay
from ml_connector.core.errors import (
    ConnectorError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)

MOST_ATTEMPTS_WHEN_DECLINED = 6
MOST_ATTEMPTS_WHEN_UNAVAILABLE = 3
_FIRST_CEILING = timedelta(milliseconds=500)
_HIGHEST_CEILING = timedelta(seconds=30)


def wait_before_repeat(
    error: ConnectorError, *, attempt: int, is_safe: bool, time_left: float, rng: random.Random
) -> float | None:
    """Return the seconds to wait before another attempt; None when there shall be none.

    ``attempt`` is the failed one, counted from zero; ``time_left`` the seconds within which
    another must begin.
    """
    match error:
        case RateLimitedError(scope=QuotaScope.BURST):
            most = MOST_ATTEMPTS_WHEN_DECLINED
            floor = error.retry_after
        case UnavailableError() if is_safe:
            most = MOST_ATTEMPTS_WHEN_UNAVAILABLE
            floor = error.retry_after
        case _:
            return None
    if attempt + 1 >= most:
        return None
    delay = next_delay(
        attempt,
        floor=floor or timedelta(),
        rng=rng,
        first=_FIRST_CEILING,
        highest=_HIGHEST_CEILING,
    ).total_seconds()
    return delay if delay <= time_left else None
