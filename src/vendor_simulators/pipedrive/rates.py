"""Rate limits: the burst window of each token, the search window, the company's daily budget.

Nothing here raises: ``Limiter.admit`` returns None or the refusal's headers, and ``headers``
what every answer carries.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from vendor_simulators.kit import SimClock
from vendor_simulators.pipedrive.logins import Login

TOKENS_A_SEAT = 30_000
MULTIPLIERS: Mapping[str, int] = {"lite": 1, "growth": 2, "premium": 5, "ultimate": 7}
BURSTS: Mapping[str, tuple[int, int]] = {  # calls per window: API token, OAuth app
    "lite": (20, 80),
    "growth": (40, 160),
    "premium": (100, 400),
    "ultimate": (120, 480),
}
_IDLE = timedelta(minutes=10)


class Window:
    """The calls of one token in the latest seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def used(self, now: float, *, seconds: float, is_fixed: bool) -> int:
        """Return how many calls count now."""
        times = self._times
        if is_fixed:
            if times and now - times[0] >= seconds:
                times.clear()
        else:
            while times and now - times[0] >= seconds:
                times.popleft()
        return len(times)

    def note(self, now: float) -> None:
        """Count a call."""
        self._times.append(now)

    def reset_in(self, now: float, seconds: float) -> int:
        """Return whole seconds until the oldest call stops counting."""
        return max(0, math.ceil(self._times[0] + seconds - now)) if self._times else 0


@dataclass(slots=True)
class _Caller:
    burst: Window = field(default_factory=Window)
    search: Window = field(default_factory=Window)
    refused_in_a_row: int = 0
    blocked_until: float = 0.0
    last_seen: datetime | None = None
    shows_daily: bool = True


class Limiter:
    """All budgets of the company."""

    def __init__(self, *, clock: SimClock, switches: Mapping[str, Any]) -> None:
        self._clock = clock
        self._switches = switches
        self._callers: dict[str, _Caller] = {}
        self._day = date.min
        self._spent = 0

    @property
    def daily_limit(self) -> int:
        """Tokens that the company may spend in a day."""
        fixed = self._switches["daily_budget"]
        if fixed is not None:
            return int(fixed)
        return TOKENS_A_SEAT * MULTIPLIERS[self._switches["plan"]] * int(self._switches["seats"])

    @property
    def daily_left(self) -> int:
        """Tokens left today."""
        self._begin_day()
        return max(0, self.daily_limit - self._spent)

    def burst_limit(self, login: Login) -> int:
        """Return the calls that a token may make in one window."""
        fixed = self._switches["burst_limit"]
        return int(fixed) if fixed is not None else BURSTS[self._switches["plan"]][login.is_oauth]

    def is_blocked(self, login: Login) -> bool:
        """Say whether the shield in front of the API turns this token away."""
        caller = self._callers.get(login.key)
        return caller is not None and caller.blocked_until > self._clock.monotonic()

    def admit(self, login: Login, *, is_search: bool) -> dict[str, str] | None:
        """Count a call; return None if it may go on, else the headers of the refusal."""
        caller = self._caller(login)
        if not self._switches["rate_limits"]:
            return None
        self._note_idle(caller)
        now, seconds = self._clock.monotonic(), self._switches["burst_seconds"]
        windows = [(caller.burst, self.burst_limit(login))]
        if is_search:
            windows.append((caller.search, int(self._switches["search_limit"])))
        is_fixed = self._switches["burst_window"] == "fixed"
        is_full = any(
            window.used(now, seconds=seconds, is_fixed=is_fixed) >= limit
            for window, limit in windows
        )
        is_spent = self.daily_left <= 0
        if is_full or is_spent:
            return self._refuse(caller, login, windows, is_spent=is_spent, is_search=is_search)
        for window, _ in windows:
            window.note(now)
        caller.refused_in_a_row = 0
        return None

    def spend(self, cost: int) -> None:
        """Charge a call to the day."""
        self._begin_day()
        self._spent += cost

    def headers(self, login: Login, *, is_search: bool) -> dict[str, str]:
        """Return the budget headers of an answer."""
        caller = self._caller(login)
        now, seconds = self._clock.monotonic(), self._switches["burst_seconds"]
        window, limit = caller.burst, self.burst_limit(login)
        if is_search:
            window, limit = caller.search, int(self._switches["search_limit"])
        is_fixed = self._switches["burst_window"] == "fixed"
        used = window.used(now, seconds=seconds, is_fixed=is_fixed)
        found = {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(max(0, limit - used)),
            "x-ratelimit-reset": str(window.reset_in(now, seconds)),
        }
        if caller.shows_daily and self._switches["daily_headers"] != "never":
            found["x-daily-ratelimit-token-limit"] = str(self.daily_limit)
            found["x-daily-ratelimit-token-remaining"] = str(self.daily_left)
        return found

    def exhaust_day(self) -> None:
        """Use up what is left of today's budget."""
        self._begin_day()
        self._spent = self.daily_limit

    def _refuse(
        self,
        caller: _Caller,
        login: Login,
        windows: list[tuple[Window, int]],
        *,
        is_spent: bool,
        is_search: bool,
    ) -> dict[str, str]:
        if self._switches["refused_calls_count"]:
            for window, _ in windows:
                window.note(self._clock.monotonic())
        caller.refused_in_a_row += 1
        patience = self._switches["cloudflare_after"]
        if patience is not None and not login.is_oauth and caller.refused_in_a_row >= patience:
            block = self._switches["cloudflare_seconds"]
            caller.blocked_until = self._clock.monotonic() + block
            caller.refused_in_a_row = 0
        found = self.headers(login, is_search=is_search)
        wait = self._switches["retry_after_daily" if is_spent else "retry_after"]
        return found if wait is None else {**found, "Retry-After": str(wait)}

    def _caller(self, login: Login) -> _Caller:
        caller = self._callers.get(login.key)
        if caller is None:
            caller = self._callers[login.key] = _Caller()
        return caller

    def _note_idle(self, caller: _Caller) -> None:
        if self._switches["daily_headers"] != "after_first":
            caller.shows_daily = True
            return
        now = self._clock.now()
        caller.shows_daily = caller.last_seen is not None and now - caller.last_seen < _IDLE
        caller.last_seen = now

    def _begin_day(self) -> None:
        zone = self._switches["daily_reset_zone"]
        now = self._clock.now()
        today = now.date() if zone == "UTC" else now.astimezone(ZoneInfo(zone)).date()
        if today != self._day:
            self._day, self._spent = today, 0
