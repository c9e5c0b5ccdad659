"""Waits, so that the vendor need not decline.

Each connection has one pacer in a process. A call waits there for three things: tokens of the
day's budget, a place among those under way, and a call in each window in which it counts. The
windows and the budget come in slices from the ledger that all workers share (`leases`); between
two slices everything here is arithmetic in memory.

Calls that wait are ordered by when they came plus a handicap for their lane. So urgent work
overtakes, and a backfill that has waited for its handicap goes before work that has just come:
nothing starves.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import heapq
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta

from ml_connector.core.clock import Clock
from ml_connector.core.errors import ConnectorError, QuotaScope, RateLimitedError
from ml_connector.core.lanes import Lane
from ml_connector.core.profile import Limits
from ml_connector.transport.allowance import Allowance, Borrowed, TokenPurse
from ml_connector.transport.concurrency import ASK_AGAIN, RENEW_EVERY
from ml_connector.transport.leases import (
    Lot,
    MemoryLeases,
    News,
    Seen,
    Slice,
    WindowLease,
)
from ml_connector.transport.messages import Cost, RateReading

LANE_HANDICAP = 5.0
"""Seconds by which each less urgent lane is put behind."""
_SENDING_TAKES = 0.02  # seconds; longer is not waited for before the next slice is asked for
_SHORTEST_USE = 0.02  # seconds that a slice is used though it took as long to come
_ASK_AGAIN = 5.0  # seconds; the longest wait before a blocked window is looked at again
_BLOCKED_FOR = timedelta(minutes=30)  # when the vendor bars us and does not say for how long
_BUDGET_NEWS_EVERY = 5.0  # seconds
_BUDGET_LOOK_EVERY = timedelta(hours=1)

_Windows = tuple[str, ...]


class ConnectionPacer:
    """Paces one connection's calls in this process, together with all others that share leases."""

    def __init__(self, limits: Limits, *, clock: Clock, leases: WindowLease | None = None) -> None:
        self._clock = clock
        self._leases = leases or MemoryLeases(limits, clock=clock)
        self._windows = {each.name: Allowance(each.name, each.calls) for each in limits.windows}
        self._budget = TokenPurse(limits.daily_tokens)
        self._highest = limits.concurrency
        self._borrowed = Borrowed() if limits.throttles_by_delay else None
        self._under_way = 0
        self._blocked_until = 0.0
        self._queues: dict[_Windows, list[_Waiter]] = {}
        self._numbers = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> int:
        """Return how many calls have a place now."""
        return self._under_way

    async def acquire(self, cost: Cost, *, lane: Lane, deadline: float) -> None:
        """Wait until the call may be sent; RateLimitedError when that would be too late."""
        if not cost.windows and not cost.tokens:
            return
        self._refuse_if_blocked()
        tokens = cost.tokens if self._budget.is_kept else 0
        if tokens:
            await self._take_tokens(tokens, lane)
        names = tuple(name for name in cost.windows if name in self._windows)
        now = self._clock.monotonic()
        if not self._queues and self._can_go(names, now):
            self._go(names, now)
            return
        try:
            await self._wait_for_turn(names, lane, deadline)
        except BaseException:
            self._budget.tokens += tokens
            raise

    def sent(self, cost: Cost) -> None:
        """Say that the call has just left, or will not leave any more."""
        now = self._clock.monotonic()
        for name in cost.windows:
            window = self._windows.get(name)
            if window is not None:
                window.sent(now)

    def release(self, cost: Cost) -> None:
        """Say that the call has ended."""
        if cost.windows or cost.tokens:
            self._under_way -= 1
            if self._queues:
                self._dispatch()

    def observe(
        self,
        cost: Cost,
        reading: RateReading | None,
        error: ConnectorError | None,
        *,
        elapsed: timedelta | None = None,
    ) -> None:
        """Learn from an answer, and share with the other workers what concerns them."""
        if reading is not None:
            self._learn_reading(reading)
        if isinstance(error, RateLimitedError):
            self._learn_decline(cost, error)
        elif self._borrowed is not None and elapsed is not None:
            self._borrowed.times.answered(elapsed)
            self._borrowed.note_news()

    async def close(self) -> None:
        """Give back unspent tokens and end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._borrowed is not None and self._borrowed.has_loan:
            await self._leases.lease_places(self._borrowed.ask(in_use=0, wanted=0))
        if self._budget.tokens > 0:
            unspent, self._budget.tokens = self._budget.tokens, 0
            await self._leases.tell(News(window="", unspent_tokens=unspent))

    # --- the queue ---

    async def _wait_for_turn(self, names: _Windows, lane: Lane, deadline: float) -> None:
        now = self._clock.monotonic()
        waiter = _Waiter(
            rank=now + lane * LANE_HANDICAP,
            number=next(self._numbers),
            deadline=deadline,
            turn=asyncio.get_running_loop().create_future(),
        )
        heapq.heappush(self._queues.setdefault(names, []), waiter)
        self._dispatch()
        try:
            async with asyncio.timeout(max(0.0, deadline - now)):
                await waiter.turn
        except TimeoutError as exc:
            self._forget(waiter, names)
            raise _too_late(now, deadline) from exc
        except asyncio.CancelledError:
            self._forget(waiter, names)
            raise

    def _forget(self, waiter: _Waiter, names: _Windows) -> None:
        """Take a waiter out; when its turn had come already, hand that on."""
        if waiter.turn.done() and not waiter.turn.cancelled() and not waiter.turn.exception():
            self._under_way -= 1
            for name in names:
                self._windows[name].give_back()
        waiter.turn.cancel()
        self._dispatch()

    def _dispatch(self) -> None:
        """Let go whoever can, the most urgent first; then ask for what the others lack."""
        while self._under_way < self._places:
            now = self._clock.monotonic()  # one for looking and for taking: slices end in between
            ready = [
                (queue[0], names)
                for names, queue in self._live_queues()
                if self._can_go(names, now)
            ]
            if not ready:
                break
            waiter, names = min(ready)
            heapq.heappop(self._queues[names])
            self._go(names, now)
            waiter.turn.set_result(None)
        live = self._live_queues()
        places = self._places
        if live and self._borrowed is not None and self._under_way >= places < self._highest:
            self._borrow(self._borrowed)
        for names, _ in live:
            for name in names:
                self._ask_for(self._windows[name])

    def _live_queues(self) -> list[tuple[_Windows, list[_Waiter]]]:
        for names, queue in list(self._queues.items()):
            while queue and queue[0].turn.done():
                heapq.heappop(queue)
            if not queue:
                del self._queues[names]
        return list(self._queues.items())

    def _can_go(self, names: _Windows, now: float) -> bool:
        return self._under_way < self._places and all(
            self._windows[name].has_call(now) for name in names
        )

    def _go(self, names: _Windows, now: float) -> None:
        self._under_way += 1
        for name in names:
            self._windows[name].take(now)

    # --- places ---

    @property
    def _places(self) -> int:
        """Return how many calls may be under way now."""
        if self._borrowed is None:
            return self._highest
        return self._borrowed.places(self._clock.monotonic())

    def _borrow(self, borrowed: Borrowed) -> None:
        borrowed.more.set()
        if borrowed.asking is None:
            borrowed.asking = self._start(self._keep_borrowing(borrowed))

    async def _keep_borrowing(self, borrowed: Borrowed) -> None:
        """Hold as many places as there are calls for, until there are none."""
        try:
            while wanted := self._calls_at_hand():
                borrowed.more.clear()
                asked_at = self._clock.monotonic()
                got = await self._leases.lease_places(
                    borrowed.ask(in_use=self._under_way, wanted=wanted)
                )
                borrowed.got(got, asked_at)
                self._dispatch()
                if got.count < wanted:
                    await asyncio.sleep(ASK_AGAIN)
                else:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(RENEW_EVERY):
                            await borrowed.more.wait()
            await self._leases.lease_places(borrowed.ask(in_use=0, wanted=0))
            borrowed.gave_back()
        except Exception as exc:  # noqa: BLE001 - handed to those who wait for the answer
            for window in self._queues.values():
                for waiter in window:
                    if not waiter.turn.done():
                        waiter.turn.set_exception(exc)
        finally:
            borrowed.asking = None
            if self._queues:
                self._dispatch_later()

    def _calls_at_hand(self) -> int:
        waiting = sum(not each.turn.done() for queue in self._queues.values() for each in queue)
        return min(self._highest, self._under_way + waiting)

    # --- windows ---

    def _ask_for(self, window: Allowance) -> None:
        if window.asking is None and self._demand(window):
            window.asking = self._start(self._keep_asking(window))

    def _demand(self, window: Allowance) -> int:
        """Return how many calls could go soon if the window had them.

        Of a call that counts in several windows the last-named, narrowest one comes first: a
        call of the wide window would only grow old while the narrow one has none.
        """
        now = self._clock.monotonic()
        waiting = 0
        for names, queue in self._queues.items():
            if window.name in names:
                narrower = names[names.index(window.name) + 1 :]
                waiting += min([len(queue), *(self._windows[each].left(now) for each in narrower)])
        if self._under_way >= self._places:
            return 0  # a slice would only grow old; the next release asks
        return max(0, min(waiting, self._places) - window.left(now))

    async def _keep_asking(self, window: Allowance) -> None:
        try:
            while wanted := self._demand(window):
                asked_at = self._clock.monotonic()
                if asked_at < window.closed_until:
                    await self._sleep_closed(window, window.closed_until)
                    continue
                got = await self._leases.lease(
                    window.name,
                    wanted,
                    spent=window.settled(asked_at),
                    seen=window.take_seen(asked_at),
                )
                await self._use(window, got, asked_at)
        except Exception as exc:  # noqa: BLE001 - handed to those who wait for the answer
            self._fail_waiting(window, exc)
        finally:
            window.asking = None

    async def _use(self, window: Allowance, got: Slice, asked_at: float) -> None:
        answered_at = self._clock.monotonic()
        if got.calls == 0:
            await self._sleep_closed(window, answered_at + got.starts_in)
            return
        # The ledger's moment lay between our asking and the answer: begin late, end early.
        await asyncio.sleep(got.starts_in)
        now = self._clock.monotonic()
        if now < window.closed_until:
            return  # the vendor declined meanwhile
        ends = max(asked_at + got.starts_in + got.valid_for, now + _SHORTEST_USE)
        window.open(got, ends)
        self._dispatch()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SENDING_TAKES):
                await window.all_sent.wait()

    async def _sleep_closed(self, window: Allowance, opens_at: float) -> None:
        self._fail_hopeless(window, opens_at)
        await asyncio.sleep(max(0.0, min(opens_at - self._clock.monotonic(), _ASK_AGAIN)))

    def _fail_hopeless(self, window: Allowance, opens_at: float) -> None:
        """Tell those whose deadline comes first; waiting would only hold up their record."""
        now = self._clock.monotonic()
        for waiter in self._waiting_for(window):
            if waiter.deadline < opens_at:
                waiter.turn.set_exception(_closed(window.name, opens_at - now))
        self._dispatch_later()

    def _fail_waiting(self, window: Allowance, error: Exception) -> None:
        for waiter in self._waiting_for(window):
            waiter.turn.set_exception(error)

    def _waiting_for(self, window: Allowance) -> list[_Waiter]:
        return [
            waiter
            for names, queue in self._queues.items()
            if window.name in names
            for waiter in queue
            if not waiter.turn.done()
        ]

    def _dispatch_later(self) -> None:
        asyncio.get_running_loop().call_soon(self._dispatch)

    # --- the day's budget ---

    async def _take_tokens(self, wanted: int, lane: Lane) -> None:
        budget = self._budget
        if self._clock.now() >= budget.renews_at:
            budget.tokens = 0
        if budget.tokens < wanted:
            lot = await self._leases.lease_tokens(wanted - budget.tokens, lane=lane)
            budget.got(lot)
            if lot.tokens == 0:
                raise _budget_gone(lot, lane)
        budget.tokens -= wanted

    # --- learning ---

    def _refuse_if_blocked(self) -> None:
        left = self._blocked_until - self._clock.monotonic()
        if left > 0:
            raise RateLimitedError(
                "the vendor has barred this login after too many calls; "
                f"nothing is sent for another {left:.0f} s",
                scope=QuotaScope.BLOCKED,
                retry_after=timedelta(seconds=left),
            )

    def _learn_reading(self, reading: RateReading) -> None:
        window = self._windows.get(reading.window)
        if window is not None:
            if reading.window_remaining is not None:
                resets_in = reading.window_resets_in
                seen = Seen(
                    remaining=reading.window_remaining,
                    resets_in=None if resets_in is None else resets_in.total_seconds(),
                )
                window.see(self._clock.monotonic(), seen)
            if reading.window_limit not in {None, window.declared}:
                window.declared = reading.window_limit or window.declared
                self._tell(News(window=window.name, window_limit=window.declared))
        if reading.daily_limit is not None or reading.daily_remaining is not None:
            self._learn_budget(reading)

    def _learn_budget(self, reading: RateReading) -> None:
        now = self._clock.monotonic()
        budget = self._budget
        if reading.daily_limit is not None:
            budget.is_kept = True
        if now - budget.told_at >= _BUDGET_NEWS_EVERY or not reading.daily_remaining:
            budget.told_at = now
            self._tell(
                News(
                    window="",
                    daily_limit=reading.daily_limit,
                    daily_remaining=reading.daily_remaining,
                )
            )

    def _learn_decline(self, cost: Cost, error: RateLimitedError) -> None:
        now = self._clock.monotonic()
        match error.scope:
            case QuotaScope.BLOCKED:
                barred = error.retry_after or _BLOCKED_FOR
                self._blocked_until = now + barred.total_seconds()
            case QuotaScope.DAILY:
                self._budget.tokens = 0
                self._budget.is_kept = True
                # Without a moment: the hour of the vendor's day is not documented, so look hourly.
                renews_at = error.renews_at or self._clock.now() + _BUDGET_LOOK_EVERY
                self._tell(News(window="", daily_renews_at=renews_at))
            case QuotaScope.BURST:
                if self._borrowed is not None:
                    self._borrowed.times.declined()
                    self._borrowed.note_news()
                self._close_windows(cost, error, now)
            case QuotaScope.SEATS:
                pass  # about log-ins, not calls: the connection waits for a seat

    def _close_windows(self, cost: Cost, error: RateLimitedError, now: float) -> None:
        for name in cost.windows:
            window = self._windows.get(name)
            if window is not None:
                wait = 0.0 if error.retry_after is None else error.retry_after.total_seconds()
                window.close(now, until=now + wait)
                self._tell(News(window=name, declined_for=wait))

    def _tell(self, news: News) -> None:
        self._start(self._leases.tell(news))

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        # In an empty context: it serves every caller, not the permit and trace of this one.
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


@dataclass(order=True, slots=True)
class _Waiter:
    rank: float
    number: int
    deadline: float = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


def _too_late(asked_at: float, deadline: float) -> RateLimitedError:
    waited = max(0.0, deadline - asked_at)
    return RateLimitedError(
        f"our pacing had no turn for this call within {waited:.1f} s; nothing was sent, "
        "it goes out when there is room"
    )


def _closed(window: str, seconds: float) -> RateLimitedError:
    return RateLimitedError(
        f"the vendor takes no calls in the window {window!r} for another {seconds:.1f} s; "
        "nothing was sent",
        retry_after=timedelta(seconds=seconds),
    )


def _budget_gone(lot: Lot, lane: Lane) -> RateLimitedError:
    left = "none" if lot.remaining is None else str(lot.remaining)
    return RateLimitedError(
        f"the day's budget has nothing left for {lane.name} calls (tokens left: {left} of "
        f"{lot.limit}); it renews at {lot.renews_at:%Y-%m-%d %H:%M %Z}",
        scope=QuotaScope.DAILY,
        renews_at=lot.renews_at,
    )
