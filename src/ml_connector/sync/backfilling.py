"""Taking up records from before a flow's go-live, on purpose (P-16).

First a survey: the source's stream is read from the beginning of the range, and the flow itself
weighs each record that it finds. Only then, and only for what was found, the records are wanted,
behind everything else and with `backfill` as what started them: that is what passes the go-live.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.core.changes import Change
from ml_connector.core.lanes import Lane
from ml_connector.storage.database import Database
from ml_connector.sync import backlog
from ml_connector.sync.flow import Flow, Integration, OnStream
from ml_connector.sync.installations import Installation
from ml_connector.sync.rehearsing import rehearsal
from ml_connector.sync.rows import Wanted
from ml_connector.sync.works import FlowWorks, OpenSide
from ml_connector.transport.lanes import in_lane

BATCH = 500  # rows in one transaction
WEIGHED_AT_ONCE = 100  # what the clients' loaders gather into one call
_EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """From when on, and before when, a record's own moment lies."""

    begin: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment lies within."""
        return self.begin <= moment < self.end

    def trigger(self, who: str) -> dict[str, Any]:
        """Return what the runs of the backfill were started by."""
        return {
            "by": "backfill",
            "from": self.begin.isoformat(),
            "to": self.end.isoformat(),
            "who": who,
        }


@dataclass(slots=True)
class Survey:
    """What a backfill would take up; grows while the stream is read."""

    seen: int = 0
    """Records that the stream showed."""
    candidates: int = 0
    """Of these, whose moment may lie in the range."""
    weighed: int = 0
    records: list[str] = field(default_factory=list)
    sums: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """By currency."""
    without_amount: int = 0
    outside: int = 0
    """Whose moment does not lie in the range."""
    refused: int = 0
    refusals: list[str] = field(default_factory=list)
    """Why, of the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """One flow of one installation over one range."""

    installation: Installation
    integration: Integration
    flow: Flow
    range: Range
    who: str

    async def survey(self, works: FlowWorks, open_side: OpenSide) -> AsyncIterator[Survey]:
        """Read and weigh; yield the survey as it grows. Nothing is written anywhere."""
        survey = Survey()
        with in_lane(Lane.BULK):
            found: dict[str, Change] = {}
            for source in self.flow.started_by:
                async for page in self._pages(source, open_side):
                    survey.seen += len(page)
                    found |= {change.key: change for change in page if self._may_lie_in(change)}
                    survey.candidates = len(found)
                    yield survey
            keys = list(found)
            for start in range(0, len(keys), WEIGHED_AT_ONCE):
                await self._weigh(works, keys[start : start + WEIGHED_AT_ONCE], found, survey)
                yield survey
        yield survey

    async def take_up(
        self, database: Database, survey: Survey, *, now: datetime
    ) -> AsyncIterator[int]:
        """Want what the survey found; yield how many are wanted so far."""
        async with database.transaction() as db:
            await trail.write(db, [self._entry(survey, now)])
        for start in range(0, len(survey.records), BATCH):
            batch = survey.records[start : start + BATCH]

            async def work(db: AsyncConnection, batch: Sequence[str] = batch) -> None:
                await backlog.capture(db, [self._wanted(record, now) for record in batch])

            await database.run(work)
            yield start + len(batch)

    async def _pages(
        self, source: OnStream, open_side: OpenSide
    ) -> AsyncIterator[tuple[Change, ...]]:
        connection_id = self.installation.connections[source.role]
        async with open_side(connection_id, is_plan=True) as opened:
            page_token: str | None = None
            while True:
                page = await opened.side.client.changes(
                    source.stream, since=self.range.begin, page=page_token
                )
                yield page.changes
                page_token = page.next_page
                if page_token is None:
                    return

    def _may_lie_in(self, change: Change) -> bool:
        """Tell whether the record's moment may lie in the range, as far as the stream shows it.

        A flow that weighs its records knows their moment better: it may be another one.
        """
        if change.is_deleted:
            return False
        return self.flow.weigh is not None or self.range.holds(change.moment or change.changed_at)

    async def _weigh(
        self, works: FlowWorks, keys: Sequence[str], found: Mapping[str, Change], survey: Survey
    ) -> None:
        run = rehearsal(
            self.installation,
            self.integration,
            self.flow,
            keys[0],
            trigger=self.range.trigger(self.who),
        )
        for key, worth in zip(keys, await works.weigh(run, keys), strict=True):
            survey.weighed += 1
            moment = worth.moment or found[key].moment or found[key].changed_at
            if worth.refusal is not None:
                survey.refused += 1
                survey.refusals += [worth.refusal][: _EXAMPLES - len(survey.refusals)]
            elif not self.range.holds(moment):
                survey.outside += 1
            else:
                survey.records.append(key)
                if worth.amount is None:
                    survey.without_amount += 1
                else:
                    survey.sums[worth.currency or ""] += worth.amount

    def _wanted(self, record: str, now: datetime) -> Wanted:
        return Wanted(
            workspace_id=self.installation.workspace_id,
            owner=self.installation.owner,
            installation_id=self.installation.id,
            flow=self.integration.qualified(self.flow),
            record=record,
            lane=Lane.BULK,
            due_at=now,
            wanted_at=now,
            trigger=self.range.trigger(self.who),
            spacing=self.flow.spacing,
        )

    def _entry(self, survey: Survey, now: datetime) -> trail.Entry:
        return trail.Entry(
            at=now,
            workspace_id=self.installation.workspace_id,
            event="backfill_started",
            who=self.who,
            installation_id=self.installation.id,
            detail={
                "flow": self.flow.name,
                "from": self.range.begin.isoformat(),
                "to": self.range.end.isoformat(),
                "records": len(survey.records),
                "sums": {currency: str(total) for currency, total in survey.sums.items()},
            },
        )
