from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendor_simulators.acumatica.values import (
    UnreadableError,
    converted,
    moment_text,
    read_moment,
    shown,
)


@given(moment=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - hypothesis takes naive bounds
def test_a_moment_is_read_back_to_the_millisecond(moment):
    exact = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)

    assert read_moment(moment_text(exact)) == exact


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("d", "50", Decimal("50.0000")),
        ("d", "0.00005", Decimal("0.0001")),
        ("q", 1, Decimal("1.000000")),
        ("i", "7", 7),
        ("b", "true", True),
        ("s", 12, "12"),
        ("s", "padded  ", "padded"),
        ("s", "", None),
        ("D", "2026-02-01", date(2026, 2, 1)),
        ("D", "2026-02-01T00:00:00+00:00", date(2026, 2, 1)),
        ("D", "02/01/2026", date(2026, 2, 1)),
    ],
)
def test_values_are_taken_in_the_forms_that_clients_send(kind, given, stored):
    assert converted(kind, given) == stored


@pytest.mark.parametrize(
    ("kind", "given"),
    [("d", "many"), ("d", True), ("i", 1.5), ("b", "yes"), ("D", "soon"), ("g", "1")],
)
def test_values_of_another_kind_are_refused(kind, given):
    with pytest.raises(UnreadableError):
        converted(kind, given)


def test_a_business_date_is_shown_as_midnight():
    assert shown("D", date(2026, 2, 1)) == "2026-02-01T00:00:00+00:00"
