"""v2's lists: filters, sorting, and cursors that name the first item of the next page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from vendor_simulators.pipedrive.answers import Answer, invalid, page
from vendor_simulators.pipedrive.table import Table
from vendor_simulators.pipedrive.v2.validation import (
    Reader,
    query_choice,
    query_limit,
    query_text,
)
from vendor_simulators.pipedrive.wire import Row, read_cursor, write_cursor

DEFAULT_PAGE = 100
_SELECTIVE = 4  # an update range below a quarter of the table is worth its own sorting
_NUMBERS = frozenset({"id", "deal_id", "order_nr"})

Keep = Callable[[Row], bool]
Start = tuple[Any, Any]  # sort value and id of the page's first item


def page_readers(*sortable: str) -> dict[str, Reader]:
    """Return the readers that every list has; without ``sortable`` it cannot be sorted."""
    readers: dict[str, Reader] = {"limit": query_limit, "cursor": query_text}
    if sortable:
        readers["sort_by"] = query_choice(*sortable)
        readers["sort_direction"] = query_choice("asc", "desc")
    return readers


class Order:
    """How a list is sorted and where its page begins."""

    def __init__(self, query: Mapping[str, Any]) -> None:
        self.field: str = query.get("sort_by", "id")
        self.direction: str = query.get("sort_direction", "asc")
        self.start: Start | None = None
        if "cursor" in query:
            self._read(query["cursor"], is_sorted="sort_by" in query)

    @property
    def is_descending(self) -> bool:
        """Whether the list runs backwards."""
        return self.direction == "desc"

    def cursor(self, row: Mapping[str, Any]) -> str:
        """Return the marker of a page that begins with ``row``."""
        return write_cursor(
            field=self.field,
            value=row.get(self.field),
            direction=self.direction,
            record_id=row["id"],
        )

    def _read(self, text: str, *, is_sorted: bool) -> None:
        marker = read_cursor(text)
        if marker is None or (is_sorted and marker["field"] != self.field):
            raise invalid("cursor: Invalid cursor")
        wanted = int if marker["field"] in _NUMBERS else str
        value = _sortable(marker["fieldValue"])
        if not isinstance(value, wanted) or not isinstance(marker["id"], int):
            raise invalid("cursor: Invalid cursor")
        self.field, self.direction = marker["field"], marker["sortDirection"]
        self.start = (value, marker["id"])


def list_page(
    table: Table,
    query: Mapping[str, Any],
    *,
    keep: Keep,
    equal: Mapping[str, Any],
    view: Callable[[Row], Any],
) -> Answer:
    """Answer one page of a table.

    ``equal`` are exact filters by column; ``keep`` decides about everything else.
    """
    order = Order(query)
    limit = query.get("limit", DEFAULT_PAGE)
    found: list[Row] = []
    for row in _walk(table, query, order, equal):
        if all(row[column] == value for column, value in equal.items()) and keep(row):
            found.append(row)
            if len(found) > limit:
                return page([view(kept) for kept in found[:limit]], order.cursor(found[limit]))
    return page([view(row) for row in found], None)


def sorted_page(
    rows: Iterable[Row], query: Mapping[str, Any], view: Callable[[Row], Any]
) -> Answer:
    """Answer one page of rows that are few enough to sort each time."""
    order = Order(query)
    limit = query.get("limit", DEFAULT_PAGE)
    found = list(_from(rows, order))
    following = order.cursor(found[limit]) if len(found) > limit else None
    return page([view(row) for row in found[:limit]], following)


def _walk(
    table: Table, query: Mapping[str, Any], order: Order, equal: Mapping[str, Any]
) -> Iterator[Row]:
    """Return candidates in order; they may include rows that the filters drop."""
    since, until = query.get("updated_since"), query.get("updated_until")
    chosen = table.few(equal)
    if chosen is None and order.field == "update_time":
        return _updates(table, order, since, until)
    if chosen is None and (since or until):
        between = table.updated_between(since, until)
        if len(between) * _SELECTIVE < len(table):
            chosen = between
    if chosen is not None:
        return _from((table.rows[row_id] for row_id in chosen), order)
    if order.field == "id":
        start = None if order.start is None else order.start[1]
        return table.walk_ids(start, is_descending=order.is_descending)
    return _from(table, order)


def _updates(table: Table, order: Order, since: str | None, until: str | None) -> Iterator[Row]:
    """Walk in order of update within the bounds, without looking at rows beyond them."""
    start = order.start
    if start is None and order.is_descending and until:
        start = (until, 0)
    if start is None and not order.is_descending and since:
        start = (since, 0)
    for row in table.walk_updates(start, is_descending=order.is_descending):
        updated = row["update_time"] or ""
        if order.is_descending and since and updated < since:
            return
        if not order.is_descending and until and updated >= until:
            return
        yield row


def _from(rows: Iterable[Row], order: Order) -> Iterator[Row]:
    keyed: Sequence[tuple[Any, Any, Row]] = sorted(
        ((_sortable(row.get(order.field)), row["id"], row) for row in rows),
        key=lambda entry: entry[:2],
    )
    keys = [entry[:2] for entry in keyed]
    if order.is_descending:
        begin = len(keys) if order.start is None else bisect_right(keys, order.start)
        return (entry[2] for entry in reversed(keyed[:begin]))
    begin = 0 if order.start is None else bisect_left(keys, order.start)
    return (entry[2] for entry in keyed[begin:])


def _sortable(value: Any) -> Any:
    return "" if value is None else value
