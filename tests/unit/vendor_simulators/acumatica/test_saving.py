from __future__ import annotations

from typing import Any

import pytest


async def test_a_put_without_key_creates_under_the_next_number(site):
    first, second = await site.customer(), await site.customer()

    assert (first, second) == ("C001001", "C001002")


async def test_automatic_numbering_ignores_a_key_that_does_not_exist(site):
    answer = await site.saved("Customer", {"CustomerID": "123", "CustomerName": "Acme"})

    assert answer["CustomerID"] == "C001001"


async def test_manual_numbering_takes_the_key_in_upper_case_and_demands_one(site):
    site.switch(numbering={"Customer": "manual"})

    taken = await site.saved("Customer", {"CustomerID": "Cust01", "CustomerName": "Acme"})
    refused = await site.put("Customer", {"CustomerName": "Acme"})

    assert taken["CustomerID"] == "CUST01"
    assert refused.content["CustomerID"]["error"] == "'Customer ID' cannot be empty."


async def test_a_known_key_in_any_case_updates_only_what_is_given(site):
    customer_id = await site.customer(AccountRef="pd-org-1")

    answer = await site.saved(
        "Customer", {"CustomerID": customer_id.lower(), "CustomerName": "Renamed"}
    )

    assert (answer["CustomerName"], answer["AccountRef"]) == ("Renamed", "pd-org-1")
    assert len(site.simulator.records("customers", {})) == 1


async def test_a_record_is_updated_by_id(site):
    created = await site.saved("Customer", {"CustomerName": "Acme"})
    body = {"id": created.content["id"], "AccountRef": {"value": "x"}}

    answer = await site.call("PUT", "Customer", body)

    assert (answer["CustomerID"], answer["AccountRef"]) == (created["CustomerID"], "x")


async def test_a_retried_put_makes_a_second_record(site):
    body = {"CustomerName": "Acme", "AccountRef": "pd-org-1"}

    await site.saved("Customer", body)
    await site.saved("Customer", body)

    found = await site.get("Customer", filter="AccountRef eq 'pd-org-1'")
    assert len(found.content) == 2


async def test_if_none_match_refuses_an_existing_and_if_match_a_missing_record(site):
    customer_id = await site.customer()
    body = {"CustomerID": {"value": customer_id}}
    missing = {"CustomerID": {"value": "NOPE"}, "CustomerName": {"value": "x"}}

    statuses = [
        (await site.call("PUT", "Customer", body, headers={"If-None-Match": "*"})).status,
        (await site.call("PUT", "Customer", missing, headers={"If-Match": "*"})).status,
        (await site.call("PUT", "Customer", body, headers={"If-Match": "*"})).status,
    ]

    assert statuses == [412, 412, 200]


async def test_a_filter_on_put_updates_the_one_record_it_finds(site):
    customer_id = await site.customer(AccountRef="a")

    updated = await site.put("Customer", {"AccountRef": "b"}, filter="AccountRef eq 'a'")
    await site.customer(AccountRef="b")
    ambiguous = await site.put("Customer", {"AccountRef": "c"}, filter="AccountRef eq 'b'")

    assert updated["CustomerID"] == customer_id
    assert ambiguous.status == 500


async def test_unknown_and_read_only_fields_are_ignored(site):
    answer = await site.order(
        await site.customer(),
        {"InventoryID": "PUMP-40", "Quantity": 5},
        OrderTotal=1,
        Nonsense="x",
    )

    assert answer["OrderTotal"] == 0
    assert answer.content["Details"][0]["OrderQty"] == {"value": 0}


async def test_fields_of_a_feature_that_is_off_are_dropped(site):
    site.switch(hidden_fields=["Customer.PriceClassID"])

    answer = await site.saved("Customer", {"CustomerName": "Acme", "PriceClassID": "WHOLESALE"})

    assert answer.content["PriceClassID"] == {}


@pytest.mark.parametrize(
    "body",
    [
        {"CustomerName": "bare"},
        {"CustomerName": {"value": "Acme"}, "CreditLimit": {"value": "many"}},
        {"CustomerName": {"value": "Acme"}, "MainContact": "someone"},
        {"CustomerName": {"value": "Acme"}, "Attributes": {"AttributeID": {"value": "A"}}},
        [],
    ],
)
async def test_a_body_that_cannot_be_read_is_400(site, body):
    answer = await site.call("PUT", "Customer", body)

    assert (answer.status, answer.content["message"]) == (400, "The request is invalid.")


async def test_an_empty_body_is_400_in_the_recorded_words(site):
    answer = await site.raw(
        "PUT",
        "/entity/Default/24.200.001/Customer",
        headers={"Authorization": f"Bearer {site.token}"},
    )

    assert answer.status == 400
    assert answer.content == {
        "message": "The request is invalid.",
        "modelState": {"": ["The request body should not be empty."]},
    }


async def test_null_clears_a_field(site):
    customer_id = await site.customer(AccountRef="x")

    answer = await site.saved("Customer", {"CustomerID": customer_id, "AccountRef": None})

    assert answer.content["AccountRef"] == {}


async def test_a_missing_record_is_500_of_a_type_of_its_own(site):
    for path in (
        "Customer/NOPE",
        "SalesOrder/SO/NOPE",
        "Customer/7c1d9e40-5b2a-f011-9a31-0a58a9feac02",
    ):
        answer = await site.get(path)

        assert answer.status == 500
        assert answer.exception_type == "NoEntitySatisfiesTheConditionException"


async def test_keys_may_be_joined_by_a_bar_and_one_with_a_slash_cannot_be_addressed(site):
    order = await site.order(await site.customer())

    joined = await site.get(f"SalesOrder/SO|{order['OrderNbr']}")
    slashed = await site.get("StockItem/HOSE%2F25")

    assert (joined.status, slashed.status) == (200, 500)


async def test_the_answer_to_a_put_shows_what_was_selected_and_what_was_sent(site):
    answer = await site.saved(
        "Customer",
        {"CustomerName": "Acme", "MainContact": {"Email": "a@acme.example"}},
        select="CustomerID,Status",
    )

    assert answer["Status"] == "Active"
    assert answer["CustomerName"] == "Acme"
    assert answer.content["MainContact"]["Email"] == {"value": "a@acme.example"}
    assert "AccountRef" not in answer.content


async def test_details_are_shown_only_when_expanded(site):
    customer_id = await site.customer()

    answer = await site.saved(
        "SalesOrder",
        {"CustomerID": customer_id, "Details": [{"InventoryID": "PUMP-40", "OrderQty": 1}]},
    )

    assert "Details" not in answer.content
    assert answer["OrderTotal"] == 1250


async def test_rows_are_appended_updated_by_id_and_removed(site):
    customer_id = await site.customer()
    order = await site.order(customer_id)
    row_id = order.content["Details"][0]["id"]
    key = {"OrderType": {"value": "SO"}, "OrderNbr": {"value": order["OrderNbr"]}}

    async def change(row: dict[str, Any]) -> list[float]:
        answer = await site.call("PUT", "SalesOrder", {**key, "Details": [row]}, expand="Details")
        return [line["OrderQty"]["value"] for line in answer.content["Details"]]

    new_row = {"InventoryID": {"value": "INSTALL"}, "OrderQty": {"value": 1}}
    assert await change(new_row) == [2, 1]
    assert await change(new_row) == [2, 1, 1]
    assert await change({"id": row_id, "OrderQty": {"value": 7}}) == [7, 1, 1]
    assert await change({"id": row_id, "delete": True}) == [1, 1]


async def test_errors_come_back_in_the_tree_of_what_was_sent(site):
    answer = await site.put(
        "SalesOrder",
        {"CustomerID": "NOPE", "Details": [{"InventoryID": "NOSUCHSKU", "OrderQty": 2}]},
    )

    assert answer.status == 422
    assert answer.content["error"] == (
        "Inserting  'Sales Order' record raised at least one error. Please review the errors."
    )
    assert answer.content["CustomerID"] == {
        "value": "NOPE",
        "error": "'Customer' cannot be found in the system.",
    }
    row = answer.content["Details"][0]
    assert row["InventoryID"]["error"] == "'Inventory ID' cannot be found in the system."
    assert row["OrderQty"] == {"value": 2}
    assert answer.content["OrderNbr"] == {"value": "<NEW>"}
    assert site.simulator.records("sales_order", {}) == []


async def test_errors_may_come_as_500_instead(site):
    site.switch(errors_as_500=True)

    answer = await site.put("SalesOrder", {"CustomerID": "NOPE"})

    assert (answer.status, answer.exception_type) == (500, "OutcomeEntityHasErrorsException")


async def test_patch_is_there_from_25_on(site):
    customer_id = await site.customer()
    body = {"CustomerID": {"value": customer_id}, "AccountRef": {"value": "x"}}

    refused = await site.call("PATCH", "Customer", body)
    site.version = "25.200.001"
    taken = await site.call("PATCH", "Customer", body)
    missing = await site.call("PATCH", "Customer", {"CustomerID": {"value": "NOPE"}})

    assert (refused.status, taken.status, missing.status) == (405, 200, 404)


async def test_a_deleted_record_is_gone(site):
    customer_id = await site.customer()

    deleted = await site.call("DELETE", f"Customer/{customer_id}")

    assert (deleted.status, (await site.get(f"Customer/{customer_id}")).status) == (204, 500)


async def test_a_planned_lock_violation_hits_the_next_write_only(site):
    await site.play("lock", entity="Customer")

    first = await site.put("Customer", {"CustomerName": "Acme"})
    second = await site.put("Customer", {"CustomerName": "Acme"})

    assert (first.status, first.exception_type) == (500, "PXLockViolationException")
    assert second.status == 200


async def test_notes_are_written_and_shown(site):
    customer_id = await site.customer()
    body = {"CustomerID": {"value": customer_id}, "note": {"value": "call first"}}

    await site.call("PUT", "Customer", body)

    assert (await site.get(f"Customer/{customer_id}")).content["note"] == {"value": "call first"}


async def test_a_customer_with_orders_cannot_be_deleted(site):
    customer_id = await site.customer()
    order = await site.order(customer_id)

    refused = await site.call("DELETE", f"Customer/{customer_id}")
    await site.call("DELETE", f"SalesOrder/SO/{order['OrderNbr']}")
    deleted = await site.call("DELETE", f"Customer/{customer_id}")

    assert (refused.status, deleted.status) == (500, 204)
    assert (await site.get(f"BusinessAccount/{customer_id}")).status == 500


async def test_the_branch_of_a_call_goes_into_what_it_makes(site):
    customer_id = await site.customer()

    made = await site.put(
        "SalesOrder", {"CustomerID": customer_id}, headers={"PX-CbApiBranch": "EAST"}
    )
    refused = await site.get("Customer", headers={"PX-CbApiBranch": "NOSUCH"})

    assert (made["Branch"], refused.status) == ("EAST", 500)
