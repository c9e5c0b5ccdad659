"""Nothing that we write comes back as new work, and nobody else can keep us busy (P-14)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop

from ml_connector.sync import runner


async def test_order_number_written_back_comes_in_as_an_event_and_writes_nothing(shop: Shop):
    deal = await shop.sold()
    heard = [one for one in await shop.deliveries() if str(deal) in str(one)]

    assert heard, "Pipedrive has told of our own change"
    assert (await shop.outcomes(deal))[0] == "written"
    assert set((await shop.outcomes(deal))[1:]) <= {"unchanged"}
    assert (await shop.writes("acumatica")).count("PUT SalesOrder") == 1
    assert (await shop.writes("pipedrive")).count("PATCH /api/v2/deals/{id}") == 1


async def test_record_that_somebody_changes_without_end_is_held(
    opened: OpenShop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runner, "MOST_WRITES_IN_WINDOW", 2)
    async with opened(settings={"after": {"changed": "follow"}}) as shop:
        deal = await shop.sold(shop.line(item_price=100))
        line = (await shop.crm_deal(deal))["products"][0]["id"]

        async def price(amount: int) -> Any:
            changes = {"item_price": amount}
            return await shop.then(
                deal, shop.world.play("pipedrive", "edit_line", id=line, changes=changes)
            )

        await price(90)
        row = await price(80)

        assert (row.state, row.waits_for) == ("held", "loop")
        assert "look for an automation" in row.reason
