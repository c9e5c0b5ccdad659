"""What a deal's document comes to: compared with Acumatica's own totals (M-02 to M-05)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop


def net(order: dict[str, Any]) -> Decimal:
    return amount(order["OrderTotal"]) - amount(order["TaxTotal"])


def amount(value: Any) -> Decimal:
    return Decimal(str(value))


async def test_line_and_deal_discounts_make_the_agreed_net_whatever_the_price_list_says(
    shop: Shop,
):
    await shop.item("BOLT")
    for item in ("PUMP", "BOLT"):
        await shop.world.play(
            "acumatica", "set_list_price", item=item, price="7.77", currency="USD"
        )
    await shop.world.seed("acumatica", discounts=[{"percent": "3", "level": "Document"}])
    deal = await shop.deal(
        shop.line("PUMP", quantity=3, item_price=19.99, discount=10),
        shop.line("BOLT", quantity=1, item_price=100),
    )
    await shop.world.play("pipedrive", "add_discount", deal_id=deal, amount=5, type="percentage")

    await shop.win(deal)

    assert net(await shop.order(deal)) == Decimal("146.27")


async def test_price_that_includes_tax_makes_a_net_line(shop: Shop):
    deal = await shop.sold(shop.line(quantity=3, item_price=9.99, tax=19, tax_method="inclusive"))

    (line,) = (await shop.order(deal))["Details"]
    assert amount(line["Amount"]) == Decimal("25.18")


async def test_exclusive_tax_is_left_to_the_erp(shop: Shop):
    deal = await shop.sold(shop.line(item_price=100, tax=19, tax_method="exclusive"))

    assert net(await shop.order(deal)) == 100


@pytest.mark.parametrize(
    ("currency", "price", "total"), [("EUR", 19.99, "59.97"), ("JPY", 1333, "3999")]
)
async def test_order_is_in_the_currency_of_its_deal(
    shop: Shop, currency: str, price: float, total: str
):
    deal = await shop.sold(shop.line(quantity=3, item_price=price), currency=currency)

    order = await shop.order(deal)
    assert order["CurrencyID"] == currency
    assert net(order) == Decimal(total)


async def test_deal_without_products_becomes_one_line_on_the_configured_item(opened: OpenShop):
    async with opened(settings={"orders": {"item_without_products": "DEALLINE"}}) as shop:
        deal = await shop.deal(value=1234.5, title="Consulting")

        await shop.win(deal)

        order = await shop.order(deal)
        (line,) = order["Details"]
        assert line["InventoryID"] == "DEALLINE"
        assert net(order) == Decimal("1234.50")


async def test_deal_without_products_is_held_while_no_item_is_chosen_for_it(shop: Shop):
    deal = await shop.deal(value=1234.5)
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert (row.state, row.waits_for) == ("held", "setting:orders.item_without_products")
    assert await shop.orders() == []


async def test_gross_value_of_a_deal_without_products_is_made_net(opened: OpenShop):
    settings = {
        "orders": {"item_without_products": "DEALLINE"},
        "lines": {"value_without_products": "gross", "tax_rate_without_products": 19},
    }
    async with opened(settings=settings) as shop:
        deal = await shop.deal(value=119)

        await shop.win(deal)

        assert net(await shop.order(deal)) == 100


async def test_deal_worth_nothing_makes_an_order_or_is_held_as_chosen(opened: OpenShop):
    async with opened() as shop:
        given = await shop.sold(shop.line(item_price=0))
        assert net(await shop.order(given)) == 0

        await shop.world.apply(settings={"lines": {"zero_value": "hold"}})
        held = await shop.deal(shop.line(item_price=0))
        await shop.wins(held)
        row = await shop.settled(held)

        assert row.state == "held"
        assert "worth nothing" in row.reason


async def test_line_below_zero_is_held_or_taken_off_the_others_as_chosen(opened: OpenShop):
    async with opened() as shop:
        deal = await shop.deal(shop.line(item_price=100), shop.line(item_price=-10))
        await shop.wins(deal)
        row = await shop.settled(deal)
        assert row.state == "held"
        assert "below zero" in row.reason

        await shop.world.apply(settings={"lines": {"negative": "discount"}})
        row = await shop.settled(deal)

        assert row.state == "done"
        assert net(await shop.order(deal)) == 90


async def test_fraction_of_a_unit_that_is_not_divided_is_held(opened: OpenShop):
    async with opened(settings={"orders": {"whole_units": ["EA"]}}) as shop:
        deal = await shop.deal(shop.line(quantity=1.5))
        await shop.wins(deal)

        row = await shop.settled(deal)

        assert row.state == "held"
        assert "1.5 EA" in row.reason
        assert await shop.orders() == []


async def test_line_whose_product_was_purged_is_held(shop: Shop):
    deal = await shop.deal(shop.line())
    for action in ("delete", "purge"):
        await shop.world.play("pipedrive", action, kind="product", id=shop.products["PUMP"])
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert row.state == "held"
    assert "purged" in row.reason


async def test_disabled_lines_are_left_out(shop: Shop):
    deal = await shop.sold(shop.line(item_price=100), shop.line(item_price=50, is_enabled=False))

    order = await shop.order(deal)
    assert len(order["Details"]) == 1
    assert net(order) == 100


async def test_recurring_line_counts_with_all_its_cycles_and_says_so(shop: Shop):
    deal = await shop.sold(
        shop.line(item_price=10, billing_frequency="monthly", billing_frequency_cycles=12)
    )

    order = await shop.order(deal)
    assert net(order) == 120
    assert "Billed monthly, 12 times" in order["Details"][0]["note"]


async def test_comment_variation_and_installments_stand_in_notes(shop: Shop):
    product = shop.products["PUMP"]
    api = shop.world.sandbox.describe()["pipedrive"]
    async with shop.world.http.post(
        f"{api['url']}/api/v2/products/{product}/variations",
        json={"name": "Steel"},
        headers={"x-api-token": api["api_token"]},
    ) as answer:
        variation = (await answer.json())["data"]["id"]
    made = await shop.world.seed(
        "pipedrive",
        deals=[
            {
                "title": "Deal",
                "currency": "USD",
                "org_id": await shop.world.organization(),
                "products": [shop.line(comments="Paint it red", product_variation_id=variation)],
                "installments": [
                    {"amount": 60, "billing_date": "2030-01-31", "description": "First"},
                    {"amount": 40, "billing_date": "2030-02-28", "description": "Rest"},
                ],
            }
        ],
    )
    deal = made["deals"][0]

    await shop.win(deal)

    order = await shop.order(deal)
    assert order["Details"][0]["note"] == "Paint it red\nVariation: Steel"
    assert "2030-01-31: 60 USD (First)" in order["note"]


async def test_lines_that_do_not_come_to_the_deals_value_are_held_with_both_figures(
    opened: OpenShop,
):
    async with opened(pipedrive={"exclusive_tax_in_sum": True}) as shop:
        deal = await shop.deal(shop.line(item_price=100, tax=19))
        await shop.wins(deal)

        row = await shop.settled(deal)

        assert row.state == "held"
        assert "119 USD" in row.reason
        assert "100.00 USD" in row.reason
        assert await shop.orders() == []


async def test_difference_is_reported_and_the_deal_goes_on_where_the_user_chose_so(
    opened: OpenShop,
):
    async with opened(
        settings={"lines": {"on_difference": "go_on"}}, pipedrive={"exclusive_tax_in_sum": True}
    ) as shop:
        deal = await shop.sold(shop.line(item_price=100, tax=19))

        assert net(await shop.order(deal)) == 100
        (told,) = await shop.told("difference")
        assert "119 USD" in told


async def test_order_whose_total_is_not_the_deals_is_kept_on_hold_and_told(opened: OpenShop):
    settings = {"orders": {"on_hold": False, "keep_agreed_price": False}}
    async with opened(settings=settings) as shop:
        await shop.world.play(
            "acumatica", "set_list_price", item="PUMP", price="7.77", currency="USD"
        )

        deal = await shop.sold(shop.line(quantity=10, item_price=100))

        order = await shop.order(deal)
        assert order["Status"] == "On Hold"
        (told,) = await shop.told("difference")
        assert "77.70" in told
        assert "1000.00" in told


async def test_order_whose_total_is_the_deals_is_open_where_the_user_chose_so(opened: OpenShop):
    async with opened(settings={"orders": {"on_hold": False}}) as shop:
        deal = await shop.sold(shop.line())

        assert (await shop.order(deal))["Status"] == "Open"


async def test_deal_becomes_a_sales_invoice_where_the_user_chose_so(opened: OpenShop):
    has_reference = {"endpoint_version": "24.200.001"}  # older ones: test_direct_invoices.py
    settings = {"orders": {"document": "sales_invoice"}}
    async with opened(settings=settings, erp_settings=has_reference) as shop:
        product = await shop.world.product("INSTALL", unit="hour")
        deal = await shop.sold({"product_id": product, "quantity": 2, "item_price": 120})

        (invoice,) = await shop.records("acumatica", "sales_invoice")
        assert amount(invoice["Amount"]) - amount(invoice["TaxTotal"]) == 240
        assert invoice["ExternalRef"] == f"pd-deal-{deal}"
        shown = (await shop.crm_deal(deal))["custom_fields"]
        assert shown[(await shop.own_fields())["order_number"]] == invoice["ReferenceNbr"]
        assert await shop.orders() == []
