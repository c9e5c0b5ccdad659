"""Acumatica's JSON to models; the way back is in `bodies.py`.

A field is ``{"value": x}`` and an empty one ``{}``. Not wrapped are ``id``, ``rowNumber``,
``delete``, linked records, lists of details and the containers of ``custom`` (Acumatica docs:
representation of a record in JSON format). Which member is what is told by the model, because
``{}`` alone could be an empty field or an empty linked record.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ml_connector.core.errors import ContractError
from ml_connector.vendors.acumatica import versions
from ml_connector.vendors.acumatica.models import CustomValue, Part
from ml_connector.vendors.acumatica.versions import Version

P = TypeVar("P", bound=Part)

_DAY_LENGTH = len("2026-01-31")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def decode(body: bytes) -> Any:
    """Return the JSON in ``body``, with numbers as Decimals by the digits on the wire."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ContractError(f"Acumatica's answer is not JSON: {exc}") from exc


def record(model: type[P], raw: object) -> P:
    """Read one record.

    Raises ContractError when a field is not of the documented type or a key is missing.
    """
    if not isinstance(raw, dict):
        raise ContractError(f"Acumatica's {model.__name__} is not an object in the answer")
    values: dict[str, Any] = {}
    for member in _members(model):
        found = raw.get(member.name)
        if found is None:
            continue
        try:
            value = member.read(found)
        except (msgspec.ValidationError, ValueError, TypeError, KeyError) as exc:
            raise ContractError(
                f"Acumatica's {model.__name__}.{member.name} is not as documented: {exc}"
            ) from exc
        if value is not None:
            values[member.attribute] = value
    try:
        return model(**values)
    except TypeError as exc:  # a required field, such as the key, is missing
        raise ContractError(f"Acumatica's {model.__name__} lacks a field: {exc}") from exc


def records(model: type[P], raw: object) -> list[P]:
    """Read a list of records: a bare array."""
    if not isinstance(raw, list):
        raise ContractError(f"Acumatica's list of {model.__name__} is not an array")
    return [record(model, row) for row in raw]


def scalar_at(raw: Mapping[str, Any], path: str) -> CustomValue:
    """Return one plain value by its path, or None when it is empty or not there."""
    found: Any = raw
    for name in path.split("/"):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    value: CustomValue = _unwrapped(found)
    return value


def moment(text: str) -> datetime:
    """Read a moment as Acumatica writes it.

    Raises ContractError for one without a zone: it is never guessed.
    """
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError as exc:
        raise ContractError(f"{text!r} is not a moment") from exc
    if found.tzinfo is None:
        raise ContractError(f"{text!r} has no zone")
    return found


def custom_values(raw: object) -> dict[str, CustomValue]:
    """Read a record's ``custom`` member, by ``View.Field``."""
    if not isinstance(raw, dict):
        return {}
    return {
        f"{view}.{name}": _unwrapped(value)
        for view, fields in raw.items()
        if isinstance(fields, dict)
        for name, value in fields.items()
    }


def selection(
    model: type[Part], version: Version, *, expand: Sequence[str] = ()
) -> tuple[str, ...]:
    """Name the fields of ``model`` for ``$select``: its own, and those of what is expanded."""
    return tuple(_selected(model, version, expand, prefix=""))


def _selected(
    model: type[Part], version: Version, expand: Sequence[str], *, prefix: str
) -> Iterable[str]:
    for member in _members(model):
        path = f"{prefix}{member.name}"
        if member.name in {"id", "custom"} or version < member.first_version:
            continue
        if member.part is None:
            yield path
        elif path in expand:
            yield from _selected(member.part, version, expand, prefix=f"{path}/")


@dataclass(frozen=True, slots=True)
class _Member:
    """One field of a model and how it is read."""

    attribute: str
    name: str
    first_version: Version
    part: type[Part] | None
    read: Callable[[Any], Any]


@cache
def _members(model: type[Part]) -> tuple[_Member, ...]:
    hints = get_type_hints(model, include_extras=True)
    return tuple(
        _member(attribute, name, hints[attribute])
        for attribute, name in zip(
            model.__struct_fields__, model.__struct_encode_fields__, strict=True
        )
    )


def _member(attribute: str, name: str, hint: Any) -> _Member:
    kind, is_list = _kind(hint)
    part = kind if isinstance(kind, type) and issubclass(kind, Part) else None
    read: Callable[[Any], Any]
    if name == "id":
        read = str
    elif name == "custom":
        read = custom_values
    elif part is not None:
        read = _rows_reader(part) if is_list else _part_reader(part)
    else:
        read = _scalar_reader(kind)
    return _Member(attribute, name, versions.first_version(hint), part, read)


def _kind(hint: Any) -> tuple[Any, bool]:
    """Return a hint's type without Annotated, None and tuple, and whether it was a tuple."""
    if hasattr(hint, "__metadata__"):
        return _kind(hint.__origin__)
    origin = get_origin(hint)
    if origin is tuple:
        return get_args(hint)[0], True
    if origin in {Union, types.UnionType}:
        kept = [part for part in get_args(hint) if part is not type(None)]
        if len(kept) == 1:
            return _kind(kept[0])
    return hint, False


def _part_reader(part: type[Part]) -> Callable[[Any], Any]:
    return lambda raw: record(part, raw) if raw else None


def _rows_reader(part: type[Part]) -> Callable[[Any], Any]:
    return lambda raw: tuple(records(part, raw))


def _scalar_reader(kind: Any) -> Callable[[Any], Any]:
    if kind is date:
        return lambda raw: _day(_unwrapped(raw))
    if kind is str:
        return lambda raw: _text(_unwrapped(raw))
    if kind is datetime:
        return lambda raw: _moment(_unwrapped(raw))

    def read(raw: Any) -> Any:
        value = _unwrapped(raw)
        return None if value is None else msgspec.convert(value, kind, strict=False)

    return read


def _unwrapped(raw: Any) -> Any:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise ValueError("it is not wrapped as {'value': ...}")  # noqa: TRY004 - told as one kind
    return raw.get("value")


def _day(value: Any) -> date | None:
    # Business dates come as midnight UTC and mean the day; converting would shift it.
    return None if value is None else date.fromisoformat(value[:_DAY_LENGTH])


def _moment(value: Any) -> datetime | None:
    return None if value is None else moment(value)


def _text(value: Any) -> str | None:
    # Keys are padded with blanks inside and leak so; no field means anything by them.
    return None if value is None else str(value).rstrip(" ")
