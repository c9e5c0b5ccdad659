"""A site that slows down or declines gets fewer calls at once, and all of them again later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from tests.simulated.acumatica.conftest import Hand

from ml_connector.core.clock import SystemClock
from ml_connector.core.logins import MemoryLogins
from ml_connector.transport.http import Transport
from ml_connector.transport.pacing import ConnectionPacer
from ml_connector.vendors.acumatica import Client, Settings, limits_of

LICENCE = 8


class Paced:
    """A client that paces, and how many of its calls were under way at most."""

    def __init__(self, client: Client, pacer: ConnectionPacer) -> None:
        self.client = client
        self.pacer = pacer

    async def most_at_once(self, calls: int = 3 * LICENCE) -> int:
        """Make calls all at the same time; return how many of them had a place together."""
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, self.pacer.under_way)
                await asyncio.sleep(0.002)

        watching = asyncio.create_task(watch())
        await asyncio.gather(
            *(self.client.customers_by_email(f"{number}@x.example") for number in range(calls))
        )
        watching.cancel()
        return most


@pytest.fixture
async def paced(make_settings: Callable[..., Settings]) -> AsyncIterator[Paced]:
    settings, clock = make_settings(concurrent_requests=LICENCE), SystemClock()
    limits = limits_of(settings)
    pacer = ConnectionPacer(limits, clock=clock)
    transport = Transport(
        profile_limits=limits,
        clock=clock,
        allow_private_targets=True,
        patience=timedelta(seconds=60),
        pacer=pacer,
    )
    client = Client(settings, transport=transport, logins=MemoryLogins(), clock=clock)
    yield Paced(client, pacer)
    await pacer.close()
    await transport.close()


async def test_a_decline_halves_the_calls_at_once_and_good_answers_bring_them_back(
    hand: Hand, paced: Paced
):
    await hand.switch(work_seconds=0.05)
    assert await paced.most_at_once() == LICENCE

    await hand.switch(decline_next=1)
    await paced.most_at_once(1)
    after = await paced.most_at_once(LICENCE)
    for _ in range(4):
        again = await paced.most_at_once()

    assert 1 <= after < LICENCE
    assert again == LICENCE


async def test_delays_lower_the_calls_at_once_before_the_site_declines_any(
    hand: Hand, paced: Paced
):
    await hand.switch(work_seconds=0.02)
    await paced.most_at_once()

    await hand.switch(work_seconds=1.5)
    await paced.most_at_once(2)
    await hand.switch(work_seconds=0.02)

    assert 1 <= await paced.most_at_once(LICENCE) < LICENCE
    assert {call["status"] for call in await hand.calls()} == {200}


async def test_requests_beyond_the_sites_cores_are_never_declined(hand: Hand, paced: Paced):
    await hand.switch(concurrent_requests=LICENCE, work_seconds=0.02)

    await paced.most_at_once(100)

    assert 429 not in {call["status"] for call in await hand.calls()}
