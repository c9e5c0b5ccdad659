from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.vendors.acumatica import odata


def unquoted(literal: str) -> str:
    """Read an OData string literal by the documented rule: a quote inside is doubled."""
    assert literal[0] == literal[-1] == "'"
    inner = literal[1:-1]
    assert "'" not in inner.replace("''", "")
    return inner.replace("''", "'")


@given(text=st.text())
def test_any_text_comes_back_from_its_literal(text):
    assert unquoted(odata.literal(text)) == text


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("O'Brien & Söhne #1 + 2", "'O''Brien & Söhne #1 + 2'"),
        (True, "true"),
        (False, "false"),
        (100073, "100073"),
        (Decimal(0), "0M"),
        (Decimal("12.50"), "12.50M"),
        (Decimal("1E+3"), "1000M"),
        (date(2024, 12, 31), "datetimeoffset'2024-12-31'"),
        (
            datetime(2026, 1, 15, 10, tzinfo=UTC),
            "datetimeoffset'2026-01-15T10:00:00.000+00:00'",
        ),
        (
            datetime(2026, 1, 15, 10, tzinfo=timezone(timedelta(hours=2))),
            "datetimeoffset'2026-01-15T08:00:00.000+00:00'",
        ),
        (
            UUID("7c1d9e40-5b2a-f011-9a31-0a58a9feac02"),
            "guid'7c1d9e40-5b2a-f011-9a31-0a58a9feac02'",
        ),
    ],
)
def test_each_type_has_its_own_literal(value, literal):
    assert odata.literal(value) == literal


def test_a_moment_is_cut_to_milliseconds_and_never_rounded_up():
    moment = datetime(2026, 1, 15, 10, 0, 0, 999_999, tzinfo=UTC)

    assert odata.moment_text(moment) == "2026-01-15T10:00:00.999+00:00"


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        odata.literal(datetime(2026, 1, 15, 10))  # noqa: DTZ001 - that is the point


def test_conditions_that_are_joined_keep_their_own_parentheses():
    either = odata.any_of("A eq 1", "B eq 2")

    assert odata.all_of(either, "C eq 3") == "(A eq 1 or B eq 2) and C eq 3"


def test_a_condition_over_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing"):
        odata.any_of()


@given(values=st.lists(st.text(max_size=60), max_size=120), room=st.integers(100, 2000))
def test_parts_hold_every_condition_once_in_order_and_fit(values, room):
    conditions = [odata.compare("ExternalRef", "eq", value) for value in values]

    parts = odata.in_parts(conditions, room=room)

    assert [one for part in parts for one in part] == conditions
    for part in parts:
        assert len(part) == 1 or len(quote(odata.any_of(*part), safe="")) <= room
