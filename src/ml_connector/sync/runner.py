"""Carrying out one run: start under the fence, hand the record to its flow, settle.

Whatever happens in between, the row settles: as done, ready again, held or dead, with the
reason and the whole story in one commit.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from opentelemetry import trace

from ml_connector.audit.calls import RunCalls, counting
from ml_connector.audit.trail import Entry, RunStory
from ml_connector.connections.counts import calls_of_flow
from ml_connector.core.backoff import next_delay
from ml_connector.core.crash import crash_point
from ml_connector.core.errors import AttentionError, ConnectorError
from ml_connector.core.ids import new_trace_id
from ml_connector.jobs.dispositions import (
    MOST_FAILURES,
    MOST_STARTS,
    Disposition,
    Verdict,
    verdict_on,
)
from ml_connector.notifications.notices import Notice
from ml_connector.storage.database import is_database_away
from ml_connector.sync.engine import Ending, Engine
from ml_connector.sync.flow import Outcome
from ml_connector.sync.progress import RunProgress
from ml_connector.sync.rows import LOOP, Settlement, StartedRun
from ml_connector.sync.states import RowState
from ml_connector.sync.writing_once import FencedOffError
from ml_connector.transport.lanes import in_lane

log = structlog.get_logger()
tracer = trace.get_tracer(__name__)

RUN_DEADLINE = timedelta(minutes=10)
RECHECK_HELD = timedelta(minutes=15)  # for causes that nobody tells us about
LOOP_WINDOW = timedelta(hours=1)
MOST_WRITES_IN_WINDOW = 20  # more on one record in an hour is two systems answering each other
_SETTLE_PATIENCE = 60.0  # seconds; a database restart is shorter
_REST = timedelta(seconds=2)
_DATABASE_AWAY = Verdict(Disposition.COME_BACK, timedelta(seconds=1))


Work = Callable[[StartedRun, RunProgress], Awaitable[Outcome]]
"""Do what the run's flow says; fills the progress as it goes."""


class Runner:
    """Carries out runs in one process."""

    def __init__(self, engine: Engine, *, works: Mapping[str, Work], rng: random.Random) -> None:
        self._engine = engine
        self._works = works
        self._rng = rng

    async def carry_out(self, backlog_id: int, run_no: int) -> None:
        """Carry one run out and settle it; an edge of the process: nothing escapes."""
        crash_point("run.claimed")
        run = await self._engine.start(backlog_id, run_no)
        if run is None:
            log.info("run_not_wanted", backlog_id=backlog_id, run_no=run_no)
            return
        crash_point("run.started")
        trace_id = new_trace_id()
        progress = RunProgress(names={run.record})
        with (
            structlog.contextvars.bound_contextvars(
                flow=run.flow, record=run.record, run=run.run_no, attempt=run.attempt
            ),
            in_lane(run.lane),
            counting() as calls,
            calls_of_flow(run.flow),
            tracer.start_as_current_span(run.flow, attributes={"record": run.record}),
        ):
            started_at = self._engine.clock.now()
            settlement = await self._settlement(run, progress)
            if settlement is None:
                return
            story = _story(
                run, progress, calls, settlement, started_at=started_at, trace_id=trace_id
            )
            crash_point("run.before_settle")
            await self._settle(_ending(settlement, story, progress))
            crash_point("run.settled")

    async def _settlement(self, run: StartedRun, progress: RunProgress) -> Settlement | None:
        if run.starts > MOST_STARTS:
            return self._dead(run, progress, f"the worker died {MOST_STARTS} times on this record")
        if run.is_cancel_wished:
            return self._settled(run, RowState.DONE, "skipped", "cancelled by a person")
        try:
            async with asyncio.timeout(RUN_DEADLINE.total_seconds()):
                outcome = await self._works[run.flow](run, progress)
        except FencedOffError:
            log.info("run_fenced_off")
            return None
        except asyncio.CancelledError:
            # The process stops: the record is ready at once for another one.
            back = self._settled(run, RowState.READY, "interrupted", "the worker was stopped")
            await asyncio.shield(self._engine.end(Ending(back, _bare_story(run, back), ())))
            raise
        except Exception as exc:  # noqa: BLE001 - edge of a run: it becomes a settlement, logged
            return await self._failed(run, progress, exc)
        return self._ended_well(run, progress, outcome)

    def _ended_well(self, run: StartedRun, progress: RunProgress, outcome: Outcome) -> Settlement:
        settlement = replace(
            self._settled(run, RowState.DONE, outcome.kind, outcome.reason),
            look_again_at=outcome.look_again_at,
        )
        began_at, writes = _loop_count(run, progress, self._now())
        settlement = replace(settlement, loop_began_at=began_at, loop_writes=writes)
        return (
            settlement
            if writes <= MOST_WRITES_IN_WINDOW
            else self._broken(run, progress, settlement)
        )

    def _broken(self, run: StartedRun, progress: RunProgress, settlement: Settlement) -> Settlement:
        """Break a loop: the record rests, may write once, and rests again if that is answered."""
        message = (
            f"{MOST_WRITES_IN_WINDOW} writes to this record within an hour were each answered by "
            "another change; find the automation that does so, on either side"
        )
        cause = f"{LOOP}{run.record}"
        progress.notices.append(_notice(run, "held", message, self._now(), cause=cause))
        due_at = self._now() + LOOP_WINDOW
        return replace(
            settlement,
            state=RowState.HELD,
            due_at=due_at,
            outcome="held",
            reason=message,
            waits_for=cause,
            loop_began_at=due_at,
            loop_writes=MOST_WRITES_IN_WINDOW - 1,
        )

    async def _failed(self, run: StartedRun, progress: RunProgress, error: Exception) -> Settlement:
        verdict = verdict_on(error)
        if isinstance(error, ConnectorError):
            message = error.message
            log.info("run_failed", error=type(error).__name__, message=message)
        elif is_database_away(error):
            verdict, message = _DATABASE_AWAY, "the database was away"
            log.warning("run_lost_database", error=str(error))
        else:
            message = f"internal: {error!r}"
            log.error("run_broke", exc_info=error)
        progress.entries.append(self._failure_entry(run, error, message))
        return self._disposed(run, progress, error, verdict, message)

    def _disposed(
        self,
        run: StartedRun,
        progress: RunProgress,
        error: Exception,
        verdict: Verdict,
        message: str,
    ) -> Settlement:
        match verdict.disposition:
            case Disposition.WAIT_FOR_CONNECTION if not verdict.floor:
                # Nothing is fed before the connection is back, and then in the order of age.
                back = self._settled(run, RowState.READY, "waiting", message)
                return replace(back, due_at=run.wanted_at, failures=run.failures)
            case Disposition.COME_BACK | Disposition.WAIT_FOR_CONNECTION:
                back = self._settled(run, RowState.READY, "waiting", message)
                return replace(back, due_at=self._now() + verdict.floor, failures=run.failures)
            case Disposition.RETRY if run.failures + 1 < MOST_FAILURES:
                return self._retried(run, verdict, message)
            case Disposition.HOLD:
                return self._held(run, progress, error, message)
            case _:
                return self._dead(run, progress, message)

    def _held(
        self, run: StartedRun, progress: RunProgress, error: Exception, message: str
    ) -> Settlement:
        waits_for = error.waits_for if isinstance(error, AttentionError) else None
        progress.notices.append(_notice(run, "held", message, self._now(), cause=waits_for))
        return replace(
            self._settled(run, RowState.HELD, "held", message),
            waits_for=waits_for,
            due_at=self._now() + RECHECK_HELD,
            failures=run.failures,
        )

    def _retried(self, run: StartedRun, verdict: Verdict, message: str) -> Settlement:
        wait = next_delay(run.failures, floor=verdict.floor, rng=self._rng)
        again = self._settled(run, RowState.READY, "retrying", message)
        return replace(again, due_at=self._now() + wait, failures=run.failures + 1)

    def _dead(self, run: StartedRun, progress: RunProgress, reason: str) -> Settlement:
        progress.notices.append(_notice(run, "dead_letter", reason, self._now()))
        return replace(
            self._settled(run, RowState.DEAD, "dead letter", reason), failures=run.failures
        )

    def _settled(self, run: StartedRun, state: RowState, outcome: str, reason: str) -> Settlement:
        now = self._now()
        return Settlement(
            backlog_id=run.backlog_id,
            run_no=run.run_no,
            attempt=run.attempt,
            wanted=run.wanted,
            state=state,
            due_at=now,
            settled_at=now,
            outcome=outcome,
            reason=reason,
            loop_began_at=run.loop_began_at,
            loop_writes=run.loop_writes,
            rests_for=_REST,
        )

    async def _settle(self, ending: Ending) -> None:
        """Write the settlement; while the database is away, try again: the fence protects it."""
        end = self._engine.clock.monotonic() + _SETTLE_PATIENCE
        failures = 0
        while True:
            try:
                state = await self._engine.end(ending)
            except Exception as exc:
                if not is_database_away(exc) or self._engine.clock.monotonic() > end:
                    # The run queue hands the run to another worker, which begins it again.
                    log.exception("settlement_failed")
                    raise
            else:
                if state is None:
                    log.info("run_fenced_off")
                return
            failures += 1
            wait = next_delay(
                failures,
                floor=timedelta(milliseconds=100),
                rng=self._rng,
                first=timedelta(milliseconds=200),
                highest=timedelta(seconds=2),
            )
            await asyncio.sleep(wait.total_seconds())

    def _failure_entry(self, run: StartedRun, error: Exception, message: str) -> Entry:
        return Entry(
            at=self._now(),
            workspace_id=run.workspace_id,
            event="run_failed",
            detail={"error": type(error).__name__, "message": message},
            installation_id=run.installation_id,
            connection_id=run.connection_id,
            backlog_id=run.backlog_id,
            run_no=run.run_no,
        )

    def _now(self) -> datetime:
        return self._engine.clock.now()


def _ending(settlement: Settlement, story: RunStory, progress: RunProgress) -> Ending:
    """Return what is committed at the end; what a run sets going counts only if it ended well.

    One that did not comes again, and sets it going then.
    """
    ending = Ending(settlement, story, tuple(progress.notices))
    if settlement.state is not RowState.DONE:
        return ending
    return replace(
        ending,
        wanted=tuple(progress.wanted),
        links=tuple(progress.links),
        ended_causes=tuple(progress.ended_causes),
    )


def _loop_count(
    run: StartedRun, progress: RunProgress, now: datetime
) -> tuple[datetime | None, int]:
    """Count runs that wrote, within a window that begins with the first of them."""
    if run.loop_began_at is None or now - run.loop_began_at > LOOP_WINDOW:
        return (now, 1) if progress.writes else (None, 0)
    return run.loop_began_at, run.loop_writes + (1 if progress.writes else 0)


def _notice(
    run: StartedRun, kind: str, message: str, at: datetime, *, cause: str | None = None
) -> Notice:
    about = cause or f"{run.flow}:{run.record}"
    return Notice(
        workspace_id=run.workspace_id,
        installation_id=run.installation_id,
        kind=kind,
        cause=f"{run.owner}:{kind}:{about}",
        message=message,
        at=at,
        detail={"flow": run.flow, "record": run.record, "waits_for": cause},
    )


def _story(
    run: StartedRun,
    progress: RunProgress,
    calls: RunCalls,
    settlement: Settlement,
    *,
    started_at: datetime,
    trace_id: str,
) -> RunStory:
    return replace(
        _bare_story(run, settlement),
        started_at=started_at,
        trace_id=trace_id,
        call_ids=tuple(calls.call_ids),
        tokens=calls.tokens,
        entries=tuple(progress.entries),
        inputs=progress.tape.encoded(),
        names=frozenset(progress.names),
    )


def _bare_story(run: StartedRun, settlement: Settlement) -> RunStory:
    return RunStory(
        backlog_id=run.backlog_id,
        run_no=run.run_no,
        attempt=run.attempt,
        workspace_id=run.workspace_id,
        installation_id=run.installation_id,
        flow=run.flow,
        record=run.record,
        lane=int(run.lane),
        trigger=dict[str, Any](run.trigger),
        started_at=settlement.settled_at,
        ended_at=settlement.settled_at,
        outcome=settlement.outcome,
        reason=settlement.reason,
        trace_id=new_trace_id(),
        configuration_version=run.configuration_version,
        call_ids=(),
        tokens=0,
        entries=(),
        inputs="[]",
        names=frozenset(),
    )
