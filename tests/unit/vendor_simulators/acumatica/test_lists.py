from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

WIDE = "LastModifiedDateTime ge datetimeoffset'2026-03-02T00:00:00.000+00:00'"


async def numbers(site: Any, **params: Any) -> list[str]:
    answer = await site.get("StockItem", **params)
    assert answer.status == 200, answer.content
    return [row["InventoryID"]["value"] for row in answer.content]


async def test_a_list_is_a_bare_array_in_key_order(site):
    found = await numbers(site)

    assert found == sorted(found)
    assert found[0] == "#12-796524"


async def test_skip_comes_before_top_and_orderby_is_ignored(site):
    everything = await numbers(site)

    assert await numbers(site, skip=1, top=2, orderby="Description desc") == everything[1:3]


async def test_empty_fields_are_empty_objects_and_values_are_wrapped(site):
    customer_id = await site.customer()

    record = (await site.get(f"Customer/{customer_id}")).content

    assert record["AccountRef"] == {}
    assert record["CustomerName"] == {"value": "Northwind Pumps"}
    assert record["WriteOffLimit"] == {"value": 0.0}
    assert (record["note"], record["custom"]) == ({"value": ""}, {})
    assert "MainContact" not in record


async def test_members_come_in_the_recorded_order(site):
    await site.customer()

    record = (await site.get("Customer", expand="MainContact")).content[0]

    names = list(record)
    assert names[:3] == ["id", "rowNumber", "note"]
    assert names[-2:] == ["custom", "_links"]
    assert names[3:-2] == sorted(names[3:-2])
    assert "MainContact" in names


async def test_select_keeps_system_members_and_fields_of_the_filter(site):
    await site.customer(AccountRef="pd-org-1")

    answer = await site.get("Customer", select="CustomerID", filter="AccountRef eq 'pd-org-1'")

    assert set(answer.content[0]) == {
        "id", "rowNumber", "note", "CustomerID", "AccountRef", "custom", "_links",
    }  # fmt: skip


async def test_selected_parts_of_an_expanded_member_come_alone(site):
    await site.order(await site.customer())

    answer = await site.get("SalesOrder", select="OrderNbr,Details/InventoryID", expand="Details")

    row = answer.content[0]["Details"][0]
    assert row["InventoryID"] == {"value": "PUMP-40"}
    assert "OrderQty" not in row
    assert list(row["_links"]) == ["files:put"]


async def test_digits_of_decimals_are_those_of_the_database(site):
    url = f"{site.origin}/entity/Default/24.200.001/SalesOrder"
    await site.order(await site.customer())

    async with site.http.get(
        url, params={"$expand": "Details"}, headers={"Authorization": f"Bearer {site.token}"}
    ) as answer:
        text = await answer.text()

    assert '"OrderTotal":{"value":2500.0000}' in text
    assert '"OrderQty":{"value":2.000000}' in text


async def test_application_history_cannot_be_expanded_in_a_list(site):
    answer = await site.get("Payment", expand="ApplicationHistory")

    assert (answer.status, answer.exception_type) == (500, "CannotOptimizeException")
    assert answer.text.startswith("Optimization cannot be performed.")


async def test_an_inquiry_cannot_be_listed_but_answers_a_put(site):
    listed = await site.get("CompaniesStructure")
    asked = await site.call("PUT", "CompaniesStructure", {}, expand="Results")

    assert listed.status == 500
    assert [row["BranchID"]["value"] for row in asked.content["Results"]] == ["MAIN", "EAST"]


async def test_fields_appear_with_the_version_that_brought_them(site):
    await site.customer()
    site.switch(versions=["22.200.001", "23.200.001", "24.200.001"])
    shown = {}
    for version in ("22.200.001", "24.200.001"):
        site.version = version
        shown[version] = set((await site.get("Customer")).content[0])
    site.version = "22.200.001"
    refused = await site.get("SalesInvoice", filter=WIDE)
    ignored = await site.get("Customer", select="CustomerID,CustomerCategory")

    assert shown["24.200.001"] - shown["22.200.001"] == {
        "Email", "PrimaryContactID", "CustomerCategory",
    }  # fmt: skip
    assert refused.status == 500
    assert "CustomerCategory" not in ignored.content[0]


@pytest.mark.parametrize("version", ["23.200.001", "24.200.001"])
async def test_sales_invoices_can_be_polled_from_23_on(site, version):
    site.version = version

    assert (await site.get("SalesInvoice", filter=WIDE)).status == 200


@pytest.mark.parametrize(
    ("version", "entity", "field", "status"),
    [
        ("23.200.001", "SalesInvoice", "ExternalRef", 500),
        ("24.200.001", "SalesInvoice", "ExternalRef", 200),
        ("23.200.001", "Contact", "ExtRefNbr", 500),
        ("24.200.001", "Contact", "ExtRefNbr", 200),
        ("23.200.001", "StockItem", "LastModifiedDateTime", 500),
    ],
)
async def test_external_references_come_with_24(site, version, entity, field, status):
    site.version = version
    literal = "datetimeoffset'2026-01-01'" if field.startswith("Last") else "'x'"

    assert (await site.get(entity, filter=f"{field} eq {literal}")).status == status


async def test_an_unknown_part_to_expand_fails_or_is_ignored(site):
    assert (await site.get("Customer", expand="Nonsense")).status == 500

    site.switch(unknown_expand_fails=False)
    assert (await site.get("Customer", expand="Nonsense")).status == 200


async def test_details_may_be_empty_on_lists(site):
    await site.order(await site.customer())
    site.switch(details_empty_on_lists=["SalesOrder"])

    listed = await site.get("SalesOrder", expand="Details")
    single = await site.get("SalesOrder/SO/SO004201", expand="Details")

    assert listed.content[0]["Details"] == []
    assert len(single.content["Details"]) == 1


async def test_a_list_can_lag_while_the_key_does_not(site, clock):
    site.switch(list_lag_seconds=60)
    customer_id = await site.customer(AccountRef="pd-org-1")

    before = await site.get("Customer", filter="AccountRef eq 'pd-org-1'")
    by_key = await site.get(f"Customer/{customer_id}")
    clock.advance(timedelta(seconds=61))
    after = await site.get("Customer", filter="AccountRef eq 'pd-org-1'")

    assert (before.content, by_key.status, len(after.content)) == ([], 200, 1)
    assert site.simulator.faults.injected["list_lag"] == 1


async def test_a_lagging_list_shows_the_state_before(site):
    customer_id = await site.customer()
    site.switch(list_lag_seconds=60)
    await site.put("Customer", {"CustomerID": customer_id, "CustomerName": "Renamed"})

    listed = await site.get("Customer")

    assert listed.content[0]["CustomerName"]["value"] == "Northwind Pumps"


async def test_what_people_do_may_become_visible_after_its_timestamp(site, clock):
    customer_id = await site.customer()
    site.switch(late_commit_seconds=30)
    await site.play("rename_customer", customer=customer_id, name="Renamed")
    stamped = site.simulator.records("customer", {})[0]["LastModifiedDateTime"]

    hidden = (await site.get("Customer")).content[0]["CustomerName"]["value"]
    clock.advance(timedelta(seconds=31))
    shown = (await site.get("Customer")).content[0]

    assert (hidden, shown["CustomerName"]["value"]) == ("Northwind Pumps", "Renamed")
    # the stamp is rounded to the database's milliseconds
    assert clock.now() - stamped >= timedelta(seconds=31) - timedelta(milliseconds=1)


async def test_timestamps_are_utc_with_at_most_three_decimals(site):
    await site.customer()

    text = (await site.get("Customer")).content[0]["LastModifiedDateTime"]["value"]

    assert re.fullmatch(r"2026-03-02T12:\d\d:\d\d(\.\d{0,2}[1-9])?\+00:00", text)


async def test_address_parts_come_with_25(site):
    customer_id = await site.customer()
    shown = {}
    for version in ("24.200.001", "25.200.001"):
        site.version = version
        answer = await site.get(f"Customer/{customer_id}", expand="MainContact/Address")
        shown[version] = "BuildingNumber" in answer.content["MainContact"]["Address"]

    assert shown == {"24.200.001": False, "25.200.001": True}


async def test_a_filter_over_hundreds_of_keys_is_answered(site):
    customer_ids = [await site.customer() for _ in range(3)]
    wanted = [*customer_ids, *(f"C9{number:05d}" for number in range(400))]

    answer = await site.get(
        "Customer",
        filter=" or ".join(f"CustomerID eq '{key}'" for key in wanted),
        select="CustomerID",
    )

    assert [row["CustomerID"]["value"] for row in answer.content] == customer_ids
