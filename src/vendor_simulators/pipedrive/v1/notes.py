"""v1: notes, which v2 does not have."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from vendor_simulators.pipedrive import activities
from vendor_simulators.pipedrive.answers import Answer, v1_bad_request, v1_single
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.v1 import bodies
from vendor_simulators.pipedrive.v1.attached import note_view
from vendor_simulators.pipedrive.v1.lists import given_number, offset_page
from vendor_simulators.pipedrive.wire import Row, read_any_time

_INDEXED = ("deal_id", "person_id", "org_id")
_READ = scopes("deals:read", "contacts:read")
_WRITE = scopes("deals:full", "contacts:full")


def _list(call: Call) -> Answer:
    keep = _keep(call)
    table = call.company["note"]
    for column in _INDEXED:
        wanted = given_number(call, column)
        if wanted is not None:
            rows = [row for row in table.where(column, wanted) if keep(row)]
            return offset_page(call, rows, partial(note_view, call.company))
    return offset_page(call, [row for row in table if keep(row)], partial(note_view, call.company))


def _keep(call: Call) -> Callable[[Row], bool]:
    equal = {
        name: wanted
        for name in (*_INDEXED, "user_id", "project_id", "task_id")
        if (wanted := given_number(call, name)) is not None
    }
    pins = {name: call.query[name] == "1" for name in activities.PINS if name in call.query}
    since = call.query.get("updated_since")
    bound = read_any_time(since) if since else None
    if since and bound is None:
        raise v1_bad_request()
    first, last = call.query.get("start_date", ""), call.query.get("end_date", "")

    def keep(row: Row) -> bool:
        return (
            row["active_flag"]
            and all(row[name] == value for name, value in {**equal, **pins}.items())
            and (bound is None or row["update_time"] >= bound)
            and (not first or row["add_time"][:10] >= first)
            and (not last or row["add_time"][:10] <= last)
        )

    return keep


def _note(call: Call) -> Row:
    """Return the note that the path names; deleted ones too."""
    row = call.company["note"].find(call.number())
    if row is None:
        raise call.missing("note")
    return row


def _get(call: Call) -> Answer:
    return v1_single(note_view(call.company, _note(call)))


def _create(call: Call) -> Answer:
    given = bodies.read(call.form(), bodies.NOTE)
    _check_author(call, given)
    row = activities.create_note(call.company, given, call.actor)
    return v1_single(note_view(call.company, row), status=HTTPStatus.CREATED)


def _update(call: Call) -> Answer:
    row = _note(call)
    given = bodies.read(call.form(), bodies.NOTE)
    _check_author(call, given)
    activities.update_note(call.company, row, given, call.actor)
    return v1_single(note_view(call.company, row))


def _delete(call: Call) -> Answer:
    row = _note(call)
    if row["active_flag"]:
        activities.delete_note(call.company, row, call.actor)
    return v1_single(data=True)


def _check_author(call: Call, given: Row) -> None:
    """Drop another author's name unless an admin gives it."""
    user = call.company["user"].find(call.login.user_id)
    if user is None or not user["is_admin"]:
        given.pop("user_id", None)


OPERATIONS = (
    Operation(method="GET", path="/notes", cost=20, run=_list, scopes=_READ, version=1),
    Operation(method="GET", path="/notes/{id}", cost=2, run=_get, scopes=_READ, version=1),
    Operation(method="POST", path="/notes", cost=10, run=_create, scopes=_WRITE, version=1),
    Operation(method="PUT", path="/notes/{id}", cost=10, run=_update, scopes=_WRITE, version=1),
    Operation(method="DELETE", path="/notes/{id}", cost=6, run=_delete, scopes=_WRITE, version=1),
)
