"""How long to wait before the next attempt.

Full jitter: the wait is drawn between zero and a doubling ceiling, so that jobs which
failed together do not return together.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

FIRST_CEILING = timedelta(seconds=2)
HIGHEST_CEILING = timedelta(minutes=15)
_MAX_DOUBLINGS = 16  # 2 s doubled 16 times is past HIGHEST_CEILING; far more would overflow


def next_delay(
    attempt: int,
    *,
    floor: timedelta,
    rng: random.Random,
    first: timedelta = FIRST_CEILING,
    highest: timedelta = HIGHEST_CEILING,
) -> timedelta:
    """Return the wait after failed attempt ``attempt``, counted from zero.

    ``floor`` is the vendor's Retry-After: returning earlier only costs another 429.
    """
    return max(floor, _ceiling(attempt, first, highest) * rng.random())


def _ceiling(attempt: int, first: timedelta, highest: timedelta) -> timedelta:
    return min(highest, first * (1 << min(attempt, _MAX_DOUBLINGS)))
