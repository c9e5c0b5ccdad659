"""Rows of answers to models, and values to the forms in which they are sent.

A query tells related fields by their path (``DISPLAYCONTACT.EMAIL1`` is one element's name), a
full read nests them; both become one flat row. An empty element and a missing one are the same.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from lxml import etree

from ml_connector.core.errors import ContractError
from ml_connector.vendors.sage_intacct.answers import Result
from ml_connector.vendors.sage_intacct.models import Part

P = TypeVar("P", bound=Part)

Row = Mapping[str, str]
"""One record's texts by field; related fields by their path."""

_DAY = "%m/%d/%Y"
_STAMP = "%m/%d/%Y %H:%M:%S"
_TRUTHS = {"true": True, "t": True, "false": False, "f": False}
_OPEN = frozenset({"requires", "dimensions"})  # not fields of one name; the readers fill them


# --- what is sent ----------------------------------------------------------------------------


def day_text(day: date) -> str:
    """Return a day as requests carry it."""
    return f"{day:%m/%d}/{day.year:04}"


def stamp_text(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as requests carry it: without zone, in the zone of the stamps."""
    local = moment.astimezone(zone)
    return f"{day_text(local.date())} {local:%H:%M:%S}"


def number_text(number: Decimal) -> str:
    """Return a number as requests carry it: no exponent, no separators."""
    if not number.is_finite():
        raise ValueError(f"{number} cannot be sent")
    return f"{number:f}" if number else "0"


def truth_text(value: bool) -> str:  # noqa: FBT001 - it is nothing but that value
    """Return a boolean as requests carry it."""
    return "true" if value else "false"


# --- what is read ----------------------------------------------------------------------------


def rows(result: Result) -> list[Row]:
    """Return the records of a result; one record is a list of one."""
    if result.data is None:
        raise ContractError(f"Intacct's result of {result.function} has no data")
    return [dict(_flat(record, prefix="")) for record in result.data]


def inner_rows(result: Result, group: str) -> list[Row]:
    """Return the records inside the records of a full read, such as an entry's ENTRIES."""
    if result.data is None:
        raise ContractError(f"Intacct's result of {result.function} has no data")
    return [
        dict(_flat(inner, prefix=""))
        for record in result.data
        for inner in record.iterfind(f"{group}/*")
    ]


def remaining(result: Result) -> int:
    """Return how many rows a query has after these."""
    told = "" if result.data is None else str(result.data.get("numremaining") or "0")
    try:
        return int(told)
    except ValueError as exc:
        raise ContractError(f"Intacct tells {told!r} as the number of remaining rows") from exc


def record(model: type[P], row: Row, *, zone: ZoneInfo) -> P:
    """Read one record; stamps are in ``zone``.

    Raises ContractError when a field is not of the documented form or a key is missing.
    """
    return _record(model, row, prefix="", zone=zone)


def field_names(model: type[Part]) -> tuple[str, ...]:
    """Name the fields of a model for a query, those of its parts by their path."""
    return tuple(_named(model, prefix=""))


def truth(text: str | None) -> bool:
    """Read a boolean; empty is false."""
    return bool(text) and _truth(text or "")


def day(text: str) -> date:
    """Read a day.

    Raises ContractError for what is none.
    """
    return _checked(text, _day)


def stamp(text: str, zone: ZoneInfo) -> datetime:
    """Read a moment that carries no zone; it is in ``zone``.

    Raises ContractError for what is none.
    """
    return _checked(text, lambda told: _stamp(told, zone))


@dataclass(frozen=True, slots=True)
class _Member:
    attribute: str
    name: str
    kind: Any
    part: type[Part] | None


@cache
def _members(model: type[Part]) -> tuple[_Member, ...]:
    hints = get_type_hints(model)
    return tuple(
        _member(attribute, name, hints[attribute])
        for attribute, name in zip(
            model.__struct_fields__, model.__struct_encode_fields__, strict=True
        )
        if name not in _OPEN
    )


def _member(attribute: str, name: str, hint: Any) -> _Member:
    kind = hint
    if get_origin(hint) in {Union, types.UnionType}:
        (kind,) = (each for each in get_args(hint) if each is not type(None))
    part = kind if isinstance(kind, type) and issubclass(kind, Part) else None
    return _Member(attribute, name, kind, part)


def _record(model: type[P], row: Row, *, prefix: str, zone: ZoneInfo) -> P:
    values: dict[str, Any] = {}
    for member in _members(model):
        path = f"{prefix}{member.name}"
        if member.part is not None:
            values[member.attribute] = _record(member.part, row, prefix=f"{path}.", zone=zone)
            continue
        text = row.get(path)
        if not text:
            continue
        try:
            values[member.attribute] = _value(member.kind, text, zone)
        except (ValueError, InvalidOperation) as exc:
            raise ContractError(
                f"Intacct's {model.__name__}.{path} is not as documented: {text!r}"
            ) from exc
    try:
        return model(**values)
    except TypeError as exc:  # a required field, such as the key, is empty
        raise ContractError(f"Intacct's {model.__name__} lacks a field: {exc}") from exc


def _value(kind: Any, text: str, zone: ZoneInfo) -> Any:
    if kind is datetime:
        return _stamp(text, zone)
    reader = _READERS.get(kind)
    if reader is None:
        raise TypeError(f"no reader for {kind!r}")
    return reader(text)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"{text} is not a number")
    return number


def _truth(text: str) -> bool:
    try:
        return _TRUTHS[text.strip().lower()]
    except KeyError as exc:
        raise ContractError(f"Intacct's {text!r} is neither true nor false") from exc


def _day(text: str) -> date:
    return datetime.strptime(text.strip(), _DAY).date()  # noqa: DTZ007 - a day has no zone


def _stamp(text: str, zone: ZoneInfo) -> datetime:
    # Of the hour that a change of clocks repeats it takes the first: too early reads a row twice.
    return datetime.strptime(text.strip(), _STAMP).replace(tzinfo=zone).astimezone(UTC)


_READERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    Decimal: _number,
    bool: _truth,
    date: _day,
}

T = TypeVar("T")


def _checked(text: str, read: Callable[[str], T]) -> T:
    try:
        return read(text)
    except ValueError as exc:
        raise ContractError(f"{text!r} is not a date as Intacct writes it") from exc


def _named(model: type[Part], *, prefix: str) -> Iterator[str]:
    for member in _members(model):
        path = f"{prefix}{member.name}"
        if member.part is None:
            yield path
        else:
            yield from _named(member.part, prefix=f"{path}.")


def _flat(element: etree._Element, *, prefix: str) -> Iterator[tuple[str, str]]:
    for child in element:
        path = f"{prefix}{child.tag}"
        if len(child):
            yield from _flat(child, prefix=f"{path}.")
        else:
            yield path, (child.text or "").strip()
