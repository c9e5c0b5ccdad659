from __future__ import annotations

import random

import aiohttp
import pytest

from vendor_simulators.acumatica.people import People
from vendor_simulators.acumatica.simulator import Acumatica
from vendor_simulators.kit import ControlError, Effect, Match, Rule


async def test_operations_in_the_journal_carry_no_ids(site):
    customer_id = await site.customer()
    await site.get(f"Customer/{customer_id}")
    await site.get("Customer")

    operations = [call["operation"] for call in site.simulator.journal.calls()]

    assert operations == ["POST token", "PUT Customer", "GET Customer/key", "GET Customer"]


async def test_an_answer_lost_after_the_save_leaves_the_record(site):
    rule = Rule(effect=Effect(kind="cut_after"), match=Match(operation="PUT Customer"), times=1)
    site.simulator.faults.add(rule)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await site.customer(AccountRef="pd-org-1")

    assert len(site.simulator.records("customer", {"AccountRef": "pd-org-1"})) == 1


async def test_an_injected_500_on_a_write_is_a_lock_violation_and_on_a_read_a_timeout(site):
    site.simulator.fail_next(500, times=2)

    write = await site.put("SalesOrder", {})
    read = await site.get("SalesOrder")

    assert write.exception_type == "PXLockViolationException"
    assert read.text.startswith("Execution Timeout Expired")


async def test_an_injected_429_is_plain_text(site):
    site.simulator.fail_next(429)

    assert (await site.get("Customer")).status == 429


async def test_an_expired_login_is_401_until_the_next_token(site):
    site.simulator.faults.add(Rule(effect=Effect(kind="expire_login"), times=1))

    refused = await site.get("Customer")
    await site.sign_in()

    assert (refused.status, (await site.get("Customer")).status) == (401, 200)


async def test_reset_brings_the_site_back_to_its_beginning(site, sandbox):
    await site.customer()
    site.switch(new_orders_on_hold=False)

    await sandbox.reset()
    await site.sign_in()

    assert (await site.get("Customer")).content == []
    assert site.simulator.switches["new_orders_on_hold"] is True
    assert await site.customer() == "C001001"


async def test_the_same_seed_gives_the_same_ids(clock):
    first, second = (
        Acumatica(clock=clock, rng=random.Random(7)).records("stock_item", {}) for _ in range(2)
    )

    assert [row["id"] for row in first] == [row["id"] for row in second]


async def test_seeded_records_name_themselves_and_may_set_what_only_the_server_sets(site):
    made = await site.simulator.seed(
        {
            "customers": [{"CustomerID": "OLD01", "CustomerName": "Old"}],
            "sales_orders": [
                {"OrderNbr": "SO000009", "CustomerID": "OLD01", "Status": "Completed"}
            ],
        }
    )
    order = await site.get("SalesOrder/SO/SO000009")

    assert made["customers"][0]["CustomerID"] == "OLD01"
    assert (order["CustomerID"], order["Status"]) == ("OLD01", "Completed")


async def test_a_seed_that_the_form_refuses_says_why(site):
    with pytest.raises(ControlError, match="'Terms' cannot be found"):
        await site.simulator.seed({"customers": [{"CustomerName": "x", "Terms": "NOSUCH"}]})
    with pytest.raises(ControlError, match="no records of kind nonsense"):
        await site.simulator.seed({"nonsense": [{}]})


@pytest.mark.parametrize(
    ("action", "body", "text"),
    [
        ("dance", {}, "there is no action dance"),
        ("cancel_order", {"order": "NOPE"}, "no SalesOrder SO/NOPE"),
        ("cancel_order", {}, "order is missing"),
        ("pay", {"invoice": "NOPE"}, "no document Invoice NOPE"),
        ("set_item_price", {"item": "NOPE", "price": 1}, "no item NOPE"),
        ("close_period", {"date": "soon"}, "soon"),
    ],
)
async def test_an_action_that_cannot_be_done_says_why(site, action, body, text):
    with pytest.raises(ControlError, match=text):
        await site.play(action, **body)


def test_every_action_is_built_and_described():
    assert all(about for about in People.ACTIONS.values())
    assert Acumatica.ACTIONS is People.ACTIONS


async def test_people_edit_lines_and_master_data(site):
    order = await site.order(await site.customer())
    number = order["OrderNbr"]

    await site.play("edit_order_line", order=number, line=1, values={"OrderQty": 5})
    await site.play("set_item_status", item="PUMP-80", status="Inactive")
    await site.play("set_item_price", item="PUMP-40", price=1300)
    edited = site.simulator.records("sales_order", {"OrderNbr": number})[0]

    assert edited["OrderTotal"] == 6250
    assert site.simulator.records("stock_item", {"InventoryID": "PUMP-80"})[0]["ItemStatus"] == (
        "Inactive"
    )
    await site.play("delete_order_line", order=number, line=1)
    assert site.simulator.records("sales_order", {})[0]["Details"] == []


async def test_order_to_cash_in_one_go(site):
    order = await site.order(await site.customer(), ExternalRef="pd-deal-1")

    done = await site.play("order_to_cash", external_ref="pd-deal-1", amount=100)

    assert done["payment"]["Balance"] == 2400
    assert (await site.get(f"SalesOrder/SO/{order['OrderNbr']}"))["Status"] == "Completed"


async def test_a_site_may_use_a_status_of_its_own(site):
    order = await site.order(await site.customer())

    await site.play(
        "set_status", entity="sales_order", key=["SO", order["OrderNbr"]], status="In Review"
    )

    assert (await site.get(f"SalesOrder/SO/{order['OrderNbr']}"))["Status"] == "In Review"


async def test_numbering_can_be_advanced(site):
    await site.play("advance_numbering", sequence="SalesOrder", last="SO009999")

    order = await site.order(await site.customer())

    assert order["OrderNbr"] == "SO010000"


async def test_sessions_can_be_listed_so_that_a_leak_shows(site):
    await site.sign_in()

    assert len([row for row in site.simulator.records("sessions", {}) if row["has_seat"]]) == 2
