"""Surveying what both sides had before, and confirming what belongs together (P-17).

The survey reads and never writes to a vendor. The confirmation makes record links of what matched
or was decided; from then on the flow writes, and a record that nobody has decided about is held
by the flow for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.lanes import Lane
from ml_connector.storage.database import Database
from ml_connector.sync import backlog, first_match
from ml_connector.sync.configuring import let_be_read_again
from ml_connector.sync.confirming import Confirmed, link_page
from ml_connector.sync.first_match import Listed, ListKey
from ml_connector.sync.flow import Flow, Integration, Match
from ml_connector.sync.holds import end_cause
from ml_connector.sync.installations import Installation
from ml_connector.sync.rehearsing import rehearsal
from ml_connector.sync.rows import StartedRun
from ml_connector.sync.works import FlowWorks
from ml_connector.transport.lanes import in_lane

PAGE = 200  # records in one transaction

# What a flow holds one by one once its first match is confirmed: a decision may end it.
_HELD_BY_FLOWS = "match:*"


@dataclass(slots=True)
class Surveyed:
    """How far a survey has come."""

    records: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)


_LOCK = text(
    """
    SELECT finished FROM first_match_list
    WHERE installation_id = :installation_id AND flow = :flow FOR UPDATE
    """
)

_CONFIRM = text(
    """
    WITH list AS (
        UPDATE first_match_list SET confirmed_by = :who
        WHERE installation_id = :installation_id AND flow = :flow
    )
    UPDATE installation_flow SET matched_at = COALESCE(matched_at, :now)
    WHERE installation_id = :installation_id AND flow = :flow
    RETURNING matched_at
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstMatch:
    """The first match of one flow in one installation."""

    installation: Installation
    integration: Integration
    flow: Flow
    who: str

    @property
    def key(self) -> ListKey:
        """Its list."""
        return ListKey(installation_id=self.installation.id, flow=self.flow.name)

    @property
    def run(self) -> StartedRun:
        """A run that stands in no backlog, for reading at both sides."""
        return rehearsal(
            self.installation,
            self.integration,
            self.flow,
            "first match",
            trigger={"by": "first match", "who": self.who},
        )

    async def survey(
        self, works: FlowWorks, database: Database, *, now: datetime
    ) -> AsyncIterator[Surveyed]:
        """Match what both sides have and keep the list, page by page; yield how far it is.

        One that is broken off has changed nothing that was decided, and leaves nothing off the
        list; the next one does it all again.
        """
        surveyed = Surveyed()
        survey = await database.run(lambda db: first_match.begin(db, self.key))
        with in_lane(Lane.BULK):
            async with aclosing(works.first_match(self.run)) as matches:
                async for page in _pages(matches):
                    await database.run(partial(self._keep, page=page, survey=survey))
                    surveyed.records += len(page)
                    surveyed.verdicts.update(match.verdict for match in page)
                    yield surveyed

        await database.run(partial(self._finish, surveyed=surveyed, survey=survey, now=now))
        yield surveyed

    async def _keep(self, db: AsyncConnection, *, page: Sequence[Match], survey: int) -> None:
        await first_match.store(db, self.key, page, survey=survey)

    async def _finish(
        self, db: AsyncConnection, *, surveyed: Surveyed, survey: int, now: datetime
    ) -> None:
        await first_match.finish(db, self.key, survey=survey, now=now)
        detail = {"records": surveyed.records, **surveyed.verdicts}
        await trail.write(db, [self._entry("first_match_surveyed", detail, now)])

    async def confirm(self, database: Database, *, now: datetime) -> AsyncIterator[Confirmed]:
        """Link what matched or was decided, then let the flow write; yield how far it is.

        Broken off, it can be done again: what is linked stays. Raises ConfigurationError where
        no survey has ended, or the flow was never configured.
        """
        confirmed, after = Confirmed(), 0
        while True:
            page, linked = await database.run(partial(self._link_page, after=after, now=now))
            if not page:
                break
            after = page[-1].id
            confirmed.add(linked)
            yield confirmed
        confirmed.woken = await database.run(lambda db: self._open_the_way(db, confirmed, now))
        yield confirmed

    async def _link_page(
        self, db: AsyncConnection, *, after: int, now: datetime
    ) -> tuple[Sequence[Listed], Confirmed]:
        await self._lock(db)
        page = await first_match.listed(db, self.key, after=after, limit=PAGE)
        return page, await link_page(
            db, self.installation, page, flow=self.flow.name, who=self.who, now=now
        )

    async def _lock(self, db: AsyncConnection) -> None:
        """Keep a second person from confirming at the same moment."""
        if not (await db.execute(_LOCK, self.key.values())).scalar():
            raise ConfigurationError(
                f"nothing was surveyed for {self.flow.name} yet: `match run {self.flow.name}`"
            )

    async def _open_the_way(self, db: AsyncConnection, confirmed: Confirmed, now: datetime) -> int:
        """Let the flow write from now on, and wake what waited for that; return how many."""
        values = {**self.key.values(), "who": self.who, "now": now}
        if (await db.execute(_CONFIRM, values)).first() is None:
            raise ConfigurationError(
                f"the flow {self.flow.name} is not configured in {self.installation.name}; "
                "apply a file that names it"
            )
        await let_be_read_again(db, self.installation.id, now=now)
        detail = {
            "linked": confirmed.linked,
            "repointed": confirmed.repointed,
            "as_they_were": confirmed.as_they_were,
            "refused": confirmed.refused,
        }
        await trail.write(db, [self._entry("first_match_confirmed", detail, now)])
        woken = await end_cause(db, self.installation, self.key.cause, now=now)
        return woken + await backlog.wake(
            db, installation_id=self.installation.id, causes=[_HELD_BY_FLOWS], now=now
        )

    def _entry(self, event: str, detail: Mapping[str, Any], now: datetime) -> trail.Entry:
        return trail.Entry(
            at=now,
            workspace_id=self.installation.workspace_id,
            event=event,
            who=self.who,
            installation_id=self.installation.id,
            detail={"flow": self.flow.name, **detail},
        )


async def _pages(matches: AsyncIterator[Match]) -> AsyncIterator[list[Match]]:
    page: list[Match] = []
    async for match in matches:
        page.append(match)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
