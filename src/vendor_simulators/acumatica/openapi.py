"""swagger.json: the entities that the simulator serves, in the form of the vendor's document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendor_simulators.acumatica.contract import Entity, Field
from vendor_simulators.acumatica.forms import Form

_WRAPPERS = {
    "s": "StringValue",
    "b": "BooleanValue",
    "i": "IntValue",
    "d": "DecimalValue",
    "q": "DecimalValue",
    "t": "DateTimeValue",
    "D": "DateTimeValue",
    "g": "GuidValue",
}


def document(version: str, forms: Mapping[str, Form]) -> dict[str, Any]:
    """Return the OpenAPI document of an endpoint version."""
    number = int(version.partition(".")[0])
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Entity": {"type": "object"}}
    for wrapper in set(_WRAPPERS.values()):
        schemas[wrapper] = {"type": "object", "properties": {"value": {}}}
    for name, form in forms.items():
        paths[f"/{name}"] = {"get": {"tags": [name]}, "put": {"tags": [name]}}
        paths[f"/{name}/{{ids}}"] = {"get": {"tags": [name]}, "delete": {"tags": [name]}}
        for action in form.actions:
            paths[f"/{name}/{action}"] = {"post": {"tags": [name]}}
        schemas[name] = _schema(form.entity, number)
    return {
        "openapi": "3.0.1",
        "info": {"title": f"Default/{version}", "version": "4"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _schema(entity: Entity, version: int) -> dict[str, Any]:
    properties: dict[str, Any] = {
        field.name: _reference(_WRAPPERS[field.kind])
        for field in entity.fields.values()
        if _is_shown(field, version)
    }
    for name, target in entity.links.items():
        properties[name] = _reference(target)
    for name, target in entity.details.items():
        properties[name] = {"type": "array", "items": _reference(target)}
    own = {"type": "object", "properties": dict(sorted(properties.items()))}
    return {"allOf": [_reference("Entity"), own]}


def _is_shown(field: Field, version: int) -> bool:
    return field.is_in(version)


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
