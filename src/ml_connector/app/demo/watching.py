"""Waiting until everything has settled, with a deadline and without fixed sleeps."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from ml_connector.app.demo.deployment import POLL_EVERY, Deployment
from ml_connector.app.demo.simulators import Simulators
from ml_connector.sync.rows import POLL

_LOOK_EVERY = 0.05  # seconds
_PAST_THE_NEXT_POLL = POLL_EVERY + timedelta(seconds=5)


# A row that settled as done or held, and is ready again since, keeps the outcome of that time.
_STANDING = """
    WITH deals AS (
        SELECT state, outcome, state IN ('ready', 'queued', 'running') AS is_under_way
        FROM backlog WHERE flow LIKE :flow
    )
    SELECT
        count(*) FILTER (WHERE outcome IN ('written', 'unchanged', 'skipped')) AS moved,
        count(*) FILTER (WHERE outcome = 'held') AS held,
        count(*) FILTER (WHERE state = 'dead') AS dead,
        count(*) FILTER (WHERE is_under_way
                           AND outcome IN ('written', 'unchanged', 'skipped', 'held')) AS again,
        (SELECT count(*) FROM backlog
         WHERE state IN ('ready', 'queued', 'running')) AS under_way
    FROM deals
"""


class Watcher(Protocol):
    """Whoever is told how the demo gets on."""

    def begin(self, words: str, total: int | None = None) -> None:
        """A part begins; ``total`` where its steps can be counted."""

    def move(self, done: int, words: str = "") -> None:
        """So many steps of the part are done."""

    def end(self, words: str) -> None:
        """The part is over; the words say what came of it."""


class NotSettledError(Exception):
    """Something was still under way when the patience ended."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the deals stand."""

    moved: int
    """With nothing left for a person to do: their order is there, or there is to be none."""
    held: int
    dead: int
    again: int
    """Of those, the ones that are looked at once more: something happened to them since."""
    under_way: int
    """Rows of any kind that are ready, queued or running."""

    @property
    def decided(self) -> int:
        """Deals of which it is known what becomes of them."""
        return self.moved + self.held + self.dead

    @property
    def words(self) -> str:
        """Say it."""
        parts = [f"{self.moved} moved", f"{self.held} wait for a person"]
        if self.dead:
            parts.append(f"{self.dead} are dead letters")
        if self.again:
            parts.append(f"{self.again} looked at once more")
        return ", ".join(parts)


class Watching:
    """Watches one deployment and its simulators."""

    def __init__(
        self, deployment: Deployment, simulators: Simulators, *, flow: str, patience: float
    ) -> None:
        self._flow = flow
        self._deployment = deployment
        self._simulators = simulators
        self._end = time.monotonic() + patience

    async def standing(self) -> Standing:
        """Look at the backlog."""
        (row,) = await self._deployment.rows(_STANDING, flow=f"%.{self._flow}")
        return Standing(
            moved=row.moved, held=row.held, dead=row.dead, again=row.again, under_way=row.under_way
        )

    async def settled(
        self, watcher: Watcher | None = None, *, at_least: int | None = None
    ) -> Standing:
        """Wait until nothing is under way on either side, or until so many deals are decided."""
        while True:
            standing = await self.standing()
            if watcher is not None:
                watcher.move(standing.decided, standing.words)
            if at_least is not None and standing.decided >= at_least:
                return standing
            if standing.under_way == 0 and await self._is_quiet():
                return standing
            await self._patience(standing.words)

    async def first_poll(self) -> None:
        """Wait for the poll that follows the configuration; it finds nothing yet."""
        while not await self.polled():
            await self._patience("the first poll has not run")
        await self.settled()

    async def let_time_pass(self, watcher: Watcher) -> None:
        """Let the safety net look: both clocks pass the next poll, which sees what webhooks lost.

        Second looks for twins become due by the same step.
        """
        before = await self.polled()
        await self._simulators.advance(_PAST_THE_NEXT_POLL)
        await self._deployment.advance(_PAST_THE_NEXT_POLL)
        while await self.polled() == before:
            await self._patience("the poll has not run")
        await self.settled(watcher)

    async def polled(self) -> int:
        """Return how many polls were carried out to their end."""
        rows = await self._deployment.rows(
            "SELECT COALESCE(sum(done), 0) AS done FROM backlog WHERE flow = :flow", flow=POLL
        )
        return int(rows[0].done)

    async def _is_quiet(self) -> bool:
        """Whether no webhook is on its way, and none has just arrived either."""
        if await self._simulators.records("pipedrive", "deliveries", outcome="pending"):
            return False
        return (await self.standing()).under_way == 0

    async def _patience(self, words: str) -> None:
        if time.monotonic() > self._end:
            raise NotSettledError(words)
        await asyncio.sleep(_LOOK_EVERY)
