import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.storage_support.waiting import until

from ml_connector.storage.database import is_database_away
from ml_connector.storage.groups import CommitGroup

LONG = timedelta(seconds=30)  # a group that only its size or its closing ends


@pytest.fixture
async def numbers(database):
    async with database.transaction() as db:
        await db.execute(text("CREATE TABLE numbers (n int PRIMARY KEY CHECK (n <> 13))"))
    return database


async def write_all(db: AsyncConnection, items: Sequence[int]) -> list[int]:
    await db.execute(
        text("INSERT INTO numbers SELECT unnest(CAST(:items AS int[]))"), {"items": list(items)}
    )
    return [item * 10 for item in items]


async def written(database) -> list[int]:
    async with database.transaction() as db:
        return list((await db.execute(text("SELECT n FROM numbers ORDER BY n"))).scalars())


class Recording:
    """Writes like `write_all` and remembers the groups."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []

    async def __call__(self, db: AsyncConnection, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        return await write_all(db, items)


def group_of(database, carry_out, **options) -> CommitGroup[int, int]:
    return CommitGroup(database, carry_out, name="test", sort_key=lambda item: item, **options)


async def test_items_submitted_together_share_one_sorted_transaction(numbers):
    carry_out = Recording()
    group = group_of(numbers, carry_out, gather_for=timedelta(milliseconds=50))

    results = await asyncio.gather(*(group.submit(n) for n in (5, 1, 4, 2)))

    assert results == [50, 10, 40, 20]
    assert carry_out.groups == [[1, 2, 4, 5]]
    await group.close()


async def test_answer_comes_after_the_commit(numbers):
    group = group_of(numbers, write_all)

    await group.submit(7)

    assert await written(numbers) == [7]
    await group.close()


async def test_full_group_does_not_wait(numbers):
    carry_out = Recording()
    group = group_of(numbers, carry_out, gather_for=LONG, largest=3)

    async with asyncio.timeout(5):
        await asyncio.gather(*(group.submit(n) for n in range(6)))

    assert carry_out.groups == [[0, 1, 2], [3, 4, 5]]
    await group.close()


async def test_items_that_came_during_a_commit_share_the_next_one(numbers):
    carry_out = Recording()
    may_go_on = asyncio.Event()

    async def slow(db, items):
        results = await carry_out(db, items)
        await may_go_on.wait()
        return results

    group = group_of(numbers, slow, gather_for=timedelta(0))
    first = asyncio.create_task(group.submit(1))
    await until(lambda: bool(carry_out.groups))
    others = [asyncio.create_task(group.submit(n)) for n in (4, 3, 2)]
    await asyncio.sleep(0)
    may_go_on.set()

    await asyncio.gather(first, *others)

    assert carry_out.groups == [[1], [2, 3, 4]]
    await group.close()


async def test_poisoned_item_fails_alone(numbers):
    group = group_of(numbers, write_all, gather_for=timedelta(milliseconds=50))

    results = await asyncio.gather(*(group.submit(n) for n in (12, 13, 14)), return_exceptions=True)

    assert results[0] == 120
    assert isinstance(results[1], IntegrityError)
    assert results[2] == 140
    assert await written(numbers) == [12, 14]
    await group.close()


async def test_repeated_item_in_one_group_fails_alone(numbers):
    group = group_of(numbers, write_all, gather_for=timedelta(milliseconds=50))

    results = await asyncio.gather(*(group.submit(n) for n in (1, 1)), return_exceptions=True)

    assert results[0] == 10
    assert isinstance(results[1], IntegrityError)
    await group.close()


async def test_item_that_cannot_be_sorted_fails_alone(numbers):
    def odd(item):
        if item == 3:
            raise ValueError("no key")
        return item

    group = CommitGroup(numbers, write_all, name="test", sort_key=odd)

    results = await asyncio.gather(*(group.submit(n) for n in (2, 3)), return_exceptions=True)

    assert results[0] == 20
    assert isinstance(results[1], ValueError)
    await group.close()


async def test_wrong_number_of_results_reaches_every_submitter(numbers):
    async def forgetful(_db, _items):
        return []

    group = group_of(numbers, forgetful)

    with pytest.raises(RuntimeError, match="0 results for 1 items"):
        await group.submit(1)
    await group.close()


async def test_cancelled_submitter_harms_no_other(numbers):
    carry_out = Recording()
    group = group_of(numbers, carry_out, gather_for=timedelta(milliseconds=50))
    submitted = [asyncio.create_task(group.submit(n)) for n in (1, 2, 3)]
    await asyncio.sleep(0)

    submitted[1].cancel()
    results = await asyncio.gather(*submitted, return_exceptions=True)

    assert results[0] == 10
    assert isinstance(results[1], asyncio.CancelledError)
    assert results[2] == 30
    assert carry_out.groups == [[1, 3]]
    await group.close()


async def test_submitter_cancelled_amid_the_commit_is_carried_out_with_the_others(numbers):
    is_writing = asyncio.Event()
    may_go_on = asyncio.Event()

    async def slow(db, items):
        is_writing.set()
        await may_go_on.wait()
        return await write_all(db, items)

    group = group_of(numbers, slow)
    submitted = [asyncio.create_task(group.submit(n)) for n in (1, 2)]
    await is_writing.wait()

    submitted[0].cancel()
    may_go_on.set()

    assert await submitted[1] == 20
    await group.close()
    assert await written(numbers) == [1, 2]


async def test_deadlocked_groups_are_repeated_whole(numbers):
    both_hold_one = asyncio.Barrier(2)
    attempts = []

    async def in_order_of(first: int, second: int) -> tuple[int, int]:
        async def carry_out(db, items):
            attempts.append(list(items))
            statement = text("SELECT pg_advisory_xact_lock(:key)")
            await db.execute(statement, {"key": first})
            if len(attempts) <= 2:
                await both_hold_one.wait()
            await db.execute(statement, {"key": second})
            return await write_all(db, items)

        group = group_of(numbers, carry_out, gather_for=timedelta(milliseconds=20))
        one, other = await asyncio.gather(group.submit(first), group.submit(first + 100))
        await group.close()
        return one, other

    first, second = await asyncio.gather(in_order_of(1, 2), in_order_of(2, 1))

    assert first == (10, 1010)
    assert second == (20, 1020)
    assert len(attempts) == 3
    assert all(len(attempt) == 2 for attempt in attempts)


async def test_lost_connection_fails_the_group_and_writes_nothing_twice(numbers):
    attempts = []

    async def cut(db, items):
        attempts.append(list(items))
        await db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    group = group_of(numbers, cut, gather_for=timedelta(milliseconds=20))

    results = await asyncio.gather(*(group.submit(n) for n in (1, 2)), return_exceptions=True)

    assert attempts == [[1, 2]]
    assert all(isinstance(each, DBAPIError) and is_database_away(each) for each in results)
    await group.close()


async def test_closing_lets_the_gathered_finish_and_takes_no_more(numbers):
    group = group_of(numbers, write_all, gather_for=LONG)
    submitted = [asyncio.create_task(group.submit(n)) for n in (1, 2)]
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await group.close()

    assert [await each for each in submitted] == [10, 20]
    assert await written(numbers) == [1, 2]
    with pytest.raises(RuntimeError, match="closed"):
        await group.submit(3)


async def test_a_crowd_that_waits_is_committed_beside_the_group_under_way(numbers):
    carry_out = Recording()
    may_go_on = asyncio.Event()

    async def first_is_slow(db, items):
        results = await carry_out(db, items)
        if items == [1]:
            await may_go_on.wait()
        return results

    group = group_of(numbers, first_is_slow, at_once=2)
    first = asyncio.create_task(group.submit(1))
    await until(lambda: bool(carry_out.groups))

    async with asyncio.timeout(10):
        crowd = await asyncio.gather(*(group.submit(n) for n in range(100, 140)))

    assert crowd == [n * 10 for n in range(100, 140)]
    assert not first.done()
    may_go_on.set()
    await group.close()
    assert await first == 10
    assert await written(numbers) == [1, *range(100, 140)]


async def test_a_group_of_one_statement_is_written_whole_or_not_at_all(numbers):
    group = group_of(
        numbers, write_all, gather_for=timedelta(milliseconds=50), is_one_statement=True
    )

    results = await asyncio.gather(*(group.submit(n) for n in (12, 13, 14)), return_exceptions=True)

    assert (results[0], type(results[1]), results[2]) == (120, IntegrityError, 140)
    assert await written(numbers) == [12, 14]
    await group.close()
