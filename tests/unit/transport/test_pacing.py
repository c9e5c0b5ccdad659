"""The vendor's limits are used to the full, and kept."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.transport.rolling import RollingServer

from ml_connector.core.clock import SystemClock
from ml_connector.core.errors import QuotaScope, RateLimitedError, UnavailableError
from ml_connector.core.lanes import Lane
from ml_connector.core.profile import Limits, Window
from ml_connector.transport.concurrency import Asked, Places
from ml_connector.transport.leases import Lot, MemoryLeases, News, Seen, Slice, Spent
from ml_connector.transport.messages import FREE, Cost, RateReading, Response
from ml_connector.transport.pacing import ConnectionPacer

CALL = Cost()
DAY = datetime(2026, 3, 4, 12, tzinfo=UTC)


def limits(calls: int = 5, seconds: float = 0.2, **more: object) -> Limits:
    window = Window(name="burst", calls=calls, seconds=seconds)
    return Limits(windows=(window,), **({"concurrency": 100} | more))  # type: ignore[arg-type] # figures of the test


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def read_rates(response: Response) -> RateReading:
    return RateReading(
        window_limit=int(response.headers["x-ratelimit-limit"]),
        window_remaining=int(response.headers["x-ratelimit-remaining"]),
    )


class FarLeases:
    """The same ledgers behind a few milliseconds of network, as a database's would be."""

    def __init__(self, inner: MemoryLeases, rng: random.Random) -> None:
        self.inner = inner
        self.rng = rng

    async def lease(
        self, window: str, wanted: int, *, spent: Sequence[Spent] = (), seen: Seen | None = None
    ) -> Slice:
        await self._travel()
        got = await self.inner.lease(window, wanted, spent=spent, seen=seen)
        await self._travel()
        return got

    async def lease_tokens(self, wanted: int, *, lane: Lane) -> Lot:
        return await self.inner.lease_tokens(wanted, lane=lane)

    async def lease_places(self, asked: Asked) -> Places:
        return await self.inner.lease_places(asked)

    async def tell(self, news: News) -> None:
        await self.inner.tell(news)

    async def _travel(self) -> None:
        await asyncio.sleep(self.rng.uniform(0.0005, 0.003))


class TestRate:
    @pytest.mark.parametrize(("workers", "aim"), [(1, 0.95), (4, 0.90)])
    async def test_the_permitted_rate_is_used_and_hardly_a_call_declined(
        self, open_http, workers, aim
    ):
        allowed = limits(80, 2.0, concurrency=16)
        clock = SystemClock()
        memory = MemoryLeases(allowed, clock=clock)
        far = FarLeases(memory, random.Random(7))
        pacers = [
            ConnectionPacer(allowed, clock=clock, leases=far if workers > 1 else memory)
            for _ in range(workers)
        ]
        async with RollingServer(calls=80, seconds=2.0) as server:
            https = [
                open_http(server.url, limits=allowed, pacer=pacer, read_rates=read_rates)
                for pacer in pacers
            ]
            end = soon(4.6)

            async def work(number: int) -> None:
                while time.monotonic() < end:
                    await https[number % workers].call("GET", "x", operation="x")

            await asyncio.gather(*(work(number) for number in range(32)))

        for pacer in pacers:
            await pacer.close()
        assert server.used_share() > aim
        assert server.declined * 1000 <= len(server.accepted)

    async def test_one_worker_does_not_crowd_out_another(self):
        allowed = limits(40, 0.5)
        leases = FarLeases(MemoryLeases(allowed, clock=SystemClock()), random.Random(3))
        pacers = [ConnectionPacer(allowed, clock=SystemClock(), leases=leases) for _ in range(2)]
        done = [0, 0]

        async def work(number: int) -> None:
            while True:
                await pacers[number].acquire(CALL, lane=Lane.ROUTINE, deadline=soon())
                pacers[number].sent(CALL)
                await asyncio.sleep(0.001)
                pacers[number].release(CALL)
                done[number] += 1

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work(0)) for _ in range(30)]
            tasks += [group.create_task(work(1)) for _ in range(6)]
            await asyncio.sleep(2.0)
            for task in tasks:
                task.cancel()

        assert sum(done) > 120
        assert done[1] > 0.25 * sum(done)


class LeapingClock(SystemClock):
    """A machine that is held up between any two looks at its clock."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0.0

    def monotonic(self) -> float:
        self.lost += 0.017
        return super().monotonic() + self.lost


class TestTurns:
    async def test_a_slice_that_ends_between_a_look_and_the_next_loses_nobodys_turn(self):
        pacer = ConnectionPacer(limits(20, 0.02, concurrency=3), clock=LeapingClock())

        async def call() -> None:
            await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon(3600))
            pacer.sent(CALL)
            await asyncio.sleep(0)
            pacer.release(CALL)

        async with asyncio.timeout(30):
            await asyncio.gather(*(call() for _ in range(300)))

        assert pacer.under_way == 0

    async def test_places_are_kept_and_given_back_also_by_the_cancelled(self):
        pacer = ConnectionPacer(limits(1000, 1, concurrency=3), clock=SystemClock())
        most = 0

        async def call() -> None:
            nonlocal most
            await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon())
            most = max(most, pacer.under_way)
            try:
                await asyncio.sleep(0.001)
            finally:
                pacer.sent(CALL)
                pacer.release(CALL)

        calls = [asyncio.ensure_future(call()) for _ in range(60)]
        await asyncio.sleep(0.005)
        for each in calls[::3]:
            each.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

        assert most == 3
        assert pacer.under_way == 0

    async def test_the_urgent_go_first_and_the_patient_go_too(self):
        pacer = ConnectionPacer(limits(1000, 1, concurrency=1), clock=SystemClock())
        order: list[Lane] = []
        await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon())

        async def call(lane: Lane) -> None:
            await pacer.acquire(CALL, lane=lane, deadline=soon())
            order.append(lane)
            pacer.sent(CALL)
            pacer.release(CALL)

        lanes = [Lane.BULK, Lane.ROUTINE, Lane.EVENT, Lane.URGENT]
        calls = [asyncio.ensure_future(call(lane)) for lane in lanes]
        await asyncio.sleep(0)
        pacer.release(CALL)
        await asyncio.gather(*calls)

        assert order == sorted(lanes)

    async def test_a_backfill_that_waited_long_goes_before_new_work(self):
        class Clock(SystemClock):
            ahead = 0.0

            def monotonic(self) -> float:
                return super().monotonic() + self.ahead

        clock = Clock()
        pacer = ConnectionPacer(Limits(concurrency=1), clock=clock)
        order: list[Lane] = []
        await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon(100))

        async def call(lane: Lane) -> None:
            await pacer.acquire(CALL, lane=lane, deadline=soon(100))
            order.append(lane)
            pacer.release(CALL)

        bulk = asyncio.ensure_future(call(Lane.BULK))
        await asyncio.sleep(0)
        clock.ahead = 16
        urgent = asyncio.ensure_future(call(Lane.URGENT))
        await asyncio.sleep(0)
        pacer.release(CALL)
        await asyncio.gather(bulk, urgent)

        assert order == [Lane.BULK, Lane.URGENT]

    async def test_a_turn_that_would_come_too_late_is_told_at_the_deadline(self):
        pacer = ConnectionPacer(limits(1, 60), clock=SystemClock())
        await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon())

        with pytest.raises(RateLimitedError, match="nothing was sent"):
            await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon(0.05))

        assert pacer.under_way == 1
        await pacer.close()

    async def test_calls_outside_every_limit_pass(self):
        pacer = ConnectionPacer(limits(1, 60, concurrency=1), clock=SystemClock())
        await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon())

        await pacer.acquire(FREE, lane=Lane.BULK, deadline=soon())
        pacer.sent(FREE)
        pacer.release(FREE)

        assert pacer.under_way == 1
        await pacer.close()

    async def test_a_narrow_window_does_not_hold_up_the_wide_one(self):
        allowed = Limits(
            concurrency=100,
            windows=(
                Window(name="burst", calls=50, seconds=0.3),
                Window(name="search", calls=2, seconds=0.3),
            ),
        )
        pacer = ConnectionPacer(allowed, clock=SystemClock())
        search = Cost(windows=("burst", "search"))
        done: list[str] = []

        async def call(cost: Cost, name: str) -> None:
            await pacer.acquire(cost, lane=Lane.ROUTINE, deadline=soon())
            pacer.sent(cost)
            pacer.release(cost)
            done.append(name)

        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(call(search, "search"))
            for _ in range(20):
                group.create_task(call(CALL, "plain"))

        assert done[:22].count("plain") == 20
        assert done.count("search") == 6
        await pacer.close()

    async def test_leases_that_cannot_be_read_are_told_to_who_waits(self):
        class Broken(MemoryLeases):
            async def lease(self, window, wanted, *, spent=(), seen=None):
                raise ConnectionError("database away")

        allowed = limits()
        broken = Broken(allowed, clock=SystemClock())
        pacer = ConnectionPacer(allowed, clock=SystemClock(), leases=broken)

        with pytest.raises(ConnectionError, match="database away"):
            await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon())

        assert pacer.under_way == 0


class TestLearning:
    async def test_after_a_decline_nothing_goes_before_the_vendor_said(self):
        pacer = ConnectionPacer(limits(50, 0.1), clock=SystemClock())
        await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon())
        pacer.sent(CALL)
        wait = timedelta(milliseconds=250)
        declined_at = time.monotonic()
        pacer.observe(CALL, None, RateLimitedError("x", retry_after=wait))
        pacer.release(CALL)

        await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon())

        assert time.monotonic() - declined_at >= wait.total_seconds()
        await pacer.close()

    async def test_a_wait_beyond_the_deadline_is_told_at_once(self):
        pacer = ConnectionPacer(limits(50, 0.1), clock=SystemClock())
        pacer.observe(CALL, None, RateLimitedError("x", retry_after=timedelta(seconds=100)))
        await asyncio.sleep(0)
        began = time.monotonic()

        with pytest.raises(RateLimitedError, match="'burst'") as raised:
            await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon(50))

        assert time.monotonic() - began < 1
        assert raised.value.retry_after is not None
        assert raised.value.retry_after > timedelta(seconds=90)
        await pacer.close()

    async def test_a_barred_login_sends_nothing(self):
        pacer = ConnectionPacer(limits(), clock=SystemClock())
        pacer.observe(CALL, None, RateLimitedError("x", scope=QuotaScope.BLOCKED))

        with pytest.raises(RateLimitedError) as raised:
            await pacer.acquire(CALL, lane=Lane.URGENT, deadline=soon())

        assert raised.value.scope is QuotaScope.BLOCKED

    async def test_delays_lower_how_many_go_at_once(self):
        allowed = Limits(concurrency=10, throttles_by_delay=True)
        pacer = ConnectionPacer(allowed, clock=SystemClock())
        for seconds in (0.1, 0.1, 20.0):
            pacer.observe(CALL, None, None, elapsed=timedelta(seconds=seconds))
        for _ in range(7):
            await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon())

        with pytest.raises(RateLimitedError):
            await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon(0.01))

    async def test_an_outage_is_no_throttling(self):
        pacer = ConnectionPacer(limits(), clock=SystemClock())
        pacer.observe(CALL, None, UnavailableError("down"))

        await pacer.acquire(CALL, lane=Lane.ROUTINE, deadline=soon())
        await pacer.close()


class FixedClock(SystemClock):
    """Business time stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = DAY

    def now(self) -> datetime:
        return self.moment


class TestBudget:
    async def test_the_day_ends_for_backfills_first_and_renews(self):
        clock = FixedClock()
        pacer = ConnectionPacer(Limits(daily_tokens=100, concurrency=1000), clock=clock)
        cost = Cost(tokens=10, windows=())

        async def spend(lane: Lane) -> tuple[int, RateLimitedError]:
            spent = 0
            while True:
                try:
                    await pacer.acquire(cost, lane=lane, deadline=soon())
                except RateLimitedError as gone:
                    return spent, gone
                spent += 10

        by_backfill, gone = await spend(Lane.BULK)
        by_events, _ = await spend(Lane.EVENT)

        assert (by_backfill, by_events) == (80, 20)
        assert gone.scope is QuotaScope.DAILY
        assert gone.renews_at == datetime(2026, 3, 5, tzinfo=UTC)
        clock.moment += timedelta(days=1)
        await pacer.acquire(cost, lane=Lane.BULK, deadline=soon())

    async def test_the_vendors_word_that_the_day_is_spent_counts(self):
        clock = FixedClock()
        pacer = ConnectionPacer(Limits(), clock=clock)
        cost = Cost(tokens=10)
        await pacer.acquire(cost, lane=Lane.EVENT, deadline=soon())
        pacer.observe(cost, None, RateLimitedError("x", scope=QuotaScope.DAILY))
        await asyncio.sleep(0)

        with pytest.raises(RateLimitedError) as raised:
            await pacer.acquire(cost, lane=Lane.EVENT, deadline=soon())

        assert raised.value.renews_at == DAY + timedelta(hours=1)
        clock.moment += timedelta(hours=1)
        await pacer.acquire(cost, lane=Lane.EVENT, deadline=soon())

    async def test_workers_share_one_budget_and_give_back_what_is_left(self):
        clock = FixedClock()
        allowed = Limits(daily_tokens=100_000, concurrency=1000)
        leases = MemoryLeases(allowed, clock=clock)
        pacers = [ConnectionPacer(allowed, clock=clock, leases=leases) for _ in range(3)]
        for pacer in pacers:
            await pacer.acquire(Cost(tokens=10), lane=Lane.EVENT, deadline=soon())
            await pacer.close()

        lot = await leases.lease_tokens(1, lane=Lane.EVENT)
        assert (lot.remaining or 0) + lot.tokens == 100_000 - 30

    async def test_figures_in_answers_are_taken_over(self):
        clock = FixedClock()
        allowed = Limits()
        leases = MemoryLeases(allowed, clock=clock)
        pacer = ConnectionPacer(allowed, clock=clock, leases=leases)
        pacer.observe(CALL, RateReading(daily_limit=5000, daily_remaining=7), None)
        await asyncio.sleep(0)

        await pacer.acquire(Cost(tokens=5), lane=Lane.EVENT, deadline=soon())
        with pytest.raises(RateLimitedError, match="5000"):
            await pacer.acquire(Cost(tokens=5), lane=Lane.EVENT, deadline=soon())
