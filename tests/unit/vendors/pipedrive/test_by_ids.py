from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ml_connector.core.errors import NotFoundError

DEALS = "/api/v2/deals"
ARCHIVED = "/api/v2/deals/archived"


def deal(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "title": f"Deal {number}", "status": "open", **more}


def line(number: int, deal_id: int, order_nr: int = 1) -> dict[str, Any]:
    return {"id": number, "deal_id": deal_id, "order_nr": order_nr, "quantity": 1, "item_price": 2}


async def test_one_deal_is_read_by_its_own_path_for_one_token(client, pipedrive):
    pipedrive.data("GET", f"{DEALS}/7", deal(7))

    assert (await client.deal(7)).id == 7
    assert pipedrive.paths() == [f"GET {DEALS}/7"]


async def test_deals_asked_for_at_the_same_time_are_one_call(client, pipedrive):
    pipedrive.data("GET", DEALS, [deal(number) for number in range(1, 11)])

    found = await asyncio.gather(*(client.deal(number) for number in range(1, 11)))

    assert [each.id for each in found] == list(range(1, 11))
    (call,) = pipedrive.calls
    assert sorted(map(int, call.query["ids"].split(","))) == list(range(1, 11))
    assert call.query["status"] == "open,won,lost,deleted"


async def test_deal_that_the_list_leaves_out_is_asked_for_singly(client, pipedrive):
    pipedrive.data("GET", DEALS, [deal(1), deal(2), deal(3)])
    pipedrive.data("GET", f"{DEALS}/4", deal(4, is_archived=True))

    found = await asyncio.gather(*(client.deal(number) for number in (1, 2, 3, 4)))

    assert found[3].is_archived
    assert ARCHIVED not in [call.path for call in pipedrive.calls]


async def test_deal_without_a_path_of_its_own_is_looked_for_in_the_archive(client, pipedrive):
    pipedrive.data("GET", ARCHIVED, [deal(4, is_archived=True)])

    found = await client.deal(4)

    assert found.is_archived
    assert pipedrive.paths() == [f"GET {DEALS}/4", f"GET {ARCHIVED}"]


async def test_deal_that_is_nowhere_is_not_found_and_the_others_are(client, pipedrive):
    pipedrive.data("GET", DEALS, [deal(1), deal(2), deal(3)])
    pipedrive.data("GET", ARCHIVED, [])

    found: list[Any] = await asyncio.gather(
        *(client.deal(number) for number in (1, 2, 3, 4)), return_exceptions=True
    )

    missing = found.pop()
    assert [each.id for each in found] == [1, 2, 3]
    assert isinstance(missing, NotFoundError)


async def test_deal_in_the_bin_is_returned_as_such(client, pipedrive):
    pipedrive.data("GET", f"{DEALS}/7", deal(7, is_deleted=True))
    pipedrive.data("GET", f"{DEALS}/8", deal(8, status="deleted"))

    assert (await client.deal(7)).is_gone
    assert (await client.deal(8)).is_gone


async def test_organization_is_not_looked_for_in_an_archive(client, pipedrive):
    with pytest.raises(NotFoundError):
        await client.organization(88)

    assert pipedrive.paths() == ["GET /api/v2/organizations/88"]


async def test_one_broken_record_of_a_list_fails_alone(client, pipedrive):
    pipedrive.data("GET", f"{DEALS}/1", deal(1))
    pipedrive.data("GET", f"{DEALS}/2", deal(2, won_time="yesterday"))

    found: Any = await asyncio.gather(client.deal(1), client.deal(2), return_exceptions=True)

    good, broken = found
    assert good.id == 1
    assert "Deal 2" in broken.message


async def test_lines_of_several_deals_are_one_list_in_pages_and_come_in_their_order(
    client, pipedrive
):
    pipedrive.data(
        "GET",
        f"{DEALS}/products",
        [line(901, 1, order_nr=2), line(902, 2)],
        [line(903, 1, order_nr=1)],
        cursors=True,
    )

    first, second, none = await asyncio.gather(*(client.deal_products(n) for n in (1, 2, 3)))

    assert [each.id for each in first] == [903, 901]
    assert [each.id for each in second] == [902]
    assert none == ()
    assert [call.query.get("cursor") for call in pipedrive.calls] == [None, "c0"]


async def test_installments_come_by_their_day(client, pipedrive):
    pipedrive.data(
        "GET",
        f"{DEALS}/installments",
        [
            {"id": 1, "deal_id": 5, "amount": 10, "billing_date": "2026-12-01"},
            {"id": 2, "deal_id": 5, "amount": 20, "billing_date": "2026-11-01"},
        ],
    )

    assert [part.id for part in await client.deal_installments(5)] == [2, 1]
