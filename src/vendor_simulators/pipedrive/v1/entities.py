"""v1: the deprecated calls for deals, persons, organizations, products and activities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from vendor_simulators.pipedrive import activities, contacts, deals, products
from vendor_simulators.pipedrive.answers import Answer, UnchangedError, v1_bad_request, v1_missing
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.filters import matcher
from vendor_simulators.pipedrive.v1 import bodies
from vendor_simulators.pipedrive.v1.lists import given_number, offset_page
from vendor_simulators.pipedrive.v1.views import V1Views
from vendor_simulators.pipedrive.wire import Row

Create = Callable[[Company, Mapping[str, Any], Actor], Row]
Update = Callable[[Company, Row, Mapping[str, Any], Actor], None]


@dataclass(frozen=True, kw_only=True)
class _Entity:
    """One kind of record under v1."""

    kind: str
    noun: str
    required: str
    names: bodies.Names
    create: Create
    update: Update
    filter_type: str
    read: frozenset[str]
    write: frozenset[str]


def _update_deal(company: Company, row: Row, given: Mapping[str, Any], actor: Actor) -> None:
    deals.refuse_archived(company, row)
    if given.get("status") == "deleted":
        company.delete("deal", row, actor)
    else:
        deals.update_deal(company, row, given, actor)


_ENTITIES = (
    _Entity(
        kind="deal", noun="deals", required="title", names=bodies.DEAL,
        create=deals.create_deal, update=_update_deal, filter_type="deals",
        read=scopes("deals:read"), write=scopes("deals:full"),
    ),
    _Entity(
        kind="person", noun="persons", required="name", names=bodies.PERSON,
        create=contacts.create_person, update=contacts.update_person, filter_type="people",
        read=scopes("contacts:read"), write=scopes("contacts:full"),
    ),
    _Entity(
        kind="organization", noun="organizations", required="name", names=bodies.ORGANIZATION,
        create=contacts.create_organization, update=contacts.update_organization,
        filter_type="org", read=scopes("contacts:read"), write=scopes("contacts:full"),
    ),
    _Entity(
        kind="product", noun="products", required="name", names=bodies.PRODUCT,
        create=products.create_product, update=products.update_product, filter_type="products",
        read=scopes("products:read"), write=scopes("products:full"),
    ),
    _Entity(
        kind="activity", noun="activities", required="", names=bodies.ACTIVITY,
        create=activities.create_activity, update=activities.update_activity,
        filter_type="activity", read=scopes("activities:read"), write=scopes("activities:full"),
    ),
)  # fmt: skip


def related_objects(call: Call, rows: Sequence[Row]) -> Row:
    """Return the records that v1 lists beside its answer, by kind and id."""
    views = V1Views(call.company)
    found: dict[str, dict[str, Any]] = {}
    relations = (
        ("user", "owner_id", views.user),
        ("organization", "org_id", views.organization_relation),
        ("person", "person_id", views.person_relation),
    )
    for row in rows:
        for name, column, show in relations:
            related = row.get(column)
            if related is not None:
                shown = show(related)
                if isinstance(shown, dict):
                    found.setdefault(name, {})[str(related)] = {**shown, "id": related}
    return found


def answer_rows(call: Call, rows: Sequence[Row], kind: str) -> Answer:
    """Answer a v1 list of a kind, with its related objects."""
    answer = offset_page(call, rows, V1Views(call.company).of(kind))
    shown_ids = {row["id"] for row in answer.body["data"] or ()}
    answer.body["related_objects"] = related_objects(
        call, [row for row in rows if row["id"] in shown_ids]
    )
    return answer


def _list(entity: _Entity) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        rows = list(call.company[entity.kind])
        filter_id = given_number(call, "filter_id")
        if filter_id is not None:
            keep = matcher(call.company, entity.filter_type, filter_id)
        else:
            keep = _keep(call, entity)
        return answer_rows(call, [row for row in rows if keep(row)], entity.kind)

    return run


def _keep(call: Call, entity: _Entity) -> Callable[[Row], bool]:
    owner_id = given_number(call, "user_id")
    if call.query.get("owned_by_you") == "1":
        owner_id = call.login.user_id
    initial = call.query.get("first_char", "").lower()
    stage_id = given_number(call, "stage_id")
    status = call.query.get("status", "all_not_deleted") if entity.kind == "deal" else ""

    def keep(row: Row) -> bool:
        if (
            not call.sees(row)
            or row["is_deleted"] != (status == "deleted")
            or row.get("is_archived")
        ):
            return False
        if status in {"open", "won", "lost"} and row["status"] != status:
            return False
        if stage_id is not None and row.get("stage_id") != stage_id:
            return False
        if initial and not row["name"].lower().startswith(initial):
            return False
        return not owner_id or row["owner_id"] == owner_id

    return keep


def _get(entity: _Entity) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        row = call.company[entity.kind].find(call.number())
        if row is None or not call.sees(row):
            raise v1_missing(entity.kind.capitalize(), status=call.switches["v1_missing"])
        return _answer(call, entity, row)

    return run


def _answer(call: Call, entity: _Entity, row: Row, *, status: int = HTTPStatus.OK) -> Answer:
    shown = V1Views(call.company).of(entity.kind)(row)
    body = {"success": True, "data": shown, "related_objects": related_objects(call, [row])}
    if entity.kind in {"organization", "person"} and status == HTTPStatus.CREATED:
        body["additional_data"] = {"didMerge": False}
    return Answer(body, status)


def _given(call: Call, entity: _Entity, current: Mapping[str, Any]) -> Row:
    body = call.form()
    given = bodies.read(body, entity.names)
    if entity.kind == "organization":
        given |= bodies.address(body)
    if entity.kind == "product":
        given |= bodies.prices(body)
    return given | bodies.custom(call.company, entity.kind, body, current, call.login.user_id)


def _create(entity: _Entity) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        given = _given(call, entity, {})
        if entity.required and not given.get(entity.required):
            raise v1_bad_request()
        row = entity.create(call.company, given, call.actor)
        return _answer(call, entity, row, status=HTTPStatus.CREATED)

    return run


def _update(entity: _Entity) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        row = call.found(entity.kind)
        given = _given(call, entity, row.get("custom_fields", {}))
        entity.update(call.company, row, given, call.actor)
        return _answer(call, entity, row)

    return run


def _delete(entity: _Entity) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        row = call.company[entity.kind].find(call.number())
        if row is None:
            raise call.missing(entity.kind)
        if row["is_deleted"]:
            raise UnchangedError(row["id"])
        call.company.delete(entity.kind, row, call.actor)
        return Answer({"success": True, "data": {"id": row["id"]}})

    return run


def _operations(entity: _Entity) -> tuple[Operation, ...]:
    path, one = f"/{entity.noun}", f"/{entity.noun}/{{id}}"
    calls: tuple[tuple[str, str, int, Callable[[Call], Answer], frozenset[str]], ...] = (
        ("GET", path, 20, _list(entity), entity.read),
        ("GET", one, 2, _get(entity), entity.read),
        ("POST", path, 10, _create(entity), entity.write),
        ("PUT", one, 10, _update(entity), entity.write),
        ("DELETE", one, 6, _delete(entity), entity.write),
    )
    return tuple(
        Operation(method=method, path=where, cost=cost, run=run, scopes=needed, version=1)
        for method, where, cost, run, needed in calls
    )


OPERATIONS = tuple(operation for entity in _ENTITIES for operation in _operations(entity))
