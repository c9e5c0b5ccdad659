"""What cannot be mapped is held, told once, and runs by itself once it can be (P-12, ACU-08)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp import web
from sqlalchemy import text
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until

from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import Guard


async def test_missing_item_is_held_and_the_deal_goes_on_by_itself_once_it_appears(shop: Shop):
    shop.products["VALVE"] = await shop.world.product("VALVE-9")
    deal = await shop.deal(shop.line("VALVE"))
    await shop.wins(deal)
    row = await shop.settled(deal)
    assert (row.state, row.waits_for) == ("held", "item:VALVE-9")
    assert await shop.writes("acumatica") == []

    await shop.world.items("VALVE-9")
    await shop.recheck(deal)

    assert (await shop.order(deal))["Details"][0]["InventoryID"] == "VALVE-9"


async def test_missing_item_is_held_until_the_product_code_is_corrected(shop: Shop):
    product = await shop.world.product("PUNP")
    deal = await shop.deal({"product_id": product, "quantity": 1, "item_price": 5})
    await shop.wins(deal)
    assert (await shop.settled(deal)).waits_for == "item:PUNP"

    await shop.world.play("pipedrive", "edit", kind="product", id=product, changes={"code": "PUMP"})
    await shop.recheck(deal)  # for which item it waits says nothing of the product that names it

    assert await shop.order(deal)


async def test_product_without_a_code_is_held_naming_it(shop: Shop):
    product = await shop.world.product(None, name="Grease")
    deal = await shop.deal({"product_id": product, "quantity": 1, "item_price": 5})
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert (row.state, row.waits_for) == ("held", f"product:{product}")
    assert "Grease" in row.reason


async def test_hold_ends_at_once_when_the_webhook_tells_that_its_record_was_corrected(shop: Shop):
    product = await shop.world.product(None, name="Grease")
    deal = await shop.deal({"product_id": product, "quantity": 1, "item_price": 5})
    await shop.wins(deal)
    assert (await shop.settled(deal)).waits_for == f"product:{product}"

    await shop.world.play("pipedrive", "edit", kind="product", id=product, changes={"code": "PUMP"})
    await shop.settled(deal)

    assert (await shop.world.row(deal)).state == "done"
    assert await shop.order(deal)


async def test_hold_ends_at_once_when_acumatica_pushes_that_the_item_is_there(shop: Shop):
    shop.products["VALVE"] = await shop.world.product("VALVE-9")
    deal = await shop.deal(shop.line("VALVE"))
    await shop.wins(deal)
    assert (await shop.settled(deal)).waits_for == "item:VALVE-9"
    await push_items(shop)

    await shop.world.items("VALVE-9")
    await until(lambda: is_done(shop, deal))

    assert (await shop.order(deal))["Details"][0]["InventoryID"] == "VALVE-9"


async def test_stopped_item_is_held_before_any_write(shop: Shop):
    await shop.world.play("acumatica", "set_item_status", item="PUMP", status="No Sales")
    deal = await shop.deal(shop.line())
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert (row.state, row.waits_for) == ("held", "item:PUMP")
    assert "No Sales" in row.reason
    assert await shop.writes("acumatica") == []


async def test_unmapped_unit_holds_all_its_deals_is_told_once_and_applied_lets_them_through(
    shop: Shop,
):
    product = await shop.world.product("PUMP", unit="Stück")
    line = {"product_id": product, "quantity": 1, "item_price": 5}
    deals = [await shop.deal(line) for _ in range(3)]
    await shop.wins(*deals)
    for deal in deals:
        row = await shop.settled(deal)
        assert (row.state, row.waits_for) == ("held", "mapping:units:Stück")
    assert len(await shop.told()) == 1

    await shop.world.apply(settings={"codes": {"units": {"stück": "EA"}}})
    await shop.settled(*deals)

    rows = {row.record: row.outcome for row in await shop.world.rows()}
    assert set(rows.values()) <= {"written", "unchanged"}
    assert len(await shop.orders()) == 3


async def test_stage_without_an_entry_in_its_table_is_held_until_one_is_applied(opened: OpenShop):
    def settings(**entries: str) -> dict[str, Any]:
        return {
            "order_mapping": {
                "fields": {"Branch": {"from": "deal.Stage", "table": "branches"}},
                "tables": {"branches": {"entries": entries}},
            }
        }

    async with opened(settings=settings(Negotiation="MAIN")) as shop:
        deal = await shop.deal(shop.line())  # in the first stage, Qualified
        await shop.wins(deal)
        row = await shop.settled(deal)
        assert (row.state, row.waits_for) == ("held", "mapping:branches:1")
        assert "1 (Qualified)" in row.reason

        await shop.world.apply(settings=settings(Negotiation="MAIN", Qualified="MAIN"))
        row = await shop.settled(deal)

        assert row.state == "done"
        assert (await shop.order(deal))["Branch"] == "MAIN"


async def test_added_entry_wakes_only_what_waits_for_it(opened: OpenShop):
    def settings(**entries: str) -> dict[str, Any]:
        return {
            "order_mapping": {
                "fields": {"Branch": {"from": "deal.Stage", "table": "branches"}},
                "tables": {"branches": {"entries": entries}},
            }
        }

    async with opened(settings=settings(Negotiation="MAIN")) as shop:
        waits = await shop.deal(shop.line(), stage_id=1)
        other = await shop.deal(shop.line(), stage_id=2)
        await shop.wins(waits, other)
        await shop.settled(waits, other)
        runs = (await shop.world.row(other)).run_no

        await shop.world.apply(settings=settings(Negotiation="MAIN", Qualified="MAIN"))
        await shop.settled(waits)

        assert (await shop.world.row(waits)).outcome in {"written", "unchanged"}
        left = await shop.world.row(other)
        assert (left.state, left.run_no) == ("held", runs)


async def test_unknown_country_of_a_new_customer_is_held_until_it_is_mapped(shop: Shop):
    organization = await shop.world.organization(
        "Südwerk", address={"value": "Gasse 1, Wien, Kakanien", "country": "Kakanien"}
    )
    deal = await shop.deal(shop.line(), org_id=organization)
    await shop.wins(deal)
    row = await shop.settled(deal)
    assert (row.state, row.waits_for) == ("held", "mapping:countries:Kakanien")
    assert await shop.writes("acumatica") == []

    await shop.world.apply(settings={"codes": {"countries": {"Kakanien": "AT"}}})
    row = await shop.settled(deal)

    assert row.state == "done"
    (customer,) = await shop.customers()
    assert customer["MainContact"]["Address"]["Country"] == "AT"


async def test_cause_is_posted_to_the_webhook_once_while_it_lasts_and_again_when_it_comes_back(
    opened: OpenShop,
):
    async with listening() as (url, received), opened(notify_url=url) as shop:
        await shop.world.play("acumatica", "set_item_status", item="PUMP", status="Inactive")
        first, second = [await shop.deal(shop.line()) for _ in range(2)]
        await shop.wins(first, second)
        await shop.settled(first, second)
        await came(received, 1)
        await shop.recheck(first, second)
        assert [one["kind"] for one in received] == ["held"]

        await shop.world.play("acumatica", "set_item_status", item="PUMP", status="Active")
        await shop.recheck(first, second)
        await nothing_unresolved(shop)
        await shop.world.play("acumatica", "set_item_status", item="PUMP", status="Inactive")
        third = await shop.deal(shop.line())
        await shop.wins(third)
        await shop.settled(third)

        await came(received, 2)
        assert "Inactive" in received[1]["message"]


async def push_items(shop: Shop) -> None:
    """Let the site push what becomes of stock items, as its administrator would."""
    services, header = shop.world.services, ("X-Guard", "a-secret-of-its-own")
    connection = await shop.world.connection("erp")
    async with services.database.transaction() as db:
        endpoint = await services.endpoints.create(
            db,
            workspace_id=connection.workspace_id,
            connection_id=connection.id,
            name="push",
            guard=Guard(header=(header[0], Secret(header[1]))),
            now=services.clock.now(),
        )
    query = {"name": "PD-StockItems", "entity": "StockItem", "columns": ["InventoryID"]}
    await shop.world.seed("acumatica", push_destinations=[{
        "url": f"{str(shop.world.public_url).rstrip('/')}{endpoint.path}",
        "header_name": header[0],
        "header_value": header[1],
        "queries": [query],
    }])  # fmt: skip


async def is_done(shop: Shop, deal: int) -> bool:
    await shop.hurry()
    return bool((await shop.world.row(deal)).state == "done")


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Receive notifications."""
    received: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        received.append(await request.json())
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/", received
    finally:
        await runner.cleanup()


async def nothing_unresolved(shop: Shop) -> None:
    """Let so much time pass that the ended cause is taken note of."""
    await shop.world.jump(timedelta(hours=1))

    async def are_resolved() -> bool:
        async with shop.world.services.database.transaction() as db:
            statement = text("SELECT count(*) FROM notification WHERE resolved_at IS NULL")
            return bool((await db.execute(statement)).scalar_one() == 0)

    await until(are_resolved)


async def came(received: list[dict[str, Any]], number: int) -> None:
    async def have_come() -> bool:
        return len(received) >= number

    await until(have_come)
