"""What follows when a deal changes after its entry was made (M-01, INT-07)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.scenarios.sage_intacct_pipedrive.conftest import OpenFirm
from tests.scenarios.sage_intacct_pipedrive.firm import Firm, lines_of

TURNS = {
    "reopened": ("reopen_deal", {}, "is open again"),
    "lost": ("lose_deal", {}, "is lost"),
    "deleted": ("delete", {"kind": "deal"}, "was deleted"),
}
every_turn = pytest.mark.parametrize("what", TURNS)


async def turn(firm: Firm, deal: int, what: str) -> Any:
    action, body, _ = TURNS[what]
    return await firm.then(deal, firm.world.play("pipedrive", action, id=deal, **body))


async def win_again(firm: Firm, deal: int) -> Any:
    await firm.world.control("clock", {"advance_seconds": 5})
    return await firm.then(deal, firm.world.play("pipedrive", "win_deal", id=deal))


# The deal's end -----------------------------------------------------------------------------


@every_turn
async def test_deal_that_ends_after_its_entry_is_held_naming_both(firm: Firm, what: str):
    deal = await firm.sold()

    row = await turn(firm, deal, what)

    assert row.state == "held"
    assert TURNS[what][2] in row.reason
    assert f"GJ {(await firm.entry(deal))['BATCHNO']}" in row.reason
    assert await firm.balance("4020") == 100


@every_turn
async def test_entry_of_a_deal_that_ends_is_left_where_the_user_chose_so(
    opened: OpenFirm, what: str
):
    async with opened(settings={"after": {what: "leave"}}) as firm:
        deal = await firm.sold()
        last = await firm.last_call("sage_intacct")

        row = await turn(firm, deal, what)

        assert (row.state, row.outcome) == ("done", "unchanged")
        assert await firm.calls("sage_intacct", since=last) == []


@every_turn
async def test_deal_that_ends_is_reversed_once_where_the_user_chose_so(opened: OpenFirm, what: str):
    async with opened(settings={"after": {what: "reverse"}}) as firm:
        deal = await firm.sold()

        row = await turn(firm, deal, what)

        assert row.state == "done"
        assert lines_of(await firm.entry(deal, ending="R")) == [
            ("credit", "1160", Decimal(100)),
            ("debit", "4020", Decimal(100)),
        ]
        assert await firm.balance("4020") == 0
        assert (await firm.entry(deal))["STATE"] == "Posted"


async def test_draft_of_a_lost_deal_is_deleted_where_the_user_chose_so(opened: OpenFirm):
    settings = {"posting": {"state": "draft"}, "after": {"lost": "reverse"}}
    async with opened(settings=settings) as firm:
        deal = await firm.sold()

        row = await turn(firm, deal, "lost")

        assert row.state == "done"
        assert await firm.entries() == []


async def test_draft_of_a_deleted_deal_is_held_because_a_deletion_deletes_nothing(
    opened: OpenFirm,
):
    settings = {"posting": {"state": "draft"}, "after": {"deleted": "reverse"}}
    async with opened(settings=settings) as firm:
        deal = await firm.sold()

        row = await turn(firm, deal, "deleted")

        assert row.state == "held"
        assert "delete the draft there" in row.reason
        assert len(await firm.entries(deal)) == 1


async def test_entry_under_approval_is_reversed_once_it_is_posted(opened: OpenFirm):
    async with opened(
        settings={"after": {"lost": "reverse"}}, sage_intacct={"journal_approval": True}
    ) as firm:
        deal = await firm.sold()
        row = await turn(firm, deal, "lost")
        assert row.state == "held"
        assert "Submitted" in row.reason

        await firm.finance("approve_entry", reference=f"PD-{deal}")
        row = await firm.recheck(deal)

        assert row.state == "done"
        assert (await firm.entry(deal, ending="R"))["STATE"] == "Submitted"


# Won again ------------------------------------------------------------------------------------


async def test_stage_won_reopened_and_won_again_leaves_the_value_once(opened: OpenFirm):
    settings = {
        "trigger": {"on": "won_or_stage", "stages": ["Negotiation"]},
        "after": {"reopened": "reverse", "won_again_after_reversed": "new"},
    }
    async with opened(settings=settings) as firm:
        deal = await firm.deal(firm.line())
        await firm.world.play("pipedrive", "move_stage", id=deal, stage_id=5)
        await firm.settled(deal)
        await win_again(firm, deal)
        await firm.then(deal, firm.world.play("pipedrive", "reopen_deal", id=deal))
        await firm.then(deal, firm.world.play("pipedrive", "move_stage", id=deal, stage_id=2))
        assert await firm.balance("4020") == 0

        await win_again(firm, deal)

        assert await firm.balance("4020") == 100
        assert (await firm.entry(deal, ending="-2"))["STATE"] == "Posted"


async def test_deal_won_again_after_its_entry_was_reversed_is_held_unless_told_otherwise(
    opened: OpenFirm,
):
    async with opened(settings={"after": {"lost": "reverse"}}) as firm:
        deal = await firm.sold()
        await turn(firm, deal, "lost")

        row = await win_again(firm, deal)

        assert row.state == "held"
        assert "won_again_after_reversed" in row.reason
        assert await firm.balance("4020") == 0


async def test_deal_won_again_with_its_entry_standing_changes_nothing(opened: OpenFirm):
    async with opened(settings={"after": {"reopened": "leave"}}) as firm:
        deal = await firm.sold()
        await turn(firm, deal, "reopened")

        row = await win_again(firm, deal)

        assert (row.state, row.outcome) == ("done", "unchanged")
        assert len(await firm.entries()) == 1


async def test_entry_that_finance_reversed_is_not_posted_again(opened: OpenFirm):
    settings = {"after": {"reopened": "leave", "won_again_after_reversed": "new"}}
    async with opened(settings=settings) as firm:
        deal = await firm.sold()
        await firm.finance("reverse_entry", reference=f"PD-{deal}")
        await turn(firm, deal, "reopened")

        row = await win_again(firm, deal)

        assert row.state == "held"
        assert "reversed in Intacct by somebody" in row.reason
        assert await firm.balance("4020") == 0
        assert len(await firm.entries()) == 1


# Changed --------------------------------------------------------------------------------------

FOLLOWS = {"after": {"changed": "follow"}}


async def test_change_is_held_with_both_figures_and_the_entry_stays(firm: Firm):
    deal = await firm.sold(firm.line(item_price=1000))
    last = await firm.last_call("sage_intacct")

    row = await firm.edit_line(deal, item_price=800)

    assert row.state == "held"
    assert "net was 1000.00 and is 800.00" in row.reason
    assert await firm.gateway_writes(since=last) == []


async def test_posted_entry_is_reversed_and_posted_anew(opened: OpenFirm):
    async with opened(settings=FOLLOWS) as firm:
        deal = await firm.sold(firm.line(item_price=1000))

        row = await firm.edit_line(deal, item_price=800)

        assert row.state == "done"
        first = await firm.entry(deal)
        assert (await firm.entry(deal, ending="R"))["BATCH_DATE"] == first["BATCH_DATE"]
        assert lines_of(await firm.entry(deal, ending="-2"))[0] == ("debit", "1160", Decimal(800))
        assert await firm.balance("4020") == 800


async def test_change_after_the_period_closed_is_held_before_any_write(opened: OpenFirm):
    async with opened(settings=FOLLOWS) as firm:
        deal = await firm.sold(firm.line(item_price=1000))
        await firm.finance("close_books", date="12/31/2026")
        last = await firm.last_call("sage_intacct")

        row = await firm.edit_line(deal, item_price=800)

        assert (row.state, row.waits_for) == ("held", "closed_books")
        assert await firm.entries(deal, ending="R") == []
        assert await firm.balance("4020") == 1000
        assert last


async def test_change_after_the_period_closed_goes_to_the_first_open_day_where_chosen(
    opened: OpenFirm,
):
    settings = {**FOLLOWS, "posting": {"closed_period": "first_open_day"}}
    async with opened(settings=settings) as firm:
        deal = await firm.sold(firm.line(item_price=1000))
        await firm.finance("close_books", date="12/31/2026")

        row = await firm.edit_line(deal, item_price=800)

        assert row.state == "done"
        days = {
            ending: (await firm.entry(deal, ending=ending))["BATCH_DATE"] for ending in ("R", "-2")
        }
        assert days == {"R": "01/01/2027", "-2": "01/01/2027"}
        assert await firm.balance("4020") == 800


async def test_draft_is_updated_in_place(opened: OpenFirm):
    async with opened(settings={**FOLLOWS, "posting": {"state": "draft"}}) as firm:
        deal = await firm.sold(firm.line(item_price=1000))
        number = (await firm.entry(deal))["RECORDNO"]

        for price in (800, 900):
            row = await firm.edit_line(deal, item_price=price)
            assert row.state == "done"

        entry = await firm.entry(deal)
        assert (entry["RECORDNO"], entry["STATE"]) == (number, "Draft")
        assert lines_of(entry)[0] == ("debit", "1160", Decimal(900))
        assert len(await firm.entries()) == 1


@pytest.mark.parametrize("state", ["draft", "posted"])
async def test_entry_that_finance_edited_is_never_changed_nor_reversed(
    opened: OpenFirm, state: str
):
    async with opened(settings={**FOLLOWS, "posting": {"state": state}}) as firm:
        deal = await firm.sold(firm.line(item_price=1000))
        lines = [
            {"ACCOUNTNO": "1160", "TR_TYPE": "1", "TRX_AMOUNT": "950"},
            {"ACCOUNTNO": "4000", "TR_TYPE": "-1", "TRX_AMOUNT": "950"},
        ]
        await firm.finance("edit_entry", reference=f"PD-{deal}", values={"ENTRIES": lines})
        last = await firm.last_call("sage_intacct")

        row = await firm.edit_line(deal, item_price=800)

        assert row.state == "held"
        assert "credit 4000 950.00" in row.reason
        assert "credit 4020 1000.00" in row.reason
        assert await firm.gateway_writes(since=last) == []


async def test_deal_that_is_changed_to_nothing_is_reversed_and_not_posted_anew(opened: OpenFirm):
    async with opened(settings=FOLLOWS) as firm:
        deal = await firm.sold()

        row = await firm.edit_line(deal, item_price=0)

        assert row.state == "done"
        assert await firm.balance("4020") == 0
        assert await firm.entries(deal, ending="-2") == []


async def test_edit_of_what_is_not_posted_makes_no_call_to_intacct(firm: Firm):
    deal = await firm.sold()
    last = await firm.last_call("sage_intacct")

    row = await firm.then(
        deal,
        firm.world.play(
            "pipedrive", "edit", kind="deal", id=deal,
            changes={"title": "Another title", "label_ids": [1]},
        ),
    )  # fmt: skip

    assert (row.state, row.outcome) == ("done", "unchanged")
    assert await firm.calls("sage_intacct", since=last) == []
