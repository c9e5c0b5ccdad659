"""Custom field values in their three encodings: v2's API, v1's API, 2.0 webhooks.

Rows keep v2's form under ``custom_fields``, set values only. Reading v2 is strict, v1 lenient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from vendor_simulators.pipedrive.fields import ADDRESS_PARTS, FieldDefinition
from vendor_simulators.pipedrive.wire import Row, is_date, number_in

_TIME = re.compile(r"\d\d:\d\d(:\d\d)?")
_LONGEST = {"varchar": 255, "varchar_auto": 255, "phone": 255, "text": 65_000}
_RECORDS = {"user": "user", "org": "organization", "people": "person"}
_OPENINGS = {"daterange": "from", "timerange": "from"}

Exists = Callable[[str, int], bool]  # kind and id of another record: is it there


def problem_with(definition: FieldDefinition, value: Any, exists: Exists) -> str | None:
    """Say what v2 would refuse about a value, or None."""
    if value is None:
        return None
    kind = definition.field_type
    if kind in _LONGEST:
        return _text_problem(value, _LONGEST[kind])
    if kind == "set":
        return _set_problem(definition, value)
    tests: dict[str, tuple[Callable[[Any], bool], str]] = {
        "double": (is_number, "expected a number"),
        "date": (is_date, "expected a date as YYYY-MM-DD"),
        "enum": (lambda given: _is_option(definition, given), "expected the id of an option"),
    }
    if kind in _RECORDS:
        test, wish = _record_test(_RECORDS[kind], exists)
    elif kind in tests:
        test, wish = tests[kind]
    else:
        return _composite_problem(kind, value)
    return None if test(value) else wish


def _is_option(definition: FieldDefinition, value: Any) -> bool:
    return is_integer(value) and definition.option(value) is not None


def _record_test(kind: str, exists: Exists) -> tuple[Callable[[Any], bool], str]:
    return (
        lambda given: is_integer(given) and exists(kind, given),
        f"expected the id of a record: {kind}",
    )


def is_integer(value: object) -> bool:
    """Say whether JSON gave a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Say whether JSON gave a number."""
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _text_problem(value: Any, longest: int) -> str | None:
    if not isinstance(value, str):
        return "expected a string"
    return f"longer than {longest} characters" if len(value) > longest else None


def _set_problem(definition: FieldDefinition, value: Any) -> str | None:
    if not isinstance(value, list) or not value:
        return "expected a non-empty array of option ids"
    known = all(_is_option(definition, item) for item in value)
    return None if known else "expected ids of options"


def _composite_problem(kind: str, value: Any) -> str | None:
    if not isinstance(value, dict) or "value" not in value:
        return "expected an object with value"
    allowed = {
        "monetary": {"currency"},
        "daterange": {"until"},
        "time": {"timezone_id", "timezone_name"},
        "timerange": {"until", "timezone_id", "timezone_name"},
        "address": set(ADDRESS_PARTS),
    }[kind]
    if unknown := value.keys() - allowed - {"value"}:
        return f"'{min(unknown)}' is not a subfield"
    checks: dict[str, Callable[[Any], bool]] = {
        "monetary": is_number,
        "daterange": is_date,
        "time": _is_time,
        "timerange": _is_time,
        "address": lambda text: isinstance(text, str),
    }
    ends = [value["value"], *([value["until"]] if value.get("until") is not None else [])]
    if not all(end is None or checks[kind](end) for end in ends):
        return "value has the wrong type"
    return None


def _is_time(value: object) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def stored(definition: FieldDefinition, value: Any, *, currency: str) -> Any:
    """Return an accepted v2 value as rows keep it: every subfield there."""
    if value is None or (isinstance(value, dict) and value["value"] is None):
        return None
    kind = definition.field_type
    if kind == "monetary":
        return {"value": value["value"], "currency": value.get("currency") or currency}
    if kind == "daterange":
        return {"value": value["value"], "until": value.get("until")}
    if kind in {"time", "timerange"}:
        until = {"until": value.get("until")} if kind == "timerange" else {}
        zone = {name: value.get(name) for name in ("timezone_id", "timezone_name")}
        return {"value": value["value"], **until, **zone}
    if kind == "address":
        return {"value": value["value"], **{part: value.get(part) for part in ADDRESS_PARTS}}
    return value


def with_labels(definition: FieldDefinition, value: Any) -> Any:
    """Return an enum or set value with its labels, as include_option_labels asks."""
    if definition.field_type == "enum" and value is not None:
        return _labelled(definition, value)
    if definition.field_type == "set" and value is not None:
        return [_labelled(definition, item) for item in value]
    return value


def _labelled(definition: FieldDefinition, option_id: Any) -> dict[str, Any]:
    option = definition.option(option_id)
    return {"id": option_id, "label": None if option is None else option.label}


def as_v1(definition: FieldDefinition, value: Any) -> dict[str, Any]:
    """Return the keys that v1 shows at the top level of a record."""
    key, kind = definition.v1_key, definition.field_type
    if kind in {"monetary", "daterange", "time", "timerange"}:
        names = {
            "monetary": ("currency",),
            "daterange": ("until",),
            "time": ("timezone_id",),
            "timerange": ("until", "timezone_id"),
        }[kind]
        parts = value or {}
        return {key: parts.get("value"), **{f"{key}_{name}": parts.get(name) for name in names}}
    if kind == "address":
        parts = value or {}
        return {
            key: parts.get("value"),
            **{f"{key}_{part}": parts.get(part) for part in ADDRESS_PARTS},
        }
    if kind == "enum":
        return {key: None if value is None else str(value)}
    if kind == "set":
        return {key: None if value is None else ",".join(str(item) for item in value)}
    return {key: value}


def from_v1(definition: FieldDefinition, given: Mapping[str, Any], current: Any) -> Any:
    """Return the value that a v1 body sets, in the rows' form; nonsense becomes None."""
    key, kind = definition.v1_key, definition.field_type
    value = given.get(key, current.get("value") if isinstance(current, dict) else current)
    if value in {None, ""} if not isinstance(value, (list, dict)) else not value:
        return None
    if kind == "enum":
        number = number_in(value)
        return number if definition.option(number) else None
    if kind == "set":
        items = value.split(",") if isinstance(value, str) else value
        numbers = [number_in(item) for item in (items if isinstance(items, list) else [items])]
        return [number for number in numbers if definition.option(number)] or None
    if kind in {"double", *_RECORDS}:
        return number_in(value)
    if kind in {"monetary", "daterange", "time", "timerange", "address"}:
        return _composite_from_v1(kind, key, value, given, current or {})
    return str(value)


def _composite_from_v1(
    kind: str, key: str, value: Any, given: Mapping[str, Any], current: Row
) -> Row | None:
    names: Iterable[str] = {
        "monetary": ("currency",),
        "daterange": ("until",),
        "time": ("timezone_id", "timezone_name"),
        "timerange": ("until", "timezone_id", "timezone_name"),
        "address": ADDRESS_PARTS,
    }[kind]
    main = number_in(value) if kind == "monetary" else value
    if main is None:
        return None
    return {
        "value": main,
        **{name: given.get(f"{key}_{name}", current.get(name)) for name in names},
    }


def v1_keys(definition: FieldDefinition) -> set[str]:
    """Return every key of a v1 body that concerns the field."""
    return set(as_v1(definition, None))


def as_webhook(definition: FieldDefinition, value: Any) -> dict[str, Any] | None:
    """Return a value as 2.0 webhooks carry it: an object with its type."""
    if value is None:
        return None
    kind = definition.field_type
    if kind in {"enum", *_RECORDS}:
        return {"type": kind, "id": value}
    if kind == "set":
        return {"type": kind, "values": [{"id": item} for item in value]}
    if kind == "address":
        parts = {part: value.get(part) or "" for part in ADDRESS_PARTS}
        return {"type": kind, "value": value["value"], **parts}
    if isinstance(value, dict):
        opening = _OPENINGS.get(kind, "value")
        rest = {
            name: part for name, part in value.items() if name not in {"value", "timezone_name"}
        }
        return {"type": kind, opening: value["value"], **rest}
    return {"type": kind, "value": value}
