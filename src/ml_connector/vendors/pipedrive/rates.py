"""What Pipedrive's answers tell of its limits (NOTES.md, "Limits").

``x-daily-requests-left`` counts POST and PUT of API tokens, not tokens of the daily budget: it
is no reading of the budget and is looked at in a 429 only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ml_connector.transport.messages import RateReading

if TYPE_CHECKING:
    from ml_connector.transport.messages import Response

_DAILY_REMAINING = "x-daily-ratelimit-token-remaining"
_DAILY_REQUESTS_LEFT = "x-daily-requests-left"


def read_rates(response: Response) -> RateReading | None:
    """Return the window's and the day's figures, or None where the answer tells nothing."""
    reset = _number(response, "x-ratelimit-reset")
    reading = RateReading(
        window="search" if is_search(response.url) else "burst",
        window_limit=_number(response, "x-ratelimit-limit"),
        window_remaining=_number(response, "x-ratelimit-remaining"),
        window_resets_in=None if reset is None else timedelta(seconds=reset),
        daily_limit=_number(response, "x-daily-ratelimit-token-limit"),
        daily_remaining=_number(response, _DAILY_REMAINING),
    )
    told = (reading.window_limit, reading.window_remaining, reset, reading.daily_remaining)
    return reading if any(figure is not None for figure in told) else None


def is_daily_budget_gone(response: Response) -> bool:
    """Return whether a 429 is about the day's budget and not about the burst window."""
    left = (_number(response, _DAILY_REMAINING), _number(response, _DAILY_REQUESTS_LEFT))
    return any(figure is not None and figure <= 0 for figure in left)


def wait_asked_for(response: Response) -> timedelta | None:
    """Return how long the headers ask to wait: the longer of the window's end and Retry-After."""
    asked = [_number(response, "retry-after"), _number(response, "x-ratelimit-reset")]
    seconds = [figure for figure in asked if figure is not None]
    return timedelta(seconds=max(seconds)) if seconds else None


def is_search(url: str) -> bool:
    """Return whether a call counts in the search window."""
    path = urlsplit(url).path
    return path.endswith("/search") or "/itemSearch" in path


def _number(response: Response, header: str) -> int | None:
    """Return a header's whole number; a missing or odd one tells nothing and is no error."""
    text = response.headers.get(header, "").strip()
    return int(text) if text.isascii() and text.isdigit() else None
