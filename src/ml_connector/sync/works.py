"""What the engine does for each kind of run: a pair's flow, a poll, a second look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.core.errors import ConfigurationError, ConnectorError, HeldError
from ml_connector.core.lanes import Lane
from ml_connector.core.profile import Profile
from ml_connector.jobs.dispositions import ConnectionPausedError
from ml_connector.sync import backlog, installations
from ml_connector.sync.context import RunContext, Side
from ml_connector.sync.engine import Engine
from ml_connector.sync.first_match import ListKey
from ml_connector.sync.flow import Flow, Found, Integration, Match, Outcome, Report, Role, Worth
from ml_connector.sync.installations import Installation
from ml_connector.sync.plan import Plan
from ml_connector.sync.polling import Poller
from ml_connector.sync.progress import RunProgress
from ml_connector.sync.rows import SECOND_LOOK, StartedRun, Wanted
from ml_connector.sync.tape import BlankTape, observed

_MOST_CACHED = 200  # configurations; a cell has fewer installations


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSide:
    """A connection that is ready for a run."""

    side: Side
    profile: Profile
    raised: Callable[[BaseException], bool]
    """Whether an error came from this connection."""
    report: Callable[[ConnectorError], Awaitable[bool]]
    """Tell the connection of a failure; returns whether it is out of service now."""


class OpenSide(Protocol):
    """Lends a connection to a run; raises AttentionError if it is not ready."""

    def __call__(
        self, connection_id: int, *, is_plan: bool
    ) -> AbstractAsyncContextManager[OpenedSide]:
        """Lend it for the length of the block."""
        ...


@asynccontextmanager
async def _lent(
    open_side: OpenSide, connections: Mapping[Role, int], *, is_plan: bool
) -> AsyncIterator[dict[Role, OpenedSide]]:
    """Lend connections for a run, and tell each of the failures that it caused."""
    async with AsyncExitStack() as stack:
        opened = {
            role: await stack.enter_async_context(open_side(number, is_plan=is_plan))
            for role, number in connections.items()
        }
        try:
            yield opened
        except ConnectorError as exc:
            for side in opened.values():
                if side.raised(exc) and await side.report(exc):
                    raise ConnectionPausedError(exc.message) from exc
            raise


class FlowWorks:
    """Builds a flow's context and runs it."""

    def __init__(
        self, engine: Engine, integrations: Mapping[str, Integration], open_side: OpenSide
    ) -> None:
        self._engine = engine
        self._integrations = integrations
        self._open_side = open_side
        self._cache: dict[tuple[int, int], Installation] = {}
        self._settings: dict[int, BaseModel] = {}

    async def run_flow(
        self, run: StartedRun, progress: RunProgress, *, plan: Plan | None = None
    ) -> Outcome:
        """Run a pair's flow on the record of ``run``; with a plan, without any write."""
        installation = await self._installation(run)
        integration = self._integrations[installation.pair]
        flow = integration.flow(run.flow)
        refusal = _not_now(installation, flow)
        if refusal is not None and plan is None:
            return Outcome.skipped(refusal)
        if plan is None:
            _require_first_match(installation, flow)
        async with _lent(
            self._open_side, installation.connections, is_plan=plan is not None
        ) as sides:
            context = self._context(run, progress, installation, integration, sides, plan=plan)
            return await flow.run(run.record, context)

    async def weigh(self, run: StartedRun, records: Sequence[str]) -> list[Worth]:
        """Return what each record would bring to a backfill; ``run`` stands for all of them."""
        weigh = (await self._flow(run)).weigh
        if weigh is None:
            return [Worth() for _ in records]
        async with self._reading(run) as context:
            return await asyncio.gather(*(weigh(record, context) for record in records))

    async def first_match(self, run: StartedRun) -> AsyncGenerator[Match, None]:
        """Yield what the flow says of each record that both sides may have; writes nothing."""
        first_match = (await self._flow(run)).first_match
        if first_match is None:
            raise ConfigurationError(f"{run.flow} matches nothing before it writes")
        async with self._reading(run) as context:
            async for match in first_match(context):
                yield match
                context.progress.entries.clear()  # nobody reads them, and there may be many

    async def look_up(self, run: StartedRun, keys: Sequence[str]) -> dict[str, Found]:
        """Return which of these keys are records of the other side, and what they are called."""
        look_up = (await self._flow(run)).look_up
        if look_up is None or not keys:
            return {}
        async with self._reading(run) as context:
            found = await asyncio.gather(*(look_up(key, context) for key in keys))
        return {key: one for key, one in zip(keys, found, strict=True) if one is not None}

    async def report(self, run: StartedRun, report: Report) -> AsyncIterator[Mapping[str, str]]:
        """Yield a report's rows; ``run`` stands for the installation. Nothing is written."""
        async with self._reading(run) as context:
            async for row in report.rows(context):
                yield row

    async def second_look(self, run: StartedRun, progress: RunProgress) -> Outcome:
        """Look once more for twins of a record that was made after a lost answer."""
        installation = await self._installation(run)
        integration = self._integrations[installation.pair]
        async with self._engine.database.transaction() as db:
            effect = (await db.execute(_READ_EFFECT, {"id": int(run.record)})).one()
        async with _lent(self._open_side, installation.connections, is_plan=False) as sides:
            context = self._context(run, progress, installation, integration, sides, plan=None)
            found = await context.find_all(effect.kind, effect.reference)
        if len(found) > 1:
            context.report_twins(
                effect.kind, effect.reference, [item.name or item.key for item in found]
            )
            return Outcome.written(f"{len(found)} records carry {effect.reference}: reported")
        return Outcome.unchanged(f"{effect.kind} {effect.reference} exists once")

    async def _flow(self, run: StartedRun) -> Flow:
        installation = await self._installation(run)
        return self._integrations[installation.pair].flow(run.flow)

    @asynccontextmanager
    async def _reading(self, run: StartedRun) -> AsyncIterator[RunContext[Any]]:
        """Lend both sides for reading alone, outside of any record's run."""
        installation = await self._installation(run)
        integration = self._integrations[installation.pair]
        progress = RunProgress(tape=BlankTape())
        async with _lent(self._open_side, installation.connections, is_plan=True) as sides:
            yield self._context(run, progress, installation, integration, sides, plan=Plan())

    def _context(
        self,
        run: StartedRun,
        progress: RunProgress,
        installation: Installation,
        integration: Integration,
        opened: Mapping[Role, OpenedSide],
        *,
        plan: Plan | None,
    ) -> RunContext[Any]:
        """Return the pair's context with both clients ready."""
        sides = {
            role: replace(one.side, client=observed(one.side.client, name=role, tape=progress.tape))
            for role, one in opened.items()
        }
        context: RunContext[Any] = integration.context(
            run=run,
            installation=installation,
            integration=integration,
            settings=self._settings_of(installation, integration),
            sides=sides,
            engine=self._engine,
            progress=progress,
            plan=plan,
        )
        return context

    async def _installation(self, run: StartedRun) -> Installation:
        if run.installation_id is None:
            raise ConfigurationError(f"backlog row {run.backlog_id} belongs to no installation")
        key = (run.installation_id, run.configuration_version or 0)
        known = self._cache.get(key)
        if known is None:
            async with self._engine.database.transaction() as db:
                known = await installations.get(db, run.installation_id)
            if len(self._cache) >= _MOST_CACHED:
                self._cache.clear()
            self._cache[run.installation_id, known.configuration_version] = known
        return known

    def _settings_of(self, installation: Installation, integration: Integration) -> BaseModel:
        """Return the settings as the pair's model has them; a version's never change."""
        known = self._settings.get(installation.configuration_version)
        if known is None:
            known = integration.settings.model_validate(installation.settings)
            if len(self._settings) >= _MOST_CACHED:
                self._settings.clear()
            self._settings[installation.configuration_version] = known
        return known


class PollWorks:
    """Polls the stream that a backlog row names."""

    def __init__(self, poller: Poller, open_side: OpenSide) -> None:
        self._poller = poller
        self._open_side = open_side

    async def poll(self, run: StartedRun, progress: RunProgress) -> Outcome:
        """Read the stream of ``run.record`` since its mark."""
        if run.connection_id is None:
            raise ConfigurationError(f"backlog row {run.backlog_id} belongs to no connection")
        async with _lent(self._open_side, {"crm": run.connection_id}, is_plan=False) as sides:
            opened = sides["crm"]
            polled = await self._poller.poll(
                run, opened.side.client, opened.profile.stream(run.record)
            )
        if not polled.is_complete:
            return Outcome.skipped("another worker goes on with this stream")
        return Outcome.unchanged(
            f"{polled.seen} changes seen on {polled.pages} pages, {polled.raised} taken up"
        )


_READ_EFFECT = text("SELECT kind, reference FROM effect WHERE id = :id")

_DUE_SECOND_LOOKS = text(
    """
    UPDATE effect e SET second_look_at = NULL
    FROM installation i
    WHERE e.installation_id = i.id AND e.id IN (
        SELECT id FROM effect WHERE second_look_at <= :now
        ORDER BY second_look_at LIMIT 200 FOR UPDATE SKIP LOCKED)
    RETURNING e.id, e.workspace_id, e.installation_id, e.kind, e.reference
    """
)


async def take_up_second_looks(db: AsyncConnection, *, now: datetime) -> int:
    """Put second looks that are due into the backlog; return how many."""
    rows = (await db.execute(_DUE_SECOND_LOOKS, {"now": now})).all()
    await backlog.capture(
        db,
        [
            Wanted(
                workspace_id=row.workspace_id,
                owner=f"installation:{row.installation_id}",
                installation_id=row.installation_id,
                flow=SECOND_LOOK,
                record=str(row.id),
                lane=Lane.ROUTINE,
                due_at=now,
                wanted_at=now,
                trigger={"by": "second look", "kind": row.kind, "reference": row.reference},
            )
            for row in rows
        ],
    )
    return len(rows)


def _require_first_match(installation: Installation, flow: Flow) -> None:
    """Hold the record until a person has confirmed what belongs together (P-17)."""
    if flow.first_match is None or installation.flows[flow.name].matched_at is not None:
        return
    raise HeldError(
        f"{flow.name} writes nothing in {installation.name} before its first match is confirmed: "
        f"`match run {flow.name}`, look at `match show {flow.name}`, then "
        f"`match confirm {flow.name}`",
        waits_for=ListKey(installation_id=installation.id, flow=flow.name).cause,
    )


def _not_now(installation: Installation, flow: Flow) -> str | None:
    switch = installation.flows.get(flow.name)
    if switch is None or not switch.is_on:
        return f"the flow {flow.name} is switched off in {installation.name}"
    return None
