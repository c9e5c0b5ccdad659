"""What all runs of one process share: the database, its commit groups and the clock.

Runs that go on at once share their commits: starts, claims, intents, outcomes and
settlements are each gathered into one statement while the group before commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.core.clock import Clock
from ml_connector.core.errors import HeldError
from ml_connector.notifications.notices import Notice, tell
from ml_connector.storage.database import Database
from ml_connector.storage.groups import CommitGroup
from ml_connector.sync import backlog, brake, effects, first_match, links
from ml_connector.sync.brake import Counting
from ml_connector.sync.effects import Claim, EffectOutcome, Held, Intent
from ml_connector.sync.first_match import DecisionKey
from ml_connector.sync.links import LinkKey, RecordLink
from ml_connector.sync.rows import Settlement, StartedRun, Wanted


@dataclass(frozen=True, slots=True)
class Conclusion:
    """An effect's outcome, the link that follows from it, and what the trail says of it."""

    outcome: EffectOutcome | None
    link: RecordLink | None
    entries: tuple[trail.Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """A settlement and the whole story of its run."""

    settlement: Settlement
    story: trail.RunStory
    notices: tuple[Notice, ...]
    wanted: tuple[Wanted, ...] = ()
    """What other flows are to look at, unless the fence has passed the run by."""
    links: tuple[RecordLink, ...] = ()
    """What the run learned of its record."""
    ended_causes: tuple[str, ...] = ()
    """Causes whose held records run again at once."""


class Engine:
    """Groups the statements of a process's runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._waiting: dict[tuple[int, str, str, int], asyncio.Event] = {}
        self._turns: dict[tuple[int, str, str, int], asyncio.Event] = {}
        self._starts = CommitGroup[tuple[int, int], StartedRun | None](
            database, backlog.start, name="starts", sort_key=lambda job: job, is_one_statement=True
        )
        self._claims = CommitGroup[Claim, Held](
            database, effects.claim, name="claims", sort_key=lambda item: item.key.as_tuple()
        )
        self._intents = CommitGroup[Intent, bool](
            database,
            effects.intend,
            name="intents",
            sort_key=lambda item: item.effect_id,
            is_one_statement=True,
        )
        self._conclusions = CommitGroup[Conclusion, Mapping[str, Any] | None](
            database, self._conclude_all, name="conclusions", sort_key=_conclusion_order
        )
        self._endings = CommitGroup[Ending, str | None](
            database,
            _end_all,
            name="settlements",
            sort_key=lambda item: item.settlement.backlog_id,
        )
        self._link_reads = CommitGroup[LinkKey, RecordLink | None](
            database,
            _read_links,
            name="link reads",
            sort_key=LinkKey.as_tuple,
            is_one_statement=True,
        )
        self._decision_reads = CommitGroup[DecisionKey, str | None](
            database,
            first_match.decisions,
            name="decisions",
            sort_key=DecisionKey.as_tuple,
            is_one_statement=True,
        )
        self._countings = CommitGroup[Counting, HeldError | None](
            database, brake.count, name="brakes", sort_key=Counting.as_tuple
        )

    async def start(self, backlog_id: int, run_no: int) -> StartedRun | None:
        """Begin a run; None when it is no longer wanted so."""
        return await self._starts.submit((backlog_id, run_no))

    async def claim(self, claim: Claim) -> Held:
        """Take an effect for a run, if nobody else holds it."""
        return await self._claims.submit(claim)

    async def intend(self, intent: Intent) -> bool:
        """Commit to sending; False when the run must not."""
        return await self._intents.submit(intent)

    async def conclude(self, conclusion: Conclusion) -> Mapping[str, Any] | None:
        """Record an outcome with its link; return the result that stood there before, if any."""
        before = await self._conclusions.submit(conclusion)
        if conclusion.link is not None:
            self._announce(conclusion.link.key)
        return before

    async def end(self, ending: Ending) -> str | None:
        """Settle a run and write its story; return the row's state, None if fenced off."""
        return await self._endings.submit(ending)

    async def link(self, key: LinkKey) -> RecordLink | None:
        """Return the link of ``key``, if there is one."""
        return await self._link_reads.submit(key)

    @asynccontextmanager
    async def turn(self, key: LinkKey) -> AsyncIterator[bool]:
        """Yield True to the first of this process who comes with ``key``.

        Those who come while the block of the first goes on wait for its end, and get False.
        """
        first = self._turns.get(key.as_tuple())
        if first is not None:
            await first.wait()
            yield False
            return
        self._turns[key.as_tuple()] = ended = asyncio.Event()
        try:
            yield True
        finally:
            del self._turns[key.as_tuple()]
            ended.set()

    async def decision(self, key: DecisionKey) -> str | None:
        """Return what a person decided of a record in the first match, if anything."""
        return await self._decision_reads.submit(key)

    async def count(self, counting: Counting) -> None:
        """Count a record that is about to be changed; raises HeldError when the brake stops it."""
        held = await self._countings.submit(counting)
        if held is not None:
            raise held

    async def wait_for_link(self, key: LinkKey, *, seconds: float) -> RecordLink | None:
        """Wait for another run's link: at once when it is of this process, else by asking."""
        event = self._waiting.setdefault(key.as_tuple(), asyncio.Event())
        end = self.clock.monotonic() + seconds
        pause = 0.05
        while (left := end - self.clock.monotonic()) > 0:
            try:
                async with asyncio.timeout(min(left, pause)):
                    await event.wait()
            except TimeoutError:
                pause = min(pause * 2, 0.5)
            if (link := await self.link(key)) is not None:
                return link
        return None

    async def close(self) -> None:
        """Let every gathered statement finish."""
        for group in (
            self._starts,
            self._claims,
            self._intents,
            self._conclusions,
            self._link_reads,
            self._decision_reads,
            self._countings,
            self._endings,
        ):
            await group.close()

    def _announce(self, key: LinkKey) -> None:
        event = self._waiting.pop(key.as_tuple(), None)
        if event is not None:
            event.set()

    async def _conclude_all(
        self, db: AsyncConnection, items: Sequence[Conclusion]
    ) -> Sequence[Mapping[str, Any] | None]:
        outcomes = [item.outcome for item in items if item.outcome is not None]
        before = dict(
            zip(
                (outcome.effect_id for outcome in outcomes),
                await effects.conclude(db, outcomes) if outcomes else (),
                strict=True,
            )
        )
        new_links = [item.link for item in items if item.link is not None]
        if new_links:
            await links.write(db, new_links, now=self.clock.now())
        await trail.write(db, [entry for item in items for entry in item.entries])
        return [None if item.outcome is None else before[item.outcome.effect_id] for item in items]


def _conclusion_order(item: Conclusion) -> tuple[int, tuple[int, str, str, int]]:
    effect_id = item.outcome.effect_id if item.outcome else 0
    return effect_id, item.link.key.as_tuple() if item.link else (0, "", "", 0)


async def _end_all(db: AsyncConnection, endings: Sequence[Ending]) -> Sequence[str | None]:
    states = await backlog.settle(db, [ending.settlement for ending in endings])
    await trail.write_stories(
        db,
        [
            ending.story if state is not None else ending.story.superseded()
            for ending, state in zip(endings, states, strict=True)
        ],
    )
    settled = [ending for ending, state in zip(endings, states, strict=True) if state is not None]
    await tell(db, [notice for ending in settled for notice in ending.notices])
    learned = [link for ending in settled for link in ending.links]
    if learned:
        now = max(ending.settlement.settled_at for ending in settled)
        await links.write(db, learned, now=now)
    await backlog.capture(db, [wanted for ending in settled for wanted in ending.wanted])
    for installation_id, causes in _ended_causes(settled).items():
        # What is wrong once more by then is held once more: waking too much does no harm.
        now = max(ending.settlement.settled_at for ending in settled)
        await backlog.wake(db, installation_id=installation_id, causes=sorted(causes), now=now)
    return states


def _ended_causes(settled: Sequence[Ending]) -> Mapping[int, set[str]]:
    causes: dict[int, set[str]] = {}
    for ending in settled:
        if ending.ended_causes and ending.story.installation_id is not None:
            causes.setdefault(ending.story.installation_id, set()).update(ending.ended_causes)
    return dict(sorted(causes.items()))


async def _read_links(db: AsyncConnection, keys: Sequence[LinkKey]) -> Sequence[RecordLink | None]:
    found = await links.read(db, keys)
    return [found.get(key.as_tuple()) for key in keys]
