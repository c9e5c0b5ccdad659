"""``POST /webhooks/{token}``: raw bytes, guard, inbox, answer.

A bare ASGI application: this is the one path where requests come by the thousand. Nothing is
parsed before the guard, and nothing is answered with 2xx before it is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from ml_connector.core.clock import Clock
from ml_connector.core.webhooks import (
    WebhookEvent,
    WebhookRefusedError,
    WebhookUnreadableError,
)
from ml_connector.storage.database import Database, is_database_away
from ml_connector.storage.groups import CommitGroup
from ml_connector.transport.vendor import Webhooks
from ml_connector.webhooks.endpoints import Endpoint, Endpoints
from ml_connector.webhooks.inbox import Delivery, Inbox, Taken

log = structlog.get_logger()

LARGEST_BODY = 1024 * 1024  # bytes; vendors' deliveries are a few kB
_REMEMBERED_FOR = 5.0  # seconds; how long a disabled address may still be believed
_MOST_REMEMBERED = 1000
_PREFIX = "/webhooks/"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_WORDS = {
    200: b"ok",
    401: b"the guard of this address was not satisfied",
    404: b"there is no such address",
    405: b"POST only",
    413: b"the body is longer than 1 MiB",
    503: b"not stored; send it again",
}


@dataclass(slots=True)
class Counts:
    """What came in, for metrics; by answer."""

    answers: dict[int, int] = field(default_factory=dict)
    repeats: int = 0

    def answered(self, status: int) -> None:
        """Count one answer."""
        self.answers[status] = self.answers.get(status, 0) + 1


class Receiver:
    """Receives for all connections of a process."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        endpoints: Endpoints,
        inbox: Inbox,
        webhooks_of: Callable[[int], Webhooks | None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._endpoints = endpoints
        self._webhooks_of = webhooks_of
        self._group = CommitGroup[Delivery, Taken](
            database,
            inbox.take,
            name="webhooks",
            sort_key=lambda item: (item.connection_id, _first_key(item)),
            at_once=2,
        )
        self._remembered: dict[str, tuple[float, Endpoint]] = {}
        self._looking: dict[str, asyncio.Task[Endpoint | None]] = {}
        self.counts = Counts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        status = await self._status(scope, receive)
        self.counts.answered(status)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"text/plain; charset=utf-8")],
            }
        )
        await send({"type": "http.response.body", "body": _WORDS[status]})

    async def close(self) -> None:
        """Let what was taken be committed and answered."""
        await self._group.close()

    async def _status(self, scope: Scope, receive: Receive) -> int:
        if scope["method"] != "POST":
            return 405
        body = await _read(receive)
        if body is None:
            return 413
        try:
            endpoint = await self._endpoint(scope["path"].removeprefix(_PREFIX))
            if endpoint is None or not endpoint.is_enabled:
                return 404
            return await self._take(endpoint, body, _headers(scope))
        except Exception as exc:
            # Never a false 2xx: whatever went wrong, the vendor sends it again.
            if is_database_away(exc):
                log.warning("webhook_not_stored", error=str(exc))
            else:
                log.exception("webhook_not_stored")
            return 503

    async def _take(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> int:
        webhooks = self._webhooks_of(endpoint.connection_id)
        if webhooks is None:
            return 404
        try:
            webhooks.verify(body, headers, endpoint.guard)
        except WebhookRefusedError as exc:
            log.warning("webhook_refused", endpoint=endpoint.id, why=str(exc))
            return 401
        events, unreadable = _read_events(webhooks, body, headers)
        taken = await self._group.submit(
            Delivery(
                workspace_id=endpoint.workspace_id,
                connection_id=endpoint.connection_id,
                endpoint_id=endpoint.id,
                raw_body=body,
                events=events,
                received_at=self._clock.now(),
                unreadable=unreadable,
            )
        )
        self.counts.repeats += taken.is_repeat
        return 200

    async def _endpoint(self, token: str) -> Endpoint | None:
        """Look the address up; unknown ones are not remembered, so that a new one works at once."""
        known = self._remembered.get(token)
        if known is not None and self._clock.monotonic() < known[0]:
            return known[1]
        looking = self._looking.get(token)
        if looking is None:  # all who ask meanwhile wait for this one look
            looking = asyncio.create_task(self._look_up(token), name="endpoint")
            self._looking[token] = looking
            looking.add_done_callback(lambda _: self._looking.pop(token, None))
        return await asyncio.shield(looking)

    async def _look_up(self, token: str) -> Endpoint | None:
        async with self._database.transaction() as db:
            endpoint = await self._endpoints.by_token(db, token, now=self._clock.now())
        if endpoint is not None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[token] = (self._clock.monotonic() + _REMEMBERED_FOR, endpoint)
        return endpoint


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, or None when it is too long."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > LARGEST_BODY:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def _read_events(
    webhooks: Webhooks, body: bytes, headers: Mapping[str, str]
) -> tuple[tuple[WebhookEvent, ...], str | None]:
    """Name what happened. What came through the guard is kept even if it cannot be read."""
    try:
        return webhooks.read(body, headers), None
    except WebhookUnreadableError as exc:
        log.error("webhook_unreadable", why=str(exc))  # noqa: TRY400 - the trace says nothing more
        return (), str(exc)


def _first_key(delivery: Delivery) -> str:
    return next((key for event in delivery.events for key in event.delivery_keys), "")
