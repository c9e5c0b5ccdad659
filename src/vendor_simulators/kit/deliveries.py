"""Sending webhooks: attempts spaced on the simulators' clock, with faults and a journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp

from vendor_simulators.kit.clock import SimClock
from vendor_simulators.kit.faults import FaultBook
from vendor_simulators.kit.journal import Journal

_AT_ONCE = 64  # deliveries under way at the same moment
_CLEAN = range(200, 300)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One webhook to send: tried once, then once more after each of ``retry_after`` seconds."""

    event: str  # what fault rules and the journal call it, such as "change.deal"
    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: tuple[float, ...] = ()
    timeout: float = 10.0  # seconds until an attempt counts as failed
    accepted: range = _CLEAN
    on_attempt: Callable[[int, int], None] | None = None  # attempt (from 1), status (0: none)
    on_end: Callable[[bool], None] | None = None  # whether it was accepted in the end


class Outbox:
    """Sends deliveries side by side and lets the fault book lose, double or delay them."""

    def __init__(self, *, clock: SimClock, faults: FaultBook, journal: Journal) -> None:
        self._clock = clock
        self._faults = faults
        self._journal = journal
        self._http: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_sent = asyncio.Event()  # set when a delivery that was not held back went out

    @property
    def outstanding(self) -> int:
        """Deliveries that are still being tried or wait for their next attempt."""
        return len(self._tasks)

    async def start(self) -> None:
        """Open the HTTP session."""
        self._http = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None)
        )

    async def stop(self) -> None:
        """Drop what is outstanding and close."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
            self._http = None

    def send(self, delivery: Delivery) -> None:
        """Begin delivering; returns at once."""
        if self._http is None:
            return  # not started, as in a simulator that is only looked at
        task = asyncio.create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Return when nothing is outstanding."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, delivery: Delivery) -> None:
        effect = self._faults.for_delivery(delivery.event)
        kind = None if effect is None else effect.kind
        if effect is not None:
            self._faults.count(f"webhook_{effect.kind}")
        if kind == "lose":
            self._note(delivery, 0, 0, kind)
            return
        if kind == "delay" and effect is not None:
            await self._clock.sleep(effect.seconds)
        elif kind == "reorder" and effect is not None:
            await self._wait_for_next(max(effect.seconds, 0.05))
        accepted = await self._try_until_accepted(delivery, kind)
        if kind == "double":
            await self._attempt(delivery, 1, kind)
        if delivery.on_end is not None:
            delivery.on_end(accepted)

    async def _wait_for_next(self, seconds: float) -> None:
        following, waiting = self._next_sent, asyncio.create_task(self._clock.sleep(seconds))
        sent = asyncio.create_task(following.wait())
        try:
            await asyncio.wait({waiting, sent}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            sent.cancel()

    async def _try_until_accepted(self, delivery: Delivery, kind: str | None) -> bool:
        for attempt, wait in enumerate((0.0, *delivery.retry_after), start=1):
            if wait:
                await self._clock.sleep(wait)
            if await self._attempt(delivery, attempt, kind) in delivery.accepted:
                return True
        return False

    async def _attempt(self, delivery: Delivery, attempt: int, kind: str | None) -> int:
        async with self._slots:
            status = await self._post(delivery)
        if kind != "reorder":
            self._next_sent.set()
            self._next_sent = asyncio.Event()
        self._note(delivery, attempt, status, kind)
        if delivery.on_attempt is not None:
            delivery.on_attempt(attempt, status)
        return status

    async def _post(self, delivery: Delivery) -> int:
        if self._http is None:
            return 0
        try:
            async with (
                asyncio.timeout(delivery.timeout),
                self._http.post(
                    delivery.url,
                    data=delivery.body,
                    headers=delivery.headers,
                    allow_redirects=False,
                ) as answer,
            ):
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return 0  # nobody listens there, or the address is no address

    def _note(self, delivery: Delivery, attempt: int, status: int, kind: str | None) -> None:
        self._journal.record_delivery(
            at=self._clock.now(),
            event=delivery.event,
            url=delivery.url,
            attempt=attempt,
            status=status,
            fault=kind,
        )
