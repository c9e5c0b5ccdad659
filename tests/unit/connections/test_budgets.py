from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from ml_connector.connections import ConnectionRow, Connections, DatabaseLeases, budgets_of
from ml_connector.connections.budgets import ProbeLeases, forget_exhaustion
from ml_connector.core.clock import Clock
from ml_connector.core.lanes import Lane
from ml_connector.core.profile import Limits, Window
from ml_connector.storage.database import Database
from ml_connector.transport.leases import News, Slice, Spent
from ml_connector.transport.messages import Cost
from ml_connector.transport.pacing import ConnectionPacer

SECONDS = 0.4
CALLS = 20
LIMITS = Limits(windows=(Window(name="burst", calls=CALLS, seconds=SECONDS),), daily_tokens=1000)


@pytest.fixture
def leases(database, row, clock) -> DatabaseLeases:
    return DatabaseLeases(database=database, connection_id=row.id, limits=LIMITS, clock=clock)


async def budget_of(database: Database, row: ConnectionRow, clock: Clock) -> Any:
    async with database.transaction() as db:
        return (await budgets_of(db, [row.id], now=clock.now()))[row.id]


async def test_several_workers_never_exceed_the_window(database_url, row, clock):
    """Each has its own pool; a call counts when it leaves, on one monotonic clock."""
    workers = [await Database.connect(database_url, pool_size=2) for _ in range(4)]
    sent: list[float] = []
    ends = asyncio.get_running_loop().time() + 2.0

    async def work(worker: Database, seed: int) -> None:
        rng = random.Random(seed)
        own = DatabaseLeases(database=worker, connection_id=row.id, limits=LIMITS, clock=clock)
        spent: list[Spent] = []
        while clock.monotonic() < ends:
            asked_at = clock.monotonic()
            got = await own.lease("burst", rng.randint(1, 8), spent=spent)
            used, last = await use(got, asked_at, rng)
            spent = [Spent(slice_id=got.id, calls=used, seconds_ago=clock.monotonic() - last)]

    async def use(got: Slice, asked_at: float, rng: random.Random) -> tuple[int, float]:
        await asyncio.sleep(got.starts_in)
        used, last = 0, clock.monotonic()
        for _ in range(got.calls):
            if clock.monotonic() >= asked_at + got.starts_in + got.valid_for:
                break
            sent.append(clock.monotonic())
            used, last = used + 1, sent[-1]
            await asyncio.sleep(rng.random() * 0.002)
        return used, last

    await asyncio.gather(*(work(worker, seed) for seed, worker in enumerate(workers)))

    sent.sort()
    busiest = max(
        sum(1 for each in sent[start:] if each < at + SECONDS) for start, at in enumerate(sent)
    )
    assert busiest <= CALLS
    assert len(sent) > CALLS * 2 / SECONDS * 0.5
    for worker in workers:
        await worker.close()


async def test_a_slice_given_back_can_be_used_by_another(leases, database, row, clock):
    other = DatabaseLeases(database=database, connection_id=row.id, limits=LIMITS, clock=clock)
    taken = []
    while (got := await leases.lease("burst", 5)).starts_in == 0:
        taken.append(got)

    spent = [Spent(slice_id=each.id, calls=0, seconds_ago=0.0) for each in [*taken, got]]
    await leases.lease("burst", 1, spent=spent)
    after = await other.lease("burst", 5)

    assert after.calls >= 1
    assert after.starts_in == 0


async def test_a_declined_window_is_closed_for_all(leases, database, row, clock):
    other = DatabaseLeases(database=database, connection_id=row.id, limits=LIMITS, clock=clock)

    await leases.tell(News(window="burst", declined_for=30.0))
    got = await other.lease("burst", 1)

    assert got.calls == 0
    assert 25 < got.starts_in <= 30


async def test_the_limit_that_the_vendor_states_is_kept_until_the_declared_one_changes(
    leases, database, row, clock
):
    await leases.tell(News(window="burst", window_limit=5))
    stated = await leases.lease("burst", 100)
    larger = Limits(windows=(Window(name="burst", calls=40, seconds=SECONDS),))
    other = DatabaseLeases(database=database, connection_id=row.id, limits=larger, clock=clock)
    declared = await other.lease("burst", 1)

    assert stated.limit == 5
    assert declared.limit == 40


async def test_workers_share_the_days_tokens_and_never_lease_more(database, row, clock):
    workers = [
        DatabaseLeases(database=database, connection_id=row.id, limits=LIMITS, clock=clock)
        for _ in range(4)
    ]

    async def spend(worker: DatabaseLeases) -> int:
        total = 0
        while (lot := await worker.lease_tokens(7, lane=Lane.URGENT)).tokens:
            total += lot.tokens
        return total

    spent = await asyncio.gather(*(spend(worker) for worker in workers))

    assert 1000 - 7 < sum(spent) <= 1000


async def test_a_reserve_is_left_to_urgent_work_and_shown(leases, database, row, clock):
    while (await leases.lease_tokens(20, lane=Lane.BULK)).tokens:
        pass
    after_bulk = await budget_of(database, row, clock)
    while (await leases.lease_tokens(1, lane=Lane.ROUTINE)).tokens:
        pass
    after_routine = await budget_of(database, row, clock)

    assert after_bulk.least_urgent is Lane.ROUTINE
    assert after_routine.least_urgent is Lane.EVENT
    assert 0 < after_routine.remaining < after_bulk.remaining <= 220
    assert (await leases.lease_tokens(1, lane=Lane.EVENT)).tokens == 1


async def test_unspent_tokens_come_back(leases, database, row, clock):
    lot = await leases.lease_tokens(100, lane=Lane.EVENT)
    await leases.tell(News(unspent_tokens=lot.tokens - 10))

    assert (await budget_of(database, row, clock)).used == 10


async def test_the_vendors_remainder_counts_and_a_new_day_begins_anew(leases, database, row, clock):
    await leases.tell(News(daily_limit=500, daily_remaining=0))
    gone = await budget_of(database, row, clock)
    declined = await leases.lease_tokens(1, lane=Lane.URGENT)
    clock.advance(timedelta(days=1))
    renewed = await budget_of(database, row, clock)

    assert (gone.limit, gone.remaining, gone.least_urgent) == (500, 0, None)
    assert declined.tokens == 0
    assert (renewed.remaining, renewed.least_urgent) == (500, Lane.BULK)


async def test_a_probe_spends_past_an_exhausted_budget(leases, clock):
    await leases.tell(News(daily_renews_at=clock.now() + timedelta(hours=5)))

    assert (await leases.lease_tokens(2, lane=Lane.URGENT)).tokens == 0
    probe = ProbeLeases(leases, clock=clock)
    assert (await probe.lease_tokens(2, lane=Lane.URGENT)).tokens == 2


async def test_an_exhaustion_that_was_over_early_is_forgotten(leases, database, row, clock):
    await leases.tell(News(daily_renews_at=clock.now() + timedelta(hours=5)))

    async with database.transaction() as db:
        await forget_exhaustion(db, row.id, now=clock.now())

    assert (await leases.lease_tokens(2, lane=Lane.EVENT)).tokens >= 2


async def test_an_unknown_budget_is_counted_only(database, row, clock):
    unknown = Limits(windows=())
    leases = DatabaseLeases(database=database, connection_id=row.id, limits=unknown, clock=clock)
    await leases.lease_tokens(2, lane=Lane.BULK)

    budget = await budget_of(database, row, clock)

    assert budget.limit is None
    assert budget.remaining is None
    assert budget.used >= 2


async def test_connections_do_not_share_their_limits(
    connections: Connections, database: Database, row: ConnectionRow, clock, leases
):
    other_row = await connections.accounts.create(
        workspace_id=2, name="other", vendor="fake", settings=dict(row.settings)
    )
    other = DatabaseLeases(
        database=database, connection_id=other_row.id, limits=LIMITS, clock=clock
    )
    await leases.tell(News(window="burst", declined_for=30.0, daily_remaining=0))

    assert (await other.lease("burst", 1)).starts_in == 0
    assert (await other.lease_tokens(1, lane=Lane.BULK)).tokens


async def test_calls_under_way_of_all_workers_stay_within_the_licence(database_url, row, clock):
    licence = Limits(concurrency=3, throttles_by_delay=True)
    workers = [await Database.connect(database_url, pool_size=2) for _ in range(4)]
    under_way: list[int] = [0]
    most = 0
    served = dict.fromkeys(range(len(workers)), 0)
    ends = clock.monotonic() + 4.0
    cost = Cost()

    async def call(pacer: ConnectionPacer, number: int) -> None:
        nonlocal most
        await pacer.acquire(cost, lane=Lane.ROUTINE, deadline=clock.monotonic() + 30)
        under_way[0] += 1
        most = max(most, under_way[0])
        await asyncio.sleep(0.01)
        served[number] += 1
        under_way[0] -= 1
        pacer.release(cost)

    async def work(worker: Database, number: int) -> None:
        leases = DatabaseLeases(database=worker, connection_id=row.id, limits=licence, clock=clock)
        pacer = ConnectionPacer(licence, clock=clock, leases=leases)
        while clock.monotonic() < ends:
            await asyncio.gather(*(call(pacer, number) for _ in range(5)))
        await pacer.close()

    await asyncio.gather(*(work(worker, number) for number, worker in enumerate(workers)))

    assert 1 <= most <= licence.concurrency
    assert min(served.values()) > 0
    for worker in workers:
        await worker.close()
