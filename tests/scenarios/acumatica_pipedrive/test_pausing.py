"""An installation that a person pauses: events are stored, nothing is run, all goes on later."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until
from tests.scenarios.cli.conftest import CommandLine, quiet_logs
from tests.world.world import FLOW


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Any:
    yield from quiet_logs(monkeypatch)


async def test_paused_installation_stores_webhooks_and_drains_by_age_when_it_is_resumed(
    shop: Shop,
):
    cli = CommandLine(shop.world)
    await shop.sold()
    paused = (await cli("installations", "pause", "acme", "--reason", "month end", "--json")).json
    assert (paused["is_paused"], paused["reason"]) == (True, "month end")
    deals = [
        await shop.deal(shop.line(), organization=f"{name} AG")
        for name in ("Ulme", "Tanne", "Erle")
    ]

    asked = await shop.last_call(), await shop.last_call("pipedrive")
    await shop.wins(*deals)
    await until(lambda: all_heard(shop, deals))

    rows = [await shop.world.row(deal) for deal in deals]
    assert [(row.state, row.run_no) for row in rows] == [("ready", 0)] * 3
    assert {one["outcome"] for one in await shop.deliveries()} <= {"delivered"}
    shown = (await cli("records", "show", str(deals[0]))).out
    assert "installation acme is paused" in shown
    assert "installations resume acme" in shown
    needs = (await cli("status", "--json")).json["needs"]
    assert any("installation acme is paused" in one for one in needs)
    assert (await shop.last_call(), await shop.last_call("pipedrive")) == asked

    await cli("installations", "resume", "acme")
    await shop.settled(*deals)

    began = [min(run.started_at for run in await shop.runs(deal)) for deal in deals]
    assert began == sorted(began)
    assert len(await shop.orders()) == 4
    entries = (await cli("audit", "--event", "installation_*", "--json")).json["entries"]
    assert [(one["event"], one["detail"]["installation"]) for one in entries] == [
        ("installation_paused", "acme"),
        ("installation_resumed", "acme"),
    ]


async def test_what_was_handed_over_and_has_not_begun_is_taken_back(opened: OpenShop):
    async with opened(works=False) as shop:
        deals = [
            await shop.deal(shop.line(), organization=f"{name} AG") for name in ("Ulme", "Erle")
        ]
        await shop.wins(*deals)
        await until(lambda: all_heard(shop, deals))
        await handed_over(shop)
        assert {(await shop.world.row(deal)).state for deal in deals} == {"queued"}

        await CommandLine(shop.world)("installations", "pause", "acme")
        assert {(await shop.world.row(deal)).state for deal in deals} == {"ready"}
        await shop.world.work_inside()
        await until(lambda: queue_is_empty(shop))
        assert {(await shop.world.row(deal)).state for deal in deals} == {"ready"}

        await CommandLine(shop.world)("installations", "resume", "acme")
        await shop.settled(*deals)
        assert len(await shop.orders()) == 2


async def test_installations_are_listed_with_connections_flows_and_pause(shop: Shop):
    cli = CommandLine(shop.world)
    await cli("installations", "pause", "acme", "--reason", "month end")

    (one,) = (await cli("installations", "list", "--json")).json["installations"]
    shown = (await cli("installations", "list")).out
    again = (await cli("installations", "pause", "acme")).out
    await cli("installations", "pause", "nobody", code=2)

    assert one["connections"] == {"crm": "crm", "erp": "erp"}
    assert one["flows"] == {FLOW: True}
    assert (one["is_paused"], one["reason"]) == (True, "month end")
    assert "command line" in one["by"]
    assert "month end" in shown
    assert "was paused already" in again


async def all_heard(shop: Shop, deals: list[int]) -> bool:
    known = {row.record for row in await shop.world.rows()}
    pending = [one for one in await shop.deliveries() if one["outcome"] == "pending"]
    return {str(deal) for deal in deals} <= known and not pending


async def handed_over(shop: Shop) -> None:
    """Feed the queue once, as a worker that dies right after would."""
    from ml_connector.sync import feeder  # noqa: PLC0415 - for this one call

    services = shop.world.services
    integration = services.integrations["acumatica_pipedrive"]
    flows = [integration.qualified(flow) for flow in integration.flows]
    async with services.database.transaction() as db:
        assert (await feeder.feed(db, now=services.clock.now(), flows=flows)).runs


async def queue_is_empty(shop: Shop) -> bool:
    async with shop.world.services.database.transaction() as db:
        return not (await db.execute(text("SELECT count(*) FROM run_queue"))).scalar_one()
