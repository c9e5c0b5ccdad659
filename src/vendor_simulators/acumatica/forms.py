"""What every form does with a record that is being saved; each subject's form adds its own.

A save runs in this order: defaults of a new record, the values given, what the form computes,
what it checks. Errors are gathered per field, and any error keeps everything as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from vendor_simulators.acumatica.answers import RefusalError, fault
from vendor_simulators.acumatica.bodies import Given
from vendor_simulators.acumatica.contract import CHOICES, LISTS, Entity, Field
from vendor_simulators.acumatica.numbering import NEW
from vendor_simulators.acumatica.records import Record, normal
from vendor_simulators.acumatica.site import Site

Action = Callable[[Record, Mapping[str, Any]], None]  # record, parameters


class Draft:
    """A record under edit, with what was given for it and what is wrong with it."""

    def __init__(self, record: Record, given: Given, original: Record | None) -> None:
        self.record = record
        self.given = given
        self.original = original
        self.errors: dict[int, dict[str, str]] = {}  # by id() of the record, part or row
        self.gave: dict[int, Given] = {}
        self.fresh_rows: set[int] = set()

    @property
    def is_new(self) -> bool:
        """Whether the record is not saved yet."""
        return self.original is None

    def error(self, record: Record, field: str, text: str) -> None:
        """Note what is wrong with a field; the first error of a field counts."""
        self.errors.setdefault(id(record), {}).setdefault(field, text)

    def was_given(self, record: Record, field: str) -> bool:
        """Say whether the body names a field of the record, part or row."""
        given = self.gave.get(id(record))
        return given is not None and field in given.values


class Form:
    """The plain form: stores what it is given and checks lists and labels."""

    default_keys: Mapping[str, str] = {}
    sequence: str | None = None  # of the numbering; None: keys are always typed in

    def __init__(self, site: Site, entity: Entity) -> None:
        self.site = site
        self.entity = entity
        self.actions: dict[str, Action] = {}

    # What a subject's form changes

    def start(self, draft: Draft) -> None:
        """Give a new record its defaults, before the given values."""

    def changed(self, draft: Draft) -> None:
        """React to the given values, as the form does while they are typed."""

    def start_row(self, draft: Draft, name: str, row: Record, given: Given) -> None:
        """Give a new detail row its defaults, before the given values."""

    def complete(self, draft: Draft) -> None:
        """Compute what the server computes."""

    def check(self, draft: Draft) -> None:
        """Note errors."""

    def committed(self, record: Record, prior: Record | None) -> None:
        """Carry a saved record on to other tables."""

    def check_deletion(self, record: Record) -> None:
        """Refuse to delete a record that others need."""

    def part(self, record: Record, name: str) -> Record | None:
        """Return a linked part for an expanded answer."""
        return record.links.get(name)

    def rows(self, record: Record, name: str) -> list[Record]:
        """Return detail rows for an expanded answer."""
        return record.rows.get(name, [])

    def number_for(self, record: Record) -> str:
        """Return the next key of a record under automatic numbering."""
        return self.site.numbering.next(self.sequence or self.entity.name)

    def numbered(self, record: Record) -> None:
        """Write the number just given to wherever the record repeats it."""

    # What every form does

    def draft(self, given: Given, original: Record | None) -> Draft:
        """Return the record as it would be saved, with its errors."""
        record = Record(self.entity, self.site.new_id()) if original is None else original.copied()
        draft = Draft(record, given, original)
        if original is None:
            for name, key in self.default_keys.items():
                record[name] = given.values.get(name) or key
            self.start(draft)
        self._fill(draft, record, given)
        if not self._has_required(draft, record):
            return draft  # nothing can be computed without it
        self.changed(draft)
        is_typed = self.sequence is None or self.site.numbering.is_manual(self.sequence)
        if original is None:
            self._take_typed_key(draft, is_typed=is_typed)
        self.complete(draft)
        self.check(draft)
        if original is None and not is_typed and not draft.errors:
            record[self.entity.keys[-1]] = self.number_for(record)
            self.numbered(record)
        return draft

    def _fill(self, draft: Draft, record: Record, given: Given) -> None:
        draft.gave[id(record)] = given
        keys = record.entity.keys if record is draft.record and not draft.is_new else ()
        for name, value in given.values.items():
            if name not in keys:
                self._set(draft, record, record.entity.fields[name], value)
        if given.note is not None:
            record.note = given.note
        for (view, name), held in given.custom.items():
            if (self.entity.name, view, name) in self.site.custom_fields:
                record.custom[view, name] = held
        for name, part in given.links.items():
            linked = record.links.get(name)
            if linked is None:
                linked = record.links[name] = Record(part.entity, self.site.new_id())
            self._fill(draft, linked, part)
        for name, rows in given.rows.items():
            for row in rows:
                self._fill_row(draft, record, name, row)

    def _fill_row(self, draft: Draft, owner: Record, name: str, given: Given) -> None:
        rows = owner.rows.setdefault(name, [])
        row = _existing(rows, given)
        if given.is_deleted:
            if row is not None:
                rows.remove(row)
            return
        if row is None:
            row = Record(given.entity, self.site.new_id())
            rows.append(row)
            draft.fresh_rows.add(id(row))
            self.start_row(draft, name, row, given)
        self._fill(draft, row, given)

    def _set(self, draft: Draft, record: Record, field: Field, value: Any) -> None:
        record.values[field.name] = value
        if value is None:
            record.values[field.name] = record.entity.blank[field.name]
        elif field.listed_in is not None:
            known = self.site.canonical(field.listed_in, value)
            if known is None:
                what = LISTS[field.listed_in]
                draft.error(record, field.name, f"'{what}' cannot be found in the system.")
            else:
                record.values[field.name] = known
        elif field.choices is not None:
            label = _label(field.choices, value)
            if label is None:
                text = f"The value '{value}' is not in the list of {display(field.name)}."
                draft.error(record, field.name, text)
            else:
                record.values[field.name] = label

    def _take_typed_key(self, draft: Draft, *, is_typed: bool) -> None:
        record, own_key = draft.record, self.entity.keys[-1]
        typed = draft.given.values.get(own_key)
        if not is_typed:
            record[own_key] = None  # a key that does not exist is not used
        elif typed is None or normal(typed) == NEW:
            draft.error(record, own_key, f"'{display(own_key)}' cannot be empty.")
        else:
            record[own_key] = normal(typed)

    def _has_required(self, draft: Draft, record: Record) -> bool:
        missing = [
            field.name
            for field in record.entity.fields.values()
            if field.is_required and record.values.get(field.name) is None
        ]
        for name in missing:
            draft.error(record, name, f"'{display(name)}' cannot be empty.")
        return not missing

    # For actions and for people

    def edit(self, record: Record) -> Record:
        """Return a copy of the present state to change and commit."""
        present = self.site.table(self.entity.name).by_id(record.id)
        return (present or record).copied()


def display(name: str) -> str:
    """Return a field's name as a form labels it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def refuse(text: str) -> RefusalError:
    """Return the refusal of an action or edit that the record's state does not allow."""
    return fault(text)


def _existing(rows: list[Record], given: Given) -> Record | None:
    if given.id is not None:
        return next((row for row in rows if row.id == given.id.lower()), None)
    keys = given.entity.row_keys
    wanted = [given.values.get(name) for name in keys]
    if not keys or any(value is None for value in wanted):
        return None
    normals = [normal(value) for value in wanted]
    return next(
        (row for row in rows if [normal(row.values.get(name) or "") for name in keys] == normals),
        None,
    )


def _label(choices: str, value: str) -> str | None:
    lowered = value.lower()
    return next((label for label in CHOICES[choices] if label.lower() == lowered), None)
