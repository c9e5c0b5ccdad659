"""Conditions on rows: the common form of `query` filters and of readByQuery's small SQL.

As in a database, a comparison with an empty field is never true, not even "not equal".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vendor_simulators.sage_intacct.columns import Column
from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.tables import Row, Table
from vendor_simulators.sage_intacct.values import InvalidValueError, parsed

Test = Callable[[Row], bool]


@dataclass(frozen=True)
class Comparison:
    """One field against values; ``op`` is an element of `query` such as equalto."""

    column: Column
    op: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Junction:
    """Several conditions together; ``op`` is and, or."""

    op: str
    parts: tuple[Condition, ...]


Condition = Comparison | Junction


@dataclass(frozen=True)
class Reading:
    """How texts in conditions are read."""

    company: Company
    ignores_case: bool = False
    as_stored: bool = False  # enumerations are given as the database keeps them


def test_of(condition: Condition, reading: Reading) -> Test:
    """Return a condition as a function; raise InvalidValueError for a value of another kind."""
    if isinstance(condition, Junction):
        tests = [test_of(part, reading) for part in condition.parts]
        if condition.op == "and":
            return lambda row: all(test(row) for test in tests)
        return lambda row: any(test(row) for test in tests)
    return _comparison(condition, reading)


def candidates(table: Table, condition: Condition | None, reading: Reading) -> list[Row]:
    """Return rows among which are all that fit, found by an index where one serves."""
    found = None if condition is None else _indexed(table, condition, reading)
    return list(table) if found is None else found


def _indexed(table: Table, condition: Condition, reading: Reading) -> list[Row] | None:
    if isinstance(condition, Junction):
        if condition.op == "or":
            return None
        sets = [_indexed(table, part, reading) for part in condition.parts]
        return min((one for one in sets if one is not None), key=len, default=None)
    one = condition.column
    serves = one.is_own and table.is_indexed(one.field.name) and condition.op in {"equalto", "in"}
    # An index knows the present rows only; with a lag a read may have to see an earlier one.
    if not serves or reading.ignores_case or reading.company.switches["visible_after_seconds"]:
        return None
    values = {_read(one, text, reading) for text in condition.texts}
    return [row for value in values for row in table.where(one.field.name, value)]


def _comparison(condition: Comparison, reading: Reading) -> Test:
    one = condition.column
    if condition.op == "isnull":
        return lambda row: one.value(row) is None
    if condition.op == "isnotnull":
        return lambda row: one.value(row) is not None
    if condition.op in {"like", "notlike"}:
        return _pattern(condition, reading)
    wanted = [_read(one, text, reading) for text in condition.texts]
    compare = _OPERATORS[condition.op]

    def test(row: Row) -> bool:
        value = _comparable(one, one.value(row), reading)
        return value is not None and compare(value, wanted)

    return test


def _pattern(condition: Comparison, reading: Reading) -> Test:
    parts = [{"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in condition.texts[0]]
    flags = re.DOTALL | (re.IGNORECASE if reading.ignores_case else 0)
    pattern = re.compile("".join(parts), flags)
    is_wanted = condition.op == "like"
    one = condition.column

    def test(row: Row) -> bool:
        value = _comparable(
            one, one.value(row), Reading(reading.company, as_stored=reading.as_stored)
        )
        return value is not None and (pattern.fullmatch(str(value)) is not None) is is_wanted

    return test


def _read(one: Column, text: str, reading: Reading) -> Any:
    """Return a condition's value in the form in which it is compared."""
    field = one.field
    if field.choices:
        return text.lower() if reading.ignores_case else text
    value = parsed(field, text, reading.company.zone)
    if value is None and text == "" and field.kind != "t":
        raise InvalidValueError(f"the value of {one.path} is empty")
    return _comparable(one, "" if value is None else value, reading)


def _comparable(one: Column, value: Any, reading: Reading) -> Any:
    if isinstance(value, str):
        if reading.as_stored:
            value = one.field.choices.get(value, value)
        return value.lower() if reading.ignores_case else value
    return value


_OPERATORS: Mapping[str, Callable[[Any, Sequence[Any]], bool]] = {
    "equalto": lambda value, wanted: bool(value == wanted[0]),
    "notequalto": lambda value, wanted: bool(value != wanted[0]),
    "lessthan": lambda value, wanted: bool(value < wanted[0]),
    "lessthanorequalto": lambda value, wanted: bool(value <= wanted[0]),
    "greaterthan": lambda value, wanted: bool(value > wanted[0]),
    "greaterthanorequalto": lambda value, wanted: bool(value >= wanted[0]),
    "between": lambda value, wanted: bool(wanted[0] <= value <= wanted[1]),
    "in": lambda value, wanted: value in wanted,
    "notin": lambda value, wanted: value not in wanted,
}
