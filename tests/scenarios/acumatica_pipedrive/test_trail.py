"""A call stands in the story of each record that it was made for, and costs once (P-10, X-05)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import text
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until

from ml_connector.app.stories import Story, story_of
from ml_connector.sync import looking

DEALS = 12


async def test_shared_call_stands_in_every_story_with_its_share_and_costs_once(opened: OpenShop):
    async with opened(works=False) as shop:
        organization = await shop.world.organization()
        deals = [await shop.deal(shop.line(), org_id=organization) for _ in range(DEALS)]
        await shop.wins(*deals)
        since = await shop.last_call("pipedrive")
        await shop.world.work_inside()
        await shop.settled(*deals)
        await until(lambda: calls_are_written(shop))

        stories = [await story(shop, deal) for deal in deals]

        runs = [run for one in stories for run in one.runs]
        calls = {call.id: call for one in stories for call in one.calls}
        bearers = Counter(number for run in runs for number in run.call_ids)
        shared = [call for call in calls.values() if call.runs > 1]
        assert any(call.operation.startswith("deals.") for call in shared)
        assert {call.id: call.runs for call in calls.values()} == bearers
        assert sum(run.tokens for run in runs) == sum(call.tokens for call in calls.values())
        for one in stories:  # each deal was read for it, alone or with others
            assert any(call.operation.startswith("deals.") for call in one.calls)
        flow = runs[0].flow
        counted = await counted_for(shop, flow)
        assert counted == {
            "calls": len(calls), "tokens": sum(call.tokens for call in calls.values()),
        }  # fmt: skip
        billed = [one["cost"] for one in await shop.world.calls("pipedrive", since=since)]
        assert sum(billed) >= counted["tokens"]


async def story(shop: Shop, deal: int) -> Story:
    services = shop.world.services
    row = await shop.world.row(deal)
    async with services.database.transaction() as db:
        record = await looking.row(db, row.workspace_id, row.id)
    return await story_of(services, record)


async def calls_are_written(shop: Shop) -> bool:
    """Calls are written beside the runs, and counted every few seconds."""
    await shop.world.services.connections.counts.add()
    async with shop.world.services.database.transaction() as db:
        statement = text(
            "SELECT count(*) FROM (SELECT unnest(call_ids) AS id FROM run) r"
            " WHERE NOT EXISTS (SELECT FROM vendor_call c WHERE c.id = r.id)"
        )
        return bool((await db.execute(statement)).scalar_one() == 0)


async def counted_for(shop: Shop, flow: str) -> dict[str, Any]:
    async with shop.world.services.database.transaction() as db:
        statement = text("SELECT sum(calls) AS calls, sum(tokens) AS tokens FROM call_count"
                         " WHERE flow = :flow")  # fmt: skip
        return dict((await db.execute(statement, {"flow": flow})).one()._mapping)
