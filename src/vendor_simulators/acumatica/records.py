"""Records and the tables that hold them.

A committed record is never changed: an edit works on a copy and commits that. What readers saw
before is therefore still there, which is how a change can become visible late.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from vendor_simulators.acumatica.contract import Entity

Key = tuple[str | int, ...]
CustomValue = tuple[str, Any]  # wrapper type such as CustomStringField, value


class Record:
    """A form's record, a linked part of one, or a detail row.

    Values under a name with a leading underscore are the simulator's own and never shown.
    """

    __slots__ = (
        "custom",
        "entity",
        "files",
        "id",
        "links",
        "note",
        "prior",
        "rows",
        "values",
        "visible_at",
    )

    def __init__(self, entity: Entity, record_id: str) -> None:
        self.entity = entity
        self.id = record_id
        self.values: dict[str, Any] = entity.blank.copy()
        self.links: dict[str, Record] = {}
        self.rows: dict[str, list[Record]] = {}
        self.custom: dict[tuple[str, str], CustomValue] = {}
        self.note: str | None = None
        self.files: tuple[StoredFile, ...] = ()
        self.prior: Record | None = None  # what readers see until visible_at
        self.visible_at = 0.0  # on the simulators' monotonic clock

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.values[name] = value

    def copied(self) -> Record:
        """Return a copy to edit; parts and rows are copied with it."""
        twin = copy(self)
        twin.values = self.values.copy()
        twin.links = {name: part.copied() for name, part in self.links.items()}
        twin.rows = {name: [row.copied() for row in rows] for name, rows in self.rows.items()}
        twin.custom = self.custom.copy()
        twin.prior = None
        twin.visible_at = 0.0
        return twin

    def at(self, path: Sequence[str]) -> Any:
        """Return the value at a path through linked parts, None where a part is missing."""
        part: Record | None = self
        for name in path[:-1]:
            part = part.links.get(name) if part is not None else None
        return None if part is None else part.values.get(path[-1])

    def shown(self, now: float) -> Record | None:
        """Return what a list read sees at ``now``: this state, an earlier one, or none yet."""
        state: Record | None = self
        while state is not None and state.visible_at > now:
            state = state.prior
        return state

    @property
    def key(self) -> Key:
        """The key as it is compared: upper case, without padding."""
        return tuple(normal(self.values.get(name)) for name in self.entity.keys)


@dataclass(frozen=True)
class StoredFile:
    """A file attached to a record."""

    id: str
    filename: str
    content: bytes
    comment: str = ""


class Table:
    """All records of one entity, by key, by id and by indexed value."""

    def __init__(self, entity: Entity, indexed: Sequence[str] = ()) -> None:
        self.entity = entity
        self._by_key: dict[Key, Record] = {}
        self._by_id: dict[str, Record] = {}
        self._order: list[Key] = []
        self._paths = {path: tuple(path.split("/")) for path in (*indexed, *entity.keys)}
        self._indexes: dict[str, dict[str | int, dict[Key, None]]] = {
            path: {} for path in self._paths
        }

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Record]:
        """Yield the records in the order of their keys."""
        for key in list(self._order):
            record = self._by_key.get(key)
            if record is not None:
                yield record

    def get(self, *key: Any) -> Record | None:
        """Return the record of a key, whatever its case and padding."""
        return self._by_key.get(tuple(map(normal, key)))

    def by_id(self, record_id: str) -> Record | None:
        """Return the record with an id."""
        return self._by_id.get(record_id.lower())

    def matching(self, path: str, value: Any) -> list[Record] | None:
        """Return the records with a value at an indexed path; None when it has no index."""
        index = self._indexes.get(path)
        if index is None:
            return None
        return [self._by_key[key] for key in sorted(index.get(normal(value), ()))]

    def commit(self, record: Record) -> Record | None:
        """Make ``record`` the present state and return the one before."""
        prior = self._by_id.get(record.id)
        key = record.key
        if prior is not None:
            self._unindex(prior)
            if prior.key != key:
                self._forget_key(prior.key)
        if key not in self._by_key:
            insort(self._order, key)
        self._by_key[key] = self._by_id[record.id] = record
        for path, names in self._paths.items():
            value = record.at(names)
            if value is not None:
                self._indexes[path].setdefault(normal(value), {})[key] = None
        return prior

    def remove(self, record: Record) -> None:
        """Take a record out."""
        self._unindex(record)
        self._forget_key(record.key)
        del self._by_id[record.id]

    def _forget_key(self, key: Key) -> None:
        del self._by_key[key]
        del self._order[bisect_left(self._order, key)]

    def _unindex(self, record: Record) -> None:
        for path, names in self._paths.items():
            value = record.at(names)
            if value is not None:
                self._indexes[path].get(normal(value), {}).pop(record.key, None)


def normal(value: Any) -> str | int:
    """Return a value as the database compares it: text without case and padding."""
    if isinstance(value, str):
        return value.strip().upper()
    return value if isinstance(value, int) else str(value)


def plain(record: Record, names: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a record with everything in it as plain values, for dumps."""
    content: dict[str, Any] = {"id": record.id}
    content.update(
        {name: value for name, value in record.values.items() if not name.startswith("_")}
    )
    if record.note:
        content["note"] = record.note
    if record.custom:
        content["custom"] = {
            f"{view}.{name}": value for (view, name), (_, value) in record.custom.items()
        }
    content.update({name: plain(part) for name, part in record.links.items()})
    content.update({name: [plain(row) for row in rows] for name, rows in record.rows.items()})
    content.update(names or {})
    return content
