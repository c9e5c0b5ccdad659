"""Values as the type that the other side has."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.sync.mapping import Field, Kind
from ml_connector.sync.mapping.values import ConversionError, Form, convert, key_of


def field(
    kind: Kind = Kind.TEXT, *, longest: int | None = None, digits: int | None = None
) -> Field:
    return Field(key="F", name="field", kind=kind, longest=longest, digits=digits)


CHOICE = Field(key="C", name="terms", kind=Kind.CHOICE, options={"30D": "Net 30", "PRE": "Prepaid"})
LATE = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (" a ", Kind.TEXT, "a"),
        (Decimal("1E+2"), Kind.TEXT, "100"),
        (Decimal("0.10"), Kind.TEXT, "0.10"),
        (7, Kind.TEXT, "7"),
        (True, Kind.TEXT, "yes"),
        (date(2026, 10, 2), Kind.TEXT, "2026-10-02"),
        (("a", 7), Kind.TEXT, "a, 7"),
        ({"value": "Street 1", "country": "Norway"}, Kind.TEXT, "Street 1"),
        ("12.50", Kind.DECIMAL, Decimal("12.50")),
        (12, Kind.DECIMAL, Decimal(12)),
        ({"value": Decimal("9.5"), "currency": "EUR"}, Kind.DECIMAL, Decimal("9.5")),
        (Decimal("12.00"), Kind.INTEGER, 12),
        ((5,), Kind.INTEGER, 5),
        ("Yes", Kind.BOOLEAN, True),
        (0, Kind.BOOLEAN, False),
        (False, Kind.BOOLEAN, False),
        (LATE, Kind.DATE, date(2026, 10, 31)),
        ("2026-10-31", Kind.DATE, date(2026, 10, 31)),
        ("2026-10-31T23:30:00Z", Kind.MOMENT, LATE),
        (date(2026, 10, 31), Kind.MOMENT, datetime(2026, 10, 31, tzinfo=UTC)),
        ("a", Kind.CHOICES, ("a",)),
        ({"a": 1}, Kind.ANY, {"a": 1}),
        ("  ", Kind.TEXT, None),
        (None, Kind.DECIMAL, None),
        ((), Kind.CHOICES, None),
    ],
)
def test_value_becomes_what_the_field_holds(value, kind, expected):
    result = convert(value, field(kind))

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("1,50", Kind.DECIMAL, "is '1,50', which is no number"),
        (True, Kind.DECIMAL, "no number"),
        ("1e9999", Kind.DECIMAL, "no number"),
        (Decimal("1e9999"), Kind.DECIMAL, "no number"),
        (Decimal("1.5"), Kind.INTEGER, "no whole number"),
        ("maybe", Kind.BOOLEAN, "neither yes nor no"),
        ("31.10.2026", Kind.DATE, "no day"),
        ("soon", Kind.MOMENT, "no moment"),
        (("a", "b"), Kind.CHOICE, "several values: a, b"),
        ({"a": 1}, Kind.TEXT, "a whole record"),
    ],
)
def test_value_that_does_not_fit_says_why(value, kind, words):
    with pytest.raises(ConversionError, match=words):
        convert(value, field(kind))


def test_moment_becomes_the_day_of_its_zone():
    form = Form(zone=ZoneInfo("Europe/Oslo"))

    assert convert(LATE, field(Kind.DATE), form=form) == date(2026, 11, 1)


def test_long_text_is_refused_or_cut_as_the_rule_says():
    with pytest.raises(ConversionError, match="is 6 characters long, and 4 fit"):
        convert("abcdef", field(longest=4))
    assert convert("abc def", field(longest=4), form=Form(may_cut=True)) == "abc"
    assert convert("abcdef", field(longest=9), form=Form(longest=3, may_cut=True)) == "abc"


def test_text_keeps_its_spaces_where_asked():
    assert convert(" a ", field(), form=Form(trim=False)) == " a "


@pytest.mark.parametrize(
    ("value", "rounded"), [("2.345", "2.35"), ("-2.345", "-2.35"), ("2", "2.00")]
)
def test_number_is_rounded_half_up_to_the_fields_digits(value, rounded):
    result = convert(value, field(Kind.DECIMAL, digits=2))

    assert str(result) == rounded
    assert str(convert("2.345", field(Kind.DECIMAL, digits=2), form=Form(digits=0))) == "2"


@pytest.mark.parametrize("value", ["30D", "net 30", " Net  30 "])
def test_choice_is_found_by_id_and_by_label(value):
    assert convert(value, CHOICE) == "30D"


def test_unknown_choice_is_refused_with_what_comes_near():
    with pytest.raises(ConversionError, match=r"no choice of terms; did you mean 'Prepaid'"):
        convert("Prepayd", CHOICE)


def test_choice_of_the_source_is_known_by_its_label():
    source = Field(key="k", name="Terms", kind=Kind.CHOICE, options={"31": "Net 30", "32": "x"})

    assert convert(31, CHOICE, source=source) == "30D"
    assert convert({"id": 31, "label": "Net 30"}, field(), source=source) == "Net 30"
    assert convert((31, 32), field(), source=source) == "Net 30, x"
    assert convert(99, field(), source=source) == "99"


@pytest.mark.parametrize(
    ("value", "key"), [(7, "7"), ("a ", "a"), (True, "yes"), ({"id": 5}, "5"), ({"a": 1}, "")]
)
def test_value_has_a_key_in_tables(value, key):
    assert key_of(value) == key


@given(st.text(max_size=30), st.integers(1, 10))
def test_text_is_never_longer_than_it_may_be(text, longest):
    result = convert(text, field(longest=longest), form=Form(may_cut=True))

    assert result is None or 0 < len(result) <= longest


@given(st.decimals(-(10**9), 10**9, places=12))
def test_decimal_travels_through_text_unchanged(number):
    assert convert(convert(number, field()), field(Kind.DECIMAL)) == number
