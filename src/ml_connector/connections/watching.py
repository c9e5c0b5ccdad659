"""Sees what becomes of a connection's calls, between its pacer and its transport.

An error says what went wrong, not with whom: a run uses two connections. So each remembers the
errors that it met, and how many calls have failed in a row since one succeeded.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from ml_connector.core.errors import (
    ConnectorError,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.core.lanes import Lane

if TYPE_CHECKING:
    from datetime import timedelta

    from ml_connector.transport.messages import Cost, Pacer, RateReading


class Watch:
    """What one connection's calls have met in this process."""

    def __init__(self) -> None:
        self.failures_in_a_row = 0
        """Calls that found the vendor unavailable, since one was answered."""
        self.last_error: ConnectorError | None = None
        """The last error since `last_error` was set to None."""
        self._met: weakref.WeakSet[ConnectorError] = weakref.WeakSet()
        self._about_a_lane: weakref.WeakSet[ConnectorError] = weakref.WeakSet()

    def met(self, error: ConnectorError) -> None:
        """Remember an error as this connection's."""
        self._met.add(error)
        self.last_error = error

    def raised(self, error: BaseException) -> bool:
        """Tell whether ``error``, or one that it was made from, was met here."""
        return any(each in self._met for each in _chain(error))

    def is_about_a_lane(self, error: BaseException) -> bool:
        """Tell whether our own pacing declined a call only to spare what is more urgent."""
        return any(each in self._about_a_lane for each in _chain(error))

    def answered(self, error: ConnectorError | None) -> None:
        """Take notice of a call's end."""
        if error is not None:
            self.met(error)
        is_down = isinstance(error, UnavailableError) and error.is_connection_wide
        self.failures_in_a_row = self.failures_in_a_row + 1 if is_down else 0

    def declined(self, error: RateLimitedError, lane: Lane) -> None:
        """Take notice that our own pacing declined a call."""
        self.met(error)
        if lane > Lane.EVENT:
            self._about_a_lane.add(error)


class WatchedPacer:
    """A pacer that tells a Watch what it hears."""

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
        """Learn from an answer, or from its absence."""
        self._watch.answered(error)
        self._pacer.observe(cost, reading, error, elapsed=elapsed)


def _chain(error: BaseException) -> list[ConnectorError]:
    """Return the error and those that it was made from."""
    found: list[ConnectorError] = []
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, ConnectorError):
            found.append(each)
        each = each.__cause__ or each.__context__
    return found
