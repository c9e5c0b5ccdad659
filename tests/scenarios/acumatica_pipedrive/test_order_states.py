"""A deal's stage and status give its order a state, by the user's table (ACU-09, M-01, M-08)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until
from tests.scenarios.acumatica_pipedrive.test_dry_run import rehearsed
from tests.scenarios.cli.conftest import quiet_logs

from ml_connector.core.errors import ConfigurationError
from ml_connector.transport import kept

HOLD, OPEN, ALSO_OPEN = 2, 3, 4
TABLE: dict[str, Any] = {
    "by_stage": {"Contact made": "hold", "Demo scheduled": "open", "4": "open"},
    "by_status": {"lost": "cancelled"},
}
SETTINGS: dict[str, Any] = {"order_states": TABLE}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Any:
    yield from quiet_logs(monkeypatch)


async def move(shop: Shop, deal: int, stage: int) -> Any:
    return await shop.then(
        deal, shop.world.play("pipedrive", "move_stage", id=deal, stage_id=stage)
    )


async def turn(shop: Shop, deal: int, action: str) -> Any:
    await shop.world.control("clock", {"advance_seconds": 5})
    return await shop.then(deal, shop.world.play("pipedrive", action, id=deal))


async def finance(shop: Shop, deal: int, action: str, **how: Any) -> None:
    await shop.world.play("acumatica", action, external_ref=f"pd-deal-{deal}", **how)


async def status(shop: Shop, deal: int) -> str:
    return str((await shop.order(deal))["Status"])


async def test_stage_releases_the_order_and_another_puts_it_back_on_hold(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold()
        assert await status(shop, deal) == "On Hold"

        row = await move(shop, deal, OPEN)
        assert "was released from hold" in row.reason
        assert await status(shop, deal) == "Open"

        await move(shop, deal, HOLD)
        assert await status(shop, deal) == "On Hold"
        await move(shop, deal, OPEN)
        assert await status(shop, deal) == "Open"


async def test_order_begins_in_the_state_that_the_table_gives_it(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        assert await status(shop, await shop.sold(stage_id=OPEN)) == "Open"


async def test_stage_of_the_same_state_makes_no_call(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold(stage_id=OPEN)
        last = await shop.last_call()

        row = await move(shop, deal, ALSO_OPEN)

        assert (row.state, row.outcome) == ("done", "unchanged")
        assert await shop.calls(since=last) == []


async def test_lost_deal_cancels_its_order_and_one_that_is_won_again_reopens_it(opened: OpenShop):
    table = {"by_status": {"won": "open", "open": "hold", "lost": "cancelled"}}
    async with opened(settings={"order_states": table}) as shop:
        deal = await shop.sold()
        assert await status(shop, deal) == "Open"

        await turn(shop, deal, "lose_deal")
        assert await status(shop, deal) == "Canceled"
        row = await turn(shop, deal, "reopen_deal")
        assert "was reopened and was put on hold" in row.reason
        assert await status(shop, deal) == "On Hold"
        await turn(shop, deal, "win_deal")
        assert await status(shop, deal) == "Open"
        assert len(await shop.orders()) == 1


async def test_what_the_table_does_not_name_follows_the_rule_for_the_deals_end(opened: OpenShop):
    async with opened(settings={**SETTINGS, "after": {"reopened": "cancel"}}) as shop:
        deal = await shop.sold()

        await turn(shop, deal, "reopen_deal")

        assert await status(shop, deal) == "Canceled"


async def test_deleted_deal_follows_the_table(opened: OpenShop):
    table = {"by_status": {"deleted": "cancelled"}}
    async with opened(settings={"order_states": table}) as shop:
        deal = await shop.sold()

        await shop.then(deal, shop.world.play("pipedrive", "delete", kind="deal", id=deal))

        assert await status(shop, deal) == "Canceled"


@pytest.mark.parametrize("present", ["Completed", "Shipping", "Risk Hold", "Von Hand"])
async def test_order_that_is_past_being_moved_is_held_with_its_status(
    opened: OpenShop, present: str
):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold(stage_id=OPEN)
        key = ["SO", (await shop.order(deal))["OrderNbr"]]
        await shop.world.play(
            "acumatica", "set_status", entity="SalesOrder", key=key, status=present
        )
        last = await shop.last_call()

        row = await turn(shop, deal, "lose_deal")

        assert row.state == "held"
        assert f"is {present} there" in row.reason
        assert await shop.writes("acumatica", since=last) == []


async def test_order_with_an_applied_payment_is_not_cancelled_and_says_why(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold(stage_id=OPEN)
        order = (await shop.order(deal))["OrderNbr"]
        await shop.world.play("acumatica", "prepay", order=order, amount="10")

        row = await turn(shop, deal, "lose_deal")

        assert row.state == "held"
        assert "applied payments" in row.reason


async def test_hold_that_finance_set_is_kept_and_told(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold(stage_id=OPEN)
        await finance(shop, deal, "hold_order")
        await move(shop, deal, HOLD)
        last = await shop.last_call()

        row = await move(shop, deal, OPEN)

        assert row.state == "held"
        assert "not ours to undo: somebody in Acumatica" in row.reason
        assert await shop.writes("acumatica", since=last) == []

        await finance(shop, deal, "release_order")
        assert (await shop.recheck(deal)).state == "done"


async def test_order_that_finance_released_is_a_conflict_with_both_sides(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold()
        await finance(shop, deal, "release_order")

        row = await turn(shop, deal, "lose_deal")

        assert row.state == "held"
        assert "is Open there, though we made it hold" in row.reason
        assert await status(shop, deal) == "Open"


async def test_order_whose_lines_finance_changed_is_not_cancelled_by_the_table(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold(shop.line(quantity=5))
        await finance(shop, deal, "edit_order_line", line=1, values={"OrderQty": "3"})

        row = await turn(shop, deal, "lose_deal")

        assert row.state == "held"
        assert "there 3 x PUMP" in row.reason
        assert await status(shop, deal) == "On Hold"


async def test_credit_hold_that_follows_is_told_and_never_released(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold()
        customer = (await shop.order(deal))["CustomerID"]
        await shop.world.play(
            "acumatica", "set_customer_status", customer=customer, status="Credit Hold"
        )
        assert "is Credit Hold in Acumatica" in (await move(shop, deal, OPEN)).reason

        row = await move(shop, deal, HOLD)
        assert "finance's to release" in row.reason
        await turn(shop, deal, "lose_deal")
        assert await status(shop, deal) == "Canceled"
        await turn(shop, deal, "reopen_deal")
        row = await turn(shop, deal, "win_deal")

        assert row.state == "held"
        assert await status(shop, deal) == "Canceled"


async def test_order_that_needs_an_approval_counts_as_open_and_is_stopped_like_one(
    opened: OpenShop,
):
    switches = {"orders_need_approval": True}
    async with opened(settings=SETTINGS, acumatica=switches) as shop:
        deal = await shop.sold()

        row = await move(shop, deal, OPEN)
        assert "is Pending Approval in Acumatica" in row.reason
        await move(shop, deal, HOLD)
        assert await status(shop, deal) == "On Hold"
        await move(shop, deal, OPEN)
        await finance(shop, deal, "approve_order")
        assert (await move(shop, deal, ALSO_OPEN)).state == "done"
        assert await status(shop, deal) == "Open"
        await turn(shop, deal, "lose_deal")
        assert await status(shop, deal) == "Canceled"


async def test_order_that_was_rejected_is_left_to_finance(opened: OpenShop):
    switches = {"orders_need_approval": True}
    async with opened(settings=SETTINGS, acumatica=switches) as shop:
        deal = await shop.sold(stage_id=OPEN)
        assert await status(shop, deal) == "Pending Approval"
        await finance(shop, deal, "reject_order")
        last = await shop.last_call()

        row = await move(shop, deal, HOLD)

        assert row.state == "held"
        assert "is Rejected there" in row.reason
        assert await shop.writes("acumatica", since=last) == []


async def test_order_that_awaits_a_prepayment_counts_as_open_until_it_is_paid(opened: OpenShop):
    switches = {"prepayment_percent": 30}
    async with opened(settings=SETTINGS, acumatica=switches) as shop:
        deal = await shop.sold(stage_id=OPEN)
        assert await status(shop, deal) == "Awaiting Payment"

        await move(shop, deal, HOLD)
        assert await status(shop, deal) == "On Hold"
        row = await move(shop, deal, OPEN)
        assert "is Awaiting Payment in Acumatica" in row.reason
        await shop.world.play(
            "acumatica", "prepay", order=(await shop.order(deal))["OrderNbr"], amount="30"
        )

        assert (await move(shop, deal, ALSO_OPEN)).state == "done"
        assert await status(shop, deal) == "Open"


async def test_order_whose_total_is_not_the_deals_is_not_released(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold(shop.line(item_price=100))
        await finance(shop, deal, "edit_order_line", line=1, values={"UnitPrice": "95"})

        row = await move(shop, deal, OPEN)

        assert row.state == "held"
        assert "comes to 95" in row.reason
        assert await status(shop, deal) == "On Hold"


async def test_dry_run_tells_the_release_and_writes_nothing(opened: OpenShop):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold()
        await shop.world.stop_working()
        await shop.world.play("pipedrive", "move_stage", id=deal, stage_id=OPEN)

        (change,) = await rehearsed(shop, deal)

        assert change["fields"] == {"hold": False}
        assert await status(shop, deal) == "On Hold"


async def test_stage_that_there_is_not_is_a_fault_with_its_line(opened: OpenShop):
    async with opened() as shop:
        table = {"by_stage": {"Demo schedulde": "open"}}
        with pytest.raises(ConfigurationError, match=r":\d+: .*'Demo schedulde' is no stage"):
            await shop.world.apply(settings={"order_states": table})


async def test_renamed_stage_keeps_its_state(opened: OpenShop, monkeypatch: pytest.MonkeyPatch):
    async with opened(settings=SETTINGS) as shop:
        deal = await shop.sold()
        await shop.world.play(
            "pipedrive", "edit", kind="stage", id=OPEN, changes={"name": "Vorgeführt"}
        )
        monkeypatch.setattr(kept, "KEPT_FOR", timedelta(0))

        await move(shop, deal, OPEN)

        assert await status(shop, deal) == "Open"
        await shop.world.apply(settings=SETTINGS)  # by the old name, which its id leads on


WON_OPEN_LOST: dict[str, Any] = {"by_status": {"won": "open", "open": "hold", "lost": "cancelled"}}


@pytest.mark.parametrize("became", ["Open", "On Hold", "Back Order"])
async def test_order_that_is_reopened_is_brought_to_its_state_whatever_reopening_makes_of_it(
    opened: OpenShop, became: str
):
    switches = {"reopened_status": became}
    async with opened(settings={"order_states": WON_OPEN_LOST}, acumatica=switches) as shop:
        deal = await shop.sold()
        await turn(shop, deal, "lose_deal")

        row = await turn(shop, deal, "reopen_deal")
        assert (row.state, await status(shop, deal)) == ("done", "On Hold"), row.reason
        row = await turn(shop, deal, "win_deal")
        assert (row.state, await status(shop, deal)) == ("done", "Open"), row.reason


async def test_change_that_meets_an_operation_still_running_is_made_once_that_is_over(
    opened: OpenShop,
):
    async with opened(settings={"order_states": WON_OPEN_LOST}) as shop:
        deal = await shop.sold()
        await turn(shop, deal, "lose_deal")
        await shop.world.control(
            "acumatica/faults",
            {
                "rules": [
                    {
                        "effect": {"kind": "cut_after"},
                        "match": {"operation": "ReopenSalesOrder"},
                        "times": 1,
                    }
                ]
            },
        )

        await shop.world.play("pipedrive", "reopen_deal", id=deal)
        await until(lambda: _waits_for(shop, deal, "long operation is running"))
        await shop.world.jump(timedelta(minutes=1))

        await until(lambda: _is_done(shop, deal))  # the poll, due by then too, may raise it again
        assert await status(shop, deal) == "On Hold"
        assert sum("Reopen" in call for call in await shop.calls()) == 1


async def _is_done(shop: Shop, deal: int) -> bool:
    return bool((await shop.world.row(deal)).state == "done")


async def _waits_for(shop: Shop, deal: int, words: str) -> bool:
    row = await shop.world.row(deal)
    return row.outcome == "retrying" and words in row.reason
