"""Push notifications make a look earlier and decide nothing (ACU-10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until
from tests.scenarios.acumatica_pipedrive.test_items import (
    item_row,
    look,
    price,
    product,
    stocked,
)

from ml_connector.app.push_addresses import PushAddress, push_address
from ml_connector.core.ids import new_token

_TICKS = 639_089_253_831_234_567


async def address_of(shop: Shop, *, rotate: bool = False) -> PushAddress:
    services = shop.world.services
    rows = await services.connections.accounts.list(1)
    (erp,) = [row for row in rows if row.name == "erp"]
    return await push_address(services, erp, rotate=rotate, who="test")


async def pushes_set_up(shop: Shop) -> PushAddress:
    """Enter the address at the vendor, as its administrator does."""
    made = await address_of(shop)
    assert made.header_value is not None
    await shop.world.seed(
        "acumatica",
        push_destinations=[
            {
                "url": made.url,
                "header_name": made.destination.header,
                "header_value": made.header_value.reveal(),
                "queries": [
                    {
                        "name": "Connector Stock Items",
                        "entity": "StockItem",
                        "columns": {
                            "InventoryCD": "InventoryID",
                            "Status": "ItemStatus",
                            "BasePrice": "DefaultPrice",
                        },
                    }
                ],
            }
        ],
    )
    return made


async def inbox(shop: Shop) -> int:
    async with shop.world.services.database.transaction() as db:
        return int(await db.scalar(text("SELECT count(*) FROM webhook_inbox")) or 0)


async def post(url: str, body: Any, headers: Mapping[str, str]) -> int:
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=headers) as got:
        return got.status


def notification(item: str = "PUMP-40  ", *, id_: str = "") -> dict[str, Any]:
    return {
        "Inserted": [{"InventoryCD": item, "Status": "Active"}],
        "Deleted": [{"InventoryCD": item, "Status": "Inactive"}],
        "Query": "Connector Stock Items",
        "CompanyId": "Company",
        "Id": id_ or new_token(),
        "TimeStamp": _TICKS,
    }


async def test_pushed_change_is_taken_up_without_a_poll(opened: OpenShop):
    async with stocked(opened) as shop:
        await look(shop)
        await pushes_set_up(shop)

        await shop.world.play("acumatica", "set_item_price", item="PUMP-40", price=1400)

        async def has_come() -> bool:
            await shop.hurry()
            return price(await product(shop, "PUMP-40")) == 1400

        await until(has_come)
        assert (await item_row(shop, "PUMP-40")).trigger["by"] == "webhook"


@pytest.mark.parametrize("value", [None, "guessed", ""], ids=["none", "wrong", "empty"])
async def test_notification_without_the_header_gets_401_and_leaves_no_record(
    opened: OpenShop, value: str | None
):
    async with opened(works=False) as shop:
        made = await address_of(shop)
        headers = {} if value is None else {made.destination.header: value}

        assert await post(made.url, notification(), headers) == 401

        assert await inbox(shop) == 0


async def test_resent_notification_counts_once_and_another_inquiry_of_the_transaction_counts(
    opened: OpenShop,
):
    async with stocked(opened) as shop:
        await look(shop)
        made = await address_of(shop)
        assert made.header_value is not None
        headers = {made.destination.header: made.header_value.reveal()}
        body, before = notification(), (await item_row(shop, "PUMP-40")).wanted

        answers = [await post(made.url, body, headers) for _ in range(3)]
        other = {**body, "Query": "Other Stock Items"}
        answers.append(await post(made.url, other, headers))

        assert answers == [200] * 4
        assert (await item_row(shop, "PUMP-40")).wanted == before + 2


async def test_what_a_notification_claims_is_never_believed(opened: OpenShop):
    async with stocked(opened) as shop:
        await look(shop)
        made = await address_of(shop)
        assert made.header_value is not None
        headers = {made.destination.header: made.header_value.reveal()}
        lie = notification()
        lie["Inserted"][0]["Description"] = "A free pump"
        lie["Deleted"] = []
        before = (await item_row(shop, "PUMP-40")).run_no

        await post(made.url, lie, headers)

        async def has_run() -> bool:
            await shop.hurry()
            row = await item_row(shop, "PUMP-40")
            return bool(row.run_no > before and row.state == "done")

        await until(has_run)
        assert (await product(shop, "PUMP-40"))["name"] == "Pump 40 mm"


async def test_rotated_header_leaves_the_old_one_good_for_a_day(opened: OpenShop):
    async with opened(works=False) as shop:
        first = await address_of(shop)
        again = await address_of(shop)
        second = await address_of(shop, rotate=True)

        assert first.header_value is not None
        assert second.header_value is not None
        assert again.header_value is None
        assert first.url == second.url
        for value in (first.header_value, second.header_value):
            headers = {first.destination.header: value.reveal()}
            assert await post(first.url, notification(), headers) == 200
