from decimal import Decimal
from typing import Any

import pytest


@pytest.fixture
async def deal(pipedrive):
    """One deal without lines and one product."""
    await pipedrive.seed(
        products=[{"name": "Roller bearing 6204", "code": "RB-6204"}, {"name": "Belt"}],
        deals=[{"title": "D", "value": 7}],
    )
    return pipedrive


def line(**more: Any) -> dict[str, Any]:
    return {"product_id": 1, "item_price": 14.9, "quantity": 10, **more}


async def value(deal: Any) -> Any:
    return (await deal.get("/api/v2/deals/1")).data["value"]


async def test_documented_line_is_201_and_makes_the_deals_value(deal):
    made = await deal("POST", "/api/v2/deals/1/products", line(tax=19, discount=10))

    assert made.status == 201
    assert made.data["sum"] == Decimal("134.1")
    assert made.data["comments"] == ""
    assert made.data["order_nr"] == 1
    assert made.data["name"] == "Roller bearing 6204"
    assert await value(deal) == Decimal("134.1")
    assert b'"sum":134.1,' in made.body


async def test_documented_inclusive_tax_is_not_added(deal):
    made = await deal("POST", "/api/v2/deals/1/products", {
        "product_id": 1, "item_price": 22, "quantity": 5, "discount": 0.2, "tax": 11,
        "tax_method": "inclusive",
    })  # fmt: skip

    assert made.data["sum"] == Decimal("109.78")


async def test_exclusive_tax_enters_the_sum_by_switch(deal):
    await deal.switch(exclusive_tax_in_sum=True)

    made = await deal("POST", "/api/v2/deals/1/products", line(tax=19))

    assert made.data["sum"] == Decimal("177.31")


async def test_line_and_deal_discounts_make_146_27(deal):
    await deal("POST", "/api/v2/deals/1/products/bulk", {"data": [
        {"product_id": 1, "item_price": 19.99, "quantity": 3, "discount": 10},
        {"product_id": 2, "item_price": 100, "quantity": 1},
    ]})  # fmt: skip

    made = await deal(
        "POST",
        "/api/v2/deals/1/discounts",
        {"description": "5%", "amount": 5, "type": "percentage"},
    )

    assert made.status == 201
    assert await value(deal) == Decimal("146.27")
    listed = await deal.get("/api/v2/deals/1/discounts")
    assert [one["id"] for one in listed.data] == [made.data["id"]]
    gone = await deal("DELETE", f"/api/v2/deals/1/discounts/{made.data['id']}")
    assert gone.data == {"id": made.data["id"]}
    assert await value(deal) == Decimal("153.97")


@pytest.mark.parametrize(("rule", "wanted"), [("on_subtotal", 70), ("one_after_another", 72)])
async def test_several_deal_discounts_by_switch(deal, rule, wanted):
    await deal.switch(deal_discounts=rule)
    await deal("POST", "/api/v2/deals/1/products", line(item_price=100, quantity=1))
    for amount in (10, 20):
        await deal(
            "POST", "/api/v2/deals/1/discounts",
            {"description": "x", "amount": amount, "type": "percentage"},
        )  # fmt: skip

    assert await value(deal) == wanted


@pytest.mark.parametrize(("rule", "wanted"), [("per_line", 95), ("per_unit", 50)])
async def test_amount_discount_by_switch(deal, rule, wanted):
    await deal.switch(line_discount_amount=rule)

    made = await deal(
        "POST", "/api/v2/deals/1/products",
        line(item_price=10, quantity=10, discount=5, discount_type="amount"),
    )  # fmt: skip

    assert made.data["sum"] == wanted


async def test_disabled_lines_do_not_count(deal):
    made = await deal("POST", "/api/v2/deals/1/products", line())
    await deal("POST", "/api/v2/deals/1/products", line(item_price=1, is_enabled=False))

    assert await value(deal) == 149
    await deal("PATCH", f"/api/v2/deals/1/products/{made.data['id']}", {"quantity": 2})
    assert await value(deal) == Decimal("29.8")


async def test_tax_method_is_shared_by_all_lines(deal):
    await deal("POST", "/api/v2/deals/1/products", line())

    await deal("POST", "/api/v2/deals/1/products", line(tax_method="none"))

    listed = await deal.get("/api/v2/deals/1/products")
    assert [one["tax_method"] for one in listed.data] == ["none", "none"]


async def test_value_of_a_deal_with_lines_is_ignored_or_rejected(deal):
    await deal("POST", "/api/v2/deals/1/products", line())

    ignored = await deal("PATCH", "/api/v2/deals/1", {"value": 1})
    await deal.switch(value_with_lines="rejected")
    rejected = await deal("PATCH", "/api/v2/deals/1", {"value": 1})

    assert (ignored.status, ignored.data["value"]) == (200, 149)
    assert rejected.status == 400


async def test_recurring_lines_feed_revenue_and_value(deal):
    await deal(
        "POST", "/api/v2/deals/1/products",
        line(item_price=10, quantity=1, billing_frequency="monthly", billing_frequency_cycles=6),
    )  # fmt: skip

    shown = (await deal.get("/api/v2/deals/1")).data

    assert (shown["value"], shown["mrr"], shown["arr"], shown["acv"]) == (60, 10, 120, 120)


@pytest.mark.parametrize(("rule", "wanted"), [("one_cycle", 10), ("one_year", 120), ("nothing", 0)])
async def test_endless_lines_in_value_by_switch(deal, rule, wanted):
    await deal.switch(endless_lines_in_value=rule)
    await deal(
        "POST", "/api/v2/deals/1/products",
        line(item_price=10, quantity=1, billing_frequency="monthly"),
    )  # fmt: skip

    assert await value(deal) == wanted


async def test_batch_takes_csv_and_repeated_ids_and_pages(deal):
    await deal.seed(deals=[{"title": "E", "products": [line(), line()]}])
    await deal("POST", "/api/v2/deals/1/products", line())

    csv = await deal.get("/api/v2/deals/products?deal_ids=1%2C2&sort_by=deal_id")
    repeated = await deal.get("/api/v2/deals/products?deal_ids=1&deal_ids=2&limit=2")
    rest = await deal.get(
        "/api/v2/deals/products",
        params={"deal_ids": "1,2", "cursor": repeated.json["additional_data"]["next_cursor"]},
    )

    assert [one["deal_id"] for one in csv.data] == [1, 2, 2]
    assert len(repeated.data) == 2
    assert len(rest.data) == 1
    assert (await deal.get("/api/v2/deals/products")).status == 400


async def test_deletes_of_lines(deal):
    await deal("POST", "/api/v2/deals/1/products/bulk", {"data": [line() for _ in range(3)]})

    one = await deal("DELETE", "/api/v2/deals/1/products/1")
    many = await deal("DELETE", "/api/v2/deals/1/products?ids=2,3")

    assert one.json == {"success": True, "data": {"id": 1}}
    assert many.json == {
        "success": True,
        "data": {"ids": [2, 3]},
        "additional_data": {"more_items_in_collection": False},
    }


async def test_bulk_is_all_or_nothing(deal):
    refused = await deal(
        "POST", "/api/v2/deals/1/products/bulk", {"data": [line(), line(product_id=99)]}
    )

    assert refused.status == 400
    assert (await deal.get("/api/v2/deals/1/products")).data == []


async def test_installments_need_one_time_lines(deal):
    body = {"description": "Delivery Fee", "amount": 10, "billing_date": "2025-03-10"}
    refused = await deal("POST", "/api/v2/deals/1/installments", body)
    await deal("POST", "/api/v2/deals/1/products", line())
    made = await deal("POST", "/api/v2/deals/1/installments", body)
    listed = await deal.get("/api/v2/deals/installments?deal_ids=1")
    recurring = await deal("POST", "/api/v2/deals/1/products", line(billing_frequency="monthly"))

    assert refused.status == 400
    assert (made.status, made.data) == (200, {"id": 1, "deal_id": 1, **body})
    assert listed.json == {"success": True, "data": [made.data]}
    assert recurring.status == 400


async def test_purged_product_leaves_null_on_its_lines(deal):
    await deal("POST", "/api/v2/deals/1/products", line())
    await deal("DELETE", "/api/v2/products/1")
    await deal.advance(31 * 86_400)

    found = (await deal.get("/api/v2/deals/1/products")).data[0]

    assert (found["product_id"], found["name"]) == (None, None)
