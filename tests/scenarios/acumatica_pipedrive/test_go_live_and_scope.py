"""Which deals are taken up at all (P-16, P-18)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop

from ml_connector.core.errors import ConfigurationError


async def test_deal_won_before_go_live_and_relabelled_later_causes_no_erp_call(shop: Shop):
    old = await shop.world.deal(
        [shop.line()],
        status="won",
        won_time="2020-05-05T12:00:00Z",
        org_id=await shop.world.organization(),
    )
    now = await shop.deal(shop.line())

    await shop.world.play("pipedrive", "edit", kind="deal", id=old, changes={"label_ids": [1]})
    await shop.world.poll_now()
    await shop.win(now)  # what was said before it has been heard by now
    await shop.quiet()

    assert [one["ExternalRef"] for one in await shop.orders()] == [f"pd-deal-{now}"]
    asked = [one["target"] for one in await shop.world.calls("acumatica")]
    assert not any(f"pd-deal-{old}" in target for target in asked)
    assert str(old) not in {row.record for row in await shop.world.rows()}


async def test_run_of_an_older_deal_is_skipped_with_the_way_out(opened: OpenShop):
    async with opened(settings={"trigger": {"on": "stage", "stages": ["Negotiation"]}}) as shop:
        deal = await shop.deal(shop.line(), stage_id=5, add_time="2020-05-05T12:00:00Z")

        await shop.world.play("pipedrive", "edit", kind="deal", id=deal, changes={"title": "X"})
        row = await shop.settled(deal)

        assert row.outcome == "skipped"
        assert "before this flow went live" in row.reason
        assert "backfill" in row.reason
        assert await shop.calls() == []


async def test_deal_that_reaches_the_chosen_stage_becomes_an_order(opened: OpenShop):
    async with opened(settings={"trigger": {"on": "stage", "stages": ["Negotiation"]}}) as shop:
        deal = await shop.deal(shop.line())
        await shop.world.play("pipedrive", "move_stage", id=deal, stage_id=2)
        assert "Stage is Contact made" in (await shop.settled(deal)).reason

        row = await shop.then(deal, shop.world.play("pipedrive", "move_stage", id=deal, stage_id=5))

        assert row.state == "done"
        assert await shop.order(deal)


async def test_deal_outside_of_the_scope_is_skipped_naming_what_the_scope_asks_for(
    opened: OpenShop,
):
    scope = {"labels": ["Hot"], "where": [{"field": "organization.name", "contains": "werk"}]}
    async with opened(settings={"scope": scope}) as shop:
        cold = await shop.deal(shop.line(), label_ids=[3])
        stranger = await shop.deal(shop.line(), label_ids=[1], organization="Meyer AG")
        own = await shop.deal(shop.line(), label_ids=[1, 2])
        for deal in (cold, stranger, own):
            await shop.wins(deal)
        await shop.settled(cold, stranger, own)

        rows = {row.record: row for row in await shop.world.rows()}
        assert "Label is Cold" in rows[str(cold)].reason
        assert "Meyer AG" in rows[str(stranger)].reason
        assert [one["ExternalRef"] for one in await shop.orders()] == [f"pd-deal-{own}"]


async def test_scope_that_names_an_unknown_pipeline_is_refused_at_apply(shop: Shop):
    with pytest.raises(ConfigurationError, match=r":\d+: installations.acme.settings.scope"):
        await shop.world.apply(settings={"scope": {"pipelines": ["Servise"]}})


async def test_poll_catches_a_deal_whose_webhook_was_lost(opened: OpenShop):
    async with opened(pipedrive={"lost_webhooks": 1.0}) as shop:
        deal = await shop.deal(shop.line())
        await shop.wins(deal)
        await shop.world.jump(timedelta(minutes=1, seconds=5))  # the flow's cadence is a minute

        row = await shop.settled(deal)

        assert row.state == "done"
        assert row.trigger["by"] == "poll"
