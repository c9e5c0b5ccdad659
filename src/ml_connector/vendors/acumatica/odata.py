"""Conditions in the OData version 3 form that `$filter` takes.

Every literal's type must match the field's: a quoted number or truth value is refused with
HTTP 500 (NOTES.md, "Filters"). What is built here is plain text; the transport percent-encodes
the whole parameter, so that ``+``, ``&`` and ``#`` inside a literal stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal
from urllib.parse import quote
from uuid import UUID

LiteralValue = str | bool | int | Decimal | datetime | date | UUID
Comparison = Literal["eq", "ne", "gt", "ge", "lt", "le"]

LONGEST_QUERY = 2000
"""Bytes of a whole query string, encoded. IIS refuses longer ones from 2048 on unless told
otherwise (Microsoft docs: requestLimits, maxQueryString); longer lists are asked for in parts."""


def literal(value: LiteralValue) -> str:
    """Write a value as a literal of its own type."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = "'" + value.replace("'", "''") + "'"
        case int():
            text = str(value)
        case Decimal():
            text = _decimal(value)
        case datetime():
            text = f"datetimeoffset'{moment_text(value)}'"
        case date():
            text = f"datetimeoffset'{value.isoformat()}'"
        case UUID():
            text = f"guid'{value}'"
    return text


def moment_text(moment: datetime) -> str:
    """Write a moment in UTC with milliseconds; finer is cut, so that nothing is skipped."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone cannot be sent")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def compare(field: str, comparison: Comparison, value: LiteralValue) -> str:
    """Compare a field (``MainContact/Email`` names a linked one's) with a value."""
    return f"{field} {comparison} {literal(value)}"


def starts_with(field: str, value: str) -> str:
    """Hold for texts that start with ``value``."""
    return f"startswith({field},{literal(value)})"


def ends_with(field: str, value: str) -> str:
    """Hold for texts that end with ``value``."""
    return f"endswith({field},{literal(value)})"


def all_of(*conditions: str) -> str:
    """Join conditions that must all hold."""
    return _joined(" and ", conditions)


def any_of(*conditions: str) -> str:
    """Join conditions of which one must hold."""
    return _joined(" or ", conditions)


def is_one_of(field: str, values: Sequence[LiteralValue]) -> str:
    """Hold for any of ``values``."""
    return any_of(*(compare(field, "eq", value) for value in values))


def in_parts(
    conditions: Sequence[str], *, room: int = LONGEST_QUERY, largest: int = 100
) -> list[list[str]]:
    """Split conditions to be joined by ``or`` so that each part fits into ``room`` bytes.

    A single condition that is too long stands alone: the server decides.
    """
    parts: list[list[str]] = []
    left = 0
    for condition in conditions:
        needed = len(quote(condition, safe="")) + len("%20or%20%28%29")
        if not parts or needed > left or len(parts[-1]) >= largest:
            parts.append([])
            left = room
        parts[-1].append(condition)
        left -= needed
    return parts


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} cannot be compared with")
    return f"{value:f}M"


def _joined(operator: str, conditions: Sequence[str]) -> str:
    if not conditions:
        raise ValueError("a condition over nothing")
    if len(conditions) == 1:
        return conditions[0]
    # Parentheses around each: the precedence of `and` over `or` is nowhere stated.
    return operator.join(
        condition if _is_plain(condition) else f"({condition})" for condition in conditions
    )


def _is_plain(condition: str) -> bool:
    return " and " not in condition and " or " not in condition
