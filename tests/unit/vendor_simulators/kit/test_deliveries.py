from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from vendor_simulators.kit import (
    Delivery,
    Effect,
    FaultBook,
    Journal,
    Match,
    Outbox,
    Rule,
    SimClock,
)


class Receiver:
    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.statuses: list[int] = []  # answers still to give; then 200

    async def answer(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.text())
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def url(receiver: Receiver) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/hook", receiver.answer)
    async with TestServer(application) as server:
        yield str(server.make_url("/hook"))


@pytest.fixture
def clock() -> SimClock:
    return SimClock(speed=0)


@pytest.fixture
async def outbox(clock: SimClock) -> AsyncIterator[Outbox]:
    sender = Outbox(clock=clock, faults=FaultBook("pipedrive", 0), journal=Journal())
    await sender.start()
    yield sender
    await sender.stop()


async def finished(outbox: Outbox, clock: SimClock) -> None:
    """Let simulated minutes pass until nothing is outstanding."""
    for _ in range(2000):
        if not outbox.outstanding:
            return
        await asyncio.sleep(0.002)
        clock.advance(timedelta(minutes=1))
    raise AssertionError("deliveries are still outstanding")


def scripted(outbox: Outbox, kind: Any, **effect: Any) -> None:
    rule = Rule(effect=Effect(kind=kind, **effect), match=Match(webhook=".*"), times=1)
    outbox._faults.add(rule)


async def test_an_accepted_delivery_is_sent_once(outbox, receiver, url):
    outbox.send(Delivery(event="change.deal", url=url, body=b"1", retry_after=(3, 30)))
    await outbox.drain()

    assert receiver.bodies == ["1"]


async def test_a_refused_delivery_is_tried_again_until_accepted(outbox, receiver, url, clock):
    receiver.statuses = [500, 401]
    attempts: list[tuple[int, int]] = []
    ends: list[bool] = []
    outbox.send(
        Delivery(
            event="x",
            url=url,
            body=b"1",
            retry_after=(3, 30, 150),
            on_attempt=lambda attempt, status: attempts.append((attempt, status)),
            on_end=ends.append,
        )
    )
    await finished(outbox, clock)

    assert attempts == [(1, 500), (2, 401), (3, 200)]
    assert ends == [True]


async def test_gives_up_after_the_last_attempt(outbox, receiver, url, clock):
    receiver.statuses = [500] * 10
    ends: list[bool] = []
    outbox.send(Delivery(event="x", url=url, body=b"1", retry_after=(1, 1), on_end=ends.append))
    await finished(outbox, clock)

    assert (len(receiver.bodies), ends) == (3, [False])


async def test_nobody_listening_counts_as_status_zero(outbox):
    outbox.send(Delivery(event="x", url="http://127.0.0.1:1/", body=b"1"))
    await outbox.drain()

    assert [note["status"] for note in outbox._journal.deliveries()] == [0]


@pytest.mark.parametrize(("kind", "received"), [("lose", 0), ("double", 2)])
async def test_deliveries_are_lost_and_doubled(outbox, receiver, url, kind, received):
    scripted(outbox, kind)
    outbox.send(Delivery(event="x", url=url, body=b"1"))
    await outbox.drain()

    assert len(receiver.bodies) == received
    assert outbox._faults.injected == {f"webhook_{kind}": 1}


async def test_a_reordered_delivery_comes_after_the_next_one(outbox, receiver, url):
    scripted(outbox, "reorder", seconds=60)
    outbox.send(Delivery(event="x", url=url, body=b"first"))
    outbox.send(Delivery(event="x", url=url, body=b"second"))
    await asyncio.wait_for(outbox.drain(), 10)

    assert receiver.bodies == ["second", "first"]
