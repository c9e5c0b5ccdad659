from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.errors import ContractError, InvalidRecordError, MissingMappingError
from ml_connector.core.money import Money
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.encodings import (
    choice,
    decode,
    encode,
    from_v1,
    from_webhook,
)
from ml_connector.vendors.pipedrive.models import (
    Address,
    DateRange,
    FieldDefinition,
    FieldOption,
    Monetary,
    RecordRef,
    TimeOfDay,
    TimeRange,
)

KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
OPEN = FieldOption(id=31, label="Open", color="green")
PAID = FieldOption(id=32, label="Paid")
STREET = "Hafenstrasse 12, 20457 Hamburg, Germany"


def field(kind: str) -> FieldDefinition:
    options = (OPEN, PAID) if kind in {"enum", "set"} else ()
    return FieldDefinition(
        field_code=KEY, field_name="It", field_type=kind, options=options, is_custom_field=True
    )


# Type, value in API v2, flat value in API v1, value in a v2 webhook, meaning: the table of
# Pipedrive's migration guides with invented values.
DOCUMENTED: list[tuple[str, Any, dict[str, Any], Any, Any]] = [
    ("varchar", "abc", {"": "abc"}, {"type": "varchar", "value": "abc"}, "abc"),
    ("phone", "+49 1", {"": "+49 1"}, {"type": "phone", "value": "+49 1"}, "+49 1"),
    ("double", 500, {"": 500}, {"type": "double", "value": 500}, Decimal(500)),
    (
        "monetary",
        {"value": 500, "currency": "EUR"},
        {"": 500, "_currency": "EUR"},
        {"type": "monetary", "value": 500, "currency": "EUR"},
        Monetary(value=Decimal(500), currency="EUR"),
    ),
    (
        "date",
        "2026-10-02",
        {"": "2026-10-02"},
        {"type": "date", "value": "2026-10-02"},
        date(2026, 10, 2),
    ),
    (
        "daterange",
        {"value": "2026-10-01", "until": "2026-10-31"},
        {"": "2026-10-01", "_until": "2026-10-31"},
        {"type": "daterange", "from": "2026-10-01", "until": "2026-10-31"},
        DateRange(value=date(2026, 10, 1), until=date(2026, 10, 31)),
    ),
    (
        "time",
        {"value": "09:00:00", "timezone_id": 318},
        {"": "09:00:00", "_timezone_id": 318},
        {"type": "time", "value": "09:00:00", "timezone_id": 318},
        TimeOfDay(value=time(9), timezone_id=318),
    ),
    (
        "timerange",
        {"value": "09:00:00", "until": "11:00:00", "timezone_id": 318},
        {"": "09:00:00", "_until": "11:00:00", "_timezone_id": 318},
        {"type": "timerange", "from": "09:00:00", "until": "11:00:00", "timezone_id": 318},
        TimeRange(value=time(9), until=time(11), timezone_id=318),
    ),
    ("enum", 31, {"": "31"}, {"type": "enum", "id": 31}, OPEN),
    (
        "set",
        [31, 32],
        {"": "31,32"},
        {"type": "set", "values": [{"id": 31}, {"id": 32}]},
        (OPEN, PAID),
    ),
    (
        "org",
        1234,
        {"": 1234},
        {"type": "org", "id": 1234},
        RecordRef(kind="organization", id=1234),
    ),
    ("people", 12, {"": 12}, {"type": "people", "id": 12}, RecordRef(kind="person", id=12)),
    ("user", 7, {"": 7}, {"type": "user", "id": 7}, RecordRef(kind="user", id=7)),
    (
        "address",
        {"value": STREET, "country": "Germany", "route": "Hafenstrasse", "subpremise": None},
        {"": STREET, "_country": "Germany", "_route": "Hafenstrasse", "_subpremise": None},
        {
            "type": "address",
            "value": STREET,
            "country": "Germany",
            "route": "Hafenstrasse",
            "subpremise": "",
        },
        Address(value=STREET, country="Germany", route="Hafenstrasse"),
    ),
]


def by_type(row):
    return row[0] if isinstance(row, tuple) else None


@pytest.mark.parametrize(("kind", "v2", "v1", "webhook", "meaning"), DOCUMENTED)
def test_all_three_encodings_mean_the_same(kind, v2, v1, webhook, meaning):
    flat = {f"{KEY}{part}": value for part, value in v1.items()}

    assert decode(field(kind), v2) == meaning
    assert decode(field(kind), from_v1(field(kind), flat)) == meaning
    assert decode(field(kind), from_webhook(webhook)) == meaning


@pytest.mark.parametrize("kind", [row[0] for row in DOCUMENTED])
@pytest.mark.parametrize("empty", [None, ""])
def test_empty_is_none_in_every_encoding(kind, empty):
    assert decode(field(kind), empty) is None
    assert decode(field(kind), from_v1(field(kind), {KEY: empty})) is None
    assert decode(field(kind), from_v1(field(kind), {})) is None
    assert decode(field(kind), from_webhook(empty)) is None


def test_choice_with_its_label_beside_it_is_read_by_its_id():
    assert decode(field("enum"), {"id": 32, "label": "Paid"}) == PAID


def test_choice_that_is_no_longer_defined_keeps_its_id():
    assert decode(field("enum"), 99) == FieldOption(id=99, label="")


def test_reference_of_v1_in_object_form_is_its_value():
    flat = {KEY: {"value": 88, "name": "Nordwerk GmbH"}}

    assert decode(field("org"), from_v1(field("org"), flat)) == RecordRef(
        kind="organization", id=88
    )


def test_type_that_custom_fields_do_not_have_is_a_contract_error():
    with pytest.raises(ContractError, match="hologram"):
        decode(field("hologram"), 1)


@pytest.mark.parametrize("label", ["Open", OPEN, FieldOption(id=31)])
def test_choice_is_written_as_its_id(label):
    assert encode(field("enum"), label) == 31


def test_unknown_choice_is_a_missing_mapping_that_lists_what_there_is():
    with pytest.raises(MissingMappingError, match="'Open', 'Paid'") as caught:
        encode(field("enum"), "Void")

    assert caught.value.waits_for == f"pipedrive_choice:{KEY}:Void"


def test_two_choices_of_one_label_are_not_picked_from():
    twice = FieldDefinition(
        field_code=KEY,
        field_name="It",
        field_type="enum",
        options=(OPEN, FieldOption(id=33, label="Open")),
    )

    with pytest.raises(MissingMappingError, match="2 choices 'Open'"):
        choice(twice, "Open")


def test_no_choice_at_all_clears_the_field_because_an_empty_list_is_refused():
    assert encode(field("set"), ()) is None


def test_money_is_written_with_both_parts():
    assert encode(field("monetary"), Money(Decimal("12480.25"), "EUR")) == {
        "value": Decimal("12480.25"),
        "currency": "EUR",
    }


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "2026-10-02"),
        ("date", datetime(2026, 10, 2, tzinfo=UTC)),
        ("double", "5"),
        ("double", True),
        ("monetary", Decimal(5)),
        ("varchar", Decimal(5)),
        ("org", RecordRef(kind="person", id=1)),
        ("varchar", "x" * 256),
    ],
)
def test_value_of_another_type_or_length_is_refused_before_it_is_sent(kind, value):
    with pytest.raises(InvalidRecordError) as caught:
        encode(field(kind), value)

    assert list(caught.value.fields) == [KEY]


texts = st.text(min_size=1, max_size=255)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=4)
days = st.dates()
clock_times = st.times().map(lambda t: t.replace(microsecond=0))
zones = st.integers(1, 400) | st.none()
values = st.one_of(
    st.tuples(st.sampled_from(["varchar", "varchar_auto", "text", "phone"]), texts),
    st.tuples(st.just("double"), numbers),
    st.tuples(st.just("date"), days),
    st.tuples(
        st.just("monetary"),
        st.builds(Monetary, value=numbers, currency=st.sampled_from(["EUR", "JPY", "XPD"])),
    ),
    st.tuples(st.just("daterange"), st.builds(DateRange, value=days, until=days | st.none())),
    st.tuples(st.just("time"), st.builds(TimeOfDay, value=clock_times, timezone_id=zones)),
    st.tuples(
        st.just("timerange"),
        st.builds(TimeRange, value=clock_times, until=clock_times | st.none(), timezone_id=zones),
    ),
    st.tuples(st.just("enum"), st.sampled_from([OPEN, PAID])),
    st.tuples(st.just("set"), st.sampled_from([(OPEN,), (PAID,), (OPEN, PAID)])),
    st.tuples(
        st.just("people"), st.builds(RecordRef, kind=st.just("person"), id=st.integers(1, 10**9))
    ),
    st.tuples(
        st.just("address"),
        st.builds(Address, value=texts, country=texts | st.none(), postal_code=texts | st.none()),
    ),
)


@given(drawn=values)
def test_what_is_written_reads_back_as_the_same(drawn):
    kind, value = drawn

    body = wire.encode({"v": encode(field(kind), value)})

    assert decode(field(kind), wire.parse(body)["v"]) == value


@given(drawn=values)
def test_flat_v1_and_webhook_form_read_back_as_the_same(drawn):
    kind, value = drawn
    v2 = wire.parse(wire.encode({"v": encode(field(kind), value)}))["v"]

    assert decode(field(kind), from_v1(field(kind), as_v1(v2))) == value
    assert decode(field(kind), from_webhook(as_webhook(kind, v2))) == value


def as_v1(v2: Any) -> dict[str, Any]:
    if isinstance(v2, dict):
        flat = {f"{KEY}_{part}": value for part, value in v2.items() if part != "value"}
        return {KEY: v2["value"], **flat}
    if isinstance(v2, list):
        return {KEY: ",".join(map(str, v2))}
    return {KEY: v2}


def as_webhook(kind: str, v2: Any) -> Any:
    if kind in {"enum", "org", "people", "user"}:
        return {"type": kind, "id": v2}
    if kind == "set":
        return {"type": kind, "values": [{"id": each} for each in v2]}
    if kind in {"daterange", "timerange"}:
        rest = {part: value for part, value in v2.items() if part != "value"}
        return {"type": kind, "from": v2["value"], **rest}
    return {"type": kind, **v2} if isinstance(v2, dict) else {"type": kind, "value": v2}
