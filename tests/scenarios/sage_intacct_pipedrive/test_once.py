"""One posting for each deal, whatever is lost, repeated or refused (INT-07, P-08, INT-03)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.scenarios.sage_intacct_pipedrive.conftest import OpenFirm
from tests.scenarios.sage_intacct_pipedrive.firm import Firm, lines_of


async def lose(firm: Firm, kind: str, operation: str) -> None:
    """Let the next answer to an operation be lost."""
    await firm.world.control(
        "sage_intacct/faults",
        {"effect": {"kind": kind}, "match": {"operation": operation}, "times": 1},
    )


@pytest.mark.parametrize("kind", ["cut_after", "cut_before"])
@pytest.mark.parametrize("form", ["function_error", "control_error"])
async def test_entry_whose_answer_was_lost_is_there_once(opened: OpenFirm, kind: str, form: str):
    async with opened(sage_intacct={"duplicate_answer": form}) as firm:
        await lose(firm, kind, "GLBATCH")
        deal = await firm.deal(firm.line())
        await lose(firm, kind, "create GLBATCH")
        await firm.win(deal)

        assert (await firm.world.row(deal)).state == "done"
        assert len(await firm.entries()) == 1
        assert await firm.balance("4020") == 100


async def test_repeated_webhook_posts_nothing_twice(firm: Firm):
    deal = await firm.sold()

    for _ in range(3):
        await firm.world.play("pipedrive", "repeat_webhook")
    await firm.quiet()

    assert len(await firm.entries(deal)) == 1


async def test_entry_that_was_there_before_the_first_sending_is_found_by_its_reference(
    firm: Firm,
):
    deal = await firm.deal(firm.line())
    by_hand = {
        "JOURNAL": "GJ",
        "BATCH_DATE": "11/27/2026",
        "BATCH_TITLE": "By hand",
        "REFERENCENO": f"PD-{deal}",
        "ENTRIES": [
            {"ACCOUNTNO": "1160", "TR_TYPE": "1", "TRX_AMOUNT": "100"},
            {"ACCOUNTNO": "4020", "TR_TYPE": "-1", "TRX_AMOUNT": "100"},
        ],
    }
    await firm.finance("add", kind="journal_entry", values=by_hand)

    await firm.win(deal)

    assert (await firm.world.row(deal)).state == "done"
    assert [one["BATCH_TITLE"] for one in await firm.entries(deal)] == ["By hand"]


async def test_entry_under_our_reference_that_says_otherwise_is_held_with_both(firm: Firm):
    deal = await firm.deal(firm.line())
    by_hand = {
        "JOURNAL": "GJ",
        "BATCH_DATE": "11/27/2026",
        "BATCH_TITLE": "By hand",
        "REFERENCENO": f"PD-{deal}",
        "ENTRIES": [
            {"ACCOUNTNO": "1160", "TR_TYPE": "1", "TRX_AMOUNT": "70"},
            {"ACCOUNTNO": "4020", "TR_TYPE": "-1", "TRX_AMOUNT": "70"},
        ],
    }
    await firm.finance("add", kind="journal_entry", values=by_hand)

    await firm.win(deal)

    row = await firm.world.row(deal)
    assert row.state == "held"
    assert "credit 4020 70.00" in row.reason
    assert "credit 4020 100.00" in row.reason
    assert len(await firm.entries(deal)) == 1


async def test_characters_that_xml_forbids_are_left_out_and_told(firm: Firm):
    deal = await firm.sold(title="Pump\x0b & Söhne <1>")

    (told,) = await firm.noted(deal, "characters_removed")

    entry = await firm.entry(deal)
    assert entry["BATCH_TITLE"] == f"Deal {deal}: Pump & Söhne <1>"
    assert told["field"].endswith("BATCH_TITLE")
    assert lines_of(entry)[0] == ("debit", "1160", Decimal(100))


async def reads_lag(firm: Firm) -> None:
    """Let reads show what was written only after a moment, from now on."""
    await firm.world.control("sage_intacct/switches", {"visible_after_seconds": 1.5})


async def test_entry_that_reads_do_not_show_yet_is_not_taken_for_deleted(firm: Firm):
    first = await firm.sold()  # reads the set-up
    assert len(await firm.entries(first)) == 1
    await reads_lag(firm)

    deal = await firm.sold()

    row = await firm.world.row(deal)
    assert row.state == "done"
    assert len(await firm.entries(deal)) == 1


async def test_change_that_reads_do_not_show_yet_is_not_taken_for_finances(opened: OpenFirm):
    settings = {"after": {"changed": "follow"}, "posting": {"state": "draft"}}
    async with opened(settings=settings) as firm:
        deal = await firm.sold()
        await reads_lag(firm)

        row = await firm.edit_line(deal, item_price=80)

        assert row.state == "done"
        assert lines_of(await firm.entry(deal))[0] == ("debit", "1160", Decimal(80))
