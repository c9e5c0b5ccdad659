"""v1: users, currencies, activity types, filters, recent changes."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from vendor_simulators.pipedrive import filters
from vendor_simulators.pipedrive.answers import (
    Answer,
    RefusedError,
    v1_bad_request,
    v1_missing,
    v1_single,
)
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.company import COMPANY_DOMAIN, COMPANY_ID
from vendor_simulators.pipedrive.v1.attached import user_view
from vendor_simulators.pipedrive.v1.lists import number, offset_page
from vendor_simulators.pipedrive.v1.views import V1Views
from vendor_simulators.pipedrive.wire import Row, read_any_time, v1_time, v2_time

COMPANY_NAME = "Acme Machines"
_RECENT = timedelta(days=31)  # older changes are not told, whatever since_timestamp says
_RECENT_KINDS = (
    "activity", "deal", "note", "organization", "person", "pipeline", "product", "stage", "user",
)  # fmt: skip


def _shown(call: Call, row: Row) -> Row:
    return {**user_view(row), "is_you": row["id"] == call.login.user_id}


def _me(call: Call) -> Answer:
    row = call.company["user"].find(call.login.user_id)
    if row is None:
        raise v1_missing("User")
    about = {
        "company_id": COMPANY_ID,
        "company_name": COMPANY_NAME,
        "company_domain": COMPANY_DOMAIN,
        "company_country": "DE",
        "company_industry": "Manufacturing",
        "language": {"language_code": "en", "country_code": "US"},
    }
    return v1_single({**_shown(call, row), **about})


def _list_users(call: Call) -> Answer:
    body = {
        "success": True,
        "data": [_shown(call, row) for row in call.company["user"]],
        "additional_data": {"company_id": COMPANY_ID},
    }
    return Answer(body)


def _get_user(call: Call) -> Answer:
    row = call.company["user"].find(call.number())
    if row is None:
        error = "User not found or not accessible."
        raise RefusedError(HTTPStatus.NOT_FOUND, {"success": False, "error": error})
    return v1_single(_shown(call, row))


def _find_users(call: Call) -> Answer:
    term = call.query.get("term", "").casefold()
    if not term:
        raise v1_bad_request()
    names = ("email",) if call.query.get("search_by_email") == "1" else ("name", "email")
    found = [
        _shown(call, row)
        for row in call.company["user"]
        if any(term in row[name].casefold() for name in names)
    ]
    return v1_single(found)


def _currencies(call: Call) -> Answer:
    term = call.query.get("term", "").casefold()
    found = [
        row
        for row in call.company["currency"]
        if term in row["code"].casefold() or term in row["name"].casefold()
    ]
    return v1_single(found)


def _activity_types(call: Call) -> Answer:
    return v1_single(list(call.company["activity_type"]))


def _list_filters(call: Call) -> Answer:
    wanted = call.query.get("type")
    found = [
        {name: value for name, value in row.items() if name != "conditions"}
        for row in call.company["filter"]
        if wanted in {None, row["type"]}
    ]
    return v1_single(found)


def _get_filter(call: Call) -> Answer:
    return v1_single(call.found("filter"))


def _create_filter(call: Call) -> Answer:
    given = call.form()
    if not given.get("name"):
        raise v1_bad_request()
    filters.check(call.company, given.get("type"), given.get("conditions"))
    now = v1_time(call.company.stamp())
    row = {
        "id": call.company["filter"].take_id(),
        "name": str(given["name"]),
        "filter_code": None,
        "is_editable": True,
        "active_flag": True,
        "type": given["type"],
        "temporary_flag": False,
        "user_id": call.login.user_id,
        "add_time": now,
        "update_time": now,
        "visible_to": "1",
        "last_used_time": None,
        "custom_view_id": None,
        "conditions": given["conditions"],
    }
    call.company["filter"].add(row)
    return v1_single(row)


def _delete_filter(call: Call) -> Answer:
    row = call.found("filter")
    call.company["filter"].remove(row["id"])
    return v1_single({"id": row["id"]})


def _recents(call: Call) -> Answer:
    since = read_any_time(call.query.get("since_timestamp"))
    if since is None:
        raise v1_bad_request()
    oldest = v2_time(call.company.clock.now() - _RECENT)
    since = max(since, oldest)
    wanted = call.query.get("items", "")
    kinds = [kind for kind in _RECENT_KINDS if not wanted or kind in wanted.split(",")]
    found = [
        {"item": kind, "row": row, "update_time": row["update_time"], "id": row["id"]}
        for kind in kinds
        for row in call.company[kind]
        if (row["update_time"] or "") >= since
    ]
    found.sort(key=lambda entry: (entry["update_time"], entry["id"]))
    views = V1Views(call.company, flat=True)
    limit = number(call, "limit", 100)
    answer = offset_page(
        call,
        found,
        lambda entry: {
            "item": entry["item"],
            "id": entry["id"],
            "data": views.of(entry["item"])(entry["row"]),
        },
    )
    shown = found[number(call, "start", 0) :][:limit]
    if shown:
        answer.body["additional_data"] |= {
            "since_timestamp": v1_time(since),
            "last_timestamp_on_page": v1_time(shown[-1]["update_time"]),
        }
    return answer


_FILTERS = scopes("deals:read", "activities:read", "contacts:read")
OPERATIONS = (
    Operation(method="GET", path="/users/me", cost=2, run=_me, version=1),
    Operation(
        method="GET",
        path="/users",
        cost=20,
        run=_list_users,
        scopes=scopes("users:read"),
        version=1,
    ),
    Operation(
        method="GET",
        path="/users/find",
        cost=40,
        run=_find_users,
        scopes=scopes("users:read"),
        version=1,
    ),
    Operation(
        method="GET",
        path="/users/{id}",
        cost=2,
        run=_get_user,
        scopes=scopes("users:read"),
        version=1,
    ),
    Operation(method="GET", path="/currencies", cost=20, run=_currencies, version=1),
    Operation(
        method="GET",
        path="/activityTypes",
        cost=20,
        run=_activity_types,
        scopes=scopes("activities:read", "admin"),
        version=1,
    ),
    Operation(
        method="GET", path="/filters", cost=20, run=_list_filters, scopes=_FILTERS, version=1
    ),
    Operation(
        method="GET", path="/filters/{id}", cost=2, run=_get_filter, scopes=_FILTERS, version=1
    ),
    Operation(
        method="POST", path="/filters", cost=10, run=_create_filter, scopes=_FILTERS, version=1
    ),
    Operation(
        method="DELETE",
        path="/filters/{id}",
        cost=6,
        run=_delete_filter,
        scopes=_FILTERS,
        version=1,
    ),
    Operation(
        method="GET",
        path="/recents",
        cost=20,
        run=_recents,
        scopes=scopes("recents:read"),
        version=1,
    ),
)
