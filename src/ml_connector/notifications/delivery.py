"""Sending notifications: to the log always, and to a webhook where one is set."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import aiohttp
import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.core.backoff import next_delay
from ml_connector.core.clock import Clock
from ml_connector.storage.database import Database

log = structlog.get_logger()

_BATCH = 50
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_FIRST_WAIT = timedelta(seconds=10)
_LONGEST_WAIT = timedelta(hours=1)
_LEASE = timedelta(minutes=2)  # longer than a batch can take, so that nobody sends it twice

_TAKE = text(
    """
    UPDATE notification SET attempts = attempts + 1, next_attempt_at = :leased_until
    WHERE id IN (
        SELECT id FROM notification
        WHERE sent_at IS NULL AND next_attempt_at <= :now
        ORDER BY next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING id, workspace_id, installation_id, kind, cause, message, times, first_at, attempts
    """
)

_SENT = text("UPDATE notification SET sent_at = :now WHERE id = :id")
_AGAIN = text("UPDATE notification SET next_attempt_at = :at WHERE id = :id")


class Delivery:
    """Sends what is to be told; several processes share the work."""

    def __init__(
        self, database: Database, clock: Clock, *, url: str | None, rng: random.Random
    ) -> None:
        self._database = database
        self._clock = clock
        self._url = url
        self._rng = rng
        self._http: aiohttp.ClientSession | None = None

    async def deliver_due(self) -> int:
        """Send what is due; return how many were sent."""
        now = self._clock.now()
        async with self._database.transaction() as db:
            taken = (
                await db.execute(_TAKE, {"now": now, "leased_until": now + _LEASE, "most": _BATCH})
            ).all()
        sent = 0
        for row in taken:
            message = {
                "kind": row.kind,
                "cause": row.cause,
                "message": row.message,
                "installation": row.installation_id,
                "times": row.times,
                "since": row.first_at.isoformat(),
            }
            was_sent = await self._send(message)
            async with self._database.transaction() as db:
                await self._note(db, row.id, row.attempts, was_sent=was_sent, now=now)
            sent += was_sent
        return sent

    async def close(self) -> None:
        """Close the connection to the webhook."""
        if self._http is not None:
            await self._http.close()

    async def _note(
        self, db: AsyncConnection, number: int, attempts: int, *, was_sent: bool, now: datetime
    ) -> None:
        if was_sent:
            await db.execute(_SENT, {"id": number, "now": now})
            return
        wait = next_delay(
            attempts, floor=_FIRST_WAIT, rng=self._rng, first=_FIRST_WAIT, highest=_LONGEST_WAIT
        )
        await db.execute(_AGAIN, {"id": number, "at": now + wait})

    async def _send(self, message: dict[str, object]) -> bool:
        log.warning("attention_needed", **message)
        if self._url is None:
            return True
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=_TIMEOUT)
        try:
            async with self._http.post(
                self._url,
                data=msgspec.json.encode(message),
                headers={"content-type": "application/json"},
                allow_redirects=False,
            ) as answer:
                if answer.status < 300:  # noqa: PLR2004 - the bound of good answers
                    return True
                log.warning("notification_refused", status=answer.status, cause=message["cause"])
        except (aiohttp.ClientError, TimeoutError) as exc:
            log.warning("notification_not_sent", error=str(exc), cause=message["cause"])
        return False
