"""v2: activities."""

from __future__ import annotations

from vendor_simulators.pipedrive import activities
from vendor_simulators.pipedrive.answers import Answer
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.filters import matcher
from vendor_simulators.pipedrive.v2 import validation as v
from vendor_simulators.pipedrive.v2.lists import list_page, page_readers
from vendor_simulators.pipedrive.v2.reading import (
    alive_keep,
    answer_ids,
    delete_call,
    one,
    readable,
)
from vendor_simulators.pipedrive.v2.views import Wanted, activity_view

_EQUAL = ("owner_id", "deal_id", "person_id", "org_id")
_ONE = {"include_fields": v.query_choices("attendees")}
_LIST = {
    "filter_id": v.query_number,
    "ids": v.query_ids,
    **dict.fromkeys(_EQUAL, v.query_number),
    "lead_id": v.query_text,
    "done": v.query_flag,
    "updated_since": v.query_moment,
    "updated_until": v.query_moment,
    **_ONE,
    **page_readers("id", "update_time", "add_time", "due_date"),
}
_ATTENDEE = v.nested(
    {
        "email": v.text(),
        "name": v.optional(v.text()),
        "status": v.optional(v.text()),
        "is_organizer": v.flag,
        "person_id": v.optional(v.integer),
        "user_id": v.optional(v.integer),
    }
)
_BODY: dict[str, v.Reader] = {
    "subject": v.text(255),
    "type": v.text(),
    "owner_id": v.integer,
    "deal_id": v.optional(v.integer),
    "lead_id": v.optional(v.text()),
    "org_id": v.optional(v.integer),
    "project_id": v.optional(v.integer),
    "due_date": v.optional(v.day),
    "due_time": v.optional(v.clock_time),
    "duration": v.optional(v.duration),
    "busy": v.flag,
    "done": v.flag,
    "location": v.optional(v.ADDRESS),
    "participants": v.listed(
        v.nested({"person_id": v.integer, "primary": v.flag}, required=("person_id",))
    ),
    "attendees": v.listed(_ATTENDEE),
    "public_description": v.optional(v.text()),
    "priority": v.optional(v.integer),
    "note": v.optional(v.text()),
}
_BODY_WITH_PERSON = {**_BODY, "person_id": v.optional(v.integer)}
_READ, _WRITE = scopes("activities:read"), scopes("activities:full")


def _list(call: Call) -> Answer:
    query = v.read_query(call, _LIST)
    table, view = call.company["activity"], activity_view(call.company, Wanted.of(query))
    if "filter_id" in query:
        keep = matcher(call.company, "activity", query["filter_id"])
        return list_page(table, query, keep=keep, equal={}, view=view)
    equal = {name: query[name] for name in (*_EQUAL, "done", "lead_id") if name in query}
    if "ids" in query:
        return answer_ids(table, query, keep=alive_keep(call, query), equal=equal, view=view)
    return list_page(table, query, keep=alive_keep(call, query), equal=equal, view=view)


def _get(call: Call) -> Answer:
    query = v.read_query(call, _ONE)
    return one(readable(call, "activity"), activity_view(call.company, Wanted.of(query)))


def _body(call: Call) -> dict[str, v.Reader]:
    accepts = call.switches["activity_person_id"] == "accepted"
    return _BODY_WITH_PERSON if accepts else _BODY


def _create(call: Call) -> Answer:
    given = v.read_body(call, _body(call))
    row = activities.create_activity(call.company, given, call.actor)
    return one(row, activity_view(call.company))


def _update(call: Call) -> Answer:
    row = call.found("activity")
    activities.update_activity(call.company, row, v.read_body(call, _body(call)), call.actor)
    return one(row, activity_view(call.company))


OPERATIONS = (
    Operation(method="GET", path="/activities", cost=10, run=_list, scopes=_READ),
    Operation(method="GET", path="/activities/{id}", cost=1, run=_get, scopes=_READ),
    Operation(method="POST", path="/activities", cost=5, run=_create, scopes=_WRITE),
    Operation(method="PATCH", path="/activities/{id}", cost=5, run=_update, scopes=_WRITE),
    Operation(
        method="DELETE", path="/activities/{id}", cost=3, run=delete_call("activity"), scopes=_WRITE
    ),
)
