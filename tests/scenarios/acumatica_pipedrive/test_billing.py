"""What a deal shows of its documents in Acumatica (ACU-07, M-06)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.ledger import Ledger, open_ledger


@pytest.fixture
async def ledger(opened: OpenShop) -> AsyncIterator[Ledger]:
    async with open_ledger(opened) as made:
        yield made


async def test_invoice_made_later_from_the_order_is_shown_on_its_deal(ledger: Ledger):
    deal, order = await ledger.sold(1000)

    number = await ledger.invoiced(order)
    await ledger.polled()

    shown = await ledger.shown(deal)
    assert shown["invoice_numbers"] == number
    assert shown["invoice_status"] == "Open"
    assert shown["billed_total"] == shown["open_balance"] == "1000.00 USD"


async def test_invoice_over_two_deals_counts_on_each_by_its_lines_and_is_marked_shared(
    ledger: Ledger,
):
    organization = await ledger.shop.world.organization("Nordwerk GmbH")
    first, one = await ledger.sold(600, org_id=organization)
    second, other = await ledger.sold(400, org_id=organization)

    number = await ledger.invoiced(one, other)
    await ledger.play("pay", invoice=number, amount="500")
    await ledger.polled()

    shown = [await ledger.shown(deal) for deal in (first, second)]
    assert [each["open_balance"] for each in shown] == ["300.00 USD", "200.00 USD"]
    assert [each["billed_total"] for each in shown] == ["600.00 USD", "400.00 USD"]
    assert [each["last_payment"] for each in shown] == ["300.00 USD", "200.00 USD"]
    assert all("shared" in each["billing_remark"] for each in shown)
    assert {each["invoice_status"] for each in shown} == {"Partly paid"}
