"""What became of every run, written down by the database itself at its own clock.

A trigger notes each change of a backlog row's state or attempt, so that a test can say when a
record was worked on, whoever did it and however that ended.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import text
from tests.world.world import FLOW, World

_INSTALL = (
    """
    CREATE TABLE test_journal (
        number bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL,
        backlog_id bigint, flow text, record text, run_no bigint, attempt int,
        was text, state text)
    """,
    """
    CREATE FUNCTION test_note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO test_journal (at, backlog_id, flow, record, run_no, attempt, was, state)
        VALUES (clock_timestamp(), NEW.id, NEW.flow, NEW.record, NEW.run_no, NEW.attempt,
                OLD.state, NEW.state);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER test_note AFTER UPDATE ON backlog FOR EACH ROW
    WHEN ((OLD.state, OLD.attempt) IS DISTINCT FROM (NEW.state, NEW.attempt))
    EXECUTE FUNCTION test_note()
    """,
)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """How work went on after something had happened."""

    taken_over: int
    """Runs that were under way then and were begun again by somebody else."""
    begun_again_within: timedelta
    """The longest that such a record waited for its next run."""
    first_ended_within: timedelta
    """When the first such record was done; how long all take depends on how many there are."""
    went_on_within: timedelta
    """When a run began or ended next, of whatever record: other work goes on."""


async def keep_journal(made: World) -> None:
    """Let the database note what becomes of runs from now on."""
    async with made.services.database.transaction() as db:
        for statement in _INSTALL:
            await db.execute(text(statement))


async def now(made: World) -> datetime:
    """Return the database's clock."""
    async with made.services.database.transaction() as db:
        found: datetime = (await db.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return found


async def aftermath(made: World, at: datetime) -> Aftermath:
    """Say how the flow's records fared that were being worked on at this moment."""
    begun, ended, steps = [], [], []
    for entries in (await _entries(made)).values():
        before = [entry for entry in entries if entry.at <= at]
        after = [entry for entry in entries if entry.at > at]
        if not after:
            continue
        was_running = bool(before) and before[-1].state == "running"
        if was_running and after[0].state == "running":
            begun.append(after[0].at - at)
            ended.append(after[-1].at - at)
            assert after[-1].state == "done", f"{after[-1].record} is {after[-1].state}"
        steps += [entry.at - at for entry in after if "running" in {entry.was, entry.state}]
    return Aftermath(
        taken_over=len(begun),
        begun_again_within=max(begun, default=timedelta()),
        first_ended_within=min(ended, default=timedelta()),
        went_on_within=min(steps, default=timedelta()),
    )


async def taken_over(made: World) -> int:
    """Return how many runs were begun again without having ended."""
    return sum(
        entry.state == entry.was == "running"
        for entries in (await _entries(made)).values()
        for entry in entries
    )


async def overlaps(made: World) -> list[str]:
    """Return the records of which two runs went on at once, by what the runs say themselves.

    A run that another one took over has written nothing since, and says so; it does not count.
    """
    async with made.services.database.transaction() as db:
        rows = await db.execute(
            text(
                "SELECT backlog_id, record, run_no, started_at, ended_at FROM run"
                " WHERE outcome <> 'superseded' ORDER BY backlog_id, started_at"
            )
        )
        runs = list(rows)
    return [
        f"{one.record}: runs {one.run_no} and {other.run_no}"
        for one, other in pairwise(runs)
        if one.backlog_id == other.backlog_id and other.started_at < one.ended_at
    ]


async def _entries(made: World) -> dict[int, list[Any]]:
    async with made.services.database.transaction() as db:
        rows = await db.execute(
            text("SELECT * FROM test_journal WHERE flow LIKE :flow ORDER BY number"),
            {"flow": f"%{FLOW}"},
        )
        found: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            found[row.backlog_id].append(row)
        return found
