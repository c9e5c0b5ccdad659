"""Items become products and keep them right, by the rule of each field (ACU-08, P-17, P-22)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import PATIENCE, Shop
from tests.world.world import FLOW

from ml_connector.sync.first_matching import FirstMatch
from ml_connector.sync.rows import POLL
from ml_connector.sync.works import FlowWorks

ITEMS = "item_to_product"
LONG_AGO = "2020-01-01"
_STREAMS = {"stock_items", "non_stock_items"}
_FINAL = {"done", "held", "dead"}


@asynccontextmanager
async def stocked(
    opened: OpenShop, *, items: Mapping[str, Any] | None = None, **how: Any
) -> AsyncIterator[Shop]:
    """Open a shop whose items become products, those of before too."""
    async with opened(**how) as shop:
        await take_items(shop, **(items or {}))
        yield shop


async def take_items(shop: Shop, *, go_live: str = LONG_AGO, **rules: Any) -> None:
    """Switch the flow on, its first match confirmed as it was found."""
    await switch_on(shop, go_live=go_live, **rules)
    await confirm(shop)


async def confirm(shop: Shop) -> dict[str, str]:
    """Match both sides and confirm that; return the verdicts."""
    services = shop.world.services
    await services.directory.read()
    (installation,) = services.directory.all()
    integration = services.integrations[installation.pair]
    task = FirstMatch(
        installation=installation,
        integration=integration,
        flow=integration.flow(ITEMS),
        who="test",
    )
    works = FlowWorks(services.engine, services.integrations, services.open_side)
    async for _ in task.survey(works, services.database, now=services.clock.now()):
        pass
    async with services.database.transaction() as db:
        rows = await db.execute(text("SELECT source_key, verdict FROM first_match"))
        verdicts = {row.source_key: row.verdict for row in rows}
    async for _ in task.confirm(services.database, now=services.clock.now()):
        pass
    await services.directory.read()
    return verdicts


async def switch_on(
    shop: Shop, *, go_live: str = LONG_AGO, units: Mapping[str, str] | None = None, **rules: Any
) -> None:
    await shop.world.apply(
        settings={"items": rules, "codes": {"units": dict(units or {})}},
        flows={
            FLOW: {"on": True, "when": {"every": "1m"}},
            ITEMS: {"on": True, "when": {"every": "1h"}, "go_live": go_live},
        },
    )


async def look(shop: Shop, *, within: float = PATIENCE) -> None:
    """Poll the items and wait until what follows from it is done."""
    before = {row.record: row.run_no for row in await shop.world.rows(POLL)}
    await shop.world.poll_now()
    end = time.monotonic() + within
    while True:
        await shop.hurry()
        polls = [row for row in await shop.world.rows(POLL) if row.record in _STREAMS]
        items = await shop.world.rows(ITEMS)
        has_polled = len(polls) == len(_STREAMS) and all(
            row.state == "done" and row.run_no > before.get(row.record, 0) for row in polls
        )
        if has_polled and all(row.state in _FINAL for row in items):
            return
        assert time.monotonic() < end, [(row.record, row.state, row.reason) for row in items]
        await asyncio.sleep(0.02)


async def item_row(shop: Shop, inventory_id: str) -> Any:
    (row,) = [row for row in await shop.world.rows(ITEMS) if row.record == inventory_id]
    return row


async def products(shop: Shop, code: str) -> list[dict[str, Any]]:
    return [one for one in await shop.records("pipedrive", "products") if one["code"] == code]


async def product(shop: Shop, code: str) -> dict[str, Any]:
    found = await products(shop, code)
    assert len(found) == 1, f"{len(found)} products carry {code}"
    return found[0]


def price(product: Mapping[str, Any], currency: str = "USD") -> Decimal | None:
    found = {each["currency"]: Decimal(str(each["price"])) for each in product["prices"]}
    return found.get(currency)


async def edit(shop: Shop, product_id: int, **changes: Any) -> None:
    await shop.world.play("pipedrive", "edit", kind="product", id=product_id, changes=changes)


async def test_stock_and_non_stock_items_become_products_and_others_get_none(opened: OpenShop):
    async with stocked(opened) as shop:
        await look(shop)

        pump, support = await product(shop, "PUMP-40"), await product(shop, "SUPPORT")
        assert (pump["name"], pump["unit"], price(pump)) == ("Pump 40 mm", "EA", Decimal(1250))
        assert (support["unit"], price(support)) == ("PC", Decimal(300))
        assert await products(shop, "HOSE/25")
        assert await products(shop, "#12-796524")
        assert await products(shop, "OLDPUMP") == []
        assert "No Sales" in (await item_row(shop, "OLDPUMP")).reason


async def test_product_that_was_there_is_linked_by_its_code_and_keeps_its_name(opened: OpenShop):
    async with opened() as shop:
        there = await shop.world.product(
            "VALVE-2",
            name="The good old valve",
            unit="pcs",
            prices=[
                {"currency": "EUR", "price": 77, "cost": 50, "notes": "Messe"},
                {"currency": "USD", "price": 1},
            ],
        )
        await take_items(shop, fields={"unit": "erp"})
        await look(shop)

        found = await product(shop, "VALVE-2")
        assert (found["id"], found["name"]) == (there, "The good old valve")
        assert (found["unit"], price(found)) == ("EA", Decimal("89.5"))
        (euro,) = [each for each in found["prices"] if each["currency"] == "EUR"]
        assert (euro["price"], euro["cost"], euro["notes"]) == (77, 50, "Messe")


async def test_product_that_is_sold_by_the_box_keeps_unit_and_price_and_is_ordered_by_the_box(
    opened: OpenShop,
):
    async with opened() as shop:
        shop.products["VALVE-2"] = await shop.world.product(
            "VALVE-2", unit="BOX", prices=[{"currency": "USD", "price": 800}]
        )
        await take_items(shop)
        await look(shop)

        found = await product(shop, "VALVE-2")
        assert (found["unit"], price(found)) == ("BOX", Decimal(800))
        (told,) = await shop.told("product")
        assert "it is per EA, and the product is sold by BOX" in told

        deal = await shop.sold(shop.line("VALVE-2", item_price=800))
        (line,) = (await shop.order(deal))["Details"]
        assert (line["UOM"], Decimal(str(line["Amount"]))) == ("BOX", Decimal(800))
        await shop.world.play("acumatica", "set_item_price", item="VALVE-2", price="95")
        await look(shop)
        assert price(await product(shop, "VALVE-2")) == Decimal(800)


async def test_unit_of_the_users_own_words_is_the_items_and_its_price_follows(opened: OpenShop):
    async with opened() as shop:
        await shop.world.product("VALVE-2", unit="pcs", prices=[{"currency": "USD", "price": 1}])
        await switch_on(shop, units={"pcs": "EA"})
        await confirm(shop)
        await look(shop)

        found = await product(shop, "VALVE-2")
        assert (found["unit"], price(found)) == ("pcs", Decimal("89.5"))


async def test_quiet_poll_after_everything_is_aligned_writes_nothing(opened: OpenShop):
    async with stocked(opened) as shop:
        await look(shop)
        since = await shop.last_call("pipedrive")

        await shop.world.play("acumatica", "edit", entity="StockItem", key=["PUMP-80"],
                              values={"Content": "a text that no product has"})  # fmt: skip
        await look(shop)
        await look(shop)

        assert await shop.writes("pipedrive", since=since) == []
        assert (await item_row(shop, "PUMP-80")).outcome == "unchanged"


async def test_renamed_repriced_and_discontinued_item_changes_its_product(opened: OpenShop):
    async with stocked(opened) as shop:
        await look(shop)
        made = await product(shop, "PUMP-40")

        await shop.world.play("acumatica", "edit", entity="StockItem", key=["PUMP-40"],
                              values={"Description": "Pump 40 mm, steel"})  # fmt: skip
        await shop.world.play("acumatica", "set_item_price", item="PUMP-40", price=1310.5)
        await look(shop)
        changed = await product(shop, "PUMP-40")
        await shop.world.play("acumatica", "set_item_status", item="PUMP-40", status="No Sales")
        await look(shop)
        stopped = await product(shop, "PUMP-40")
        await shop.world.play("acumatica", "set_item_status", item="PUMP-40", status="Active")
        await look(shop)

        assert (changed["name"], price(changed)) == ("Pump 40 mm, steel", Decimal("1310.5"))
        assert (stopped["id"], stopped["is_linkable"]) == (made["id"], False)
        assert (await product(shop, "PUMP-40"))["is_linkable"]


async def test_item_whose_inventory_id_changes_keeps_its_product(opened: OpenShop):
    async with stocked(opened) as shop:
        await look(shop)
        made = await product(shop, "PUMP-40")

        await shop.world.play("acumatica", "rename_item", item="PUMP-40", inventory_id="P40")
        await look(shop)

        assert (await product(shop, "P40"))["id"] == made["id"]
        assert await products(shop, "PUMP-40") == []


async def test_what_somebody_changed_in_pipedrive_is_kept_by_the_rule_of_the_field(
    opened: OpenShop,
):
    async with stocked(opened) as shop:
        await look(shop)
        made = await product(shop, "PUMP-40")
        await edit(
            shop,
            made["id"],
            name="Our best pump",
            is_linkable=False,
            prices=[{"currency": "USD", "price": 5}, {"currency": "NOK", "price": 13900}],
        )

        await shop.world.play("acumatica", "edit", entity="StockItem", key=["PUMP-40"],
                              values={"Description": "Pump 40 mm, steel"})  # fmt: skip
        await look(shop)

        found = await product(shop, "PUMP-40")
        assert (found["name"], found["is_linkable"]) == ("Our best pump", False)
        assert (price(found), price(found, "NOK")) == (Decimal(1250), Decimal(13900))


@pytest.mark.parametrize("rule", ["hold", "creation", "erp"])
async def test_name_that_somebody_changed_follows_its_rule(opened: OpenShop, rule: str):
    async with stocked(opened, items={"fields": {"name": rule}}) as shop:
        await look(shop)
        made = await product(shop, "PUMP-40")
        await edit(shop, made["id"], name="Our best pump")
        await shop.world.play("acumatica", "edit", entity="StockItem", key=["PUMP-40"],
                              values={"Description": "Pump 40 mm, steel"})  # fmt: skip

        await look(shop)

        row, found = await item_row(shop, "PUMP-40"), await product(shop, "PUMP-40")
        if rule == "hold":
            assert row.state == "held"
            assert "Our best pump" in row.reason
            assert "Pump 40 mm, steel" in row.reason
        assert found["name"] == ("Pump 40 mm, steel" if rule == "erp" else "Our best pump")


async def test_code_that_several_products_carry_holds_the_item_until_one_has_it(opened: OpenShop):
    async with opened() as shop:
        first, second = await shop.world.product("PUMP-40"), await shop.world.product("PUMP-40")
        await take_items(shop)
        await look(shop)
        row = await item_row(shop, "PUMP-40")
        assert (row.state, row.waits_for) == ("held", "product_code:PUMP-40")
        assert f"{first} " in row.reason
        assert f"{second} " in row.reason

        await edit(shop, second, code="PUMP-40-OLD")
        await recheck(shop)

        assert (await product(shop, "PUMP-40"))["id"] == first
        assert (await item_row(shop, "PUMP-40")).state == "done"


async def test_code_that_differs_by_case_and_spaces_is_a_proposal_and_nothing_is_doubled(
    opened: OpenShop,
):
    async with opened() as shop:
        there = await shop.world.product("Pump- 40")
        await take_items(shop)
        await look(shop)
        row = await item_row(shop, "PUMP-40")
        assert row.state == "held"
        assert str(there) in row.reason
        assert await products(shop, "PUMP-40") == []

        await edit(shop, there, code="PUMP-40")
        await recheck(shop)

        assert (await product(shop, "PUMP-40"))["id"] == there


async def test_deleted_product_is_not_made_again_and_is_told(opened: OpenShop):
    async with stocked(opened) as shop:
        await look(shop)
        made = await product(shop, "PUMP-40")
        await shop.world.play("pipedrive", "delete", kind="product", id=made["id"])

        await shop.world.play("acumatica", "set_item_price", item="PUMP-40", price=2)
        await look(shop)

        assert "was deleted" in (await item_row(shop, "PUMP-40")).reason
        assert len(await shop.told("product")) == 1
        alive = [one for one in await products(shop, "PUMP-40") if not one["is_deleted"]]
        assert alive == []


async def test_lost_answer_to_a_create_leaves_one_product(opened: OpenShop):
    async with opened() as shop:
        await shop.world.control(
            "pipedrive/faults",
            {
                "match": {"method": "POST", "path": "/products$"},
                "effect": {"kind": "cut_after"},
                "times": 3,
            },
        )
        await take_items(shop)
        await look(shop, within=60)

        codes = [one["code"] for one in await shop.records("pipedrive", "products")]
        assert len(codes) == len(set(codes))
        assert "PUMP-40" in codes


async def test_missing_item_that_appears_wakes_the_deal_that_waits_for_it_at_once(
    opened: OpenShop,
):
    async with stocked(opened) as shop:
        shop.products["GEAR"] = await shop.world.product("gear-9")
        deal = await shop.deal(shop.line("GEAR"))
        await shop.wins(deal)
        assert (await shop.settled(deal)).waits_for == "item:GEAR-9"

        await shop.world.items("GEAR-9", Description="Gear")
        await look(shop)
        await shop.settled(deal)

        # held itself, because the code is spelled otherwise: the deal need not wait for that
        assert (await item_row(shop, "GEAR-9")).state == "held"


async def test_currency_of_default_prices_is_held_where_the_site_has_several(opened: OpenShop):
    async with opened() as shop:
        await shop.world.seed(
            "acumatica", ledgers=[{"LedgerID": "ACTEUR", "Type": "Actual", "Currency": "EUR"}]
        )
        await take_items(shop)
        await look(shop)
        row = await item_row(shop, "PUMP-40")
        assert (row.state, row.waits_for) == ("held", "setting:items.currency")
        assert "EUR, USD" in row.reason

        await take_items(shop, currency="EUR")
        await look(shop)

        assert price(await product(shop, "PUMP-40"), "EUR") == Decimal(1250)


async def recheck(shop: Shop) -> None:
    """Let held items be looked at again."""
    async with shop.world.services.database.transaction() as db:
        await db.execute(
            text("UPDATE backlog SET due_at = :now WHERE state = 'held' AND flow LIKE :flow"),
            {"now": shop.world.services.clock.now(), "flow": f"%{ITEMS}"},
        )
    await look(shop)


@pytest.mark.parametrize("many", [500, pytest.param(5_000, marks=pytest.mark.prove)])
async def test_first_load_costs_a_few_calls_for_each_hundred_items(opened: OpenShop, many: int):
    codes = [f"PART{number:05}" for number in range(many)]
    async with opened(pipedrive={"plan": "ultimate"}) as shop:
        one_price = [{"currency": "USD", "price": 7}]
        await shop.world.seed(
            "pipedrive",
            products=[
                {"name": code, "code": code, "unit": "EA", "prices": one_price} for code in codes
            ],
        )
        await shop.world.items(*codes, DefaultPrice="7")
        crm, erp = await shop.last_call("pipedrive"), await shop.last_call()

        await take_items(shop, create=False)
        await look(shop, within=120)

        rows = [row for row in await shop.world.rows(ITEMS) if row.record in set(codes)]
        assert len(rows) == many
        assert {row.outcome for row in rows} == {"unchanged"}
        assert len(await shop.calls("pipedrive", since=crm)) <= 20 + many / 10
        assert len(await shop.calls(since=erp)) <= 20 + many / 10


async def test_nothing_is_written_before_the_first_match_is_confirmed(opened: OpenShop):
    async with opened() as shop:
        exact = await shop.world.product("VALVE-2", name="The good old valve")
        alike = await shop.world.product("pump-40")
        twins = [await shop.world.product("PUMP-80") for _ in range(2)]
        await switch_on(shop)
        since = await shop.last_call("pipedrive")
        await look(shop)
        assert (await item_row(shop, "PUMP-40")).waits_for == f"first_match:{ITEMS}"
        assert await shop.writes("pipedrive", since=since) == []

        verdicts = await confirm(shop)
        await look(shop)

        assert verdicts["VALVE-2"] == "matched"
        assert verdicts["PUMP-40"] == "proposed"
        assert verdicts["PUMP-80"] == "ambiguous"
        assert verdicts["SUPPORT"] == "new"
        assert "OLDPUMP" not in verdicts
        assert (await product(shop, "VALVE-2"))["id"] == exact
        assert {row["id"] for row in await products(shop, "PUMP-80")} == set(twins)
        assert (await product(shop, "pump-40"))["id"] == alike
        assert await products(shop, "SUPPORT")


async def test_brake_stops_a_price_change_of_all_items_and_asks(opened: OpenShop):
    rules = {"brake": {"count": 2, "share_percent": 100, "at_least": 1}}
    async with stocked(opened, items=rules) as shop:
        await look(shop)
        await shop.world.jump(timedelta(hours=2))  # past the window of the first load
        items = ("PUMP-40", "PUMP-80", "VALVE-2", "SUPPORT")
        for item in items:
            await shop.world.play("acumatica", "set_item_price", item=item, price=1)

        await look(shop)

        rows = [await item_row(shop, item) for item in items]
        assert sorted(row.state for row in rows) == ["done", "done", "held", "held"]
        assert sum([price(await product(shop, item)) == 1 for item in items]) == 2
