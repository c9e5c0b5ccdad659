"""Many deals of one customer at the same moment (Shows 4)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from tests.crash.signals import working
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until

DEALS = 50
FEW = 8  # runs at once in each worker, so that neither takes them all


async def test_fifty_deals_of_a_new_organization_won_at_once_are_one_customer_and_fifty_orders(
    opened: OpenShop,
):
    async with opened(works=False) as shop:
        organization = await shop.world.organization("Neuwerk GmbH")
        deals = await open_deals(shop, organization)
        for _ in range(2):
            shop.world.start_worker(ML_CONNECTOR_CONCURRENCY=str(FEW))
        await working(shop.world)

        await shop.world.play("pipedrive", "win_deal", ids=deals)
        await both_have_runs(shop)
        await shop.world.settled(*deals, within=90)
        await shop.quiet()

        (customer,) = await shop.customers()
        orders = await shop.orders()
        assert customer["CustomerName"] == "Neuwerk GmbH"
        assert sorted(one["ExternalRef"] for one in orders) == sorted(
            f"pd-deal-{deal}" for deal in deals
        )
        assert {one["CustomerID"] for one in orders} == {customer["CustomerID"]}
        sent = await shop.writes("acumatica")
        assert sent.count("PUT Customer") == 1
        assert sent.count("PUT SalesOrder") == DEALS
        fields = await shop.own_fields()
        shown = {
            deal["id"]: deal["custom_fields"][fields["order_number"]]
            for deal in await shop.records("pipedrive", "deals")
        }
        assert shown == {int(one["ExternalRef"].split("-")[-1]): one["OrderNbr"] for one in orders}
        (buyer,) = await shop.records("pipedrive", "organizations")
        assert buyer["custom_fields"][fields["customer_number"]] == customer["CustomerID"]


async def open_deals(shop: Shop, organization: int) -> list[int]:
    line = {"product_id": shop.products["PUMP"], "quantity": 1, "item_price": 100}
    deal: dict[str, Any] = {"currency": "USD", "org_id": organization, "products": [line]}
    made = await shop.world.seed(
        "pipedrive", deals=[{"title": f"Deal {n}", **deal} for n in range(DEALS)]
    )
    return [int(number) for number in made["deals"]]


async def both_have_runs(shop: Shop) -> None:
    """Wait until each of the two workers was seen to have taken runs."""
    seen: set[str] = set()

    async def are_two() -> bool:
        async with shop.world.services.database.transaction() as db:
            statement = text("SELECT DISTINCT queue_manager_id::text FROM run_queue"
                             " WHERE status = 'picked'")  # fmt: skip
            seen.update(row[0] for row in await db.execute(statement))
        return len(seen) >= 2

    await until(are_two)
