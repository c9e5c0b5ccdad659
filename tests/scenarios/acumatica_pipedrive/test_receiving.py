"""Webhooks: verified first, stored before they are answered, taken once (P-05 to P-08)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until

from ml_connector.storage.database import open_connection
from ml_connector.storage.urls import with_database


async def test_repeated_webhook_makes_nothing_twice(shop: Shop):
    deal = await shop.sold()
    await shop.quiet()
    before = await shop.world.row(deal)

    for _ in range(3):
        await shop.world.play("pipedrive", "repeat_webhook")
    await shop.quiet()

    after = await shop.world.row(deal)
    assert (after.wanted, after.run_no) == (before.wanted, before.run_no)
    assert len(await shop.orders()) == 1


async def test_doubled_and_reordered_webhooks_end_in_one_order_each(opened: OpenShop):
    switches = {"doubled_webhooks": 0.7, "reordered_webhooks": 0.5}
    async with opened(pipedrive=switches) as shop:
        # names of their own: of one name, who comes second is held for a person to look
        deals = [await shop.deal(shop.line(), organization=f"Kunde {n} AG") for n in range(6)]
        for deal in deals:
            for action in ("win_deal", "reopen_deal", "win_deal"):
                await shop.world.play("pipedrive", action, id=deal)
        await shop.settled(*deals)
        await shop.quiet()

        found = sorted(one["ExternalRef"] for one in await shop.orders())
        assert found == sorted(f"pd-deal-{deal}" for deal in deals)


@pytest.mark.parametrize(
    "credentials",
    [
        {"user": "ml-connector", "password": "guessed"},
        {"user": None, "secret": None},
        {"user": None, "secret": "guessed"},
    ],
    ids=["wrong password", "no guard", "a signature where none was agreed"],
)
async def test_forged_webhook_gets_401_and_leaves_no_record(
    opened: OpenShop, credentials: dict[str, Any]
):
    async with opened(works=False) as shop:  # a poll would see the deal as well
        (hook,) = [
            one for one in await shop.records("pipedrive", "webhooks") if one["version"] == "2.0"
        ][:1]
        deal = await shop.deal(shop.line())

        answer = await shop.world.play(
            "pipedrive", "forge_webhook", url=hook["subscription_url"], deal_id=deal, **credentials
        )

        assert answer["status"] == 401
        assert await stored(shop) == 0
        assert await shop.world.rows() == []


async def test_unknown_address_gets_404_and_too_long_a_body_413(shop: Shop):
    base = str(shop.world.public_url).rstrip("/")

    async with shop.world.http.post(f"{base}/webhooks/none-such", data=b"{}") as answer:
        assert answer.status == 404
    async with shop.world.http.post(
        f"{base}/webhooks/none-such", data=b" " * (2 * 1024 * 1024)
    ) as answer:
        assert answer.status == 413
    assert await stored(shop) == 0


async def test_webhook_is_answered_503_while_the_database_is_away_and_taken_when_resent(
    opened: OpenShop,
):
    async with opened(works=False) as shop:
        deal = await shop.deal(shop.line())
        earlier = await all_delivered(shop)
        async with database_away(shop):
            await shop.wins(deal)
            assert set(await first_answers(shop, after=earlier)) == {503}

        await shop.world.control("clock", {"advance_seconds": 60})  # Pipedrive tries again
        await shop.world.work_inside()
        row = await shop.settled(deal)

        assert row.trigger["by"] == "webhook"
        assert len(await shop.orders()) == 1


async def stored(shop: Shop) -> int:
    async with shop.world.services.database.transaction() as db:
        found: int = (await db.execute(text("SELECT count(*) FROM webhook_inbox"))).scalar_one()
        return found


async def all_delivered(shop: Shop) -> int:
    """Wait until every event so far has been delivered; return how many there were."""

    async def is_quiet() -> bool:
        return all(one["outcome"] != "pending" for one in await shop.deliveries())

    await until(is_quiet)
    return len(await shop.deliveries())


async def first_answers(shop: Shop, *, after: int) -> list[int]:
    """Wait for the first answer to an event that came after so many others."""
    found: list[int] = []

    async def has_come() -> bool:
        later = (await shop.deliveries())[after:]
        attempts = [each for one in later for each in one["attempts"]]
        found[:] = [each["status"] for each in attempts]
        return bool(found)

    await until(has_come)
    return found


@asynccontextmanager
async def database_away(shop: Shop) -> AsyncIterator[None]:
    """Cut every connection to the database, and let nobody connect."""
    url = shop.world.services.database.url
    name = url.partition("?")[0].rpartition("/")[2]
    admin = await open_connection(with_database(url, "postgres"))
    try:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        try:
            yield
        finally:
            await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    finally:
        await admin.close()
