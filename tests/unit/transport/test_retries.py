"""Another attempt is made only where it can do no harm, and never too late."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    InvalidRecordError,
    OutcomeUnknownError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
    WriteWindowClosedError,
)
from ml_connector.transport.retries import wait_before_repeat


def wait(error: ConnectorError, *, attempt: int = 0, is_safe: bool = True, time_left: float = 60):
    return wait_before_repeat(
        error, attempt=attempt, is_safe=is_safe, time_left=time_left, rng=random.Random(1)
    )


@pytest.mark.parametrize(
    "error",
    [
        *(
            RateLimitedError("x", scope=scope)
            for scope in (QuotaScope.DAILY, QuotaScope.SEATS, QuotaScope.BLOCKED)
        ),
        OutcomeUnknownError("x"),
        WriteWindowClosedError("x"),
        AuthenticationError("x"),
        AccessDeniedError("x"),
        ConfigurationError("x"),
        InvalidRecordError("x"),
        ContractError("x"),
    ],
)
def test_what_time_does_not_put_right_within_a_call_is_not_repeated(error):
    assert wait(error) is None


def test_an_outage_is_repeated_for_safe_calls_only():
    assert wait(UnavailableError("x"), is_safe=True) is not None
    assert wait(UnavailableError("x"), is_safe=False) is None


@given(
    retry_after=st.floats(0, 100),
    attempt=st.integers(0, 10),
    time_left=st.floats(-10, 100),
    is_safe=st.booleans(),
)
def test_never_before_the_vendor_asked_nor_beyond_the_time_left(
    retry_after, attempt, time_left, is_safe
):
    floor = timedelta(seconds=retry_after)
    seconds = wait(
        RateLimitedError("x", retry_after=floor),
        attempt=attempt,
        is_safe=is_safe,
        time_left=time_left,
    )

    assert seconds is None or floor.total_seconds() <= seconds <= time_left
    if attempt >= 5:
        assert seconds is None
