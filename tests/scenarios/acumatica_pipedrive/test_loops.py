"""What we write does not come back as work that writes, and others' loops are broken (P-14)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until

from ml_connector.sync.runner import LOOP_WINDOW, MOST_WRITES_IN_WINDOW

A_CADENCE = timedelta(minutes=1, seconds=5)


async def test_our_writes_come_back_by_webhook_and_by_poll_and_nothing_is_written(shop: Shop):
    deal = await shop.sold()
    written = await writes(shop)
    assert written == {
        "acumatica": ["PUT Customer", "PUT SalesOrder"],
        "pipedrive": ["PATCH organizations", "PATCH deals"],
    }
    row = await shop.world.row(deal)
    assert row.wanted > 1, "the echo of our write was never heard"
    assert row.trigger["by"] == "webhook"

    await shop.world.jump(A_CADENCE)
    await shop.quiet()

    assert await writes(shop) == written
    assert set((await shop.outcomes(deal))[1:]) <= {"unchanged"}


async def test_our_writes_come_back_by_poll_alone_and_nothing_is_written(opened: OpenShop):
    async with opened(pipedrive={"lost_webhooks": 1.0}) as shop:
        deal = await shop.deal(shop.line())
        await shop.wins(deal)
        await shop.world.jump(A_CADENCE)
        await shop.settled(deal)
        written = await writes(shop)
        runs = (await shop.world.row(deal)).run_no

        await shop.world.jump(A_CADENCE)
        await until(lambda: ran_again(shop, deal, after=runs))
        await shop.quiet()

        assert len(written["pipedrive"]) == 2
        assert await writes(shop) == written
        assert (await shop.outcomes(deal))[-1] == "unchanged"


async def test_automation_that_undoes_every_write_is_broken_off_and_told(shop: Shop):
    deal = await shop.sold()
    field = (await shop.own_fields())["order_number"]
    number = (await shop.order(deal))["OrderNbr"]
    async with emptying(shop, deal, field):
        row = await broken_off(shop, deal)
        assert row.waits_for == f"loop:{deal}"
        assert f"{MOST_WRITES_IN_WINDOW} writes" in row.reason
        (told,) = await shop.told()
        assert told == row.reason
        before = len(await shop.writes("pipedrive"))

        # Whatever is changed now: the record rests.
        for n in range(3):
            await edit(shop, deal, title=f"Another title {n}")
        await shop.quiet()
        assert len(await shop.writes("pipedrive")) == before
        assert (await shop.world.row(deal)).state == "held"

        # After an hour it has one try, which is answered again.
        runs = (await shop.world.row(deal)).run_no
        await shop.world.jump(LOOP_WINDOW)
        await until(lambda: ran_again(shop, deal, after=runs))
        await broken_off(shop, deal)
        assert len(await shop.writes("pipedrive")) <= before + 2

    await shop.world.jump(2 * LOOP_WINDOW)
    await until(lambda: shows(shop, deal, field, number))
    assert (await shop.settled(deal)).state == "done"


async def writes(shop: Shop) -> dict[str, list[str]]:
    """Return what was written to records on both sides, in order."""
    records = [
        f"PATCH {call['target'].split('/')[3]}"
        for call in await shop.world.calls("pipedrive")
        if call["method"] == "PATCH"
    ]
    return {"acumatica": await shop.writes("acumatica"), "pipedrive": records}


async def edit(shop: Shop, deal: int, **changes: Any) -> None:
    await shop.world.play("pipedrive", "edit", kind="deal", id=deal, changes=changes)


@asynccontextmanager
async def emptying(shop: Shop, deal: int, field: str) -> AsyncIterator[None]:
    """Have an automation that empties a field of the deal whenever it is filled."""

    async def empty() -> None:
        while True:
            if (await shop.crm_deal(deal))["custom_fields"].get(field):
                await edit(shop, deal, custom_fields={field: None})
            await shop.hurry()
            await asyncio.sleep(0.01)

    automation = asyncio.create_task(empty())
    try:
        yield
    finally:
        automation.cancel()
        await asyncio.wait([automation])


async def broken_off(shop: Shop, deal: int) -> Any:
    async def is_held() -> bool:
        return bool((await shop.world.row(deal)).state == "held")

    await until(is_held)
    return await shop.world.row(deal)


async def ran_again(shop: Shop, deal: int, *, after: int) -> bool:
    await shop.hurry()
    row = await shop.world.row(deal)
    return bool(row.run_no > after and row.state not in {"queued", "running"})


async def shows(shop: Shop, deal: int, field: str, value: str) -> bool:
    return bool((await shop.crm_deal(deal))["custom_fields"].get(field) == value)
