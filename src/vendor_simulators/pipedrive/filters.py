"""Saved filters: conditions on fields, as filter_id applies them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vendor_simulators.pipedrive.company import Company
from vendor_simulators.pipedrive.fields import FieldDefinition
from vendor_simulators.pipedrive.rules import UnfitError
from vendor_simulators.pipedrive.wire import Row, number_in

KINDS: Mapping[str, str] = {
    "deals": "deal",
    "people": "person",
    "org": "organization",
    "products": "product",
    "activity": "activity",
}

Test = Callable[[Row], bool]


def matcher(company: Company, filter_type: str, filter_id: int) -> Test:
    """Return the test of a saved filter; raise UnfitError if it is not there or not understood."""
    row = company["filter"].find(filter_id)
    if row is None or row["type"] != filter_type:
        raise UnfitError("filter_id", f"Filter {filter_id} was not found")
    kind = KINDS[filter_type]
    test = _group(company, kind, row["conditions"])
    return lambda record: not record["is_deleted"] and test(record)


def check(company: Company, filter_type: Any, conditions: Any) -> None:
    """Raise UnfitError unless a filter could be saved."""
    if filter_type not in KINDS:
        raise UnfitError("type", f"Filter type {filter_type} is not supported")
    if not isinstance(conditions, dict):
        raise UnfitError("conditions", "expected an object with glue and conditions")
    _group(company, KINDS[filter_type], conditions)


def _group(company: Company, kind: str, group: Mapping[str, Any]) -> Test:
    tests = [
        _group(company, kind, part) if "conditions" in part else _condition(company, kind, part)
        for part in group.get("conditions") or []
    ]
    if not tests:
        return lambda _row: True
    if group.get("glue") == "or":
        return lambda row: any(test(row) for test in tests)
    return lambda row: all(test(row) for test in tests)


def _condition(company: Company, kind: str, given: Mapping[str, Any]) -> Test:
    number = number_in(given.get("field_id"))
    field = company.fields.numbered(kind, int(number)) if number is not None else None
    if field is None:
        raise UnfitError("conditions", f"Field {given.get('field_id')} was not found")
    compare = _OPERATORS.get(str(given.get("operator")))
    if compare is None:
        raise UnfitError("conditions", f"Operator {given.get('operator')} is not supported")
    wanted = given.get("value")
    found = field
    return lambda row: compare(_value(found, row), wanted)


def _value(field: FieldDefinition, row: Row) -> Any:
    value = row["custom_fields"].get(field.code) if field.is_custom else row.get(field.code)
    return value.get("value") if isinstance(value, dict) else value


def _equals(value: Any, wanted: Any) -> bool:
    numbers = number_in(value), number_in(wanted)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return str(value).casefold() == str(wanted).casefold()


def _less(value: Any, wanted: Any) -> bool:
    if value is None:
        return False
    left, right = number_in(value), number_in(wanted)
    if left is not None and right is not None:
        return left < right
    return str(value) < str(wanted)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": _equals,
    "!=": lambda value, wanted: not _equals(value, wanted),
    "<": _less,
    ">": lambda value, wanted: (
        value is not None and not _less(value, wanted) and not _equals(value, wanted)
    ),
    "<=": lambda value, wanted: _less(value, wanted) or _equals(value, wanted),
    ">=": lambda value, wanted: value is not None and not _less(value, wanted),
    "IS NULL": lambda value, _wanted: value in {None, ""},
    "IS NOT NULL": lambda value, _wanted: value not in {None, ""},
    "LIKE '$%'": lambda value, wanted: (
        str(value or "").casefold().startswith(str(wanted).casefold())
    ),
    "LIKE '%$%'": lambda value, wanted: str(wanted).casefold() in str(value or "").casefold(),
}
