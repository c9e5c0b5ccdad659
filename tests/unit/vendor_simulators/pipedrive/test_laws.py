"""Laws that hold for any input."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from vendor_simulators.pipedrive import wire
from vendor_simulators.pipedrive.table import Table

seconds = st.integers(0, 50).map(
    lambda n: wire.v2_time(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n))
)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-9e9, max_value=9e9))
def test_amounts_survive_json_without_noise(amount):
    text = wire.encode(wire.tidy(amount))

    assert Decimal(text.decode()) == amount
    assert wire.decode(text) == amount
    assert not isinstance(wire.decode(text), float)


@given(st.integers() | st.text(), st.integers(1), st.sampled_from(["asc", "desc"]))
def test_cursors_come_back_as_written(value, record_id, direction):
    text = wire.write_cursor(field="id", value=value, direction=direction, record_id=record_id)

    assert "=" not in text
    marker = wire.read_cursor(text)
    assert marker is not None
    assert (marker["fieldValue"], marker["id"]) == (value, record_id)


@given(st.lists(st.tuples(st.integers(1, 12), seconds, st.booleans()), max_size=40), seconds)
def test_indices_agree_with_a_scan_after_any_history(history, since):
    table = Table("deal", indexed=("status",))
    for row_id, moment, is_won in history:
        status = "won" if is_won else "open"
        row = table.find(row_id)
        if row is None:
            table.add({"id": row_id, "update_time": moment, "status": status})
        elif moment.endswith("7Z"):
            table.remove(row_id)
        else:
            table.apply(row, {"update_time": moment, "status": status})

    rows = sorted(table.rows.values(), key=lambda row: (row["update_time"], row["id"]))
    assert list(table.walk_updates(None, is_descending=False)) == rows
    assert list(table.walk_updates(None, is_descending=True)) == rows[::-1]
    assert list(table.updated_between(since, None)) == [
        row["id"] for row in rows if row["update_time"] >= since
    ]
    won = sorted(row["id"] for row in rows if row["status"] == "won")
    assert [row["id"] for row in table.where("status", "won")] == won
    assert [row["id"] for row in table] == sorted(table.rows)


def test_refused_texts_are_no_moments():
    for text in ("2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T25:00:00Z", 5, None):
        assert wire.read_v2_time(text) is None
    assert wire.read_any_time("2026-01-01 10:00:00") == "2026-01-01T10:00:00Z"
    assert msgspec.json.encode(wire.v1_time("2026-01-01T10:00:00Z")) == b'"2026-01-01 10:00:00"'
