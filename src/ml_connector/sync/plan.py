"""What a dry run would do, field by field, without one write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWrite:
    """One create or change that a real run would make."""

    action: Literal["create", "change"]
    kind: str
    key: str
    """The record it would be made from, or the one it would change."""
    fields: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """Everything a dry run would write, in order."""

    writes: list[PlannedWrite] = field(default_factory=list)

    def add(self, write: PlannedWrite) -> None:
        """Take note of one write."""
        self.writes.append(write)
