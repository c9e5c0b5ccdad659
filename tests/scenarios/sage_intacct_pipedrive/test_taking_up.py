"""Which deals are taken up, and that a session that ends stops none (P-16, P-18, INT-01)."""

from __future__ import annotations

import pytest
from tests.scenarios.sage_intacct_pipedrive.conftest import OpenFirm
from tests.scenarios.sage_intacct_pipedrive.firm import Firm


async def test_deal_won_before_go_live_is_never_posted(firm: Firm):
    old = await firm.world.deal(
        [firm.line()],
        status="won",
        won_time="2020-05-05T12:00:00Z",
        org_id=await firm.world.organization(),
    )
    await firm.world.play("pipedrive", "edit", kind="deal", id=old, changes={"title": "X"})
    await firm.world.poll_now()
    now = await firm.sold()

    assert [one["REFERENCENO"] for one in await firm.entries()] == [f"PD-{now}"]


async def test_deal_in_a_revenue_stage_since_before_go_live_is_skipped_with_the_way_out(
    opened: OpenFirm,
):
    trigger = {"on": "stage", "stages": ["Negotiation"]}
    async with opened(settings={"trigger": trigger}) as firm:
        deal = await firm.deal(firm.line(), stage_id=5, add_time="2020-05-05T12:00:00Z")
        await firm.world.play("pipedrive", "edit", kind="deal", id=deal, changes={"title": "X"})

        row = await firm.settled(deal)

        assert row.outcome == "skipped"
        assert "backfill" in row.reason
        assert await firm.entries() == []


async def test_deal_outside_of_the_scope_is_skipped_naming_it(opened: OpenFirm):
    async with opened(settings={"scope": {"labels": ["Hot"]}}) as firm:
        outside = await firm.sold(label_ids=[3])
        inside = await firm.sold(label_ids=[1])

        row = await firm.world.row(outside)
        assert row.outcome == "skipped"
        assert "Hot" in row.reason
        assert [one["REFERENCENO"] for one in await firm.entries()] == [f"PD-{inside}"]


@pytest.mark.parametrize("entity", [None, "E100"])
async def test_session_that_was_ended_costs_one_login_and_no_posting(
    opened: OpenFirm, entity: str | None
):
    erp = {"entity_id": entity} if entity else {}
    async with opened(erp=erp, sage_intacct={"multi_entity": entity is not None}) as firm:
        await firm.sold()
        await firm.finance("end_sessions")
        last = await firm.last_call("sage_intacct")

        deal = await firm.sold()

        assert (await firm.entry(deal))["STATE"] == "Posted"
        asked = await firm.calls("sage_intacct", since=last)
        assert len([one for one in asked if "getAPISession" in one]) == 1


async def test_deal_of_a_person_alone_names_no_customer_and_is_held_where_one_is_required(
    firm: Firm,
):
    made = await firm.world.seed("pipedrive", persons=[{"name": "Ines Carver"}])
    person = made["persons"][0]
    free = await firm.sold(organization=None, person_id=person)
    assert all("CUSTOMERID" not in line for line in (await firm.entry(free))["ENTRIES"])

    await firm.finance("set_account", key="4010", values={"REQUIRECUSTOMER": "true"})
    held = await firm.sold(firm.line("DAY"), organization=None, person_id=person)

    row = await firm.world.row(held)
    assert row.state == "held"  # the account was believed to require none: the gateway says it
    assert "customer" in row.reason.lower()
