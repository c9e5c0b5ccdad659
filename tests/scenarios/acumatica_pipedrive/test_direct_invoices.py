"""A deal becomes a sales invoice at once, by the rules of Acumatica for such (ACU-05)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop

_BY_LOCATION = {
    "orders": {"document": "sales_invoice", "stock_items_on_invoices": True},
    "line_mapping": {"fields": {"Location": {"constant": "MAIN"}}},
}


async def invoices(shop: Shop) -> list[dict[str, Any]]:
    return await shop.records("acumatica", "sales_invoice")


async def test_stock_item_on_a_direct_invoice_is_held_before_any_write(opened: OpenShop):
    async with opened(settings={"orders": {"document": "sales_invoice"}}) as shop:
        deal = await shop.sold()

        row = await shop.world.row(deal)
        assert (row.state, row.waits_for) == ("held", "setting:orders.document")
        assert "stock_items_on_invoices" in row.reason
        assert await shop.writes("acumatica") == []


async def test_stock_item_is_invoiced_from_its_location_where_the_site_takes_it(opened: OpenShop):
    async with opened(settings=_BY_LOCATION) as shop:
        await shop.sold(shop.line(quantity=3))

        (invoice,) = await invoices(shop)
        (line,) = invoice["Details"]
        assert (line["InventoryID"], line["Location"], float(line["Qty"])) == ("PUMP", "MAIN", 3)


async def test_stock_item_without_a_location_is_held_naming_the_mapping(opened: OpenShop):
    async with opened(settings={"orders": _BY_LOCATION["orders"]}) as shop:
        deal = await shop.sold()

        row = await shop.world.row(deal)
        assert (row.state, row.waits_for) == ("held", "mapping:Location")
        assert await invoices(shop) == []


async def test_site_that_takes_none_after_all_refuses_and_nothing_is_lost(opened: OpenShop):
    switches = {"advanced_so_invoices": False}
    async with opened(settings=_BY_LOCATION, acumatica=switches) as shop:
        deal = await shop.sold()

        row = await shop.world.row(deal)
        assert row.state == "dead"
        assert "direct invoice" in row.reason
        assert await invoices(shop) == []


@pytest.mark.parametrize(
    ("version", "field"), [("23.200.001", "CustomerOrder"), ("24.200.001", "ExternalRef")]
)
async def test_reference_stands_where_the_endpoint_version_has_a_place_and_is_found_again(
    opened: OpenShop, version: str, field: str
):
    settings = {"orders": {"document": "sales_invoice"}}
    async with opened() as shop:
        await shop.world.apply(settings=settings, endpoint_version=version)
        product = await shop.world.product("INSTALL", unit="hour")
        line = {"product_id": product, "quantity": 2, "item_price": 120}
        deal = await shop.deal(line)
        await shop.world.control(
            "acumatica/faults",
            {
                "match": {"method": "PUT", "path": "/SalesInvoice"},
                "effect": {"kind": "cut_after"},
                "times": 1,
            },
        )
        await shop.wins(deal)
        await shop.settled(deal)

        (invoice,) = await invoices(shop)  # the lost answer was found by the reference
        assert invoice[field] == f"pd-deal-{deal}"
        assert (await shop.world.row(deal)).state == "done"
