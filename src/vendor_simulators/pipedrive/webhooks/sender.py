"""Sending deliveries: side by side over kept connections, with retries on the simulated clock.

Each delivery is journalled with every attempt and its outcome:
``pending``, ``delivered``, ``failed``, ``lost`` (on purpose), ``banned``, ``cancelled``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp

from vendor_simulators.kit import FaultBook, Journal, SimClock
from vendor_simulators.pipedrive.company import Company, Event
from vendor_simulators.pipedrive.webhooks.payloads import Payloads
from vendor_simulators.pipedrive.webhooks.subscriptions import Subscription, SubscriptionBook
from vendor_simulators.pipedrive.wire import Row, encode

KEPT = 20_000  # deliveries remembered, oldest dropped first
_HELD_SECONDS = 1.0  # a delivery to be overtaken goes out after this if nothing follows
_JSON = {"Content-Type": "application/json", "User-Agent": "Pipedrive Webhooks"}


@dataclass(slots=True)
class Delivery:
    """One event for one subscription."""

    id: int
    event: str  # such as change.deal
    entity_id: int
    subscription: Subscription
    make: Callable[[int], Row]
    outcome: str = "pending"
    fault: str | None = None
    attempts: list[Row] = field(default_factory=list)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def view(self) -> Row:
        """Show the delivery to the control API."""
        return {
            "id": self.id,
            "webhook_id": self.subscription.id,
            "version": self.subscription.version,
            "event": self.event,
            "entity_id": self.entity_id,
            "url": self.subscription.url,
            "outcome": self.outcome,
            "fault": self.fault,
            "attempts": self.attempts,
            "body": self.body.decode(),
        }


class Sender:
    """Takes events from the company and delivers them."""

    def __init__(
        self,
        *,
        company: Company,
        book: SubscriptionBook,
        clock: SimClock,
        faults: FaultBook,
        journal: Journal,
    ) -> None:
        self._company = company
        self._book = book
        self._clock = clock
        self._faults = faults
        self._journal = journal
        self._payloads = Payloads(company)
        self._ids = count(1)
        self._kept: deque[Delivery] = deque(maxlen=KEPT)
        self._queue: asyncio.Queue[tuple[Delivery, int]] = asyncio.Queue()
        self._held: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self._under_way = 0
        company.listeners.append(self.note)

    async def start(self) -> None:
        """Open connections and begin to send."""
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        for _ in range(self._company.switches["deliveries_at_once"]):
            self._spawn(self._work())

    async def stop(self) -> None:
        """Drop what is outstanding and close."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
            self._http = None

    def deliveries(self) -> list[Delivery]:
        """Return the deliveries that are remembered, oldest first."""
        return list(self._kept)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being sent; retries may still wait for their time."""
        return self._queue.empty() and not self._under_way and not self._held

    def note(self, event: Event) -> None:
        """Queue the deliveries of an event."""
        if self._company.is_quiet:
            return
        action = "merge" if event.merged_from is not None else event.action
        wanting = self._book.wanting(action, event.kind)
        if not wanting:
            return
        permitted = self._payloads.permitted_users(event.kind, event.row)
        for subscription in wanting:
            if subscription.user_id in permitted:
                self._queue_one(event, subscription, permitted)
                if self._is_repeated(event, subscription):
                    self._queue_one(event, subscription, permitted)

    def repeat(self, delivery: Delivery) -> Delivery:
        """Send a remembered delivery once more, byte for byte."""
        copy = Delivery(
            next(self._ids), delivery.event, delivery.entity_id, delivery.subscription,
            delivery.make, fault="repeated", body=delivery.body, headers=delivery.headers,
        )  # fmt: skip
        self._kept.append(copy)
        self._queue.put_nowait((copy, 1))
        return copy

    async def send_raw(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post a body that is no delivery, such as a forged one; return the status, 0 for none."""
        return await self._post(url, body, {**_JSON, **headers})

    async def notify(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a notice that is not a webhook, such as the uninstallation's."""
        return await self._post(url, body, {**_JSON, **headers}, method=method)

    def _queue_one(self, event: Event, subscription: Subscription, permitted: list[int]) -> None:
        name = f"{event.action}.{event.kind}"
        make = self._payloads.body(event, subscription, permitted)
        delivery = Delivery(next(self._ids), name, event.row["id"], subscription, make)
        self._kept.append(delivery)
        if self._book.is_banned(subscription):
            delivery.outcome = "banned"
            self._faults.count("webhook_banned")
            return
        self._begin(delivery, *self._fault_for(name))

    def _is_repeated(self, event: Event, subscription: Subscription) -> bool:
        is_old_change = subscription.version == "1.0" and event.action == "change"
        return is_old_change and bool(self._company.switches["repeated_1_0_events"])

    def _fault_for(self, name: str) -> tuple[str | None, float]:
        """Decide whether to lose, double, reorder or delay a delivery."""
        effect = self._faults.for_delivery(name)
        if effect is not None:
            return effect.kind, effect.seconds
        for switch, kind in (
            ("lost_webhooks", "lose"),
            ("doubled_webhooks", "double"),
            ("reordered_webhooks", "reorder"),
        ):
            probability = self._company.switches[switch]
            if probability and self._company.rng.random() < probability:
                return kind, _HELD_SECONDS
        return None, 0.0

    def _begin(self, delivery: Delivery, kind: str | None, seconds: float) -> None:
        delivery.fault = kind
        if kind is not None:
            self._faults.count(f"webhook_{kind}")
        if kind == "lose":
            delivery.outcome = "lost"
            self._note_attempt(delivery, 0, 0)
            return
        if kind == "reorder":
            self._held.append(delivery)
            self._spawn(self._release_after(delivery, max(seconds, 0.05)))
        elif kind == "delay":
            self._spawn(self._queue_after(delivery, 1, seconds))
        else:
            self._queue.put_nowait((delivery, 1))
            if kind == "double":
                self._spawn(self._queue_after(self._twin(delivery), 1, 0.0))

    def _twin(self, delivery: Delivery) -> Delivery:
        twin = Delivery(
            next(self._ids), delivery.event, delivery.entity_id, delivery.subscription,
            delivery.make, fault="double",
        )  # fmt: skip
        self._kept.append(twin)
        return twin

    async def _work(self) -> None:
        while True:
            delivery, attempt = await self._queue.get()
            self._under_way += 1
            try:
                await self._attempt(delivery, attempt)
            finally:
                self._under_way -= 1

    async def _attempt(self, delivery: Delivery, attempt: int) -> None:
        subscription = delivery.subscription
        if self._book.find(subscription.id) is None:
            delivery.outcome = "cancelled"
            return
        if delivery.fault != "repeated":
            delivery.body = encode(delivery.make(attempt))
            delivery.headers = self._headers(subscription, delivery.body)
        status = await self._post(subscription.url, delivery.body, delivery.headers)
        self._note_attempt(delivery, attempt, status)
        self._book.note_attempt(subscription, attempt=attempt, status=status)
        if 200 <= status < 300:  # noqa: PLR2004 - the range of success
            delivery.outcome = "delivered"
        else:
            self._retry(delivery, attempt)
        if self._held and delivery not in self._held:
            self._release_held()

    def _retry(self, delivery: Delivery, attempt: int) -> None:
        waits = self._company.switches["retry_seconds"]
        if delivery.fault == "repeated" or attempt > len(waits):
            delivery.outcome = "failed"
        else:
            self._spawn(self._queue_after(delivery, attempt + 1, waits[attempt - 1]))

    def _headers(self, subscription: Subscription, body: bytes) -> dict[str, str]:
        headers = dict(_JSON)
        if subscription.auth_user is not None:
            headers["Authorization"] = basic(subscription.auth_user, subscription.auth_password)
        switches = self._company.switches
        secret = switches["webhook_secret"]
        signs = switches["sign_1_0" if subscription.version == "1.0" else "sign_2_0"]
        if secret and signs:
            headers["X-Pipedrive-Signature"] = signature(secret, body)
        return headers

    async def _post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST"
    ) -> int:
        if self._http is None:
            return 0
        try:
            async with (
                asyncio.timeout(self._company.switches["delivery_seconds"]),
                self._http.request(
                    method, url, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return 0  # nobody listens there, or the address is no address

    def _note_attempt(self, delivery: Delivery, attempt: int, status: int) -> None:
        now = self._clock.now()
        delivery.attempts.append({"attempt": attempt, "at": now.isoformat(), "status": status})
        self._journal.record_delivery(
            at=now,
            event=delivery.event,
            url=delivery.subscription.url,
            attempt=attempt,
            status=status,
            fault=delivery.fault,
        )

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for delivery in held:
            self._queue.put_nowait((delivery, 1))

    async def _release_after(self, delivery: Delivery, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if delivery in self._held:
            self._held.remove(delivery)
            self._queue.put_nowait((delivery, 1))

    async def _queue_after(self, delivery: Delivery, attempt: int, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._queue.put_nowait((delivery, attempt))

    def _spawn(self, work: Any) -> None:
        if self._http is None:
            work.close()  # not started, as in a simulator that is only looked at
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def basic(user: str, password: str | None) -> str:
    """Return an Authorization header for HTTP Basic."""
    pair = f"{user}:{password or ''}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def signature(secret: str, body: bytes) -> str:
    """Return the lower-case hex HMAC-SHA256 of a body's bytes."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
