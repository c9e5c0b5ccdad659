from __future__ import annotations

from typing import Any

import pytest

from ml_connector.core.errors import ContractError
from ml_connector.vendors.pipedrive.pages import all_items, all_v1_items

PRODUCTS = "/api/v2/products"
FIELDS = "/api/v1/dealFields"


def offset_page(items: list[str], *, start: int, more: bool, nested: bool) -> tuple[int, Any]:
    block = {"start": start, "limit": 2, "more_items_in_collection": more}
    if more and nested:
        block["next_start"] = start + len(items)
    return (
        200,
        {
            "success": True,
            "data": items,
            "additional_data": {"pagination": block} if nested else block,
        },
    )


async def test_cursor_leads_from_page_to_page_and_null_ends(api, pipedrive):
    pipedrive.data("GET", PRODUCTS, [1, 2], [3, 4], [5], cursors=True)

    assert await all_items(api, "products", operation="products.list") == [1, 2, 3, 4, 5]
    assert [call.query.get("cursor") for call in pipedrive.calls] == [None, "c0", "c1"]


async def test_cursor_that_comes_back_ends_in_an_error(api, pipedrive):
    again = {"success": True, "data": [1], "additional_data": {"next_cursor": "same"}}
    pipedrive.on("GET", PRODUCTS, (200, again))

    with pytest.raises(ContractError, match="repeats the cursor"):
        await all_items(api, "products", operation="products.list")


@pytest.mark.parametrize("additional", [None, {}, {"next_cursor": None}, {"next_cursor": ""}])
async def test_every_way_of_saying_no_further_page_ends(api, pipedrive, additional):
    body = {"success": True, "data": [1], "additional_data": additional}
    pipedrive.on("GET", PRODUCTS, (200, body))

    assert await all_items(api, "products", operation="products.list") == [1]


@pytest.mark.parametrize("nested", [True, False])
async def test_offset_leads_on_wherever_the_answer_tells_it(api, pipedrive, nested):
    pipedrive.on(
        "GET",
        FIELDS,
        offset_page(["a", "b"], start=0, more=True, nested=nested),
        offset_page(["c"], start=2, more=False, nested=nested),
    )

    found = await all_v1_items(api, "dealFields", operation="deal_fields.list_v1")

    assert found == ["a", "b", "c"]
    assert [call.query["start"] for call in pipedrive.calls] == ["0", "2"]


async def test_offset_that_does_not_move_ends_in_an_error(api, pipedrive):
    pipedrive.on("GET", FIELDS, offset_page([], start=0, more=True, nested=True))

    with pytest.raises(ContractError, match="do not move on"):
        await all_v1_items(api, "dealFields", operation="deal_fields.list_v1")


async def test_null_is_an_empty_list(api, pipedrive):
    pipedrive.data("GET", PRODUCTS, None)

    assert await all_items(api, "products", operation="products.list") == []
