"""The period statement: won beside posted, draft, reversed and held, to the cent (INT-12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.scenarios.sage_intacct_pipedrive.conftest import OpenFirm
from tests.scenarios.sage_intacct_pipedrive.firm import FLOW, Firm

from ml_connector.sync.rehearsing import rehearsal
from ml_connector.sync.works import FlowWorks

ONLY_HARDWARE = {"line_mapping": {"tables": {"revenue accounts": {"entries": {"Services": None}}}}}


async def statement(firm: Firm) -> list[Mapping[str, str]]:
    """Draw the report up, as the command does."""
    services = firm.world.services
    await services.directory.read()
    (installation,) = services.directory.all()
    integration = services.integrations[installation.pair]
    (report,) = [one for one in integration.reports if one.name == "period-statement"]
    works = FlowWorks(services.engine, services.integrations, services.open_side)
    run = rehearsal(installation, integration, integration.flow(FLOW), "*", trigger={"by": "test"})
    return [row async for row in works.report(run, report)]


def sums(row: Mapping[str, str]) -> dict[str, Any]:
    return {name: row[name] for name in row if name not in {"period", "entity"}}


async def test_what_was_won_is_posted_held_or_reversed_and_nothing_is_left_over(opened: OpenFirm):
    async with opened(settings=ONLY_HARDWARE, sage_intacct={"multi_currency": True}) as firm:
        await firm.sold(firm.line(item_price=1000))
        await firm.sold(firm.line(item_price=0.35))
        taken_back = await firm.sold(firm.line(item_price=70))
        await firm.finance("reverse_entry", reference=f"PD-{taken_back}")
        await firm.sold(firm.line("DAY", item_price=40))
        await firm.sold(firm.line(item_price=5), currency="EUR")

        euros, dollars = await statement(firm)

    assert sums(euros) == {
        "currency": "EUR", "deals": "1", "won": "5.00", "posted": "5.00",
        "not posted yet": "0.00", "reversed": "0.00", "held": "0.00", "difference": "0.00",
    }  # fmt: skip
    assert sums(dollars) == {
        "currency": "USD", "deals": "4", "won": "1,110.35", "posted": "1,000.35",
        "not posted yet": "0.00", "reversed": "70.00", "held": "40.00", "difference": "0.00",
    }  # fmt: skip
    assert dollars["entity"] == "top level"


async def test_drafts_are_apart_and_what_finance_changed_is_the_difference(opened: OpenFirm):
    async with opened(settings={"posting": {"state": "draft"}}) as firm:
        await firm.sold(firm.line(item_price=100))
        edited = await firm.sold(firm.line(item_price=200))
        lines = [
            {"ACCOUNTNO": "1160", "TR_TYPE": "1", "TRX_AMOUNT": "190"},
            {"ACCOUNTNO": "4020", "TR_TYPE": "-1", "TRX_AMOUNT": "190"},
        ]
        await firm.finance("edit_entry", reference=f"PD-{edited}", values={"ENTRIES": lines})

        (row,) = await statement(firm)

    assert (row["won"], row["not posted yet"], row["difference"]) == ("300.00", "290.00", "10.00")


async def test_entry_of_a_deal_that_is_no_longer_won_is_told(firm: Firm):
    deal = await firm.sold(firm.line(item_price=80))
    await firm.then(deal, firm.world.play("pipedrive", "lose_deal", id=deal))

    (row,) = await statement(firm)

    assert (row["won"], row["posted"], row["difference"]) == ("0.00", "80.00", "-80.00")
