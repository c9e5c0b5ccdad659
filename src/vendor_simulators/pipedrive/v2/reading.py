"""What v2's reads have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from vendor_simulators.pipedrive.answers import Answer, single, v2_missing
from vendor_simulators.pipedrive.calls import Call
from vendor_simulators.pipedrive.table import Table
from vendor_simulators.pipedrive.v2 import validation as v
from vendor_simulators.pipedrive.v2.lists import sorted_page
from vendor_simulators.pipedrive.wire import Row

CUSTOM_READERS: Mapping[str, v.Reader] = {"custom_fields": v.query_keys}
LABEL_READERS: Mapping[str, v.Reader] = {
    "include_option_labels": v.query_flag,
    "include_labels": v.query_flag,
}


def one(row: Row, view: Callable[[Row], Row], *, status: int = HTTPStatus.OK) -> Answer:
    """Answer one record."""
    return single(view(row), status=status)


def readable(call: Call, kind: str) -> Row:
    """Return the record that the path names; deleted ones as the switch says."""
    row = call.company[kind].find(call.number())
    if row is None or not call.sees(row):
        raise v2_missing()
    if row.get("is_deleted") and call.switches["deleted_get"] != "returned":
        raise v2_missing()
    return row


def delete_call(kind: str) -> Callable[[Call], Answer]:
    """Return the call that deletes a record and answers its id."""

    def run(call: Call) -> Answer:
        v.read_query(call, {})
        row = call.found(kind)
        call.company.delete(kind, row, call.actor)
        return single({"id": row["id"]})

    return run


def time_bounds(query: Mapping[str, Any]) -> Callable[[Row], bool]:
    """Return the test of updated_since (from it on) and updated_until (before it)."""
    since, until = query.get("updated_since"), query.get("updated_until")
    if since is None and until is None:
        return lambda _row: True

    def within(row: Row) -> bool:
        updated = row["update_time"] or ""
        return (since is None or updated >= since) and (until is None or updated < until)

    return within


def alive_keep(call: Call, query: Mapping[str, Any]) -> Callable[[Row], bool]:
    """Return the test of times for kinds whose deleted records are never listed."""
    within = time_bounds(query)
    return lambda row: not row["is_deleted"] and within(row) and call.sees(row)


def answer_ids(
    table: Table,
    query: Mapping[str, Any],
    *,
    keep: Callable[[Row], bool],
    equal: Mapping[str, Any],
    view: Callable[[Row], Row],
) -> Answer:
    """Answer the records that ``ids`` names; unknown ids are dropped without a word."""
    rows = [
        row
        for row in map(table.find, query["ids"])
        if row is not None
        and keep(row)
        and all(row[column] == value for column, value in equal.items())
    ]
    return sorted_page(rows, query, view)
