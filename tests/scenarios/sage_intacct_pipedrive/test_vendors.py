"""Organizations and their vendors: matched first, made, followed, never overwritten (INT-05)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.scenarios.sage_intacct_pipedrive.conftest import OpenFirm
from tests.scenarios.sage_intacct_pipedrive.firm import FLOW as DEALS
from tests.scenarios.sage_intacct_pipedrive.firm import Firm, merged

FLOW = "organization_to_vendor"
FLOWS = {FLOW: {"on": True, "when": {"every": "1m"}}}
RULES = {"labels": ["Customer"], "vendor_type": "Pipedrive customer", "tax_number_field": "VAT"}
FIELDS = {"organization": [{"field_name": "VAT", "field_type": "varchar"}]}


@asynccontextmanager
async def buying(
    opened: OpenFirm, rules: Mapping[str, Any] | None = None, **how: Any
) -> AsyncIterator[Firm]:
    """Open a firm whose organizations become vendors by their label."""
    async with opened(
        settings={"vendors": merged(RULES, rules or {})},
        fields=FIELDS,
        flows=FLOWS,
        provide_fields=True,
        **how,
    ) as firm:
        await firm.survey(FLOW)
        await firm.confirm(FLOW)
        yield firm


async def added(firm: Firm, name: str = "Nordwerk GmbH", **fields: Any) -> int:
    """Add an organization with the label, and wait for what follows."""
    made = await firm.world.play(
        "pipedrive", "create", kind="organization", name=name, label_ids=[5], **fields
    )
    await firm.all_quiet()
    return int(made["id"])


async def vendors(firm: Firm) -> list[dict[str, Any]]:
    return await firm.records("sage_intacct", "vendors")


async def test_labelled_organization_becomes_a_vendor_on_hold_and_shows_its_number(
    opened: OpenFirm,
):
    async with buying(opened) as firm:
        address = {"value": "Hafenweg 5, Oslo, Norway", "country": "Norway", "locality": "Oslo"}
        organization = await added(firm, address=address, website="https://nordwerk.example")

        (vendor,) = await vendors(firm)
        assert (vendor["VENDORID"], vendor["NAME"]) == (f"PD-{organization}", "Nordwerk GmbH")
        assert (vendor["VENDTYPE"], vendor["ONHOLD"]) == ("Pipedrive customer", True)
        contact = vendor["DISPLAYCONTACT"]
        assert contact["MAILADDRESS.COUNTRY"] == "Norway"
        assert contact["URL1"] == "https://nordwerk.example"
        (shown,) = [
            one for one in await firm.records("pipedrive", "organizations")
            if one["id"] == organization
        ]  # fmt: skip
        own = await firm.own_fields()
        assert shown["custom_fields"][own["vendor_number"]] == vendor["VENDORID"]


async def test_nothing_is_made_before_the_first_match_is_confirmed(opened: OpenFirm):
    async with opened(
        settings={"vendors": RULES}, fields=FIELDS, flows=FLOWS, provide_fields=True
    ) as firm:
        organization = await added(firm)
        assert await vendors(firm) == []

        (row,) = (await firm.survey(FLOW)).values()
        assert (row.source_key, row.verdict) == (str(organization), "new")
        await firm.confirm(FLOW)
        await firm.all_quiet()

        assert [one["VENDORID"] for one in await vendors(firm)] == [f"PD-{organization}"]


async def test_organization_becomes_a_vendor_with_its_first_won_deal(opened: OpenFirm):
    both = {DEALS: {"on": True, "when": {"every": "1m"}}, **FLOWS}
    async with opened(
        settings={"vendors": RULES}, fields=FIELDS, flows=both, provide_fields=True
    ) as firm:
        await firm.survey(FLOW)
        await firm.confirm(FLOW)
        organization = await firm.world.organization("Nordwerk GmbH")
        await firm.all_quiet()
        assert await vendors(firm) == []

        await firm.sold(org_id=organization)
        await firm.all_quiet()

        assert [one["VENDORID"] for one in await vendors(firm)] == [f"PD-{organization}"]
        assert len(await firm.entries()) == 1


def seeded(**values: Any) -> dict[str, Any]:
    vendor = {
        "VENDORID": "V-7",
        "NAME": "Nordwerk GmbH",
        "DISPLAYCONTACT.PRINTAS": "Nordwerk GmbH",
        **values,
    }
    return {"vendors": [vendor]}


async def test_vendor_with_the_same_tax_number_is_linked_and_stays_as_it_is(opened: OpenFirm):
    async with buying(opened, seeds=seeded(TAXID="DE123456789")) as firm:
        before = await vendors(firm)
        organization = await added(firm, custom_fields={"VAT": "DE123456789"})
        await firm.edit("organization", organization, name="Nordwerk Holding GmbH")

        assert await vendors(firm) == before
        row = await firm.row_of(FLOW, organization)
        assert (row.state, "was there before us" in row.reason) == ("done", True)


async def test_vendor_of_the_same_name_with_another_tax_number_is_held_until_decided(
    opened: OpenFirm,
):
    async with buying(opened, seeds=seeded(TAXID="DE999999999")) as firm:
        organization = await added(firm, custom_fields={"VAT": "DE123456789"})
        row = await firm.row_of(FLOW, organization)
        assert row.state == "held"
        assert "V-7" in row.reason
        assert len(await vendors(firm)) == 1

        await firm.world.apply(
            settings={"vendors": {**RULES, "decided": {str(organization): "new"}}},
            flows=FLOWS, provide_fields=True,
        )  # fmt: skip
        await firm.all_quiet()

        assert {one["VENDORID"] for one in await vendors(firm)} == {"V-7", f"PD-{organization}"}


async def test_vendor_of_our_making_follows_its_organization_and_nothing_of_finance(
    opened: OpenFirm,
):
    async with buying(opened) as firm:
        organization = await added(firm)
        key = f"PD-{organization}"
        await firm.finance("edit", kind="vendor", key=key, values={"TERMNAME": "N30"})

        await firm.edit("organization", organization, name="Nordwerk AS")

        (vendor,) = await vendors(firm)
        assert (vendor["NAME"], vendor["TERMNAME"]) == ("Nordwerk AS", "N30")
        assert vendor["ONHOLD"] is True


async def test_name_that_finance_changed_is_held_with_both_sides(opened: OpenFirm):
    async with buying(opened) as firm:
        organization = await added(firm)
        key = f"PD-{organization}"
        await firm.finance("edit", kind="vendor", key=key, values={"NAME": "Nordwerk (old)"})

        await firm.edit("organization", organization, name="Nordwerk AS")

        row = await firm.row_of(FLOW, organization)
        assert row.state == "held"
        assert "Nordwerk (old)" in row.reason
        assert "Nordwerk AS" in row.reason


async def test_vendor_that_waits_for_approval_is_told_as_waiting(opened: OpenFirm):
    async with buying(opened, sage_intacct={"vendor_approval": True}) as firm:
        organization = await added(firm)

        runs = await firm.noted_of(FLOW, organization, "vendor_waits")
        assert [one["state"] for one in runs] == ["Submitted"]


async def test_vendor_whose_answer_was_lost_is_there_once(opened: OpenFirm):
    async with buying(opened) as firm:
        await firm.world.control(
            "sage_intacct/faults",
            {
                "effect": {"kind": "cut_after"},
                "match": {"operation": "create VENDOR"},
                "times": 1,
            },
        )

        organization = await added(firm)

        assert [one["VENDORID"] for one in await vendors(firm)] == [f"PD-{organization}"]
        assert (await firm.row_of(FLOW, organization)).state == "done"


@pytest.mark.parametrize("label", [[], [6]])
async def test_organization_without_a_won_deal_or_the_label_is_left_alone(
    opened: OpenFirm, label: list[int]
):
    async with buying(opened) as firm:
        made = await firm.world.play(
            "pipedrive", "create", kind="organization", name="Meyer AG", label_ids=label
        )
        await firm.all_quiet()

        row = await firm.row_of(FLOW, made["id"])
        assert row.outcome == "skipped"
        assert "vendors.labels" in row.reason
        assert await vendors(firm) == []
