"""Fixtures of the transport's tests."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from ml_connector.core.clock import SystemClock
from ml_connector.core.errors import (
    AuthenticationError,
    ConnectorError,
    InvalidRecordError,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.core.profile import Limits
from ml_connector.transport.http import HTTP, Transport
from ml_connector.transport.messages import Request, Response


def error_of(_: Request, response: Response) -> ConnectorError | None:
    """Read errors as a vendor would."""
    match response.status:
        case 401:
            return AuthenticationError("login refused")
        case 429:
            return RateLimitedError("too many", retry_after=timedelta(milliseconds=10))
        case 503:
            return UnavailableError("down", correlation_id="c-1")
        case status if status >= 300:
            return InvalidRecordError(f"{status}: {response.excerpt()}")
        case _:
            return None


OpenHTTP = Callable[..., HTTP]


@pytest.fixture
async def open_http() -> AsyncIterator[OpenHTTP]:
    """Open an HTTP on a transport of its own; all are closed at the end."""
    opened: list[Transport] = []

    def open_one(base_url: str, *, limits: Limits | None = None, **options: object) -> HTTP:
        of_http = {
            name: options.pop(name)
            for name in ("authenticator", "read_rates", "headers")
            if name in options
        }
        settings: dict[str, object] = {
            "clock": SystemClock(),
            "allow_private_targets": True,
            "rng": random.Random(1),
            "profile_limits": limits or Limits(call_deadline=timedelta(seconds=5)),
        }
        transport = Transport(**(settings | options))  # type: ignore[arg-type] # options of the test
        opened.append(transport)
        return transport.http(base_url=base_url, error_of=error_of, **of_http)  # type: ignore[arg-type] # as above

    yield open_one
    for transport in opened:
        await transport.close()
