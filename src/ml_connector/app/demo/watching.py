"""Waiting until everything has settled, with a deadline and without fixed sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from ml_connector.app.demo.deployment import FLOW, POLL_EVERY, Deployment
from ml_connector.app.demo.simulators import Simulators
from ml_connector.sync.rows import POLL

_LOOK_EVERY = 0.05  # seconds
_PAST_THE_NEXT_POLL = POLL_EVERY + timedelta(seconds=5)


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
    """How many records are in which state."""

    deals: Mapping[str, int]
    under_way: int
    """Rows of any kind that are ready, queued or running."""

    @property
    def settled(self) -> int:
        """Deals with nothing left to do for now."""
        return sum(self.deals.get(state, 0) for state in ("done", "held", "dead"))

    @property
    def words(self) -> str:
        """Say it."""
        done, held = self.deals.get("done", 0), self.deals.get("held", 0)
        dead = f", {self.deals['dead']} dead letters" if self.deals.get("dead") else ""
        return f"{done} done, {held} wait for a person{dead}, {self.under_way} under way"


class Watching:
    """Watches one deployment and its simulators."""

    def __init__(self, deployment: Deployment, simulators: Simulators, *, patience: float) -> None:
        self._deployment = deployment
        self._simulators = simulators
        self._end = time.monotonic() + patience

    async def standing(self) -> Standing:
        """Look at the backlog."""
        rows = await self._deployment.rows(
            "SELECT flow, state, count(*) AS rows FROM backlog GROUP BY flow, state"
        )
        return Standing(
            deals={row.state: row.rows for row in rows if row.flow.endswith(FLOW)},
            under_way=sum(row.rows for row in rows if row.state in _UNDER_WAY),
        )

    async def settled(self, watcher: Watcher | None = None, *, at_least: int = 0) -> Standing:
        """Wait until nothing is under way, on either side, or until so many deals are settled."""
        while True:
            standing = await self.standing()
            if watcher is not None:
                watcher.move(standing.settled, standing.words)
            if at_least and standing.settled >= at_least:
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


_UNDER_WAY = frozenset({"ready", "queued", "running"})
