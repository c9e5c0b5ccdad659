"""Two deals that became one in Pipedrive: their orders, and what is billed on them (X-14, M-01)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.ledger import open_ledger
from tests.scenarios.acumatica_pipedrive.shop import Shop, until

CANCELS: dict[str, Any] = {"order_states": {"by_status": {"deleted": "cancelled"}}}
FOLLOWS: dict[str, Any] = {"after": {"changed": "follow", "reopened": "leave"}}


async def merge(shop: Shop, *, goes: int, stays: int) -> Any:
    """Merge deals and return the row of the one that stays."""
    await shop.world.play("pipedrive", "merge", kind="deal", id=stays, merge_with_id=goes)
    return await shop.settled(goes, stays)


async def two_deals(shop: Shop, name: str = "Nordwerk GmbH") -> tuple[int, int]:
    """Sell a deal for 100, and have another of the same organization open."""
    organization = await shop.world.organization(name)
    gone = await shop.sold(shop.line(item_price=100), org_id=organization)
    stays = await shop.deal(org_id=organization)
    return gone, stays


async def two_orders(shop: Shop) -> tuple[int, int]:
    organization = await shop.world.organization()
    gone = await shop.sold(shop.line(item_price=100), org_id=organization)
    stays = await shop.sold(shop.line(item_price=50), org_id=organization)
    return gone, stays


async def statuses(shop: Shop) -> list[str]:
    return [order["Status"] for order in await shop.orders()]


@pytest.mark.parametrize("settings", [CANCELS, FOLLOWS], ids=["cancels", "follows"])
async def test_deal_that_stays_takes_the_order_over_and_it_is_not_cancelled(
    opened: OpenShop, settings: dict[str, Any]
):
    async with opened(settings=settings) as shop:
        gone, stays = await two_deals(shop)
        (order,) = await shop.orders()

        await merge(shop, goes=gone, stays=stays)
        await shop.win(stays)

        (after,) = await shop.orders()
        assert (after["Status"], after["ExternalRef"]) == ("On Hold", f"pd-deal-{stays}")
        assert f"was merged into deal {stays}" in (await shop.world.row(gone)).reason
        row = await shop.world.row(stays)
        assert (row.state, row.outcome) == ("done", "unchanged"), row.reason
        shown = (await shop.crm_deal(stays))["custom_fields"]
        assert shown[(await shop.own_fields())["order_number"]] == order["OrderNbr"]


async def test_deal_that_is_won_right_after_the_merge_gets_no_second_order(opened: OpenShop):
    async with opened(settings=FOLLOWS) as shop:
        gone, stays = await two_deals(shop)
        await shop.world.stop_working()
        await shop.world.play("pipedrive", "merge", kind="deal", id=stays, merge_with_id=gone)
        await shop.wins(stays)
        await until(lambda: all_delivered(shop))
        await shop.world.work_inside()

        row = await shop.settled(gone, stays)

        assert row.state == "done", row.reason
        assert [order["ExternalRef"] for order in await shop.orders()] == [f"pd-deal-{stays}"]


async def all_delivered(shop: Shop) -> bool:
    return all(one["outcome"] != "pending" for one in await shop.deliveries())


async def test_order_that_was_taken_over_follows_the_deal_that_stays(opened: OpenShop):
    settings = {"after": {"changed": "follow", "reopened": "leave", "lost": "cancel"}}
    async with opened(settings=settings) as shop:
        gone, stays = await two_deals(shop)
        await merge(shop, goes=gone, stays=stays)
        await shop.win(stays)

        await shop.then(
            stays,
            shop.world.play("pipedrive", "add_line", deal_id=stays, **shop.line(item_price=50)),
        )
        (order,) = await shop.orders()
        assert Decimal(str(order["OrderTotal"])) == 150
        await shop.then(stays, shop.world.play("pipedrive", "lose_deal", id=stays))

        assert await statuses(shop) == ["Canceled"]


async def test_order_taken_over_by_an_open_deal_is_held_naming_both(shop: Shop):
    gone, stays = await two_deals(shop)

    row = await merge(shop, goes=gone, stays=stays)

    assert row.state == "held"
    assert f"deal {stays} is open, and deal {gone} is merged in" in row.reason.lower()


async def test_reference_that_finance_changed_or_that_is_closed_stays(opened: OpenShop):
    async with opened(settings=FOLLOWS) as shop:
        gone, stays = await two_deals(shop)
        (order,) = await shop.orders()
        await shop.world.play(
            "acumatica", "edit", entity="SalesOrder", key=["SO", order["OrderNbr"]],
            values={"ExternalRef": "web-4711"},
        )  # fmt: skip
        await merge(shop, goes=gone, stays=stays)
        second, stays_too = await two_deals(shop, "Suedwerk AG")
        await shop.world.play("acumatica", "complete_order", external_ref=f"pd-deal-{second}")
        await merge(shop, goes=second, stays=stays_too)

        references = [each["ExternalRef"] for each in await shop.orders()]
        assert references == ["web-4711", f"pd-deal-{second}"]
        assert await shop.noted(stays, "reference_left") != []
        assert (await shop.world.row(stays_too)).state == "done"


async def test_two_orders_of_one_merged_deal_are_told_and_held_and_neither_is_changed(
    opened: OpenShop,
):
    async with opened(settings={**CANCELS, **FOLLOWS}) as shop:
        gone, stays = await two_orders(shop)
        numbers = [order["OrderNbr"] for order in await shop.orders()]
        last = await shop.last_call()

        row = await merge(shop, goes=gone, stays=stays)

        assert row.state == "held"
        assert all(number in row.reason for number in numbers)
        (told,) = await shop.told("merge")
        assert all(number in told for number in numbers)
        assert await shop.writes("acumatica", since=last) == []
        assert await statuses(shop) == ["On Hold", "On Hold"]


@pytest.mark.parametrize("cancelled", ["gone", "stays"])
async def test_merged_deal_goes_by_the_order_that_is_left(opened: OpenShop, cancelled: str):
    async with opened(settings=FOLLOWS) as shop:
        deals = dict(zip(("gone", "stays"), await two_orders(shop), strict=True))
        await merge(shop, goes=deals["gone"], stays=deals["stays"])

        await shop.world.play(
            "acumatica", "cancel_order", external_ref=f"pd-deal-{deals[cancelled]}"
        )
        row = await shop.recheck(deals["stays"])

        assert row.state == "done", row.reason
        totals = [
            Decimal(str(order["OrderTotal"]))
            for order in await shop.orders()
            if order["Status"] != "Canceled"
        ]
        assert totals == [150]


async def test_deal_that_is_lost_after_a_merge_cancels_both_orders(opened: OpenShop):
    async with opened(settings={"after": {"lost": "cancel"}}) as shop:
        gone, stays = await two_orders(shop)
        await merge(shop, goes=gone, stays=stays)

        await shop.then(stays, shop.world.play("pipedrive", "lose_deal", id=stays))

        assert await statuses(shop) == ["Canceled", "Canceled"]


@pytest.mark.parametrize("settings", [CANCELS, {"after": {"deleted": "cancel"}}])
async def test_merge_that_is_told_as_a_deletion_cancels_nothing_and_makes_nothing_twice(
    opened: OpenShop, settings: dict[str, Any]
):
    async with opened(settings=settings, crm_settings={"webhook_format": "1.0"}) as shop:
        gone, stays = await two_deals(shop)
        number = (await shop.orders())[0]["OrderNbr"]

        await merge(shop, goes=gone, stays=stays)
        await shop.win(stays)

        rows = [await shop.world.row(deal) for deal in (gone, stays)]
        assert [row.state for row in rows] == ["held", "held"]
        assert "deleted or merged" in rows[0].reason
        assert number in rows[1].reason
        assert await statuses(shop) == ["On Hold"]

        await shop.world.play("acumatica", "cancel_order", external_ref=f"pd-deal-{gone}")
        await shop.recheck(gone, stays)

        assert await statuses(shop) == ["Canceled", "On Hold"]


async def test_what_is_billed_goes_over_to_the_deal_that_stays(opened: OpenShop):
    async with open_ledger(opened, settings=FOLLOWS) as ledger:
        organization = await ledger.shop.world.organization()
        gone, order = await ledger.sold(600, org_id=organization)
        stays, other = await ledger.sold(400, org_id=organization)
        await ledger.invoiced(order)
        await ledger.polled()

        await merge(ledger.shop, goes=gone, stays=stays)
        await ledger.invoiced(other)
        await ledger.polled()

        assert (await ledger.shown(stays))["billed_total"] == "1000.00 USD"
