"""One kind of record: by id, by update time, and by the columns that lists filter on.

Rows are plain dicts in v2's names and forms (times as RFC 3339 text). They are changed only
through ``Table.apply``, which keeps the indices true; nested values are replaced, never changed
in place, so that a shallow copy of a row is a snapshot.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from vendor_simulators.pipedrive.wire import Row

_FEW = 2_000  # a filter that leaves this many rows is worth sorting them for each page


class Table:
    """The rows of one kind, ids ascending from ``first_id``."""

    def __init__(self, kind: str, *, indexed: Sequence[str] = (), first_id: int = 1) -> None:
        self.kind = kind
        self.rows: dict[int, Row] = {}
        self._ids: list[int] = []
        self._by_update: list[tuple[str, int]] = []
        self._indices: dict[str, dict[Any, set[int]]] = {column: {} for column in indexed}
        self._next_id = first_id

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        """Walk all rows, deleted ones included, ids ascending."""
        return (self.rows[row_id] for row_id in list(self._ids))

    def take_id(self) -> int:
        """Return the id for the next new row."""
        taken = self._next_id
        self._next_id += 1
        return taken

    def find(self, row_id: int | None) -> Row | None:
        """Return the row, deleted or not."""
        return None if row_id is None else self.rows.get(row_id)

    def live(self, row_id: int | None) -> Row | None:
        """Return the row unless it is deleted."""
        row = self.find(row_id)
        return None if row is None or row.get("is_deleted") else row

    def add(self, row: Row) -> None:
        """Take over a complete row with its id."""
        row_id = row["id"]
        if row_id in self.rows:
            raise KeyError(f"{self.kind} {row_id} is there already")
        self.rows[row_id] = row
        insort(self._ids, row_id)
        self._next_id = max(self._next_id, row_id + 1)
        insort(self._by_update, (row.get("update_time") or "", row_id))
        for column, index in self._indices.items():
            index.setdefault(row[column], set()).add(row_id)

    def apply(self, row: Row, changes: Mapping[str, Any]) -> None:
        """Set columns of a row of this table."""
        row_id = row["id"]
        for column, index in self._indices.items():
            if column in changes and changes[column] != row[column]:
                index[row[column]].discard(row_id)
                index.setdefault(changes[column], set()).add(row_id)
        if "update_time" in changes and changes["update_time"] != row.get("update_time"):
            self._forget_update(row)
            insort(self._by_update, (changes["update_time"] or "", row_id))
        row.update(changes)

    def remove(self, row_id: int) -> Row | None:
        """Drop a row for good."""
        row = self.rows.pop(row_id, None)
        if row is None:
            return None
        del self._ids[bisect_left(self._ids, row_id)]
        self._forget_update(row)
        for column, index in self._indices.items():
            index[row[column]].discard(row_id)
        return row

    def where(self, column: str, value: Any) -> list[Row]:
        """Return the rows with ``value`` in an indexed column, deleted included, ids ascending."""
        found = self._indices[column].get(value)
        return [self.rows[row_id] for row_id in sorted(found)] if found else []

    def count(self, column: str, value: Any) -> int:
        """Return how many rows ``where`` would return."""
        return len(self._indices[column].get(value, ()))

    def few(self, equal: Mapping[str, Any]) -> Collection[int] | None:
        """Return the ids of the most selective indexed filter, or None if all leave many."""
        sets = [
            self._indices[column].get(value, set())
            for column, value in equal.items()
            if column in self._indices
        ]
        smallest = min(sets, key=len, default=None)
        return smallest if smallest is not None and len(smallest) <= _FEW else None

    def updated_between(self, since: str | None, until: str | None) -> Sequence[int]:
        """Return the ids of rows updated from ``since`` on and before ``until``."""
        begin = bisect_left(self._by_update, (since, 0)) if since else 0
        end = bisect_left(self._by_update, (until, 0)) if until else len(self._by_update)
        return [row_id for _, row_id in self._by_update[begin:end]]

    def walk_ids(self, start: int | None, *, is_descending: bool) -> Iterator[Row]:
        """Walk by id from ``start`` on, it included."""
        ids, rows = self._ids, self.rows
        for position in _positions(ids, start, is_descending=is_descending):
            yield rows[ids[position]]

    def walk_updates(self, start: tuple[str, int] | None, *, is_descending: bool) -> Iterator[Row]:
        """Walk by update time and id from ``start`` on, it included."""
        order, rows = self._by_update, self.rows
        for position in _positions(order, start, is_descending=is_descending):
            yield rows[order[position][1]]

    def _forget_update(self, row: Row) -> None:
        entry = (row.get("update_time") or "", row["id"])
        del self._by_update[bisect_left(self._by_update, entry)]


def _positions(order: Sequence[Any], start: Any, *, is_descending: bool) -> range:
    if is_descending:
        begin = len(order) if start is None else bisect_right(order, start)
        return range(begin - 1, -1, -1)
    return range(0 if start is None else bisect_left(order, start), len(order))
