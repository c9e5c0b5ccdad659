"""v2: deals."""

from __future__ import annotations

from collections.abc import Callable

from vendor_simulators.pipedrive import deals
from vendor_simulators.pipedrive.answers import Answer
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.filters import matcher
from vendor_simulators.pipedrive.v2 import validation as v
from vendor_simulators.pipedrive.v2.lists import list_page, page_readers
from vendor_simulators.pipedrive.v2.reading import (
    CUSTOM_READERS,
    LABEL_READERS,
    answer_ids,
    delete_call,
    one,
    readable,
    time_bounds,
)
from vendor_simulators.pipedrive.v2.views import Wanted, deal_view
from vendor_simulators.pipedrive.wire import Row

_EQUAL = ("owner_id", "person_id", "org_id", "pipeline_id", "stage_id")
_EXTRA = (
    "next_activity_id", "last_activity_id", "first_won_time", "products_count", "files_count",
    "notes_count", "followers_count", "email_messages_count", "activities_count",
    "done_activities_count", "undone_activities_count", "participants_count",
    "last_incoming_mail_time", "last_outgoing_mail_time", "smart_bcc_email", "source_lead_id",
)  # fmt: skip
_ONE_READERS = {
    "include_fields": v.query_choices(*_EXTRA),
    **CUSTOM_READERS,
    **LABEL_READERS,
}
_ARCHIVE_READERS = {
    "filter_id": v.query_number,
    "ids": v.query_ids,
    **dict.fromkeys(_EQUAL, v.query_number),
    "status": v.query_choices("open", "won", "lost", "deleted"),
    "updated_since": v.query_moment,
    "updated_until": v.query_moment,
    "include_fields": v.query_choices(*_EXTRA),
    **CUSTOM_READERS,
    **page_readers("id", "update_time", "add_time"),
}
_LIST_READERS = {**_ARCHIVE_READERS, **LABEL_READERS}
_BODY: dict[str, v.Reader] = {
    "title": v.text(255, shortest=1),
    "owner_id": v.integer,
    "person_id": v.optional(v.integer),
    "org_id": v.optional(v.integer),
    "pipeline_id": v.integer,
    "stage_id": v.integer,
    "value": v.optional(v.number),
    "currency": v.text(3, shortest=3),
    "is_deleted": v.only(False, "deals are deleted with DELETE"),  # noqa: FBT003 - the one value that passes
    "is_archived": v.flag,
    "archive_time": v.optional(v.moment),
    "status": v.choice("open", "won", "lost"),
    "probability": v.optional(v.number),
    "lost_reason": v.optional(v.text(255)),
    "visible_to": v.integer,
    "close_time": v.optional(v.moment),
    "won_time": v.optional(v.moment),
    "lost_time": v.optional(v.moment),
    "expected_close_date": v.optional(v.day),
    "label_ids": v.optional(v.listed(v.integer)),
    "channel": v.optional(v.integer),
    "channel_id": v.optional(v.text()),
    "custom_fields": v.optional(v.nested({})),
}
_READ, _WRITE = scopes("deals:read"), scopes("deals:full")


def _list(call: Call) -> Answer:
    return _listed(call, v.read_query(call, _LIST_READERS), is_archived=False)


def _archived(call: Call) -> Answer:
    return _listed(call, v.read_query(call, _ARCHIVE_READERS), is_archived=True)


def _listed(call: Call, query: Row, *, is_archived: bool) -> Answer:
    company = call.company
    view = deal_view(company, Wanted.of(query))
    if "filter_id" in query:
        keep, equal = matcher(company, "deals", query["filter_id"]), {}
    else:
        keep = _keep(query)
        equal = {name: query[name] for name in _EQUAL if name in query}
        statuses = query.get("status", ())
        if len(statuses) == 1 and statuses[0] != "deleted":
            equal["status"] = statuses[0]

    def wanted(deal: Row) -> bool:
        return deal["is_archived"] == is_archived and keep(deal) and call.sees(deal)

    if "ids" in query and "filter_id" not in query:
        return answer_ids(company["deal"], query, keep=wanted, equal=equal, view=view)
    return list_page(company["deal"], query, keep=wanted, equal=equal, view=view)


def _keep(query: Row) -> Callable[[Row], bool]:
    """Return the test of status and times; deleted deals show only when asked for."""
    statuses = frozenset(query.get("status", ()))
    wants_deleted = "deleted" in statuses
    in_time = time_bounds(query)

    def keep(deal: Row) -> bool:
        if deal["is_deleted"]:
            return wants_deleted and in_time(deal)
        return (not statuses or deal["status"] in statuses) and in_time(deal)

    return keep


def _get(call: Call) -> Answer:
    query = v.read_query(call, _ONE_READERS)
    return one(readable(call, "deal"), deal_view(call.company, Wanted.of(query)))


def _create(call: Call) -> Answer:
    given = v.read_body(call, _BODY, required=("title",), custom="deal")
    return one(deals.create_deal(call.company, given, call.actor), deal_view(call.company))


def _update(call: Call) -> Answer:
    deal = call.found("deal")
    given = v.read_body(call, _BODY, custom="deal")
    if given.get("is_archived") is not False:
        deals.refuse_archived(call.company, deal)
    deals.update_deal(call.company, deal, given, call.actor)
    return one(deal, deal_view(call.company))


OPERATIONS = (
    Operation(method="GET", path="/deals", cost=10, run=_list, scopes=_READ),
    Operation(method="GET", path="/deals/archived", cost=20, run=_archived, scopes=_READ),
    Operation(method="GET", path="/deals/{id}", cost=1, run=_get, scopes=_READ),
    Operation(method="POST", path="/deals", cost=5, run=_create, scopes=_WRITE),
    Operation(method="PATCH", path="/deals/{id}", cost=5, run=_update, scopes=_WRITE),
    Operation(method="DELETE", path="/deals/{id}", cost=3, run=delete_call("deal"), scopes=_WRITE),
)
