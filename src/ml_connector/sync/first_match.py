"""The first match's list: which records both sides had before, and what a person says of each.

A survey puts every record of the flow's scope on the list; a later one brings it up to date and
keeps the decisions. Rows that the last finished survey did not see are not on the list any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

NEW = "new"
"""A person's word: none of them; a counterpart is to be made."""
SKIP = "skip"
"""A person's word: leave this record alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKey:
    """One flow's list in one installation."""

    installation_id: int
    flow: str
    """Without its pair."""

    def values(self) -> dict[str, Any]:
        """Return the key as statements take it."""
        return {"installation_id": self.installation_id, "flow": self.flow}

    @property
    def cause(self) -> str:
        """What records wait for until the list is confirmed."""
        return f"first_match:{self.flow}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionKey:
    """One record of a list."""

    installation_id: int
    flow: str
    source_key: str

    def as_tuple(self) -> tuple[int, str, str]:
        """Return the key as the database has it."""
        return self.installation_id, self.flow, self.source_key


_DECISIONS = text(
    """
    SELECT m.installation_id, m.flow, m.source_key, m.decision
    FROM unnest(CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]),
                CAST(:source_keys AS text[])) AS k (installation_id, flow, source_key)
    CROSS JOIN LATERAL (
        SELECT * FROM first_match f
        WHERE f.installation_id = k.installation_id AND f.flow = k.flow
          AND f.source_key = k.source_key
        LIMIT 1
    ) m
    """
)


async def decisions(db: AsyncConnection, keys: Sequence[DecisionKey]) -> Sequence[str | None]:
    """Return what was decided of each record: ``new``, ``skip``, a target's key, or nothing."""
    rows = await db.execute(
        _DECISIONS,
        {
            "installation_ids": [key.installation_id for key in keys],
            "flows": [key.flow for key in keys],
            "source_keys": [key.source_key for key in keys],
        },
    )
    found = {(row.installation_id, row.flow, row.source_key): row.decision for row in rows}
    return [found.get(key.as_tuple()) for key in keys]
