"""What records are held for, grouped by cause, each with its way out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.sync.states import RowState

_LIMIT = 100
_EXAMPLES = 5  # records named for each cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Records of one flow that wait for the same thing."""

    installation_id: int
    installation: str
    flow: str
    """Qualified by its pair."""
    state: RowState
    """HELD or DEAD."""
    waits_for: str | None
    """``item:PUMP-40``; None where the flow named nothing."""
    reason: str
    """Of the latest of them."""
    records: int
    examples: tuple[str, ...]
    oldest_at: datetime
    """Since when the longest waiting of them is wanted."""
    next_look_at: datetime | None

    @property
    def way_out(self) -> str:
        """Say what lets the records through."""
        return way_out(self.state, self.waits_for)


_CAUSES = text(
    """
    SELECT b.installation_id, i.name AS installation, b.flow, b.state, b.waits_for,
           (array_agg(b.reason ORDER BY b.settled_at DESC NULLS LAST))[1] AS reason,
           count(*) AS records,
           (array_agg(b.record ORDER BY b.wanted_at, b.id))[1:CAST(:examples AS int)] AS examples,
           min(b.wanted_at) AS oldest_at,
           min(b.due_at) FILTER (WHERE b.state = 'held') AS next_look_at
    FROM backlog b JOIN installation i ON i.id = b.installation_id
    WHERE b.workspace_id = :workspace_id AND b.state IN ('held', 'dead')
      AND (CAST(:installation_id AS bigint) IS NULL OR b.installation_id = :installation_id)
      AND (CAST(:flow AS text) IS NULL OR b.flow = :flow)
    -- what names no cause is grouped by its words
    GROUP BY b.installation_id, i.name, b.flow, b.state, b.waits_for,
             CASE WHEN b.waits_for IS NULL THEN b.reason END
    ORDER BY count(*) DESC, min(b.wanted_at), b.waits_for LIMIT :limit
    """
)

_SAYS_WHEN = ("mapping", "setting", "pipedrive_field", "first_match", "brake", "loop")
_APPLY = "then apply the file: they run by themselves"
_WAYS = {
    "mapping": f"add the mapping to the installation's settings, {_APPLY}",
    "setting": f"set it in the configuration file, {_APPLY}",
    "pipedrive_field": f"make the field in Pipedrive or map another, {_APPLY}",
    "pipedrive_choice": "add the option to the Pipedrive field",
    "item": "create or correct the item in the ERP, or the code of the product in Pipedrive",
    "product": "correct the product in Pipedrive",
    "product_code": "leave the code on the right product in Pipedrive only",
    "deal": "correct the deal in Pipedrive: its next change runs it again",
    "line": "correct the line of the deal in Pipedrive: the deal's next change runs it again",
    "organization": "correct the organization in Pipedrive",
    "person": "correct the person in Pipedrive",
    "customer": "put the customer right in the ERP",
    "business_account": "put the business account right in the ERP",
    "contact": "put the contact right in the ERP",
    "match": "keep one of the matches, on either side",
    "effect": "leave the reference on the right record only",
    "right": "grant the right at the vendor",
    "consent": "consent again with `connections consent`",
    "first_match": "`match run`, `match show`, then `match confirm`: they run by themselves",
    "brake": "look at `brakes list`; if that is meant, `brakes release`: they run by themselves",
    "loop": "find the automation that answers our changes, and end it; the record is tried again "
    "an hour after it was held, or at once with `replay`",
}
_AGAIN = "looked at again every 15 minutes, or at once with `replay`"


async def causes(
    db: AsyncConnection,
    workspace_id: int,
    *,
    installation_id: int | None = None,
    flow: str | None = None,
    limit: int = _LIMIT,
) -> list[Cause]:
    """Return what held and dead-lettered records wait for, the most frequent cause first."""
    found = await db.execute(
        _CAUSES,
        {
            "workspace_id": workspace_id,
            "installation_id": installation_id,
            "flow": flow,
            "examples": _EXAMPLES,
            "limit": limit,
        },
    )
    return [
        Cause(
            installation_id=row.installation_id,
            installation=row.installation,
            flow=row.flow,
            state=RowState(row.state),
            waits_for=row.waits_for,
            reason=row.reason or "",
            records=row.records,
            examples=tuple(row.examples),
            oldest_at=row.oldest_at,
            next_look_at=row.next_look_at,
        )
        for row in found
    ]


def way_out(state: RowState, waits_for: str | None) -> str:
    """Say what lets a held or dead-lettered record through."""
    if state is RowState.DEAD:
        return "nothing by itself: put right what the reason names, then `replay`"
    kind = (waits_for or "").partition(":")[0]
    way = _WAYS.get(kind)
    if way is None:
        return f"put right what the reason names; {_AGAIN}"
    return way if kind in _SAYS_WHEN else f"{way}; {_AGAIN}"
