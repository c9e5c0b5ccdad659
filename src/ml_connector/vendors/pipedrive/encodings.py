"""What the value of a custom field means, in three encodings.

API v1, API v2 and the v2 webhooks each write a value in a way of their own (Pipedrive docs:
migration guide, webhooks v2 migration guide). The other two are first turned into the form of
API v2, and from there everything has one meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ml_connector.core.errors import ContractError, InvalidRecordError, MissingMappingError
from ml_connector.core.money import Money
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.models import (
    Address,
    DateRange,
    FieldDefinition,
    FieldOption,
    Monetary,
    RecordRef,
    TimeOfDay,
    TimeRange,
)

CustomValue = (
    str
    | Decimal
    | date
    | Monetary
    | DateRange
    | TimeOfDay
    | TimeRange
    | Address
    | RecordRef
    | FieldOption
    | tuple[FieldOption, ...]
)
"""What a field can say. A choice is a FieldOption, several choices a tuple of them."""

LONGEST_TEXT = {"varchar": 255, "varchar_auto": 255, "phone": 255, "text": 65_000}

_ADDRESS_PARTS = tuple(part for part in Address.__struct_fields__ if part != "value")
V1_PARTS = ("currency", "until", "timezone_id", "timezone_name", *_ADDRESS_PARTS)
"""Keys of a flat v1 record that belong to the field before them: ``<key>_currency``."""

_UNFIT = (bool, datetime)
"""To Python a bool is a number and a datetime a date; to a field neither is."""
_REFERENCES = {"org": "organization", "people": "person", "user": "user"}
_PARTS_MADE_BY_PIPEDRIVE = {"formatted_address", "timezone_name"}
_COMPOSITES: Mapping[str, type] = {
    "monetary": Monetary,
    "daterange": DateRange,
    "time": TimeOfDay,
    "timerange": TimeRange,
    "address": Address,
}


def choice(definition: FieldDefinition, wanted: FieldOption | str | int) -> FieldOption:
    """Return a field's choice by its label or its id.

    Raises MissingMappingError when there is none, or several of that label.
    """
    if isinstance(wanted, FieldOption):
        wanted = wanted.id
    if isinstance(wanted, str):
        found = [each for each in definition.options if wanted in {each.label, each.id}]
    else:
        found = [each for each in definition.options if str(each.id) == str(wanted)]
    if len(found) == 1:
        return found[0]
    labels = ", ".join(repr(each.label) for each in definition.options)
    raise MissingMappingError(
        f"Pipedrive's field {definition.field_name!r} has {len(found) or 'no'} choice"
        f"{'s' if found else ''} {wanted!r}; it has {labels or 'none'}",
        waits_for=f"pipedrive_choice:{definition.field_code}:{wanted}",
    )


def decode(definition: FieldDefinition, value: Any) -> CustomValue | None:
    """Return the meaning of a value in the encoding of API v2; None for an empty field."""
    if value is None or value in ("", []):
        return None
    reader = _READERS.get(definition.field_type)
    if reader is None:
        raise ContractError(
            f"Pipedrive's field {definition.field_name!r} is of type {definition.field_type!r}, "
            "which is not documented for custom fields"
        )
    return reader(definition, value)


def encode(definition: FieldDefinition, value: CustomValue | Money | int | None) -> Any:
    """Return a value in the encoding of API v2, to be sent in ``custom_fields``.

    Raises InvalidRecordError when the field is of another type or the text is too long, and
    MissingMappingError when it has no such choice.
    """
    if value is None or value in ("", ()):
        return None  # An empty list is refused (NOTES.md, "Custom fields"); null clears.
    fitting, writer = _WRITERS.get(definition.field_type, ((), None))
    if writer is None or not isinstance(value, fitting) or isinstance(value, _UNFIT):
        raise _unfit(
            definition,
            f"a {type(value).__name__} does not fit a field of type {definition.field_type}",
        )
    return writer(definition, value)


def from_webhook(value: Any) -> Any:
    """Return a value of a v2 webhook, which names its own type, in the encoding of API v2."""
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    if kind == "set":
        return [_id_of(each) for each in value.get("values") or []]
    if kind == "enum" or kind in _REFERENCES:
        return value.get("id")
    if kind in {"daterange", "timerange"}:
        renamed = {"value": value.get("from", value.get("value"))}
        return _filled({**value, **renamed}, besides={"type", "from"})
    if kind in _COMPOSITES:
        return _filled(value, besides={"type"})
    return value.get("value")


def from_v1(definition: FieldDefinition, record: Mapping[str, Any]) -> Any:
    """Return a field's value in a flat record in the encoding of API v2.

    The parts of a value stand beside it under keys of their own, such as ``<key>_currency``.
    """
    key = definition.field_code
    value = record.get(key)
    if value is None or value == "":
        return None
    if definition.field_type in _COMPOSITES:
        parts = {part: record.get(f"{key}_{part}") for part in V1_PARTS}
        return _filled({"value": value, **parts}, besides=set())
    if definition.field_type == "set" and isinstance(value, str):
        return value.split(",")
    return value


def _text_as_read(_definition: FieldDefinition, value: Any) -> str:
    return str(value)


def _number_as_read(_definition: FieldDefinition, value: Any) -> Decimal:
    return wire.record(Decimal, value)


def _day_as_read(_definition: FieldDefinition, value: Any) -> date:
    return wire.record(date, value)


def _parts_as_read(definition: FieldDefinition, value: Any) -> CustomValue | None:
    """Return a value with parts; None when only empty parts are there."""
    if isinstance(value, dict) and value.get("value") in {None, ""}:
        return None
    found: CustomValue = wire.record(_COMPOSITES[definition.field_type], value)
    return found


def _reference_as_read(definition: FieldDefinition, value: Any) -> RecordRef:
    kind = _REFERENCES[definition.field_type]
    return wire.record(RecordRef, {"kind": kind, "id": _id_of(value)})


def _choice_as_read(definition: FieldDefinition, value: Any) -> FieldOption:
    """Return a choice that was read: one that is no longer defined keeps its id alone."""
    wanted = _id_of(value)
    for option in definition.options:
        if str(option.id) == str(wanted):
            return option
    text = str(wanted)
    return FieldOption(id=int(text) if text.isdigit() else text)


def _choices_as_read(definition: FieldDefinition, value: Any) -> tuple[FieldOption, ...]:
    chosen = value if isinstance(value, list) else [value]
    return tuple(_choice_as_read(definition, each) for each in chosen)


def _id_of(value: Any) -> Any:
    """Return the id of a bare id, of ``{"id": ...}``, or of the object form of API v1."""
    if isinstance(value, dict):
        return value.get("id", value.get("value"))
    return int(value) if isinstance(value, str) and value.isdigit() else value


def _filled(value: Mapping[str, Any], *, besides: set[str]) -> dict[str, Any]:
    return {
        part: each
        for part, each in value.items()
        if part not in besides and each is not None and each != ""
    }


def _as_it_is(_definition: FieldDefinition, value: Any) -> Any:
    return value


def _written_text(definition: FieldDefinition, value: str) -> str:
    longest = LONGEST_TEXT[definition.field_type]
    if len(value) > longest:
        raise _unfit(definition, f"{len(value)} characters are more than the {longest} it takes")
    return value


def _written_day(_definition: FieldDefinition, value: date) -> str:
    return value.isoformat()


def _written_amount(_definition: FieldDefinition, value: Money | Monetary) -> dict[str, Any]:
    amount = value.amount if isinstance(value, Money) else value.value
    return {"value": amount, "currency": value.currency}


def _written_parts(_definition: FieldDefinition, value: Any) -> dict[str, Any]:
    """Return the parts that are set, as JSON can carry them."""
    parts = {name: getattr(value, name) for name in value.__struct_fields__}
    return {
        name: part.isoformat() if isinstance(part, date | time) else part
        for name, part in parts.items()
        if part is not None and name not in _PARTS_MADE_BY_PIPEDRIVE
    }


def _written_choice(definition: FieldDefinition, value: FieldOption | str) -> int | str:
    return choice(definition, value).id


def _written_choices(definition: FieldDefinition, value: tuple[Any, ...]) -> list[int | str]:
    return [choice(definition, each).id for each in value]


def _written_reference(definition: FieldDefinition, value: RecordRef) -> int:
    if value.kind != _REFERENCES[definition.field_type]:
        raise _unfit(definition, f"it points at a {_REFERENCES[definition.field_type]}")
    return value.id


def _unfit(definition: FieldDefinition, why: str) -> InvalidRecordError:
    return InvalidRecordError(
        f"Pipedrive's field {definition.field_name!r} cannot take this value: {why}",
        fields={definition.field_code: why},
    )


_READERS: Mapping[str, Callable[[FieldDefinition, Any], CustomValue | None]] = {
    **dict.fromkeys(LONGEST_TEXT, _text_as_read),
    **dict.fromkeys(_COMPOSITES, _parts_as_read),
    **dict.fromkeys(_REFERENCES, _reference_as_read),
    "double": _number_as_read,
    "date": _day_as_read,
    "enum": _choice_as_read,
    "set": _choices_as_read,
}
_WRITERS: Mapping[str, tuple[tuple[type, ...], Callable[[FieldDefinition, Any], Any]]] = {
    **dict.fromkeys(LONGEST_TEXT, ((str,), _written_text)),
    **{kind: ((type_,), _written_parts) for kind, type_ in _COMPOSITES.items()},
    **dict.fromkeys(_REFERENCES, ((RecordRef,), _written_reference)),
    "double": ((Decimal, int), _as_it_is),
    "monetary": ((Monetary, Money), _written_amount),
    "date": ((date,), _written_day),
    "enum": ((FieldOption, str), _written_choice),
    "set": ((tuple,), _written_choices),
}
