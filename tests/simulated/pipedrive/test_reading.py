from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.core.errors import NotFoundError

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def every_change(client, stream: str, since: datetime = LONG_AGO):
    changes, page = [], None
    while True:
        read = await client.changes(stream, since=since, page=page)
        changes += read.changes
        page = read.next_page
        if page is None:
            return changes


async def test_forty_deals_asked_for_at_once_are_one_call(client, hand):
    ids = (await hand.seed(deals=[{"title": f"Deal {n}", "value": n} for n in range(40)]))["deals"]

    deals = await asyncio.gather(*(client.deal(number) for number in ids))

    assert [deal.id for deal in deals] == ids
    assert [deal.value for deal in deals] == [Decimal(n) for n in range(40)]
    assert len(await hand.calls()) == 1


async def test_list_longer_than_a_page_is_whole_and_without_repeats(client, hand):
    await hand.seed(organizations=[{"name": f"Organization {n}"} for n in range(1203)])

    found = [organization.name async for organization in client.organizations()]

    assert found == [f"Organization {n}" for n in range(1203)]


@pytest.mark.parametrize("answered", ["returned", "missing"])
@pytest.mark.parametrize("status", ["kept", "deleted"])
async def test_deal_in_the_bin_is_a_tombstone_or_not_found_and_the_stream_tells(
    client, hand, answered, status
):
    await hand.switch(deleted_get=answered, deleted_deal_status=status)
    (number,) = (await hand.seed(deals=[{"title": "Gone"}]))["deals"]
    await hand.play("delete", kind="deal", id=number)

    try:
        assert (await client.deal(number)).is_gone
    except NotFoundError:
        assert answered == "missing"

    (change,) = await every_change(client, "deals")
    assert (change.key, change.is_deleted) == (str(number), True)


async def test_deleted_deals_come_in_a_batch_with_the_others(client, hand):
    ids = (await hand.seed(deals=[{"title": f"Deal {n}"} for n in range(6)]))["deals"]
    await hand.play("delete", kind="deal", id=ids[2])

    deals = await asyncio.gather(*(client.deal(number) for number in ids))

    assert [deal.is_gone for deal in deals] == [False, False, True, False, False, False]


async def test_purged_deal_is_not_found_and_the_others_are(client, hand):
    ids = (await hand.seed(deals=[{"title": f"Deal {n}"} for n in range(5)]))["deals"]
    await hand.play("delete", kind="deal", id=ids[0])
    await hand.play("purge", kind="deal", id=ids[0])

    deals: list[Any] = await asyncio.gather(
        *(client.deal(number) for number in ids), return_exceptions=True
    )

    missing = deals.pop(0)
    assert isinstance(missing, NotFoundError)
    assert [deal.id for deal in deals] == ids[1:]


async def test_archived_deal_is_read_and_comes_in_its_own_stream(client, hand):
    ids = (await hand.seed(deals=[{"title": f"Deal {n}"} for n in range(5)]))["deals"]
    await hand.play("win_deal", id=ids[0])
    await hand.play("archive", id=ids[0])

    deals = await asyncio.gather(*(client.deal(number) for number in ids))
    archived = await every_change(client, "archived_deals")
    plain = await every_change(client, "deals")

    assert deals[0].is_archived
    assert deals[0].status == "won"
    assert [change.key for change in archived] == [str(ids[0])]
    assert archived[0].moment == deals[0].won_time
    assert [change.key for change in plain] == [str(number) for number in ids[1:]]


async def test_stream_of_several_pages_is_in_order_of_change_and_misses_nothing(client, hand):
    ids = (await hand.seed(deals=[{"title": f"Deal {n}"} for n in range(1100)]))["deals"]
    await hand.pass_time(60)
    await hand.play("win_deal", ids=ids[:3])

    changes = await every_change(client, "deals")

    moments = [change.changed_at for change in changes]
    assert moments == sorted(moments)
    assert {change.key for change in changes} == {str(number) for number in ids}
    assert {change.key for change in changes if change.moment} == {str(n) for n in ids[:3]}


async def test_stream_begins_with_the_second_asked_for(client, hand):
    first, second = (await hand.seed(deals=[{"title": "a"}, {"title": "b"}]))["deals"]
    await hand.pass_time(3600)
    await hand.play("win_deal", id=second)
    won = await client.deal(second)
    assert won.update_time is not None

    inclusive = await every_change(client, "deals", since=won.update_time)
    later = await every_change(client, "deals", since=won.update_time + timedelta(seconds=1))

    assert [change.key for change in inclusive] == [str(second)]
    assert later == []
    assert first != second


@pytest.mark.parametrize(
    ("stream", "kind"),
    [("organizations", "organization"), ("persons", "person"), ("products", "product")],
)
async def test_changes_of_every_kind_are_told(client, hand, stream, kind):
    (number,) = (await hand.seed(**{stream: [{"name": "It"}]}))[stream]

    (change,) = await every_change(client, stream)

    assert (change.kind, change.key) == (kind, str(number))


async def test_loser_of_a_merge_is_gone_and_the_survivor_stays(client, hand):
    ids = (await hand.seed(organizations=[{"name": "One GmbH"}, {"name": "Two GmbH"}]))[
        "organizations"
    ]

    survivor = await client.merge("organization", ids[0], merge_with_id=ids[1])

    (loser,) = {*ids} - {survivor}
    assert not (await client.organization(survivor)).is_deleted
    with suppress(NotFoundError):
        assert (await client.organization(loser)).is_deleted


async def test_lines_discounts_and_installments_of_a_deal(client, hand):
    (product,) = (await hand.seed(products=[{"name": "Bearing", "code": "RB-6204"}]))["products"]
    deals = (await hand.seed(deals=[{"title": "a"}, {"title": "b"}]))["deals"]
    for quantity, price in ((3, 19.99), (1, 100)):
        await hand.play(
            "add_line", deal_id=deals[0], product_id=product, quantity=quantity, item_price=price
        )
    await hand.play("add_discount", deal_id=deals[0], amount=5, type="percentage")

    lines, none = await asyncio.gather(*(client.deal_products(number) for number in deals))
    (discount,) = await client.deal_discounts(deals[0])

    assert [(line.quantity, line.item_price) for line in lines] == [
        (Decimal(3), Decimal("19.99")),
        (Decimal(1), Decimal(100)),
    ]
    assert (none, discount.amount, discount.type) == ((), Decimal(5), "percentage")
    assert await client.deal_installments(deals[0]) == ()


async def test_account_is_described(client):
    assert {currency.code for currency in await client.currencies()} >= {"EUR"}
    pipelines = await client.pipelines()
    stages = await client.stages(pipeline_id=pipelines[0].id)
    assert {stage.pipeline_id for stage in stages} == {pipelines[0].id}
    assert {user.id for user in await client.users()} >= {2001}


async def test_change_log_proves_when_a_deal_was_won(client, hand):
    (number,) = (await hand.seed(deals=[{"title": "a"}]))["deals"]
    await hand.play("win_deal", id=number)

    log = await client.deal_changelog(number)

    won = [entry for entry in log if (entry.field_key, entry.new_value) == ("status", "won")]
    assert [entry.time for entry in won] == [(await client.deal(number)).won_time]
