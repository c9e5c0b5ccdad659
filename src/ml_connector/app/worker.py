"""The worker: feeds the run queue, carries runs out, and keeps the clockwork going.

Every worker runs every loop; advisory locks and SKIP LOCKED see to it that each piece of work
is done by one of them, and any of them can do it alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.services import Services
from ml_connector.jobs import lifelines
from ml_connector.jobs.queue import Hands
from ml_connector.storage.database import is_database_away, open_connection
from ml_connector.sync import backlog, feeder, scheduler
from ml_connector.sync.directory import owners_to_pause
from ml_connector.sync.holds import resolve_ended
from ml_connector.sync.polling import Poller
from ml_connector.sync.rows import POLL, SECOND_LOOK
from ml_connector.sync.runner import Runner, Work
from ml_connector.sync.works import FlowWorks, PollWorks, take_up_second_looks

log = structlog.get_logger()

STOP_WITHIN = timedelta(seconds=20)  # what has not settled by then is taken over by others
_LONGEST_NAP = 1.0  # seconds; covers a NOTIFY that got lost
_SHORTEST_NAP = 0.02
_NAP_WHEN_FULL = 0.05
_SWEEP_EVERY = timedelta(seconds=10)
_RESOLVE_EVERY = timedelta(seconds=10)  # of business time: people wait for 'resolved' as well
_TICK = 0.5  # seconds


@dataclass(slots=True)
class _Beat:
    """When something that is done now and then was done last."""

    every: timedelta
    last: float = float("-inf")

    def is_due(self, now: float) -> bool:
        if now - self.last < self.every.total_seconds():
            return False
        self.last = now
        return True


class Worker:
    """Everything that a worker process does beside serving requests."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wake = asyncio.Event()
        self._sweep = _Beat(_SWEEP_EVERY)
        self._ended = _Beat(_RESOLVE_EVERY)
        self._runner = Runner(services.engine, works=self._works(), rng=services.rng)
        self._hands = Hands(
            services.database.url,
            dict.fromkeys(self._flows(), self._runner.carry_out),
            concurrency=services.settings.concurrency,
            rng=services.rng,
        )

    async def work(self) -> None:
        """Work until `stop`; then let what is under way come to an end."""
        services = self._services
        async with asyncio.TaskGroup() as group:
            loops = [
                group.create_task(self._guarded(name, loop), name=name)
                for name, loop in (
                    ("listen", self._listen),
                    ("feed", self._feed),
                    ("tick", self._tick),
                    ("keep", services.keeping.keep_going),
                    ("probe", services.pings.keep_probing),
                    ("count", services.connections.counts.keep_adding),
                )
            ]
            calls = group.create_task(services.call_log.write_until_closed(), name="calls")
            try:
                await self._hands.work()
            finally:
                for loop in loops:
                    loop.cancel()
                services.call_log.close()
        await asyncio.shield(calls)

    def stop(self) -> None:
        """Claim nothing more."""
        self._hands.stop()

    def _flows(self) -> list[str]:
        return [
            *(
                integration.qualified(flow)
                for integration in self._services.integrations.values()
                for flow in integration.flows
            ),
            POLL,
            SECOND_LOOK,
        ]

    def _works(self) -> Mapping[str, Work]:
        services = self._services
        flows = FlowWorks(services.engine, services.integrations, services.open_side)
        polls = PollWorks(
            Poller(
                database=services.database,
                clock=services.clock,
                integrations=services.integrations,
            ),
            services.open_side,
        )
        return {
            **dict.fromkeys(self._flows(), flows.run_flow),
            POLL: polls.poll,
            SECOND_LOOK: flows.second_look,
        }

    async def _guarded(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop for ever; the database's absence stops it for a moment only."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await loop()
            except Exception as exc:
                if is_database_away(exc):
                    log.warning("loop_lost_database", loop=name, error=str(exc))
                else:
                    log.exception("loop_failed", loop=name)
            lasted = asyncio.get_running_loop().time() - began
            failures = 0 if lasted > 1 else failures + 1
            await asyncio.sleep(min(0.1 * 2 ** min(failures, 6), 5.0))

    async def _listen(self) -> None:
        """Wake the feeder when rows become ready."""
        connection: asyncpg.Connection[asyncpg.Record] = await open_connection(
            self._services.database.url, application_name="ml-connector listen"
        )
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(backlog.READY_CHANNEL, lambda *_: self._wake.set())
            self._wake.set()
            await lost.wait()
        finally:
            await connection.close(timeout=1)

    async def _feed(self) -> None:
        while True:
            self._wake.clear()
            fed = await self._services.database.run(self._feed_once)
            nap = _SHORTEST_NAP if fed.runs else await self._until_next_due()
            try:
                async with asyncio.timeout(nap):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(_SHORTEST_NAP)  # what becomes ready together is fed together

    async def _feed_once(self, db: AsyncConnection) -> feeder.Fed:
        services = self._services
        paused = await owners_to_pause(db, await services.paused_connections(db))
        return await feeder.feed(
            db, now=services.clock.now(), flows=self._flows(), paused_owners=paused
        )

    async def _until_next_due(self) -> float:
        async with self._services.database.transaction() as db:
            due_at = await feeder.next_due_at(db)
        if due_at is None:
            return _LONGEST_NAP
        left = (due_at - self._services.clock.now()).total_seconds()
        # what is due and was not fed has its owner's places taken, or its connection paused
        return min(max(left, _NAP_WHEN_FULL), _LONGEST_NAP)

    async def _tick(self) -> None:
        services = self._services
        while True:
            await services.follow_clock()
            now = services.clock.now()
            run = services.database.run
            await run(partial(_raise_due, services=services, now=now))
            await run(partial(backlog.wake_due, now=now))
            await run(partial(backlog.look_again, now=now))
            await run(partial(take_up_second_looks, now=now))
            await services.delivery.deliver_due()
            freed = await run(lifelines.free_lost)
            if freed:
                log.warning("lost_workers_runs_freed", runs=freed)
            if self._sweep.is_due(services.clock.monotonic()):
                await run(_sweep)
            if self._ended.is_due(now.timestamp()):
                await run(partial(resolve_ended, now=now))
            await asyncio.sleep(_TICK)


async def _raise_due(db: AsyncConnection, *, services: Services, now: datetime) -> None:
    await scheduler.raise_due(db, services.integrations, now=now)


async def _sweep(db: AsyncConnection) -> None:
    lost = await feeder.sweep(db)
    if lost:
        log.warning("lost_jobs_found", rows=lost)
        await backlog.announce(db)
