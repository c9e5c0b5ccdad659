"""v2: the Fields API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vendor_simulators.pipedrive.answers import Answer, invalid, single, v2_missing
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.fields import CHOICE_TYPES, CUSTOM_TYPES, FieldDefinition, Option
from vendor_simulators.pipedrive.v2 import validation as v
from vendor_simulators.pipedrive.v2.lists import page_readers, sorted_page
from vendor_simulators.pipedrive.wire import Row

_NAMESPACES = ("ui_visibility", "important_fields", "required_fields")
_ONE = {"include_fields": v.query_choices(*_NAMESPACES)}
_LIST = {**_ONE, **page_readers()}
_LABEL = v.text(255, shortest=1)
_SETTINGS: dict[str, v.Reader] = dict.fromkeys(_NAMESPACES, lambda value: value)
_RENAME: dict[str, v.Reader] = {"field_name": v.text(255, shortest=1), **_SETTINGS}
_CREATE: dict[str, v.Reader] = {
    **_RENAME,
    "field_type": v.choice(*sorted(CUSTOM_TYPES)),
    "options": v.listed(v.nested({"label": _LABEL}, required=("label",))),
}


def field_view(field: FieldDefinition, extra: list[str] | tuple[str, ...] = ()) -> Row:
    """Show a definition."""
    options = None
    if field.options is not None:
        options = [
            {"id": option.id, "label": option.label, "color": option.color}
            for option in field.options
        ]
    shown: Row = {
        "field_name": field.name,
        "field_code": field.code,
        "description": field.description,
        "field_type": field.field_type,
        "options": options,
        "subfields": field.subfields(),
        "is_custom_field": field.is_custom,
        "is_optional_response_field": field.is_optional,
    }
    if "ui_visibility" in extra:
        shown["ui_visibility"] = {
            "add_visible_flag": field.shows_when_adding,
            "details_visible_flag": True,
        }
    for name in ("important_fields", "required_fields"):
        if name in extra:
            shown[name] = {"enabled": False, "stage_ids": []}
    return shown


class _FieldsAPI:
    """The calls for the fields of one kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def field(self, call: Call) -> FieldDefinition:
        found = call.company.fields.find(self.kind, call.path["field_code"])
        if found is None:
            raise v2_missing()
        return found

    def custom_field(self, call: Call) -> FieldDefinition:
        found = self.field(call)
        if not found.is_custom:
            raise invalid(f"{found.code}: Only custom fields can be changed")
        return found

    def listing(self, call: Call) -> Answer:
        query = v.read_query(call, _LIST)
        extra = query.get("include_fields", ())
        rows = [
            {"id": order, "field": field}
            for order, field in enumerate(call.company.fields.of(self.kind), start=1)
        ]
        return sorted_page(rows, query, lambda row: field_view(row["field"], extra))

    def get(self, call: Call) -> Answer:
        query = v.read_query(call, _ONE)
        return single(field_view(self.field(call), query.get("include_fields", ())))

    def create(self, call: Call) -> Answer:
        readers = {**_CREATE, "description": v.optional(v.text())} if self._describes else _CREATE
        given = v.read_body(call, readers, required=("field_name", "field_type"))
        labels = [option["label"] for option in given.get("options", ())]
        if bool(labels) != (given["field_type"] in CHOICE_TYPES):
            raise invalid("options: required for enum and set fields, and only for them")
        made = call.company.fields.add(
            self.kind,
            name=given["field_name"],
            field_type=given["field_type"],
            labels=labels,
            description=given.get("description"),
            now=call.company.stamp(),
            user_id=call.login.user_id,
        )
        return single(field_view(made))

    def update(self, call: Call) -> Answer:
        field = self.custom_field(call)
        readers = {**_RENAME, "description": v.optional(v.text())} if self._describes else _RENAME
        given = v.read_body(call, readers)
        field.name = given.get("field_name", field.name)
        field.description = given.get("description", field.description)
        field.update_time = call.company.stamp()
        return single(field_view(field))

    def delete(self, call: Call) -> Answer:
        field = self.custom_field(call)
        call.company.fields.delete(field)
        return single(field_view(field))

    def add_options(self, call: Call) -> Answer:
        field = self._choice_field(call)
        given = self._options(call, {"label": _LABEL})
        made = call.company.fields.add_options(field, [one["label"] for one in given])
        return _options_answer(made)

    def update_options(self, call: Call) -> Answer:
        field = self._choice_field(call)
        given = self._options(call, {"id": v.integer, "label": _LABEL})
        known = self._known(field, given)
        for option, one in zip(known, given, strict=True):
            option.label = one["label"]
        return _options_answer(known)

    def delete_options(self, call: Call) -> Answer:
        field = self._choice_field(call)
        gone = self._known(field, self._options(call, {"id": v.integer}))
        call.company.fields.delete_options(field, gone)
        return _options_answer(gone)

    @property
    def _describes(self) -> bool:
        return self.kind == "deal"

    def _choice_field(self, call: Call) -> FieldDefinition:
        field = self.field(call)
        if field.field_type not in CHOICE_TYPES:
            raise invalid(f"{field.code}: The field has no options")
        return field

    @staticmethod
    def _options(call: Call, readers: dict[str, v.Reader]) -> list[Row]:
        read = v.listed(v.nested(readers, required=tuple(readers)))
        try:
            given: list[Row] = read(call.json())
        except ValueError as exc:
            raise invalid(f"body: {exc}") from exc
        if not given:
            raise invalid("body: at least one option is required")
        return given

    @staticmethod
    def _known(field: FieldDefinition, given: list[Row]) -> list[Option]:
        """Return the options meant; all or none, as the calls are atomic."""
        found = [field.option(one["id"]) for one in given]
        if None in found:
            raise invalid("id: Option was not found")
        return [option for option in found if option is not None]


def _options_answer(options: list[Option]) -> Answer:
    answer = single([{"id": option.id, "label": option.label} for option in options])
    answer.body["additional_data"] = None
    return answer


def _operations(
    noun: str, kind: str, *, read: frozenset[str], write: frozenset[str]
) -> tuple[Operation, ...]:
    api = _FieldsAPI(kind)
    base, one, options = f"/{noun}", f"/{noun}/{{field_code}}", f"/{noun}/{{field_code}}/options"
    writes: tuple[tuple[str, str, int, Callable[[Call], Any]], ...] = (
        ("POST", base, 5, api.create),
        ("PATCH", one, 5, api.update),
        ("DELETE", one, 3, api.delete),
        ("POST", options, 5, api.add_options),
        ("PATCH", options, 5, api.update_options),
        ("DELETE", options, 3, api.delete_options),
    )
    return (
        Operation(method="GET", path=base, cost=10, run=api.listing, scopes=read),
        Operation(method="GET", path=one, cost=1, run=api.get, scopes=read),
        *(
            Operation(method=method, path=path, cost=cost, run=run, scopes=write)
            for method, path, cost, run in writes
            if kind != "activity"
        ),
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
    *_operations("activityFields", "activity", read=scopes("admin"), write=scopes("admin")),
)
