"""What is held before anything is written, why, and how it goes on by itself (INT-06, INT-08)."""

from __future__ import annotations

import pytest
from tests.scenarios.acumatica_pipedrive.shop import until
from tests.scenarios.sage_intacct_pipedrive.conftest import OpenFirm
from tests.scenarios.sage_intacct_pipedrive.firm import Firm, lines_of

from ml_connector.core.errors import ConfigurationError

ONLY_HARDWARE = {"line_mapping": {"tables": {"revenue accounts": {"entries": {"Services": None}}}}}


async def test_unmapped_category_is_held_told_and_posted_by_itself_once_it_is_mapped(
    opened: OpenFirm,
):
    async with opened(settings=ONLY_HARDWARE) as firm:
        deal = await firm.sold(firm.line("DAY"), title="Pump service")

        row = await firm.world.row(deal)
        assert (row.state, row.waits_for) == ("held", "mapping:revenue accounts:19")
        (told,) = await firm.told()
        for part in ("Services", f"Deal {deal}", "Pump service", "revenue account", "Mappings"):
            assert part in told
        assert await firm.gateway_writes() == []

        await firm.world.apply()
        await firm.settled(deal)

        assert lines_of(await firm.entry(deal))[1][:2] == ("credit", "4010")


async def test_deal_whose_product_has_no_category_posts_by_itself_once_it_has_one(firm: Firm):
    product = await firm.product_of(None, "WIRE")
    deal = await firm.sold(firm.line("WIRE"))
    row = await firm.world.row(deal)
    assert (row.state, row.waits_for) == ("held", f"product:{product}")
    assert "no Category" in row.reason

    before = row.run_no
    await firm.world.play(
        "pipedrive", "edit", kind="product", id=product, changes={"category": "18"}
    )
    await until(lambda: _ran_after(firm, deal, before))
    row = await firm.settled(deal)

    assert row.state == "done"
    assert await firm.balance("4020") == 100


async def _ran_after(firm: Firm, deal: int, run_no: int) -> bool:
    return bool((await firm.world.row(deal)).run_no > run_no)


async def test_inactive_account_is_held_and_posts_by_itself_once_it_is_active(firm: Firm):
    await firm.finance("set_status", kind="gl_accounts", key="4020", status="inactive")
    deal = await firm.sold()
    row = await firm.world.row(deal)
    assert (row.state, row.waits_for) == ("held", "account:4020")
    assert "inactive" in row.reason
    assert await firm.gateway_writes() == []

    await firm.finance("set_status", kind="gl_accounts", key="4020", status="active")
    row = await firm.recheck(deal)

    assert row.state == "done"
    assert await firm.balance("4020") == 100


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ("1200", "control account"),
        ("2000", "control account"),
        ("1000", "bank account"),
        ("2400", "income-statement account"),
    ],
)
async def test_account_that_entries_may_not_name_is_refused_when_it_is_mapped(
    opened: OpenFirm, account: str, why: str
):
    tables = {"revenue accounts": {"entries": {"Hardware": account}}}
    with pytest.raises(ConfigurationError, match=why):
        async with opened(settings={"line_mapping": {"tables": tables}}, works=False):
            pass


async def test_offset_that_entries_may_not_name_is_refused_when_it_is_named(opened: OpenFirm):
    with pytest.raises(ConfigurationError, match=r"(?s)1200.*control account"):
        async with opened(settings={"posting": {"offset_account": "1200"}}, works=False):
            pass


async def test_setting_up_warns_of_revenue_that_counts_twice(opened: OpenFirm):
    async with opened(works=False) as firm:
        assert any("clearing account" in words for words in firm.world.notes)


async def test_account_that_became_a_control_account_holds_the_deal(opened: OpenFirm):
    async with opened(works=False) as firm:
        await firm.finance(
            "set_account", key="4020", values={"ALTERNATIVEACCOUNT": "Receivables account"}
        )
        await firm.world.work_inside()
        deal = await firm.sold()

        row = await firm.world.row(deal)
        assert row.state == "held"
        assert "control account" in row.reason
        assert await firm.gateway_writes() == []


async def test_closed_period_holds_the_deal_until_it_is_opened(firm: Firm):
    await firm.finance("close_books", date="12/31/2026")
    deal = await firm.sold()
    row = await firm.world.row(deal)
    assert (row.state, row.waits_for) == ("held", "closed_books")
    assert await firm.gateway_writes() == []

    await firm.finance("open_books")
    row = await firm.recheck(deal)

    assert row.state == "done"
    assert len(await firm.entries(deal)) == 1


async def test_closed_period_is_left_for_the_first_open_day_where_the_user_chose_so(
    opened: OpenFirm,
):
    async with opened(settings={"posting": {"closed_period": "first_open_day"}}) as firm:
        await firm.finance("close_books", date="12/31/2026")
        deal = await firm.sold()

        assert (await firm.entry(deal))["BATCH_DATE"] == "01/01/2027"


async def test_books_closed_behind_our_back_lead_to_the_first_open_day_too(opened: OpenFirm):
    async with opened(settings={"posting": {"closed_period": "first_open_day"}}) as firm:
        first = await firm.sold()  # from now on the books are believed open
        await firm.finance("close_books", date="12/31/2026")
        deal = await firm.sold()

        assert (await firm.entry(first))["BATCH_DATE"] != "01/01/2027"
        assert (await firm.entry(deal))["BATCH_DATE"] == "01/01/2027"


async def test_missing_required_dimension_is_held_naming_it(opened: OpenFirm):
    async with opened(works=False) as firm:
        await firm.finance("set_account", key="4020", values={"REQUIREDEPT": "true"})
        await firm.world.work_inside()
        deal = await firm.sold()
        row = await firm.world.row(deal)
        assert row.state == "held"
        assert "department" in row.reason
        assert await firm.gateway_writes() == []

        await firm.world.apply(
            settings={"line_mapping": {"fields": {"DEPARTMENT": {"constant": "SALES"}}}}
        )
        await firm.settled(deal)

        entry = await firm.entry(deal)
        assert {line["DEPARTMENT"] for line in entry["ENTRIES"]} == {"SALES"}


async def test_unknown_value_of_a_dimension_is_held_until_it_is_there(opened: OpenFirm):
    mapping = {"fields": {"DEPARTMENT": {"constant": "PUMPS"}}}
    async with opened(settings={"line_mapping": mapping}) as firm:
        deal = await firm.sold()
        row = await firm.world.row(deal)
        assert (row.state, row.waits_for) == ("held", "dimension:DEPARTMENT:PUMPS")
        assert await firm.gateway_writes() == []

        await firm.finance(
            "add", kind="department", values={"DEPARTMENTID": "PUMPS", "TITLE": "Pumps"}
        )
        row = await firm.recheck(deal)

        assert row.state == "done"


async def test_inactive_journal_is_held_naming_it(opened: OpenFirm):
    async with opened(settings={"posting": {"journal": "OLD"}}) as firm:
        deal = await firm.sold()

        row = await firm.world.row(deal)
        assert (row.state, row.waits_for) == ("held", "journal:OLD")
        assert await firm.gateway_writes() == []


# The customer dimension (INT-13) --------------------------------------------------------------

NEEDS_CUSTOMER = {"key": "4020", "values": {"REQUIRECUSTOMER": "true"}}


async def test_missing_customer_is_a_cause_of_its_own_and_made_where_chosen(opened: OpenFirm):
    async with opened(works=False) as firm:
        await firm.finance("set_account", **NEEDS_CUSTOMER)
        await firm.world.work_inside()
        organization = await firm.world.organization("Nordwerk GmbH")
        deal = await firm.sold(org_id=organization)
        row = await firm.world.row(deal)
        assert (row.state, row.waits_for) == (
            "held",
            f"customer:organization:{organization}",
        )
        assert "customers.create" in row.reason

        await firm.world.apply(settings={"customers": {"create": True}})
        await firm.settled(deal)

        entry = await firm.entry(deal)
        assert {line["CUSTOMERID"] for line in entry["ENTRIES"]} == {f"PD-O{organization}"}
        assert [one["NAME"] for one in await firm.records("sage_intacct", "customers")] == [
            "Nordwerk GmbH"
        ]


async def test_customer_of_the_same_name_is_proposed_to_a_person_and_used_as_decided(
    opened: OpenFirm,
):
    seeds = {
        "customers": [
            {
                "CUSTOMERID": "C-1",
                "NAME": "NORDWERK GmbH",
                "DISPLAYCONTACT.PRINTAS": "NORDWERK GmbH",
            }
        ]
    }
    async with opened(settings={"customers": {"create": True}}, seeds=seeds) as firm:
        organization = await firm.world.organization("Nordwerk GmbH")
        deal = await firm.sold(org_id=organization)
        row = await firm.world.row(deal)
        assert row.state == "held"
        assert "C-1" in row.reason

        decided = {"create": True, "decided": {str(organization): "C-1"}}
        await firm.world.apply(settings={"customers": decided})
        await firm.settled(deal)

        entry = await firm.entry(deal)
        assert {line["CUSTOMERID"] for line in entry["ENTRIES"]} == {"C-1"}
        assert len(await firm.records("sage_intacct", "customers")) == 1
