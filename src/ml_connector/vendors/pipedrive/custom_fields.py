"""What a custom field's value means: names and keys, choices and their ids, three encodings.

Every account has its own keys (40 hex digits) and its own choice ids; names are not unique and
change. API v1, API v2 and the v2 webhooks each write a value in a way of their own (Pipedrive
docs: migration guide, webhooks v2 migration guide). The other two are first turned into the
form of API v2, and from there everything has one meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ml_connector.core.errors import (
    ConfigurationError,
    ContractError,
    InvalidRecordError,
    MissingMappingError,
)
from ml_connector.core.money import Money
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.models import (
    Address,
    DateRange,
    Entity,
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

_KEY = re.compile(r"[0-9a-f]{40}")
_ADDRESS_PARTS = tuple(part for part in Address.__struct_fields__ if part != "value")
_V1_PARTS = ("currency", "until", "timezone_id", "timezone_name", *_ADDRESS_PARTS)
_REFERENCES = {"org": "organization", "people": "person", "user": "user"}
_COMPOSITES: Mapping[str, type] = {
    "monetary": Monetary,
    "daterange": DateRange,
    "time": TimeOfDay,
    "timerange": TimeRange,
    "address": Address,
}


def is_key(text: str) -> bool:
    """Return whether a text is the key of a custom field."""
    return _KEY.fullmatch(text) is not None


def base_key(text: str) -> str:
    """Return the field's key of a flat v1 key: ``<key>_currency`` belongs to ``<key>``."""
    head, _, part = text.partition("_")
    return head if is_key(head) and part in _V1_PARTS else text


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChanges:
    """What differs between two readings of an entity's custom fields."""

    added: tuple[FieldDefinition, ...] = ()
    removed: tuple[FieldDefinition, ...] = ()
    renamed: tuple[tuple[FieldDefinition, FieldDefinition], ...] = ()
    """Before and after."""
    retyped: tuple[tuple[FieldDefinition, FieldDefinition], ...] = ()
    """Before and after: deleted and made anew under the same key cannot happen, but is told."""
    choices: tuple[tuple[FieldDefinition, FieldDefinition], ...] = ()
    """Before and after, where choices were added, removed or renamed."""

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.renamed, self.retyped, self.choices))


class FieldSet:
    """All fields of one kind of record, as they were defined when they were read."""

    def __init__(self, entity: Entity, definitions: Iterable[FieldDefinition]) -> None:
        self.entity = entity
        self.definitions = tuple(definitions)
        self._by_key = {each.field_code: each for each in self.definitions}

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def definition(self, name_or_key: str) -> FieldDefinition:
        """Return the field of that key or of that name.

        Raises ConfigurationError when there is none, or when several have the name.
        """
        known = self._by_key.get(name_or_key)
        if known is not None:
            return known
        named = [each for each in self.definitions if each.field_name == name_or_key]
        if len(named) == 1:
            return named[0]
        if not named:
            raise ConfigurationError(
                f"Pipedrive has no {self.entity} field {name_or_key!r}; it may have been renamed "
                "or deleted there",
                waits_for=f"pipedrive_field:{self.entity}:{name_or_key}",
            )
        keys = ", ".join(each.field_code for each in named)
        raise ConfigurationError(
            f"Pipedrive has {len(named)} {self.entity} fields called {name_or_key!r}: name one by "
            f"its key ({keys})",
            waits_for=f"pipedrive_field:{self.entity}:{name_or_key}",
        )

    def key(self, name_or_key: str) -> str:
        """Return the key of a field by its name; a key is returned as it is."""
        return self.definition(name_or_key).field_code

    def read(self, custom_fields: Mapping[str, Any], name_or_key: str) -> CustomValue | None:
        """Return what a field says among a record's ``custom_fields`` of API v2."""
        definition = self.definition(name_or_key)
        return decode(definition, custom_fields.get(definition.field_code))

    def read_webhook(
        self, custom_fields: Mapping[str, Any], name_or_key: str
    ) -> CustomValue | None:
        """Return what a field says among the ``custom_fields`` of a v2 webhook."""
        definition = self.definition(name_or_key)
        return decode(definition, from_webhook(custom_fields.get(definition.field_code)))

    def read_v1(self, record: Mapping[str, Any], name_or_key: str) -> CustomValue | None:
        """Return what a field says in a flat record of API v1 or of a v1 webhook."""
        definition = self.definition(name_or_key)
        return decode(definition, from_v1(definition, record))

    def write(self, values: Mapping[str, CustomValue | Money | None]) -> dict[str, Any]:
        """Return ``custom_fields`` to send, by key, of values by name or key; None clears."""
        return {
            definition.field_code: encode(definition, value)
            for definition, value in ((self.definition(n), v) for n, v in values.items())
        }

    def changes_since(self, before: FieldSet) -> FieldChanges:
        """Return what has happened to the custom fields since another reading."""
        mine = {each.field_code: each for each in self.definitions if each.is_custom_field}
        theirs = {each.field_code: each for each in before.definitions if each.is_custom_field}
        both = [(theirs[key], mine[key]) for key in theirs if key in mine]
        return FieldChanges(
            added=tuple(each for key, each in mine.items() if key not in theirs),
            removed=tuple(each for key, each in theirs.items() if key not in mine),
            renamed=tuple((a, b) for a, b in both if a.field_name != b.field_name),
            retyped=tuple((a, b) for a, b in both if a.field_type != b.field_type),
            choices=tuple((a, b) for a, b in both if set(a.options) != set(b.options)),
        )


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
    kind = definition.field_type
    if kind in LONGEST_TEXT:
        return str(value)
    if kind in _COMPOSITES:
        return _composite(_COMPOSITES[kind], value)
    if kind == "enum":
        return _choice_as_read(definition, value)
    if kind == "set":
        chosen = value if isinstance(value, list) else [value]
        return tuple(_choice_as_read(definition, each) for each in chosen)
    if kind in _REFERENCES:
        return wire.record(RecordRef, {"kind": _REFERENCES[kind], "id": _id_of(value)})
    if kind == "double":
        return wire.record(Decimal, value)
    if kind == "date":
        return wire.record(date, value)
    raise ContractError(
        f"Pipedrive's field {definition.field_name!r} is of type {kind!r}, which is not documented"
    )


def encode(definition: FieldDefinition, value: CustomValue | Money | None) -> Any:
    """Return a value in the encoding of API v2, to be sent in ``custom_fields``.

    Raises InvalidRecordError when the field is of another type or the text is too long.
    """
    if value is None or value in ("", ()):
        return None  # An empty list is refused (NOTES.md, "Custom fields"); null clears.
    kind = definition.field_type
    if kind in LONGEST_TEXT and isinstance(value, str):
        return _text(definition, value)
    if kind == "double" and isinstance(value, Decimal):
        return value
    if kind == "date" and isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if kind == "monetary" and isinstance(value, Money):
        return {"value": value.amount, "currency": value.currency}
    if kind in _COMPOSITES and isinstance(value, _COMPOSITES[kind]):
        return _parts(value)
    if kind == "enum" and isinstance(value, FieldOption | str):
        return choice(definition, value).id
    if kind == "set" and isinstance(value, tuple):
        return [choice(definition, each).id for each in value]
    if kind in _REFERENCES and isinstance(value, RecordRef) and value.kind == _REFERENCES[kind]:
        return value.id
    raise _unfit(definition, f"a {type(value).__name__} does not fit a field of type {kind}")


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
        parts = {part: record.get(f"{key}_{part}") for part in _V1_PARTS}
        return _filled({"value": value, **parts}, besides=set())
    if definition.field_type == "set" and isinstance(value, str):
        return value.split(",")
    return value


def _composite(type_: type[Any], value: Any) -> CustomValue | None:
    """Return a value with parts; None when only empty parts are there."""
    if isinstance(value, dict) and value.get("value") in {None, ""}:
        return None
    found: CustomValue = wire.record(type_, value)
    return found


def _choice_as_read(definition: FieldDefinition, value: Any) -> FieldOption:
    """Return a choice that was read: one that is no longer defined keeps its id alone."""
    wanted = _id_of(value)
    for option in definition.options:
        if str(option.id) == str(wanted):
            return option
    text = str(wanted)
    return FieldOption(id=int(text) if text.isdigit() else text)


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


def _parts(value: Any) -> dict[str, Any]:
    """Return the parts that are set, as JSON can carry them."""
    parts = {name: getattr(value, name) for name in value.__struct_fields__}
    return {
        name: part.isoformat() if isinstance(part, date | time) else part
        for name, part in parts.items()
        if part is not None and name not in {"formatted_address", "timezone_name"}
    }


def _text(definition: FieldDefinition, value: str) -> str:
    longest = LONGEST_TEXT[definition.field_type]
    if len(value) > longest:
        raise _unfit(definition, f"{len(value)} characters are more than the {longest} it takes")
    return value


def _unfit(definition: FieldDefinition, why: str) -> InvalidRecordError:
    return InvalidRecordError(
        f"Pipedrive's field {definition.field_name!r} cannot take this value: {why}",
        fields={definition.field_code: why},
    )
