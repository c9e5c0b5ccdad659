"""Which custom field is which: names, keys and choices, and what has happened to them.

Every account has its own keys (40 hex digits) and its own choice ids; names are not unique and
change. What a value means is in `encodings.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.money import Money
from ml_connector.vendors.pipedrive.encodings import (
    V1_PARTS,
    CustomValue,
    decode,
    encode,
    from_v1,
    from_webhook,
)
from ml_connector.vendors.pipedrive.models import Entity, FieldDefinition

_KEY = re.compile(r"[0-9a-f]{40}")


def is_key(text: str) -> bool:
    """Return whether a text is the key of a custom field."""
    return _KEY.fullmatch(text) is not None


def base_key(text: str) -> str:
    """Return the field's key of a flat v1 key: ``<key>_currency`` belongs to ``<key>``."""
    head, _, part = text.partition("_")
    return head if is_key(head) and part in V1_PARTS else text


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChanges:
    """What differs between two readings of an entity's custom fields."""

    added: tuple[FieldDefinition, ...] = ()
    removed: tuple[FieldDefinition, ...] = ()
    renamed: tuple[tuple[FieldDefinition, FieldDefinition], ...] = ()
    """Before and after."""
    retyped: tuple[tuple[FieldDefinition, FieldDefinition], ...] = ()
    """Before and after, where the type is another."""
    choices: tuple[tuple[FieldDefinition, FieldDefinition], ...] = ()
    """Before and after, where choices were added, removed or renamed."""

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.renamed, self.retyped, self.choices))


class FieldSet:
    """All fields of one kind of record, as they were defined when they were read."""

    def __init__(self, entity: Entity, definitions: Iterable[FieldDefinition]) -> None:
        self.entity = entity
        self.definitions = tuple(definitions)
        self._keys = {each.field_code for each in self.definitions}

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def definition(self, name_or_key: str) -> FieldDefinition:
        """Return the field of that key or of that name.

        Raises ConfigurationError when there is none, or when several have the name.
        """
        found = [
            each for each in self.definitions if name_or_key in {each.field_code, each.field_name}
        ]
        if len(found) == 1:
            return found[0]
        if not found:
            raise ConfigurationError(
                f"Pipedrive has no {self.entity} field {name_or_key!r}; it may have been renamed "
                "or deleted there",
                waits_for=f"pipedrive_field:{self.entity}:{name_or_key}",
            )
        keys = ", ".join(each.field_code for each in found)
        raise ConfigurationError(
            f"Pipedrive has {len(found)} {self.entity} fields called {name_or_key!r}: name one by "
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

    def write(self, values: Mapping[str, CustomValue | Money | int | None]) -> dict[str, Any]:
        """Return ``custom_fields`` to send, by key, of values by name or key; None clears."""
        named = ((self._custom(name_or_key), value) for name_or_key, value in values.items())
        return {definition.field_code: encode(definition, value) for definition, value in named}

    def _custom(self, name_or_key: str) -> FieldDefinition:
        definition = self.definition(name_or_key)
        if not definition.is_custom_field:
            raise ConfigurationError(
                f"Pipedrive's {self.entity} field {definition.field_name!r} is a built-in one and "
                "is not written as a custom field"
            )
        return definition

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
