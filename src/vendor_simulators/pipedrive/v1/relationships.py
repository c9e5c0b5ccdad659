"""v1: organization relationships: parent and daughter, or related."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from vendor_simulators.pipedrive.answers import Answer, v1_bad_request, v1_single
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.company import Company
from vendor_simulators.pipedrive.rules import require
from vendor_simulators.pipedrive.v1 import bodies
from vendor_simulators.pipedrive.v1.lists import given_number
from vendor_simulators.pipedrive.v1.views import V1Views
from vendor_simulators.pipedrive.wire import Row, v1_time

TYPES = frozenset({"parent", "related"})
_SIDES = ("rel_owner_org_id", "rel_linked_org_id")


def create_relationship(company: Company, given: Mapping[str, Any]) -> Row:
    """Relate two organizations; with type parent the first is the parent."""
    _check(company, given)
    now = company.stamp()
    row: Row = {
        "id": company["relationship"].take_id(),
        "type": given["type"],
        **{side: given[side] for side in _SIDES},
        "add_time": now,
        "update_time": now,
    }
    company["relationship"].add(row)
    return row


def _check(company: Company, given: Mapping[str, Any]) -> None:
    if given.get("type") not in TYPES:
        raise v1_bad_request()
    for side in _SIDES:
        require(company, "organization", given.get(side), name=side)
    if given[_SIDES[0]] == given[_SIDES[1]]:
        raise v1_bad_request()


def _view(call: Call, row: Row, base_id: int | None = None) -> Row:
    views = V1Views(call.company)
    shown: Row = {
        "id": row["id"],
        "type": row["type"],
        **{side: views.organization_relation(row[side]) for side in _SIDES},
        "add_time": v1_time(row["add_time"]),
        "update_time": v1_time(row["update_time"]),
        "active_flag": True,
    }
    if base_id is None:
        return shown
    is_owner = row["rel_owner_org_id"] == base_id
    other_id = row["rel_linked_org_id" if is_owner else "rel_owner_org_id"]
    other = call.company["organization"].find(other_id)
    kinship = "daughter" if is_owner else "parent"
    return {
        "related_organization_name": other["name"] if other else None,
        "calculated_type": kinship if row["type"] == "parent" else "related",
        "calculated_related_org_id": other_id,
        **shown,
    }


def _list(call: Call) -> Answer:
    base_id = given_number(call, "org_id")
    if base_id is None:
        raise v1_bad_request()
    table = call.company["relationship"]
    found = {row["id"]: row for side in _SIDES for row in table.where(side, base_id)}
    answer = v1_single([_view(call, found[key], base_id) for key in sorted(found)])
    about = {"start": 0, "limit": 100, "more_items_in_collection": False}
    answer.body["additional_data"] = {"pagination": about}
    return answer


def _given(call: Call) -> Row:
    body = call.form()
    given: Row = {side: bodies.whole(body[side]) for side in _SIDES if side in body}
    return {**given, "type": body["type"]} if "type" in body else given


def _get(call: Call) -> Answer:
    row = call.found("relationship")
    return v1_single(_view(call, row, given_number(call, "org_id")))


def _create(call: Call) -> Answer:
    row = create_relationship(call.company, _given(call))
    return v1_single(_view(call, row), status=HTTPStatus.CREATED)


def _update(call: Call) -> Answer:
    row = call.found("relationship")
    given = _given(call)
    _check(call.company, {**row, **given})
    call.company["relationship"].apply(row, {**given, "update_time": call.company.stamp()})
    return v1_single(_view(call, row))


def _delete(call: Call) -> Answer:
    row = call.found("relationship")
    call.company["relationship"].remove(row["id"])
    return v1_single({"id": row["id"]})


_PATH, _ONE = "/organizationRelationships", "/organizationRelationships/{id}"
_READ, _WRITE = scopes("contacts:read"), scopes("contacts:full")
OPERATIONS = (
    Operation(method="GET", path=_PATH, cost=20, run=_list, scopes=_READ, version=1),
    Operation(method="GET", path=_ONE, cost=2, run=_get, scopes=_READ, version=1),
    Operation(method="POST", path=_PATH, cost=10, run=_create, scopes=_WRITE, version=1),
    Operation(method="PUT", path=_ONE, cost=10, run=_update, scopes=_WRITE, version=1),
    Operation(method="DELETE", path=_ONE, cost=6, run=_delete, scopes=_WRITE, version=1),
)
