"""What a connector reports when a stream is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record of a stream: which, and when the vendor says that it last changed."""

    kind: str
    key: str
    changed_at: datetime
    moment: datetime | None = None
    """The record's own moment (won, documented on), by which a go-live is judged."""
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """One page of a stream."""

    changes: tuple[Change, ...]
    next_page: str | None
    """The vendor's cursor of the next page; None at the end. It dies with the read."""
    read_at: datetime
    """The vendor's own clock when it answered (its Date header), or ours where it sends none."""


class ChangeReader(Protocol):
    """A client that can read streams."""

    async def changes(self, stream: str, *, since: datetime, page: str | None) -> ChangePage:
        """Return one page of what changed at or after ``since``."""
        ...
