"""What is to be written, as JSON in Acumatica's wrapped form.

Every field value is sent as ``{"value": x}``; not wrapped are ``id``, ``delete``, linked records,
lists of details and the containers of ``custom`` (Acumatica docs: representation of a record in
JSON format).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, get_type_hints

import msgspec
from msgspec import UNSET, Struct

from ml_connector.core.errors import ConfigurationError
from ml_connector.vendors.acumatica import odata, versions
from ml_connector.vendors.acumatica.drafts import Draft, Scalar
from ml_connector.vendors.acumatica.versions import Version

JSONObject = dict[str, Any]

_CUSTOM_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "CustomBooleanField"),
    (int, "CustomIntField"),
    (Decimal, "CustomDecimalField"),
    (date, "CustomDateTimeField"),
    (str, "CustomStringField"),
)
_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(body: Mapping[str, Any]) -> bytes:
    """Return the JSON of a body, Decimals as exact numbers."""
    return _encoder.encode(body)


def body_of(draft: Draft, version: Version) -> JSONObject:
    """Wrap what ``draft`` sets, as a request body.

    Raises ConfigurationError for a path in ``fields`` or ``custom`` that cannot be one.
    """
    body: JSONObject = {}
    for attribute, path, first_version in _draft_members(type(draft)):
        value = getattr(draft, attribute)
        if version >= first_version:
            _add(body, path, value, version)
    for path, scalar in draft.fields.items():
        _put(body, path, wrapped(scalar))
    for path, scalar in draft.custom.items():
        _put_custom(body, path, scalar)
    return _with_overrides(draft, body)


def wrapped(value: Scalar) -> JSONObject:
    """Wrap one value; None empties the field."""
    match value:
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} cannot be sent")
            # 1E+5 as 100000: an exponent would be read as a floating-point number.
            return {"value": Decimal(f"{value:f}") if value else Decimal(0)}
        case datetime():
            return {"value": odata.moment_text(value)}
        case date():
            return {"value": value.isoformat()}
        case _:
            return {"value": value}


def custom_names(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the custom fields in a body for ``$custom``."""
    own = [f"{view}.{name}" for view, fields in body.get("custom", {}).items() for name in fields]
    for member, value in body.items():
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            if member != "custom" and isinstance(row, dict):
                own += [f"{member}/{name}" for name in custom_names(row)]
    return tuple(dict.fromkeys(own))


def nested_names(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the linked records and details in a body for ``$expand``, each level."""
    found: dict[str, None] = {}
    for member, value in body.items():
        rows = value if isinstance(value, list) else [value]
        is_nested = member != "custom" and any(
            isinstance(row, dict) and "value" not in row for row in rows
        )
        if is_nested:
            found[member] = None
            for row in rows:
                found |= dict.fromkeys(f"{member}/{name}" for name in nested_names(row))
    return tuple(found)


@cache
def _draft_members(draft: type[Draft]) -> tuple[tuple[str, str, Version], ...]:
    hints = get_type_hints(draft, include_extras=True)
    return tuple(
        (attribute, name, versions.first_version(hints[attribute]))
        for attribute, name in zip(
            draft.__struct_fields__, draft.__struct_encode_fields__, strict=True
        )
        if name not in {"fields", "custom"}
    )


def _add(body: JSONObject, path: str, value: Any, version: Version) -> None:
    if value is UNSET or value == ():
        return
    if path == "id":
        body[path] = value
    elif path == "delete":
        if value:
            body[path] = True
    elif isinstance(value, tuple):
        body[path] = [body_of(row, version) for row in value]
    elif isinstance(value, Struct):
        assert isinstance(value, Draft)  # noqa: S101 - drafts nest drafts only
        nested = body_of(value, version)
        if nested:  # an empty linked record would ask for defaults
            body[path] = nested
    else:
        _put(body, path, wrapped(value))


def _put(body: JSONObject, path: str, value: JSONObject) -> None:
    *parents, last = path.split("/")
    target = body
    for parent in parents:
        step = target.setdefault(parent, {})
        if not isinstance(step, dict) or "value" in step:
            raise ConfigurationError(
                f"{path} cannot be written: {parent} is not a linked record of this one"
            )
        target = step
    if not last or isinstance(target.get(last), list):
        raise ConfigurationError(f"{path} cannot be written: it does not name a single field")
    target[last] = value


def _put_custom(body: JSONObject, path: str, value: Scalar) -> None:
    view, dot, name = path.partition(".")
    if not (view and dot and name):
        raise ConfigurationError(
            f"{path!r} is not a custom field: it has the form View.Field, such as "
            "Document.AttributeREGION"
        )
    kind = next((label for type_, label in _CUSTOM_TYPES if isinstance(value, type_)), None)
    fields = body.setdefault("custom", {}).setdefault(view, {})
    fields[name] = {"type": kind or "CustomStringField", **wrapped(value)}


def _with_overrides(draft: Draft, body: JSONObject) -> JSONObject:
    """Put the override flags first: without its flag a contact or address is dropped."""
    flags = {
        flag: {"value": True}
        for path, flag in draft.OVERRIDES.items()
        if _reaches(body, path) and flag not in body
    }
    return {**flags, **body}


def _reaches(body: JSONObject, path: str) -> bool:
    found: Any = body
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found is not None


def adds_rows(body: Mapping[str, Any]) -> bool:
    """Whether sending a body twice would add rows twice: those without an id are new."""
    return any(
        isinstance(value, list) and any("id" not in row for row in value) for value in body.values()
    )
