"""Sees what becomes of a connection's calls.

An error says what went wrong, not with whom: a run uses two connections. So each remembers the
errors that its calls raised, and how often the vendor was away since a call was last answered.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ml_connector.core.errors import (
    ConnectorError,
    OutcomeUnknownError,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.core.lanes import Lane
from ml_connector.transport.http import HTTP, Transport
from ml_connector.transport.retries import MOST_ATTEMPTS_WHEN_UNAVAILABLE

if TYPE_CHECKING:
    from datetime import timedelta

    from ml_connector.transport.messages import Cost, Method, Pacer, RateReading, Response


class Watch:
    """What one connection's calls have met in this process."""

    def __init__(self) -> None:
        self.failures_in_a_row = 0
        """Attempts that found the vendor away, since a call was answered."""
        self.last_error: ConnectorError | None = None
        self._met: weakref.WeakSet[ConnectorError] = weakref.WeakSet()
        self._about_a_lane: weakref.WeakSet[ConnectorError] = weakref.WeakSet()

    def raised(self, error: BaseException) -> bool:
        """Tell whether ``error``, or one that it was made from, was raised by a call here."""
        return any(each in self._met for each in _chain(error))

    def is_about_a_lane(self, error: BaseException) -> bool:
        """Tell whether our own pacing declined a call only to spare what is more urgent."""
        return any(each in self._about_a_lane for each in _chain(error))

    def answered(self) -> None:
        """Take notice of a good answer."""
        self.failures_in_a_row = 0

    def failed(self, error: ConnectorError, *, attempts: int) -> None:
        """Take notice of a call that failed after up to so many attempts."""
        self._met.add(error)
        self.last_error = error
        self.failures_in_a_row = self.failures_in_a_row + attempts if _is_away(error) else 0

    def declined(self, error: RateLimitedError, lane: Lane) -> None:
        """Take notice that our own pacing declined a call."""
        if lane > Lane.EVENT:
            self._about_a_lane.add(error)


class WatchedTransport(Transport):
    """A transport whose calls are watched."""

    def __init__(self, watch: Watch, **options: Any) -> None:
        super().__init__(**options)
        self._watch = watch

    def http(self, **options: Any) -> HTTP:
        """Return the caller for one API of the vendor."""
        return _WatchedHTTP(super().http(**options), self._watch)


class _WatchedHTTP(HTTP):
    def __init__(self, inner: HTTP, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    async def call(
        self, method: Method, path: str, *, is_safe: bool | None = None, **options: Any
    ) -> Response:
        try:
            response = await self._inner.call(method, path, is_safe=is_safe, **options)
        except ConnectorError as exc:
            is_repeated = method == "GET" if is_safe is None else is_safe
            attempts = MOST_ATTEMPTS_WHEN_UNAVAILABLE if is_repeated else 1
            self._watch.failed(exc, attempts=attempts)
            raise
        self._watch.answered()
        return response


class WatchedPacer:
    """A pacer that tells a Watch which calls it declined."""

    def __init__(self, pacer: Pacer, watch: Watch) -> None:
        self._pacer = pacer
        self._watch = watch

    async def acquire(self, cost: Cost, *, lane: Lane, deadline: float) -> None:
        """Wait until the call may be sent."""
        try:
            await self._pacer.acquire(cost, lane=lane, deadline=deadline)
        except RateLimitedError as exc:
            self._watch.declined(exc, lane)
            raise

    def sent(self, cost: Cost) -> None:
        """Say that the call has just left."""
        self._pacer.sent(cost)

    def release(self, cost: Cost) -> None:
        """Say that the call has ended."""
        self._pacer.release(cost)

    def observe(
        self,
        cost: Cost,
        reading: RateReading | None,
        error: ConnectorError | None,
        *,
        elapsed: timedelta | None = None,
    ) -> None:
        """Learn from an answer."""
        self._pacer.observe(cost, reading, error, elapsed=elapsed)


def _is_away(error: ConnectorError) -> bool:
    cause = error.__cause__ if isinstance(error, OutcomeUnknownError) else error
    return isinstance(cause, UnavailableError) and cause.is_connection_wide


def _chain(error: BaseException) -> list[ConnectorError]:
    """Return the error and those that it was made from."""
    found: list[ConnectorError] = []
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, ConnectorError):
            found.append(each)
        each = each.__cause__ or each.__context__
    return found
