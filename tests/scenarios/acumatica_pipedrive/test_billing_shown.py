"""Where a deal shows its billing: provided fields, fields of the user's own, a note (M-11)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.ledger import FLOW, open_ledger
from tests.world.world import FLOW as WON

from ml_connector.core.errors import ConfigurationError
from ml_connector.integrations.acumatica_pipedrive.billing_fields import FIELDS

A_FIELD = {"deal": [{"field_name": "Faktura", "field_type": "varchar"}]}


def noted(detail: str) -> dict[str, Any]:
    return {"billing": {"note": detail}}


async def test_fields_are_made_only_where_the_flow_is_on(opened: OpenShop):
    async with open_ledger(opened, flows=()) as ledger:
        assert not FIELDS.keys() & (await ledger.shop.own_fields()).keys()


async def test_fields_are_found_again_by_key_however_they_are_renamed(opened: OpenShop):
    async with open_ledger(opened) as ledger:
        deal, order = await ledger.sold(1000)
        keys = await ledger.shop.own_fields()
        await ledger.shop.world.play(
            "pipedrive", "edit_field", kind="deal", field=keys["open_balance"], field_name="Offen"
        )

        await ledger.shop.world.apply(
            flows={name: {"on": True, "when": {"every": "1m"}} for name in (WON, FLOW)}
        )
        await ledger.invoiced(order)
        await ledger.polled()

        assert await ledger.shop.own_fields() == keys
        assert (await ledger.shown(deal))["open_balance"] == "1000.00 USD"


async def test_figures_go_onto_fields_of_the_users_own_or_nowhere(opened: OpenShop):
    chosen = {"billing": {"fields": {"invoice_numbers": "Faktura", "billed_net": False}}}
    async with open_ledger(opened, settings=chosen, fields=A_FIELD) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order)
        await ledger.polled()

        fields = await ledger.shop.records("pipedrive", "fields")
        (own,) = [field["field_code"] for field in fields if field["field_name"] == "Faktura"]
        provided = await ledger.shop.own_fields()
        assert (await ledger.shop.crm_deal(deal))["custom_fields"][own] == number
        assert not {"invoice_numbers", "billed_net"} & provided.keys()
        assert "billed_total" in await ledger.shown(deal)


@pytest.mark.parametrize(
    ("field", "words"), [("No such field", "has no deal field"), ("Faktura", "must be monetary")]
)
async def test_field_that_cannot_show_a_figure_is_a_fault_of_the_configuration(
    opened: OpenShop, field: str, words: str
):
    async with opened(works=False, fields=A_FIELD) as shop:
        with pytest.raises(ConfigurationError, match=words):
            await shop.world.apply(settings={"billing": {"fields": {"open_balance": field}}})


@pytest.mark.parametrize("reformatted", [False, True])
async def test_note_is_one_and_is_brought_up_to_date(opened: OpenShop, reformatted: bool):
    switches = {"notes_reformatted": reformatted}
    async with open_ledger(opened, settings=noted("amounts"), pipedrive=switches) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order)
        await ledger.polled()
        (first,) = await ledger.notes(deal)

        await ledger.play("pay", invoice=number)
        await ledger.polled()

        (note,) = await ledger.notes(deal)
        assert "Open, with tax: 1,000.00 USD" in first["content"]
        assert "Billing in Acumatica: Paid" in note["content"]


async def test_no_note_is_made_unless_it_is_switched_on(opened: OpenShop):
    async with open_ledger(opened) as ledger:
        deal, order = await ledger.sold(1000)
        await ledger.invoiced(order)
        await ledger.polled()

        assert await ledger.notes(deal) == []


async def test_note_that_a_person_edited_stays_as_it_is(opened: OpenShop):
    async with open_ledger(opened, settings=noted("status")) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order)
        await ledger.polled()
        (note,) = await ledger.notes(deal)
        words = f"{note['content']}<p>Called them, they will pay on Friday</p>"
        await ledger.shop.world.play(
            "pipedrive", "edit", kind="note", id=note["id"], changes={"content": words}
        )

        await ledger.play("pay", invoice=number)
        await ledger.polled()

        assert [each["content"] for each in await ledger.notes(deal)] == [words]
        assert (await ledger.shown(deal))["invoice_status"] == "Paid"


async def test_note_that_a_person_deleted_is_not_made_again(opened: OpenShop):
    async with open_ledger(opened, settings=noted("documents")) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order)
        await ledger.polled()
        (note,) = await ledger.notes(deal)
        await ledger.shop.world.play("pipedrive", "delete", kind="note", id=note["id"])

        await ledger.play("pay", invoice=number)
        await ledger.polled()

        assert [each["active_flag"] for each in await ledger.notes(deal)] == [False]


async def test_what_stands_in_documents_is_escaped_in_the_note(opened: OpenShop):
    async with open_ledger(opened, settings=noted("documents")) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order, release=False)
        await ledger.has_status(number, "<script>alert(1)</script> & co")
        await ledger.polled()

        (note,) = await ledger.notes(deal)
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in note["content"]
        assert "<script>" not in note["content"]


async def test_status_alone_tells_no_amounts(opened: OpenShop):
    async with open_ledger(opened, settings=noted("status")) as ledger:
        deal, order = await ledger.sold(1000)
        await ledger.invoiced(order)
        await ledger.polled()

        (note,) = await ledger.notes(deal)
        assert "1,000" not in note["content"]
