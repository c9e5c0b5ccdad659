"""What the receiver of webhooks asks of the database before it has stored anything."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from ml_connector.core.clock import SystemClock
from ml_connector.webhooks.endpoints import Endpoint, Endpoints
from ml_connector.webhooks.inbox import Inbox
from ml_connector.webhooks.receiver import Receiver


class SlowEndpoints:
    """Knows no address, and takes its time to say so."""

    def __init__(self) -> None:
        self.looks = 0
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def by_token(self, *_: object, **__: object) -> Endpoint | None:
        self.looks += 1
        self.is_asked.set()
        await self.may_answer.wait()
        return None


async def answered(receiver: Receiver) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"method": "POST", "path": "/webhooks/unknown", "headers": []}
    await receiver(scope, receive, send)
    return int(sent[0]["status"])


async def test_all_who_come_at_once_share_one_look_for_their_address(database):
    endpoints = SlowEndpoints()
    inbox = Inbox(integrations={}, installations_of=lambda _: (), stream_of=lambda *_: None)
    receiver = Receiver(
        database,
        clock=SystemClock(),
        endpoints=cast("Endpoints", endpoints),
        inbox=inbox,
        webhooks_of=lambda _: None,
    )

    asking = [asyncio.create_task(answered(receiver)) for _ in range(20)]
    await endpoints.is_asked.wait()
    endpoints.may_answer.set()

    assert await asyncio.gather(*asking) == [404] * 20
    assert endpoints.looks == 1
    await receiver.close()
