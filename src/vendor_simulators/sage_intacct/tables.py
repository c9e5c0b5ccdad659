"""Rows and the tables that hold them.

A row is never changed: an edit replaces it. So a change can be undone, and can become visible
late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vendor_simulators.sage_intacct.definitions import Definition

Undo = Callable[[], None]


class Row:
    """A record; ``owner`` is the entity that it belongs to, empty for the company."""

    __slots__ = ("definition", "owner", "prior", "values", "visible_at")

    def __init__(
        self, definition: Definition, values: Mapping[str, Any], *, owner: str = ""
    ) -> None:
        self.definition = definition
        self.values = values
        self.owner = owner
        self.prior: Row | None = None  # what reads see until visible_at
        self.visible_at = 0.0  # on the simulators' monotonic clock

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    @property
    def number(self) -> int:
        """The record number."""
        number: int = self.values["RECORDNO"]
        return number

    @property
    def key(self) -> Any:
        """The business key."""
        return self.values[self.definition.key]

    @property
    def is_active(self) -> bool:
        """Whether the record may be used."""
        return bool(self["STATUS"] != "inactive")

    def changed(self, **values: Any) -> Row:
        """Return the row with other values."""
        return Row(self.definition, {**self.values, **values}, owner=self.owner)

    def shown(self, now: float) -> Row | None:
        """Return what a read sees at ``now``: this row, an earlier one, or none yet."""
        state: Row | None = self
        while state is not None and state.visible_at > now:
            state = state.prior
        return state


class Table:
    """All rows of an object, by number and by indexed value."""

    def __init__(self, name: str, indexed: Sequence[str], log: Callable[[Undo], None]) -> None:
        self.name = name
        self._log = log
        self._rows: dict[int, Row] = {}
        self._indexes: dict[str, dict[Any, dict[int, None]]] = {
            field: {} for field in dict.fromkeys((*indexed, "RECORDNO"))
        }
        self._last_number = 0

    def __iter__(self) -> Iterator[Row]:
        return iter(list(self._rows.values()))

    def __len__(self) -> int:
        return len(self._rows)

    def next_number(self) -> int:
        """Return a fresh record number; a rolled back record leaves a gap."""
        self._last_number += 1
        return self._last_number

    def numbered_from(self, number: int) -> None:
        """Let record numbers go on after ``number``."""
        self._last_number = max(self._last_number, number)

    def numbered(self, number: int) -> Row | None:
        """Return the row with a record number."""
        return self._rows.get(number)

    def is_indexed(self, field: str) -> bool:
        """Say whether ``where`` can find rows by a field."""
        return field in self._indexes

    def where(self, field: str, value: Any) -> list[Row]:
        """Return the rows with a value in an indexed field."""
        return [self._rows[number] for number in self._indexes[field].get(value, ())]

    def first(self, field: str, value: Any) -> Row | None:
        """Return the first row with a value in an indexed field."""
        found = self.where(field, value)
        return found[0] if found else None

    def put(self, row: Row) -> None:
        """Add a row, or replace the one with its number."""
        prior = self._rows.get(row.number)
        self._set(row.number, row)
        self._log(lambda: self._set(row.number, prior))

    def remove(self, row: Row) -> None:
        """Take a row out."""
        self._set(row.number, None)
        self._log(lambda: self._set(row.number, row))

    def _set(self, number: int, row: Row | None) -> None:
        before = self._rows.pop(number, None)
        if before is not None:
            for field, index in self._indexes.items():
                index.get(before[field], {}).pop(number, None)
        if row is not None:
            self._rows[number] = row
            for field, index in self._indexes.items():
                index.setdefault(row[field], {})[number] = None
