"""What a won deal becomes in the ledger: accounts, sides, amounts, day, currency (INT-04, M-02)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.scenarios.sage_intacct_pipedrive.conftest import OpenFirm
from tests.scenarios.sage_intacct_pipedrive.firm import FLOW, Firm, lines_of

NEW_YORK = {"time_zone": "America/New_York"}


async def test_gross_deal_of_two_categories_is_posted_net_on_both_accounts(firm: Firm):
    tax = {"tax": 19, "tax_method": "inclusive"}
    deal = await firm.sold(
        firm.line("PUMP", item_price=714, **tax), firm.line("DAY", item_price=476, **tax)
    )

    entry = await firm.entry(deal)

    assert lines_of(entry) == [
        ("debit", "1160", Decimal(1000)),
        ("credit", "4020", Decimal(600)),
        ("credit", "4010", Decimal(400)),
    ]
    assert (entry["STATE"], entry["JOURNAL"]) == ("Posted", "GJ")
    assert (await firm.outcomes(deal))[0] == "written"
    assert "1,000.00 USD is posted" in (await firm.runs(deal))[0].reason


async def test_trail_shows_the_entry_beside_its_deal(firm: Firm):
    deal = await firm.sold()

    (stands,) = await firm.noted(deal, "entry_stands")

    entry = await firm.entry(deal)
    assert stands["record_no"] == str(entry["RECORDNO"])
    assert (stands["state"], stands["journal"]) == ("Posted", "GJ")
    assert stands["lines"] == "debit 1160 100.00; credit 4020 100.00"


async def test_remainder_of_a_discount_stands_on_the_last_of_three_equal_lines(firm: Firm):
    deal = await firm.deal(*(firm.line(item_price=50) for _ in range(3)))
    await firm.world.play(
        "pipedrive", "add_discount", deal_id=deal, amount=50, type="amount", description="Off"
    )
    await firm.win(deal)

    amounts = [amount for _, _, amount in lines_of(await firm.entry(deal))]

    assert amounts == [Decimal(100), Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]


async def test_deal_worth_nothing_has_no_entry_and_says_so(firm: Firm):
    deal = await firm.sold(firm.line(item_price=0))

    row = await firm.world.row(deal)

    assert (row.state, row.outcome) == ("done", "skipped")
    assert "worth nothing" in row.reason
    assert await firm.entries() == []


async def test_line_below_zero_swaps_the_sides_and_is_never_sent_signed(firm: Firm):
    deal = await firm.sold(firm.line(item_price=100), firm.line("DAY", item_price=-30))

    assert lines_of(await firm.entry(deal)) == [
        ("debit", "1160", Decimal(70)),
        ("credit", "4020", Decimal(100)),
        ("debit", "4010", Decimal(30)),
    ]


async def test_one_credit_for_each_account_where_the_user_chose_so(opened: OpenFirm):
    async with opened(settings={"posting": {"lines": "per_deal"}}) as firm:
        deal = await firm.sold(
            firm.line(item_price=10), firm.line("DAY", item_price=5), firm.line(item_price=20)
        )

        assert lines_of(await firm.entry(deal)) == [
            ("debit", "1160", Decimal(35)),
            ("credit", "4020", Decimal(30)),
            ("credit", "4010", Decimal(5)),
        ]


async def test_deal_without_products_goes_to_the_account_of_its_stage(opened: OpenFirm):
    mapping = {
        "fields": {"Account": {"from": "deal.stage_id", "table": "by stage"}},
        "tables": {"by stage": {"entries": {"Negotiation": "4000"}}},
    }
    async with opened(settings={"line_mapping": mapping}) as firm:
        deal = await firm.deal(value=250, stage_id=5)
        await firm.win(deal)

        assert lines_of(await firm.entry(deal)) == [
            ("debit", "1160", Decimal(250)),
            ("credit", "4000", Decimal(250)),
        ]


async def test_new_installation_makes_drafts_until_it_is_switched(opened: OpenFirm):
    async with opened(settings={"posting": {"state": "draft"}}) as firm:
        deal = await firm.sold()

        assert (await firm.entry(deal))["STATE"] == "Draft"
        assert "a draft, for finance to post" in (await firm.runs(deal))[0].reason


async def test_entry_that_waits_for_approval_is_shown_as_what_it_is(opened: OpenFirm):
    async with opened(sage_intacct={"journal_approval": True}) as firm:
        deal = await firm.sold()

        row = await firm.world.row(deal)
        assert (await firm.entry(deal))["STATE"] == "Submitted"
        assert "submitted and waits for approval" in row.reason
        assert "posted" not in row.reason

        await firm.finance("approve_entry", reference=f"PD-{deal}")
        await firm.world.jump(timedelta(hours=7))
        row = await firm.then(
            deal,
            firm.world.play("pipedrive", "edit", kind="deal", id=deal, changes={"title": "T"}),
        )

        assert "is posted" in row.reason


# The day ------------------------------------------------------------------------------------------


async def test_entry_is_dated_in_the_companys_zone(opened: OpenFirm):
    async with opened(erp=NEW_YORK) as firm:
        deal = await firm.deal(firm.line())
        await firm.win(deal, won_time="2026-12-01T03:30:00Z")

        assert (await firm.entry(deal))["BATCH_DATE"] == "11/30/2026"


async def test_weekly_run_dates_an_entry_by_the_deal_and_not_by_the_run(opened: OpenFirm):
    weekly = {FLOW: {"on": True, "when": {"weekly": "mon 07:00 America/New_York"}}}
    async with opened(erp=NEW_YORK, flows=weekly, webhooks=False) as firm:
        deal = await firm.deal(firm.line())
        await firm.world.play("pipedrive", "win_deal", id=deal, won_time="2026-12-01T03:30:00Z")
        await firm.world.jump(timedelta(days=14))
        await firm.settled(deal)

        assert (await firm.entry(deal))["BATCH_DATE"] == "11/30/2026"


# Currencies and entities --------------------------------------------------------------------


async def test_foreign_deal_is_held_before_any_write_in_a_company_of_one_currency(firm: Firm):
    deal = await firm.sold(currency="EUR")

    row = await firm.world.row(deal)

    assert row.state == "held"
    assert "EUR" in row.reason
    assert "USD" in row.reason
    assert await firm.gateway_writes() == []


async def test_every_line_of_a_foreign_deal_names_currency_rate_type_and_day(opened: OpenFirm):
    async with opened(sage_intacct={"multi_currency": True}) as firm:
        deal = await firm.sold(currency="EUR")

        entry = await firm.entry(deal)
        assert {
            (line["CURRENCY"], line["EXCH_RATE_TYPE_ID"], line["EXCH_RATE_DATE"])
            for line in entry["ENTRIES"]
        } == {("EUR", "Intacct Daily Rate", entry["BATCH_DATE"])}


async def test_currency_that_intacct_does_not_know_is_held_with_its_words(opened: OpenFirm):
    async with opened(sage_intacct={"multi_currency": True}) as firm:
        deal = await firm.sold(currency="SEK")

        row = await firm.world.row(deal)
        assert row.state == "held"
        assert "SEK" in row.reason
        assert await firm.entries() == []


async def test_entry_lies_in_the_entity_of_its_location(opened: OpenFirm):
    mapping = {
        "fields": {"LOCATION": {"from": "deal.pipeline_id", "table": "places"}},
        "tables": {"places": {"entries": {"Sales": "L110"}}},
    }
    async with opened(
        settings={"line_mapping": mapping}, sage_intacct={"multi_entity": True}
    ) as firm:
        deal = await firm.sold()

        entry = await firm.entry(deal)
        assert {line["LOCATION"] for line in entry["ENTRIES"]} == {"L110"}
        assert entry["BASELOCATION_NO"] == "E100"
        assert (await firm.world.row(deal)).state == "done"


async def test_line_without_a_location_is_held_where_there_are_entities(opened: OpenFirm):
    async with opened(sage_intacct={"multi_entity": True}) as firm:
        deal = await firm.sold()

        row = await firm.world.row(deal)
        assert row.state == "held"
        assert "LOCATION" in row.reason
        assert await firm.gateway_writes() == []


# Recurring lines ----------------------------------------------------------------------------------


async def test_recurring_line_goes_to_the_account_of_its_frequency(opened: OpenFirm):
    tables = {"recurring accounts": {"entries": {"monthly": "2400"}}}
    async with opened(settings={"line_mapping": {"tables": tables}}) as firm:
        deal = await firm.sold(
            firm.line(item_price=70),
            firm.line(item_price=10, billing_frequency="monthly", billing_frequency_cycles=3),
        )

        assert lines_of(await firm.entry(deal)) == [
            ("debit", "1160", Decimal(100)),
            ("credit", "4020", Decimal(70)),
            ("credit", "2400", Decimal(30)),
        ]


async def test_recurring_line_of_a_frequency_without_an_account_is_held(firm: Firm):
    deal = await firm.sold(
        firm.line(item_price=10, billing_frequency="monthly", billing_frequency_cycles=3)
    )

    row = await firm.world.row(deal)

    assert row.state == "held"
    assert "monthly" in row.reason
    assert row.waits_for == "mapping:recurring accounts:monthly"


# When ---------------------------------------------------------------------------------------------


async def test_deal_that_reaches_a_revenue_stage_is_posted_and_winning_it_adds_nothing(
    opened: OpenFirm,
):
    trigger = {"on": "won_or_stage", "stages": ["Negotiation"]}
    async with opened(settings={"trigger": trigger}) as firm:
        deal = await firm.deal(firm.line())
        await firm.world.play("pipedrive", "move_stage", id=deal, stage_id=5)
        await firm.settled(deal)
        assert await firm.balance("4020") == 100

        await firm.then(deal, firm.world.play("pipedrive", "win_deal", id=deal))

        assert await firm.balance("4020") == 100
        assert len(await firm.entries()) == 1


@pytest.mark.parametrize("named", [True, False])
async def test_number_and_state_stand_on_the_deal_only_where_a_field_is_named(
    opened: OpenFirm, named: bool
):
    shown = {"entry_number": "Journal entry", "entry_state": "Entry state"} if named else {}
    fields = [
        {"field_name": name, "field_type": "varchar"} for name in ("Journal entry", "Entry state")
    ]
    async with opened(settings={"write_back": shown}, fields={"deal": fields}) as firm:
        deal = await firm.sold()

        values = [v for v in (await firm.crm_deal(deal))["custom_fields"].values() if v]
        number = (await firm.entry(deal))["BATCHNO"]
        assert sorted(values) == ([f"GJ {number}", "Posted"] if named else [])
