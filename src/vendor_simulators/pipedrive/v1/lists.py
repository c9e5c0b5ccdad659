"""v1's lists: offsets, and sorting by any first-level key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vendor_simulators.pipedrive.answers import Answer, v1_bad_request
from vendor_simulators.pipedrive.calls import Call
from vendor_simulators.pipedrive.wire import Row

DEFAULT_PAGE = 100
LARGEST_PAGE = 500


def offset_page(
    call: Call,
    rows: Sequence[Row],
    view: Callable[[Row], Row],
    *,
    is_flat: bool = False,
    largest: int = LARGEST_PAGE,
) -> Answer:
    """Answer one page; a limit above the largest is taken as the largest."""
    start, limit = number(call, "start", 0), min(number(call, "limit", DEFAULT_PAGE), largest)
    ordered = _ordered(rows, call.query.get("sort", ""))
    shown = [view(row) for row in ordered[start : start + limit]]
    has_more = len(rows) > start + limit
    about: dict[str, Any] = {
        "start": start, "limit": limit, "more_items_in_collection": has_more,
    }  # fmt: skip
    if has_more:
        about["next_start"] = start + limit
    extra = about if is_flat else {"pagination": about}
    return Answer({"success": True, "data": shown or None, "additional_data": extra})


def number(call: Call, name: str, default: int) -> int:
    """Return a whole number from the query; raise 400 for anything else."""
    text = call.query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit():
        raise v1_bad_request()
    return int(text)


def given_number(call: Call, name: str) -> int | None:
    """Return a whole number from the query, or None if it is not there."""
    return number(call, name, 0) if call.query.get(name) else None


def _ordered(rows: Sequence[Row], wish: str) -> Sequence[Row]:
    ordered = list(rows)
    for part in reversed([part.split() for part in wish.split(",") if part.strip()]):
        name, is_descending = part[0], part[-1].upper() == "DESC"
        ordered.sort(key=lambda row: _key(row.get(name)), reverse=is_descending)
    return ordered


def _key(value: Any) -> tuple[int, Any]:
    """Return a sort key that puts empty values first and compares like with like."""
    if value is None:
        return (0, 0)
    return (1, value) if isinstance(value, (int, float)) else (2, str(value))
