"""Field definitions: one book, seen as v2's Fields API and as v1's."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from vendor_simulators.pipedrive.builtin_fields import BUILTIN_FIELDS, Builtin

ADDRESS_PARTS = (
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
    "formatted_address",
)
CUSTOM_TYPES = frozenset({
    "varchar", "varchar_auto", "text", "double", "monetary", "date", "daterange", "time",
    "timerange", "enum", "set", "phone", "address", "org", "people", "user",
})  # fmt: skip
CHOICE_TYPES = frozenset({"enum", "set"})
SEARCHABLE_TYPES = frozenset({
    "address", "varchar", "text", "varchar_auto", "double", "monetary", "phone",
})  # fmt: skip
_SUBFIELDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "monetary": (("value", "Amount", "double"), ("currency", "Currency", "varchar")),
    "daterange": (("value", "Start date", "date"), ("until", "End date", "date")),
    "time": (("value", "Time", "time"), ("timezone_id", "Timezone", "double")),
    "timerange": (
        ("value", "Start time", "time"),
        ("until", "End time", "time"),
        ("timezone_id", "Timezone", "double"),
    ),
    "address": (
        ("value", "Address", "varchar"),
        *((part, part.replace("_", " ").capitalize(), "varchar") for part in ADDRESS_PARTS),
    ),
}
_FIRST_CUSTOM_ID = 12_477
_FIRST_OPTION_ID = 31


@dataclass(slots=True)
class Option:
    """One choice of an enum or set."""

    id: Any  # a number, or a text in fields that every account has
    label: str
    color: str | None = None


@dataclass(slots=True, kw_only=True)
class FieldDefinition:
    """A field of one kind of record."""

    id: int  # v1's number; v2 does not tell it
    kind: str
    code: str
    v1_key: str
    name: str
    field_type: str
    order_nr: int
    is_custom: bool
    is_optional: bool = False
    description: str | None = None
    options: list[Option] | None = None
    deleted_options: list[Option] = field(default_factory=list)
    shows_when_adding: bool = False
    add_time: str = "2024-01-10T08:00:00Z"
    update_time: str | None = None
    created_by: int | None = None

    def option(self, option_id: Any) -> Option | None:
        """Return a choice by its id."""
        return next((choice for choice in self.options or () if choice.id == option_id), None)

    def subfields(self) -> list[dict[str, str]] | None:
        """Return the parts of a composite value as v2 describes them."""
        parts = _SUBFIELDS.get(self.field_type)
        if parts is None or not self.is_custom:
            return None
        return [
            {"field_code": code, "field_name": f"{name} of {self.name}", "field_type": kind}
            for code, name, kind in parts
        ]


class FieldBook:
    """All definitions, in the order in which lists show them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ids = count(_FIRST_CUSTOM_ID)
        self._option_ids = count(_FIRST_OPTION_ID)
        self._by_code: dict[str, dict[str, FieldDefinition]] = {}
        self._custom: dict[str, tuple[FieldDefinition, ...]] = {}
        number = count(1)
        for kind, builtins in BUILTIN_FIELDS.items():
            self._by_code[kind] = {
                builtin.code: _built_in(kind, builtin, next(number), order)
                for order, builtin in enumerate(builtins, start=1)
            }
            self._custom[kind] = ()

    def of(self, kind: str) -> list[FieldDefinition]:
        """Return all definitions of a kind."""
        return list(self._by_code[kind].values())

    def custom(self, kind: str) -> tuple[FieldDefinition, ...]:
        """Return the definitions that people made, oldest first; none for other kinds."""
        return self._custom.get(kind, ())

    def find(self, kind: str, code: str) -> FieldDefinition | None:
        """Return a definition by v2's code."""
        return self._by_code.get(kind, {}).get(code)

    def find_custom(self, kind: str, code: str) -> FieldDefinition | None:
        """Return a definition that people made by its key."""
        found = self.find(kind, code)
        return found if found is not None and found.is_custom else None

    def named(self, kind: str, name: str) -> FieldDefinition | None:
        """Return the first custom field with that name; names are not unique."""
        return next((known for known in self.custom(kind) if known.name == name), None)

    def numbered(self, kind: str, number: int) -> FieldDefinition | None:
        """Return a definition by v1's id."""
        return next((known for known in self.of(kind) if known.id == number), None)

    def add(
        self,
        kind: str,
        *,
        name: str,
        field_type: str,
        labels: Iterable[str] = (),
        key: str | None = None,
        description: str | None = None,
        now: str = "2024-01-10T08:00:00Z",
        user_id: int | None = None,
    ) -> FieldDefinition:
        """Define a custom field; its key is drawn unless given."""
        code = key or f"{self._rng.getrandbits(160):040x}"
        known = self._by_code[kind]
        made = FieldDefinition(
            id=next(self._ids),
            kind=kind,
            code=code,
            v1_key=code,
            name=name,
            field_type=field_type,
            order_nr=len(known) + 1,
            is_custom=True,
            description=description,
            options=[] if field_type in CHOICE_TYPES else None,
            add_time=now,
            created_by=user_id,
        )
        known[code] = made
        self.add_options(made, labels)
        self._refresh(kind)
        return made

    def delete(self, definition: FieldDefinition) -> None:
        """Forget a field; values stay in the rows, unseen, as in the app's restore period."""
        del self._by_code[definition.kind][definition.code]
        self._refresh(definition.kind)

    def add_options(self, definition: FieldDefinition, labels: Iterable[str]) -> list[Option]:
        """Add choices at the end."""
        made = [Option(next(self._option_ids), label) for label in labels]
        if made:
            definition.options = [*(definition.options or ()), *made]
        return made

    def delete_options(self, definition: FieldDefinition, options: list[Option]) -> None:
        """Remove choices; records keep their ids."""
        gone = {option.id for option in options}
        definition.options = [known for known in definition.options or () if known.id not in gone]
        definition.deleted_options += options

    def _refresh(self, kind: str) -> None:
        self._custom[kind] = tuple(known for known in self.of(kind) if known.is_custom)


def _built_in(kind: str, builtin: Builtin, number: int, order: int) -> FieldDefinition:
    return FieldDefinition(
        id=number,
        kind=kind,
        code=builtin.code,
        v1_key=builtin.v1_key or builtin.code,
        name=builtin.name,
        field_type=builtin.field_type,
        order_nr=order,
        is_custom=False,
        is_optional=builtin.is_optional,
        options=[Option(key, label) for key, label in builtin.options] or None,
        shows_when_adding=builtin.code in {"title", "name", "value"},
    )
