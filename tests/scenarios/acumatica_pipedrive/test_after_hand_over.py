"""What follows when a deal changes after its order was made, and what never does (M-01)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop


async def test_deal_reopened_before_its_run_is_skipped_with_the_reason(opened: OpenShop):
    async with opened(works=False) as shop:
        deal = await shop.deal(shop.line())
        await shop.wins(deal)
        await shop.world.play("pipedrive", "reopen_deal", id=deal)
        await shop.world.work_inside()

        row = await shop.settled(deal)

        assert (row.outcome, row.reason) == ("skipped", f"deal {deal} is open, not won")
        assert await shop.calls() == []


TURNS = {
    "reopened": ("reopen_deal", {}, "is open again"),
    "lost": ("lose_deal", {}, "is lost"),
    "deleted": ("delete", {"kind": "deal"}, "was deleted"),
}


async def turn(shop: Shop, deal: int, what: str) -> Any:
    action, body, _ = TURNS[what]
    return await shop.then(deal, shop.world.play("pipedrive", action, id=deal, **body))


@pytest.mark.parametrize("what", TURNS)
async def test_deal_that_ends_after_its_order_is_held_naming_both(shop: Shop, what: str):
    deal = await shop.sold()

    row = await turn(shop, deal, what)

    assert row.state == "held"
    assert TURNS[what][2] in row.reason
    assert (await shop.order(deal))["OrderNbr"] in row.reason
    assert (await shop.order(deal))["Status"] == "On Hold"


@pytest.mark.parametrize("what", TURNS)
async def test_deal_that_ends_after_its_order_is_left_where_the_user_chose_so(
    opened: OpenShop, what: str
):
    async with opened(settings={"after": {what: "leave"}}) as shop:
        deal = await shop.sold()
        last = await shop.last_call()

        row = await turn(shop, deal, what)

        assert (row.state, row.outcome) == ("done", "unchanged")
        assert TURNS[what][2] in row.reason
        assert await shop.calls(since=last) == []


@pytest.mark.parametrize("what", TURNS)
async def test_deal_that_ends_cancels_its_order_where_the_user_chose_so(
    opened: OpenShop, what: str
):
    async with opened(settings={"after": {what: "cancel"}}) as shop:
        deal = await shop.sold()

        row = await turn(shop, deal, what)

        assert row.state == "done"
        assert (await shop.order(deal))["Status"] == "Canceled"


@pytest.mark.parametrize("what", TURNS)
async def test_order_that_finance_changed_is_not_cancelled_with_its_deal(
    opened: OpenShop, what: str
):
    async with opened(settings={"after": {what: "cancel"}}) as shop:
        deal = await shop.sold(shop.line(quantity=5, item_price=100))
        reference = f"pd-deal-{deal}"
        await shop.world.play(
            "acumatica", "edit_order_line", external_ref=reference, line=1,
            values={"OrderQty": "3"},
        )  # fmt: skip
        last = await shop.last_call()

        row = await turn(shop, deal, what)

        assert row.state == "held"
        assert "there 3 x PUMP" in row.reason
        assert "ours 5 x PUMP" in row.reason
        assert await shop.writes("acumatica", since=last) == []

        await shop.world.play("acumatica", "cancel_order", external_ref=reference)
        assert (await shop.recheck(deal)).state == "done"


async def test_order_whose_header_finance_changed_is_not_cancelled_with_its_deal(opened: OpenShop):
    settings = {
        "after": {"lost": "cancel"},
        "order_mapping": {"fields": {"RequestedOn": "deal.expected_close_date"}},
    }
    async with opened(settings=settings) as shop:
        deal = await shop.sold(shop.line(), expected_close_date="2030-01-31")
        key = ["SO", (await shop.order(deal))["OrderNbr"]]
        await shop.world.play(
            "acumatica", "edit", entity="SalesOrder", key=key, values={"RequestedOn": "2030-04-04"}
        )

        row = await turn(shop, deal, "lost")

        assert row.state == "held"
        assert "RequestedOn is '2030-04-04' there, ours '2030-01-31'" in row.reason


async def test_deletion_that_only_a_poll_shows_is_held_and_cancels_nothing(opened: OpenShop):
    async with opened(settings={"after": {"deleted": "cancel"}}) as shop:
        deal = await shop.sold()
        await shop.world.control(
            "pipedrive/faults",
            {"rules": [{"effect": {"kind": "lose"}, "match": {"webhook": "deal"}}]},
        )
        await shop.world.play("pipedrive", "delete", kind="deal", id=deal)

        row = await shop.then(deal, shop.world.poll_now())

        assert row.state == "held"
        assert "nothing says whether it was deleted or merged" in row.reason
        assert (await shop.order(deal))["Status"] == "On Hold"


async def test_hold_of_an_ended_deal_ends_by_itself_once_finance_cancels_the_order(shop: Shop):
    deal = await shop.sold()
    assert (await turn(shop, deal, "lost")).state == "held"

    await shop.world.play("acumatica", "cancel_order", external_ref=f"pd-deal-{deal}")
    row = await shop.recheck(deal)

    assert (row.state, row.outcome) == ("done", "unchanged")


# Changed --------------------------------------------------------------------------------------


async def edit_line(shop: Shop, deal: int, **changes: Any) -> Any:
    line = (await shop.crm_deal(deal))["products"][0]["id"]
    return await shop.then(
        deal, shop.world.play("pipedrive", "edit_line", id=line, changes=changes)
    )


async def test_changed_lines_are_held_with_both_figures_and_the_order_stays(shop: Shop):
    deal = await shop.sold(shop.line(item_price=100))
    last = await shop.last_call()

    row = await edit_line(shop, deal, item_price=80)

    assert row.state == "held"
    assert "net was 100.00 and is 80.00" in row.reason
    assert await shop.writes("acumatica", since=last) == []


async def test_change_is_left_where_the_user_chose_so(opened: OpenShop):
    async with opened(settings={"after": {"changed": "leave"}}) as shop:
        deal = await shop.sold(shop.line(item_price=100))
        last = await shop.last_call()

        row = await edit_line(shop, deal, item_price=80)

        assert (row.state, row.outcome) == ("done", "unchanged")
        assert await shop.calls(since=last) == []


async def test_order_follows_its_deal_where_the_user_chose_so(opened: OpenShop):
    async with opened(settings={"after": {"changed": "follow"}}) as shop:
        await shop.item("BOLT")
        deal = await shop.sold(shop.line(item_price=100), shop.line(item_price=30))
        line = (await shop.crm_deal(deal))["products"][0]["id"]

        await shop.then(
            deal,
            shop.world.play(
                "pipedrive", "edit_line", id=line, changes={"item_price": 80, "quantity": 2}
            ),
        )
        await shop.then(
            deal,
            shop.world.play(
                "pipedrive", "add_line", deal_id=deal, **shop.line("BOLT", item_price=5)
            ),
        )

        order = await shop.order(deal)
        lines = [(one["InventoryID"], Decimal(str(one["Amount"]))) for one in order["Details"]]
        assert lines == [("PUMP", Decimal(160)), ("PUMP", Decimal(30)), ("BOLT", Decimal(5))]


async def test_order_that_finance_edited_is_never_overwritten(opened: OpenShop):
    async with opened(settings={"after": {"changed": "follow"}}) as shop:
        deal = await shop.sold(shop.line(item_price=100))
        await shop.world.play(
            "acumatica", "edit_order_line", external_ref=f"pd-deal-{deal}", line=1,
            values={"UnitPrice": "95"},
        )  # fmt: skip
        last = await shop.last_call()

        row = await edit_line(shop, deal, item_price=80)

        assert row.state == "held"
        assert "at 95" in row.reason
        assert "at 100" in row.reason
        assert await shop.writes("acumatica", since=last) == []
        (line,) = (await shop.order(deal))["Details"]
        assert Decimal(str(line["UnitPrice"])) == 95


async def test_change_after_the_order_is_completed_is_held_with_its_status(opened: OpenShop):
    async with opened(settings={"after": {"changed": "follow"}}) as shop:
        deal = await shop.sold(shop.line(item_price=100))
        await shop.world.play("acumatica", "complete_order", external_ref=f"pd-deal-{deal}")
        last = await shop.last_call()

        row = await edit_line(shop, deal, item_price=80)

        assert row.state == "held"
        assert "is Completed in Acumatica" in row.reason
        assert await shop.writes("acumatica", since=last) == []


async def test_deal_moved_to_another_organization_is_held_naming_both(opened: OpenShop):
    async with opened(settings={"after": {"changed": "follow"}}) as shop:
        deal = await shop.sold()
        before = (await shop.crm_deal(deal))["org_id"]
        other = await shop.world.organization("Suedwerk GmbH")

        row = await shop.then(
            deal,
            shop.world.play("pipedrive", "edit", kind="deal", id=deal, changes={"org_id": other}),
        )

        assert row.state == "held"
        assert f"its party was organization {before} and is organization {other}" in row.reason


FOLLOWS_PARTY: dict[str, Any] = {"after": {"other_party": "follow"}}


async def give_to(shop: Shop, deal: int, organization: int) -> Any:
    change = {"kind": "deal", "id": deal, "changes": {"org_id": organization}}
    return await shop.then(deal, shop.world.play("pipedrive", "edit", **change))


async def test_order_goes_along_to_another_organizations_customer_where_chosen(opened: OpenShop):
    async with opened(settings=FOLLOWS_PARTY) as shop:
        deal = await shop.sold(shop.line(quantity=2, item_price=80), currency="EUR")
        other = await shop.world.organization("Suedwerk GmbH")

        row = await give_to(shop, deal, other)

        assert row.state == "done", row.reason
        customers = {one["AccountRef"]: one["CustomerID"] for one in await shop.customers()}
        order = await shop.order(deal)
        assert order["CustomerID"] == customers[f"pd-org-{other}"]
        assert (order["CurrencyID"], Decimal(str(order["OrderTotal"]))) == ("EUR", Decimal(160))
        last = await shop.last_call()
        edited = {"kind": "deal", "id": deal, "changes": {"title": "Another title"}}
        await shop.then(deal, shop.world.play("pipedrive", "edit", **edited))
        assert await shop.calls(since=last) == []


async def test_order_that_goes_to_a_customer_of_another_currency_keeps_its_own(opened: OpenShop):
    async with opened(settings=FOLLOWS_PARTY) as shop:
        organization = await shop.world.organization("Suedwerk GmbH")
        await shop.sold(shop.line(), org_id=organization)  # a customer in USD that takes others
        deal = await shop.sold(shop.line(item_price=80), currency="EUR")

        row = await give_to(shop, deal, organization)

        assert row.state == "done", row.reason
        order = await shop.order(deal)
        assert (order["CurrencyID"], Decimal(str(order["OrderTotal"]))) == ("EUR", Decimal(80))


async def test_order_whose_customer_acumatica_does_not_change_is_held_with_the_reason(
    opened: OpenShop,
):
    switches = {"order_customer": "stays"}
    async with opened(settings=FOLLOWS_PARTY, acumatica=switches) as shop:
        deal = await shop.sold()
        before = (await shop.order(deal))["CustomerID"]

        row = await give_to(shop, deal, await shop.world.organization("Suedwerk GmbH"))

        assert row.state == "held"
        assert "cannot be changed" in row.reason
        assert (await shop.order(deal))["CustomerID"] == before


async def test_order_that_finance_changed_does_not_go_along(opened: OpenShop):
    async with opened(settings=FOLLOWS_PARTY) as shop:
        deal = await shop.sold(shop.line(quantity=5))
        await shop.world.play(
            "acumatica", "edit_order_line", external_ref=f"pd-deal-{deal}", line=1,
            values={"OrderQty": "3"},
        )  # fmt: skip
        before = (await shop.order(deal))["CustomerID"]

        row = await give_to(shop, deal, await shop.world.organization("Suedwerk GmbH"))

        assert row.state == "held"
        assert "there 3 x PUMP" in row.reason
        assert (await shop.order(deal))["CustomerID"] == before


async def test_quantity_that_finance_edited_stays_when_the_deal_is_retitled_and_holds_a_new_value(
    opened: OpenShop,
):
    async with opened(settings={"after": {"changed": "follow"}}) as shop:
        deal = await shop.sold(shop.line(quantity=5, item_price=100))
        await shop.world.play(
            "acumatica", "edit_order_line", external_ref=f"pd-deal-{deal}", line=1,
            values={"OrderQty": "3"},
        )  # fmt: skip
        retitle = {"kind": "deal", "id": deal, "changes": {"title": "Another title"}}

        retitled = await shop.then(deal, shop.world.play("pipedrive", "edit", **retitle))
        revalued = await edit_line(shop, deal, item_price=80)

        assert (retitled.state, retitled.outcome) == ("done", "unchanged")
        assert revalued.state == "held"
        assert "3" in revalued.reason
        assert "5" in revalued.reason
        (line,) = (await shop.order(deal))["Details"]
        assert Decimal(str(line["OrderQty"])) == 3
        assert Decimal(str(line["UnitPrice"])) == 100


async def test_edit_of_what_is_not_mapped_makes_no_erp_call(shop: Shop):
    deal = await shop.sold()
    last = await shop.last_call()

    row = await shop.then(
        deal,
        shop.world.play(
            "pipedrive", "edit", kind="deal", id=deal,
            changes={"title": "Another title", "label_ids": [1], "probability": 100},
        ),
    )  # fmt: skip

    assert (row.state, row.outcome) == ("done", "unchanged")
    assert await shop.calls(since=last) == []


async def test_edit_of_a_mapped_field_is_a_change(opened: OpenShop):
    fields = {"RequestedOn": "deal.expected_close_date"}
    async with opened(settings={"order_mapping": {"fields": fields}}) as shop:
        deal = await shop.sold(shop.line(), expected_close_date="2030-01-31")
        assert (await shop.order(deal))["RequestedOn"].startswith("2030-01-31")

        row = await shop.then(
            deal,
            shop.world.play(
                "pipedrive", "edit", kind="deal", id=deal,
                changes={"expected_close_date": "2030-03-01"},
            ),
        )  # fmt: skip

        assert row.state == "held"
        assert "2030-01-31" in row.reason
        assert "2030-03-01" in row.reason


async def test_mapped_field_follows_and_a_change_of_finance_to_it_is_held(opened: OpenShop):
    settings = {
        "after": {"changed": "follow"},
        "order_mapping": {"fields": {"RequestedOn": "deal.expected_close_date"}},
    }
    async with opened(settings=settings) as shop:
        deal = await shop.sold(shop.line(), expected_close_date="2030-01-31")

        async def ask_for(day: str) -> Any:
            return await shop.then(
                deal,
                shop.world.play(
                    "pipedrive", "edit", kind="deal", id=deal,
                    changes={"expected_close_date": day},
                ),
            )  # fmt: skip

        assert (await ask_for("2030-03-01")).state == "done"
        order = await shop.order(deal)
        assert order["RequestedOn"].startswith("2030-03-01")

        await shop.world.play(
            "acumatica", "edit", entity="SalesOrder", key=["SO", order["OrderNbr"]],
            values={"RequestedOn": "2030-04-04"},
        )  # fmt: skip
        row = await ask_for("2030-05-05")

        assert row.state == "held"
        assert "2030-04-04" in row.reason
        assert (await shop.order(deal))["RequestedOn"].startswith("2030-04-04")


# Won again ------------------------------------------------------------------------------------


async def win_again(shop: Shop, deal: int) -> Any:
    """Let finance cancel the order, then lose and win the deal once more."""
    await shop.world.play("acumatica", "cancel_order", external_ref=f"pd-deal-{deal}")
    await shop.then(deal, shop.world.play("pipedrive", "reopen_deal", id=deal))
    await shop.world.control("clock", {"advance_seconds": 5})
    return await shop.then(deal, shop.world.play("pipedrive", "win_deal", id=deal))


async def test_deal_won_again_after_its_order_was_cancelled_is_held(shop: Shop):
    deal = await shop.sold()

    row = await win_again(shop, deal)

    assert row.state == "held"
    assert "cancelled" in row.reason
    assert len(await shop.orders()) == 1


async def test_deal_won_again_gets_one_more_order_with_the_next_suffix_where_chosen(
    opened: OpenShop,
):
    async with opened(settings={"after": {"won_again_after_cancelled": "new"}}) as shop:
        deal = await shop.sold()

        await win_again(shop, deal)

        assert (await shop.order(deal))["Status"] == "Canceled"
        again = await shop.order(deal, suffix="-2")
        assert again["Status"] == "On Hold"
        shown = (await shop.crm_deal(deal))["custom_fields"]
        assert shown[(await shop.own_fields())["order_number"]] == again["OrderNbr"]


async def test_order_of_a_deal_won_again_is_reopened_where_chosen(opened: OpenShop):
    async with opened(settings={"after": {"won_again_after_cancelled": "reopen"}}) as shop:
        deal = await shop.sold()

        row = await win_again(shop, deal)

        assert row.state == "done"
        assert (await shop.order(deal))["Status"] != "Canceled"
        assert len(await shop.orders()) == 1


async def test_deal_won_again_with_its_order_standing_changes_nothing(shop: Shop):
    deal = await shop.sold()
    await shop.then(deal, shop.world.play("pipedrive", "reopen_deal", id=deal))
    await shop.world.control("clock", {"advance_seconds": 5})

    row = await shop.then(deal, shop.world.play("pipedrive", "win_deal", id=deal))

    assert (row.state, row.outcome) == ("done", "unchanged")
    assert len(await shop.orders()) == 1
