"""Capture, feeding, workers, crashes and settlements in any order: the engine's promises hold."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from tests.engine_support.pair import START, ManualClock
from tests.storage_support.databases import DatabaseServer

from ml_connector.core.lanes import Lane
from ml_connector.storage.database import Database
from ml_connector.sync import backlog, feeder
from ml_connector.sync.rows import Settlement, StartedRun, Wanted
from ml_connector.sync.states import RowState

RECORDS = ("1", "2", "3")
OWNERS = ("installation:1", "installation:2")
FLOW = "toy_pair.deal_to_order"


class Engine(RuleBasedStateMachine):
    """A model of what is wanted, beside the real tables."""

    database_url: str

    @initialize()
    def open(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.database = self.wait(Database.connect(self.database_url))
        self.clock = ManualClock(START)
        self.wait(self._empty())
        self.wanted: Counter[tuple[str, str]] = Counter()
        self.seen_by_runs: Counter[tuple[str, str]] = Counter()
        self.jobs: list[tuple[int, int]] = []
        self.running: list[StartedRun] = []

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.wait(self.database.close())
            self.loop.close()

    def wait(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @rule(owner=st.sampled_from(OWNERS), records=st.lists(st.sampled_from(RECORDS), min_size=1))
    def capture(self, owner: str, records: list[str]) -> None:
        self.wait(self._capture(owner, records))
        for record in set(records):
            self.wanted[owner, record] += 1

    @rule()
    def feed(self) -> None:
        self.wait(self._feed())

    @rule(owner=st.sampled_from(OWNERS), record=st.sampled_from(RECORDS))
    def capture_and_begin(self, owner: str, record: str) -> None:
        """The usual way of an event, so that machines of few steps come far."""
        self.capture(owner, [record])
        self.wait(self._feed())
        for job in self.jobs[-1:]:
            self._begin(job)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """A worker begins a job; the run queue may hand one job to two of them."""
        self._begin(data.draw(st.sampled_from(self.jobs)))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def change_while_it_runs(self, data: st.DataObject) -> None:
        """The record changes after its run has read it."""
        run = data.draw(st.sampled_from(self.running))
        self.capture(run.owner, [run.record])

    def _begin(self, job: tuple[int, int]) -> None:
        run = self.wait(self._start(job))
        if run is not None:
            self.running.append(run)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.running))
        state = data.draw(st.sampled_from([RowState.DONE, RowState.DONE, RowState.HELD]))
        self.running.remove(run)
        later = data.draw(st.none() | st.integers(0, 60))
        settled = self.wait(self._settle(run, state, look_again_in=later))
        if settled is not None and state is RowState.DONE:
            self.seen_by_runs[run.owner, run.record] = run.wanted

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """A worker dies in a run: nothing is written, its job comes again."""
        self.running.remove(data.draw(st.sampled_from(self.running)))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def lose_job(self, data: st.DataObject) -> None:
        """The run queue loses a job altogether; the sweep finds the row."""
        job = data.draw(st.sampled_from(self.jobs))
        self.jobs.remove(job)
        self.wait(self._lose(job))

    @rule()
    def look_again(self) -> None:
        """What asked to be looked at by now is wanted once more, as if an event had come."""
        due = {
            (row.owner, row.record)
            for row in self.wait(self._rows())
            if row.state == "done" and row.look_again_at and row.look_again_at <= self.clock.now()
        }
        assert self.wait(self._look_again()) == len(due)
        self.wanted.update(due)

    @rule(seconds=st.integers(1, 60))
    def pass_time(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @invariant()
    def one_current_run_for_each_record(self) -> None:
        """Of all runs that think they run, at most one per record can still settle."""
        if not hasattr(self, "loop"):
            return
        current = self.wait(self._fences())
        holders = Counter(
            (run.owner, run.record)
            for run in self.running
            if current.get(run.backlog_id) == (run.run_no, run.attempt, "running")
        )
        assert all(count <= 1 for count in holders.values()), holders

    @invariant()
    def nothing_counts_as_done_that_no_run_has_seen(self) -> None:
        if not hasattr(self, "loop"):
            return
        for row in self.wait(self._rows()):
            assert row.done <= self.seen_by_runs[row.owner, row.record]
            if row.state == "done":
                assert row.done == row.wanted

    def finish(self) -> None:
        """Let honest workers go on: everything that was wanted is seen by a run."""
        self.running.clear()
        for _ in range(50):
            self.clock.advance(minutes=5)
            self.wait(self._wake())
            self.wait(self._sweep())
            self.wait(self._feed())
            for job in list(self.jobs):
                run = self.wait(self._start(job))
                if run is not None:
                    self.wait(self._settle(run, RowState.DONE))
                self.jobs.remove(job)
                self.wait(self._lose(job))
            rows = self.wait(self._rows())
            if all(row.state == "done" for row in rows):
                break
        assert {(row.owner, row.record): row.done for row in rows} == dict(self.wanted)

    async def _empty(self) -> None:
        async with self.database.transaction() as db:
            await db.execute(text("TRUNCATE backlog, run_queue"))

    async def _capture(self, owner: str, records: list[str]) -> None:
        now = self.clock.now()
        async with self.database.transaction() as db:
            await backlog.capture(
                db,
                [
                    Wanted(
                        workspace_id=1,
                        owner=owner,
                        installation_id=int(owner[-1]),
                        flow=FLOW,
                        record=record,
                        lane=Lane.EVENT,
                        due_at=now,
                        wanted_at=now,
                        trigger={"by": "test"},
                    )
                    for record in records
                ],
            )

    async def _feed(self) -> None:
        async with self.database.transaction() as db:
            await feeder.feed(db, now=self.clock.now(), flows=[FLOW])
            queued = await db.execute(
                text("SELECT id, run_no FROM backlog WHERE state IN ('queued', 'running')")
            )
            known = set(self.jobs)
            self.jobs += [job for row in queued if (job := (row.id, row.run_no)) not in known]

    async def _start(self, job: tuple[int, int]) -> StartedRun | None:
        async with self.database.transaction() as db:
            (run,) = await backlog.start(db, [job])
        return run

    async def _settle(
        self, run: StartedRun, state: RowState, *, look_again_in: int | None = None
    ) -> str | None:
        now = self.clock.now()
        later = None if look_again_in is None else now + timedelta(seconds=look_again_in)
        async with self.database.transaction() as db:
            (settled,) = await backlog.settle(
                db,
                [
                    Settlement(
                        backlog_id=run.backlog_id,
                        run_no=run.run_no,
                        attempt=run.attempt,
                        wanted=run.wanted,
                        state=state,
                        due_at=now,
                        settled_at=now,
                        outcome=state.value,
                        look_again_at=later,
                    )
                ],
            )
            await self._forget(db, (run.backlog_id, run.run_no))
        return settled

    async def _lose(self, job: tuple[int, int]) -> None:
        async with self.database.transaction() as db:
            await self._forget(db, job)
            await db.execute(
                text(
                    "UPDATE backlog SET queued_at = queued_at - interval '1 hour',"
                    " started_at = started_at - interval '1 hour' WHERE id = :id"
                ),
                {"id": job[0]},
            )

    async def _forget(self, db: Any, job: tuple[int, int]) -> None:
        await db.execute(
            text("DELETE FROM run_queue WHERE dedupe_key = :key"),
            {"key": f"{job[0]}:{job[1]}"},
        )

    async def _wake(self) -> None:
        async with self.database.transaction() as db:
            await backlog.wake_due(db, now=self.clock.now())

    async def _look_again(self) -> int:
        async with self.database.transaction() as db:
            return await backlog.look_again(db, now=self.clock.now())

    async def _sweep(self) -> None:
        async with self.database.transaction() as db:
            await feeder.sweep(db)

    async def _rows(self) -> list[Any]:
        async with self.database.transaction() as db:
            return list((await db.execute(text("SELECT * FROM backlog"))).all())

    async def _fences(self) -> dict[int, tuple[int, int, str]]:
        return {row.id: (row.run_no, row.attempt, row.state) for row in await self._rows()}


def test_any_order_of_events_runs_crashes_and_settlements_loses_no_update(
    database_server: DatabaseServer,
):
    url = database_server.create_database()

    class OnThisDatabase(Engine):
        database_url = url

        def teardown(self) -> None:
            if hasattr(self, "loop"):
                self.finish()
            super().teardown()

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    database_server.drop_database(url)


async def test_a_backlog_of_ten_thousand_of_one_installation_delays_no_other(database: Database):
    async with database.transaction() as db:
        await db.execute(
            text(
                "INSERT INTO backlog (workspace_id, owner, installation_id, flow, record, state,"
                " lane, due_at, trigger, wanted_at)"
                " SELECT 1, 'installation:1', 1, :flow, n::text, 'ready', 2, :now, '{}', :now"
                " FROM generate_series(1, 10000) n"
            ),
            {"flow": FLOW, "now": START},
        )
        await feeder.feed(db, now=START, flows=[FLOW])
        await db.execute(
            text(
                "INSERT INTO backlog (workspace_id, owner, installation_id, flow, record, state,"
                " lane, due_at, trigger, wanted_at)"
                " VALUES (1, 'installation:2', 2, :flow, '1', 'ready', 3, :now, '{}', :now)"
            ),
            {"flow": FLOW, "now": START},
        )

    async with database.transaction() as db:
        fed = await feeder.feed(db, now=START, flows=[FLOW])

    assert fed.runs == 1
    async with database.transaction() as db:
        state = await db.scalar(text("SELECT state FROM backlog WHERE owner = 'installation:2'"))
    assert state == "queued"
