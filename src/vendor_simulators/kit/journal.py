"""What a simulator was asked: the latest calls in full, all of them as counts.

Memory is bounded: old calls and, sooner, old bodies are dropped; the counts stay whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

CALLS_KEPT = 100_000
DELIVERIES_KEPT = 20_000
BODY_KEPT = 4_096  # bytes of one request body
BODIES_KEPT = 16 * 1024 * 1024  # bytes of all request bodies together


@dataclass(slots=True)
class Call:
    """One request and how it was answered; ``status`` 0 means that no answer was sent."""

    number: int
    at: datetime
    method: str
    target: str
    operation: str
    status: int
    cost: int
    fault: str | None
    seconds: float


@dataclass(slots=True)
class DeliveryNote:
    """One attempt to deliver a webhook; ``status`` 0 means that nobody answered."""

    number: int
    at: datetime
    event: str
    url: str
    attempt: int
    status: int
    fault: str | None


class Journal:
    """The calls that one simulator received and the webhooks that it sent."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._deliveries: deque[DeliveryNote] = deque(maxlen=DELIVERIES_KEPT)
        self._bodies: dict[int, bytes] = {}  # in order of arrival, so the first is the oldest
        self._bodies_size = 0
        self._counts: dict[tuple[str, int, str | None], list[int]] = {}
        self._numbered = 0
        self._delivered = 0

    def record(
        self,
        *,
        at: datetime,
        method: str,
        target: str,
        operation: str,
        status: int,
        cost: int,
        fault: str | None,
        seconds: float,
        body: bytes,
    ) -> None:
        """Note one call. Numbers start at 1 and have no gaps."""
        self._numbered += 1
        self._calls.append(
            Call(self._numbered, at, method, target, operation, status, cost, fault, seconds)
        )
        tally = self._counts.setdefault((operation, status, fault), [0, 0])
        tally[0] += 1
        tally[1] += cost
        if body:
            self._keep_body(body)

    def record_delivery(
        self, *, at: datetime, event: str, url: str, attempt: int, status: int, fault: str | None
    ) -> None:
        """Note one attempt to deliver a webhook."""
        self._delivered += 1
        note = DeliveryNote(self._delivered, at, event, url, attempt, status, fault)
        self._deliveries.append(note)

    @property
    def last_number(self) -> int:
        """The number of the latest call, 0 before the first."""
        return self._numbered

    def calls(self, *, since: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """Return the calls with numbers above ``since``, oldest first, as plain values."""
        skipped = max(0, since - (self._numbered - len(self._calls)))
        found = list(self._calls)[skipped:] if skipped else list(self._calls)
        return [self._as_plain(call) for call in found[:limit]]

    def deliveries(self, *, since: int = 0) -> list[dict[str, Any]]:
        """Return the delivery attempts with numbers above ``since``, oldest first."""
        return [
            {
                "number": note.number,
                "at": note.at.isoformat(),
                "event": note.event,
                "url": note.url,
                "attempt": note.attempt,
                "status": note.status,
                "fault": note.fault,
            }
            for note in self._deliveries
            if note.number > since
        ]

    def summary(self) -> dict[str, Any]:
        """Return counts and costs of everything since the start: in all and per kind of call."""
        rows = [
            {
                "operation": operation,
                "status": status,
                "fault": fault,
                "count": tally[0],
                "cost": tally[1],
            }
            for (operation, status, fault), tally in self._counts.items()
        ]
        return {
            "calls": self._numbered,
            "cost": sum(tally[1] for tally in self._counts.values()),
            "deliveries": self._delivered,
            "by": sorted(rows, key=lambda row: (row["operation"], row["status"])),
        }

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls))

    def _keep_body(self, body: bytes) -> None:
        kept = body[:BODY_KEPT]
        self._bodies[self._numbered] = kept
        self._bodies_size += len(kept)
        while self._bodies_size > BODIES_KEPT:
            oldest = next(iter(self._bodies))
            self._bodies_size -= len(self._bodies.pop(oldest))

    def _as_plain(self, call: Call) -> dict[str, Any]:
        body = self._bodies.get(call.number)
        return {
            "number": call.number,
            "at": call.at.isoformat(),
            "method": call.method,
            "target": call.target,
            "operation": call.operation,
            "status": call.status,
            "cost": call.cost,
            "fault": call.fault,
            "seconds": round(call.seconds, 6),
            "body": None if body is None else body.decode("utf-8", "replace"),
        }
