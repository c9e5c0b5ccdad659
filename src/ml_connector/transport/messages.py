"""The words in which a vendor's client speaks with the transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from ml_connector.core.errors import ConnectorError
from ml_connector.core.lanes import Lane

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one call takes from the connection's limits."""

    tokens: int = 0
    """Of the daily budget."""
    windows: tuple[str, ...] = ("burst",)
    """Names of the windows in which it counts; those the profile does not declare are ignored."""


FREE = Cost(tokens=0, windows=())
"""A call outside every limit, such as a token endpoint's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call as it is sent, without the login."""

    method: Method
    url: str
    operation: str
    """The client's own name of the call, for errors, metrics and budgets: ``deals.get``."""
    is_safe: bool
    """Whether sending it twice does no harm. A POST that only reads is safe."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One whole answer."""

    status: int
    headers: Mapping[str, str]
    """Keys in lower case; of a repeated header the last."""
    cookies: Mapping[str, str]
    """What Set-Cookie set in this answer; a cleared cookie is the empty text."""
    body: bytes
    url: str
    elapsed: timedelta

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def excerpt(self, length: int = 300) -> str:
        """Return the start of the body as text, for a message."""
        return self.body[: length * 4].decode("utf-8", "replace")[:length]


ErrorReader = Callable[[Request, Response], ConnectorError | None]
"""A vendor's `errors.py`: the error that an answer is, or None for a good answer.

It says UnavailableError when the vendor may or may not have carried the call out; the
transport turns that into OutcomeUnknownError for a call that is not safe.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateReading:
    """What an answer tells of the limits; None where it is silent."""

    window: str = "burst"
    window_limit: int | None = None
    window_remaining: int | None = None
    window_resets_in: timedelta | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None


RateReader = Callable[[Response], RateReading | None]


class Authenticator(Protocol):
    """Adds a connection's login to its calls."""

    async def headers(self) -> Mapping[str, str]:
        """Return the headers of a login that is good for a while; log in or renew if need be."""
        ...

    async def renew(self, rejected: Mapping[str, str]) -> bool:
        """Take notice that a call with these headers got 401; return whether to try once more."""
        ...


class Pacer(Protocol):
    """Keeps one connection below its limits, together with all other processes."""

    async def acquire(self, cost: Cost, *, lane: Lane, deadline: float) -> None:
        """Wait until the call may be sent.

        Raises RateLimitedError when that would be after ``deadline`` (monotonic), or when the
        day's budget is gone (scope DAILY, with ``renews_at``). Every acquire that returned is
        followed by one ``sent`` and one ``release``.
        """
        ...

    def sent(self, cost: Cost) -> None:
        """Say that the call has just left, or that it will not leave any more."""
        ...

    def release(self, cost: Cost) -> None:
        """Say that the call has ended, however it did."""
        ...

    def observe(
        self,
        cost: Cost,
        reading: RateReading | None,
        error: ConnectorError | None,
        *,
        elapsed: timedelta | None = None,
    ) -> None:
        """Learn from an answer, and from how long it took."""
        ...


class Recorder(Protocol):
    """Keeps what was said, for the audit trail. Must not raise and must not wait."""

    def record(self, call: CallRecord) -> None:
        """Take one finished attempt."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One attempt at a call, redacted."""

    started_at: datetime
    elapsed: timedelta
    method: Method
    url: str
    operation: str
    is_safe: bool
    status: int | None
    """None when no answer came."""
    error: str | None
    """Class and message of the error that the attempt was, if any."""
    request_body: bytes | None
    response_body: bytes | None
    correlation_id: str | None
    cost: Cost
    """What it took from the limits: nothing when it never left, or was declined with 401 or 429.

    So the sum of these is the meter; the recorder is called in the context of the call and can
    add the flow for which it was made.
    """
    purpose: str | None
    """The effect whose permit it was sent under."""
