from __future__ import annotations

import asyncio
import random
from contextvars import copy_context
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.audit import reading, trail
from ml_connector.audit.calls import CallLog, call_made_at, counting, share_of
from ml_connector.audit.trail import Entry
from ml_connector.storage.database import Database
from ml_connector.transport.askers import asking_for
from ml_connector.transport.messages import CallRecord, Cost

NOW = datetime(2026, 11, 21, 3, 0, 0, 123_999, tzinfo=UTC)


async def write(database: Database, *events: str, workspace_id: int = 1) -> None:
    async with database.transaction() as db:
        await trail.write(
            db,
            [
                Entry(at=NOW + timedelta(seconds=n), workspace_id=workspace_id, event=event)
                for n, event in enumerate(events)
            ],
        )


async def events(database: Database, **narrowed) -> list[str]:
    async with database.transaction() as db:
        return [entry.event for entry in await reading.entries(db, 1, **narrowed)]


async def test_the_latest_entries_are_told_oldest_first(database):
    await write(database, "a", "b", "c")

    assert await events(database, limit=2) == ["b", "c"]
    assert await events(database, since=NOW + timedelta(seconds=1)) == ["b", "c"]


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ("order_created", ["order_created"]),
        ("order*", ["order_created", "order_found"]),
        ("order_%", []),
        ("%", []),
    ],
)
async def test_an_event_is_named_whole_or_by_its_beginning(database, event, found):
    await write(database, "order_created", "order_found", "orders")

    assert [name for name in await events(database, event=event) if name != "orders"] == found


async def test_entries_of_another_workspace_are_not_read(database):
    await write(database, "theirs", workspace_id=2)

    assert await events(database) == []


async def test_a_runs_calls_are_found_by_their_ids(database):
    log = CallLog(database, random.Random(1))
    recorder = log.recorder(workspace_id=1, connection_id=7)
    with counting() as calls:
        for seconds in (0, 90):
            recorder.record(call_at(NOW + timedelta(seconds=seconds)))
    log.close()
    await asyncio.wait_for(log.write_until_closed(), 10)

    async with database.transaction() as db:
        found = await reading.calls_of(db, 1, calls.call_ids)
        theirs = await reading.calls_of(db, 2, calls.call_ids)

    assert [call.id for call in found] == calls.call_ids
    assert theirs == []


async def test_a_shared_call_stands_in_every_run_and_costs_once(database):
    log = CallLog(database, random.Random(1))
    recorder = log.recorder(workspace_id=1, connection_id=7)
    runs = []
    contexts = []
    for _ in range(3):
        with counting() as calls:
            runs.append(calls)
            contexts.append(copy_context())

    with asking_for([*contexts, contexts[0]]):  # the first asked for two keys
        recorder.record(call_at(NOW, tokens=20))
    log.close()
    await asyncio.wait_for(log.write_until_closed(), 10)

    async with database.transaction() as db:
        (found,) = await reading.calls_of(db, 1, runs[2].call_ids)
    assert runs[0].call_ids == runs[1].call_ids == runs[2].call_ids == [found.id]
    assert sorted(run.tokens for run in runs) == [6, 7, 7]
    assert (found.runs, found.tokens) == (3, 20)


@given(tokens=st.integers(0, 10_000), runs=st.integers(1, 300))
def test_shares_of_a_call_add_up_to_its_cost(tokens, runs):
    shares = [share_of(tokens, place=place, runs=runs) for place in range(runs)]

    assert sum(shares) == tokens
    assert max(shares) - min(shares) <= 1


def test_a_calls_id_tells_its_millisecond():
    log = CallLog(None, random.Random(1))  # type: ignore[arg-type] # nothing is written
    with counting() as calls:
        log.recorder(workspace_id=1, connection_id=7).record(call_at(NOW))

    assert call_made_at(calls.call_ids[0]) == NOW.replace(microsecond=123_000)


def call_at(moment: datetime, *, tokens: int = 1) -> CallRecord:
    return CallRecord(
        started_at=moment,
        elapsed=timedelta(milliseconds=5),
        method="GET",
        url="https://erp.example.com/orders",
        operation="orders.list",
        is_safe=True,
        status=200,
        error=None,
        cost=Cost(tokens=tokens),
        correlation_id=None,
        purpose=None,
        request_body=None,
        response_body=None,
    )
