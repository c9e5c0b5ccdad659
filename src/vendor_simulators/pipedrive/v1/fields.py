"""v1: field definitions, with numeric ids."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from vendor_simulators.pipedrive.answers import Answer, v1_bad_request, v1_missing, v1_single
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.fields import CHOICE_TYPES, CUSTOM_TYPES, FieldDefinition
from vendor_simulators.pipedrive.v1.lists import offset_page
from vendor_simulators.pipedrive.wire import Row, number_in, v1_time


def field_view(field: FieldDefinition) -> Row:
    """Show a definition."""
    shown: Row = {
        "id": field.id,
        "key": field.v1_key,
        "name": field.name,
        "order_nr": field.order_nr,
        "field_type": field.field_type,
        "add_time": v1_time(field.add_time),
        "update_time": v1_time(field.update_time),
        "last_updated_by_user_id": field.created_by,
        "created_by_user_id": field.created_by,
        "active_flag": True,
        "edit_flag": field.is_custom,
        "index_visible_flag": True,
        "details_visible_flag": True,
        "add_visible_flag": field.shows_when_adding,
        "important_flag": False,
        "bulk_edit_allowed": True,
        "searchable_flag": False,
        "filtering_allowed": True,
        "sortable_flag": True,
        "mandatory_flag": field.code in {"title", "name"},
        "options": None,
    }
    if field.options is not None:
        shown["options"] = [{"id": option.id, "label": option.label} for option in field.options]
    if field.deleted_options:
        shown["options_deleted"] = [
            {"id": option.id, "label": option.label} for option in field.deleted_options
        ]
    return shown


class _FieldsAPI:
    """The calls for the fields of one kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def listing(self, call: Call) -> Answer:
        rows = [{"id": field.id, "field": field} for field in call.company.fields.of(self.kind)]
        is_flat = call.switches["v1_row_pagination"] == "flat"
        return offset_page(call, rows, lambda row: field_view(row["field"]), is_flat=is_flat)

    def get(self, call: Call) -> Answer:
        return v1_single(field_view(self._field(call)))

    def create(self, call: Call) -> Answer:
        given = call.form()
        name, field_type = given.get("name"), given.get("field_type")
        labels = [str(one.get("label")) for one in _objects(given.get("options"))]
        if not name or field_type not in CUSTOM_TYPES:
            raise v1_bad_request()
        if field_type in CHOICE_TYPES and not labels:
            raise v1_bad_request()
        made = call.company.fields.add(
            self.kind,
            name=str(name),
            field_type=str(field_type),
            labels=labels,
            now=call.company.stamp(),
            user_id=call.login.user_id,
        )
        return v1_single(field_view(made), status=HTTPStatus.CREATED)

    def update(self, call: Call) -> Answer:
        field = self._custom(call)
        given = call.form()
        field.name = str(given.get("name") or field.name)
        if field.field_type in CHOICE_TYPES and "options" in given:
            _replace_options(call, field, _objects(given["options"]))
        field.update_time = call.company.stamp()
        return v1_single(field_view(field))

    def delete(self, call: Call) -> Answer:
        field = self._custom(call)
        call.company.fields.delete(field)
        return v1_single({"id": field.id})

    def delete_many(self, call: Call) -> Answer:
        ids = [number_in(part) for part in call.query.get("ids", "").split(",")]
        fields = call.company.fields
        found = [fields.numbered(self.kind, int(number)) for number in ids if number is not None]
        gone = [field for field in found if field is not None and field.is_custom]
        for field in gone:
            fields.delete(field)
        return v1_single({"id": [field.id for field in gone]})

    def _field(self, call: Call) -> FieldDefinition:
        found = call.company.fields.numbered(self.kind, call.number())
        if found is None:
            raise v1_missing("Field")
        return found

    def _custom(self, call: Call) -> FieldDefinition:
        found = self._field(call)
        if not found.is_custom:
            raise v1_bad_request()
        return found


def _replace_options(call: Call, field: FieldDefinition, given: list[Row]) -> None:
    """Keep and rename the options that come with an id, add the rest, delete what is not named."""
    fields = call.company.fields
    named = {number_in(one.get("id")): one.get("label") for one in given if one.get("id")}
    gone = [option for option in field.options or () if option.id not in named]
    fields.delete_options(field, gone)
    for option in field.options or ():
        option.label = str(named[option.id] or option.label)
    fields.add_options(field, [str(one["label"]) for one in given if not one.get("id")])


def _objects(given: Any) -> list[Row]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _operations(
    noun: str, kind: str, *, read: frozenset[str], write: frozenset[str], is_read_only: bool = False
) -> tuple[Operation, ...]:
    api = _FieldsAPI(kind)
    path, one = f"/{noun}", f"/{noun}/{{id}}"
    calls: list[tuple[str, str, int, Callable[[Call], Answer], frozenset[str]]] = [
        ("GET", path, 20, api.listing, read),
    ]
    if not is_read_only:
        calls += [
            ("GET", one, 2, api.get, read),
            ("POST", path, 10, api.create, write),
            ("PUT", one, 10, api.update, write),
            ("DELETE", one, 6, api.delete, write),
            ("DELETE", path, 10, api.delete_many, write),
        ]
    return tuple(
        Operation(method=method, path=where, cost=cost, run=run, scopes=needed, version=1)
        for method, where, cost, run, needed in calls
    )


_CONTACT_READ = scopes("contacts:read", "admin", "contact-fields:full")
_CONTACT_WRITE = scopes("admin", "contact-fields:full")
OPERATIONS = (
    *_operations(
        "dealFields",
        "deal",
        read=scopes("deals:read", "admin", "deal-fields:full"),
        write=scopes("admin", "deal-fields:full"),
    ),
    *_operations("personFields", "person", read=_CONTACT_READ, write=_CONTACT_WRITE),
    *_operations("organizationFields", "organization", read=_CONTACT_READ, write=_CONTACT_WRITE),
    *_operations(
        "productFields",
        "product",
        read=scopes("products:read", "product-fields:full"),
        write=scopes("products:full", "product-fields:full"),
    ),
    *_operations(
        "activityFields", "activity", read=scopes("admin"), write=scopes("admin"), is_read_only=True
    ),
    *_operations(
        "noteFields",
        "note",
        read=scopes("deals:read", "contacts:read"),
        write=scopes("admin"),
        is_read_only=True,
    ),
)
