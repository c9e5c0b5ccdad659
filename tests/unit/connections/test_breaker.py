from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.connections import State, trouble_of
from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    HeldError,
    InvalidRecordError,
    MissingMappingError,
    OutcomeUnknownError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def trouble(error: ConnectorError, *, failed_probes: int = 0, seed: int = 1) -> Any:
    return trouble_of(error, now=NOW, failed_probes=failed_probes, rng=random.Random(seed))


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (UnavailableError("x"), State.UNREACHABLE),
        (OutcomeUnknownError("x"), State.UNREACHABLE),
        (AuthenticationError("x"), State.NEEDS_LOGIN),
        (ConfigurationError("x"), State.MISCONFIGURED),
        (RateLimitedError("x", scope=QuotaScope.DAILY), State.EXHAUSTED),
        (RateLimitedError("x", scope=QuotaScope.SEATS), State.SEATS_TAKEN),
        (RateLimitedError("x", scope=QuotaScope.BLOCKED), State.BLOCKED),
    ],
)
def test_what_every_record_would_meet_is_the_connections_trouble(error, state):
    found = trouble(error)

    assert found is not None
    assert found.state is state
    assert found.reason == "x"


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("x", is_connection_wide=False),
        RateLimitedError("x"),
        AccessDeniedError("x"),
        InvalidRecordError("x"),
        MissingMappingError("x"),
        HeldError("x"),
        ContractError("x"),
    ],
)
def test_a_records_own_fault_is_not(error):
    assert trouble(error) is None


def test_a_spent_budget_pauses_until_it_renews():
    renews_at = NOW + timedelta(hours=5)

    told = trouble(RateLimitedError("x", scope=QuotaScope.DAILY, renews_at=renews_at))
    guessed = trouble(RateLimitedError("x", scope=QuotaScope.DAILY))

    assert told.until == renews_at
    assert guessed.until == datetime(2026, 5, 5, tzinfo=UTC)


def test_a_budget_that_was_not_back_in_time_is_looked_for_every_hour():
    error = RateLimitedError("x", scope=QuotaScope.DAILY, renews_at=NOW + timedelta(days=1))

    found = trouble(error, failed_probes=1)

    assert timedelta(minutes=30) <= found.until - NOW <= timedelta(hours=1)


def test_a_refused_login_is_not_tried_again_by_itself():
    assert trouble(AuthenticationError("x")).until is None


@given(failed_probes=st.integers(0, 1000), seed=st.integers(), wait=st.integers(0, 100))
def test_probes_wait_at_least_as_the_vendor_asked_and_at_most_five_minutes(
    failed_probes, seed, wait
):
    asked = timedelta(seconds=wait)

    found = trouble(
        UnavailableError("x", retry_after=asked), failed_probes=failed_probes, seed=seed
    )

    floor = max(asked, timedelta(milliseconds=500))
    assert floor <= found.until - NOW <= max(floor, timedelta(minutes=5))


@given(failed_probes=st.integers(0, 100), seed=st.integers())
def test_a_block_is_not_prodded(failed_probes, seed):
    error = RateLimitedError("x", scope=QuotaScope.BLOCKED)

    found = trouble(error, failed_probes=failed_probes, seed=seed)

    assert found.until - NOW >= timedelta(minutes=30)
