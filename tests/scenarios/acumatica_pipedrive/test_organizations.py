"""Organizations and their customers, with and without a deal (ACU-06, X-14)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.party_shop import (
    ALL_ON,
    CUSTOMERS,
    HAMBURG,
    ORGANIZATIONS,
    OpenParties,
    PartyShop,
)

from ml_connector.core.errors import ConfigurationError


def owned(by: str, **paths: str) -> dict[str, Any]:
    """Return a customer mapping in which one side owns fields."""
    fields = {name: {"from": path, "on_existing": by} for name, path in paths.items()}
    return {"customer_mapping": {"fields": fields}}


async def customer(shop: PartyShop, **fields: Any) -> str:
    made = await shop.world.seed(
        "acumatica", customers=[{"CustomerName": "Nordwerk GmbH", **fields}]
    )
    return str(made["customers"][0]["CustomerID"])


# Which become customers -----------------------------------------------------------------------


async def test_labelled_organization_becomes_a_customer_without_a_deal(parties: PartyShop):
    key = await parties.customer_organization(address=HAMBURG, website="https://nordwerk.example")

    made = await parties.only_customer()
    contact, address = made["MainContact"], made["MainContact"]["Address"]
    assert (made["CustomerName"], made["AccountRef"]) == ("Nordwerk GmbH", f"pd-org-{key}")
    assert contact["WebSite"] == "https://nordwerk.example"
    assert (address["AddressLine1"], address["City"]) == ("Hauptstraße 5", "Hamburg")
    assert (address["PostalCode"], address["Country"]) == ("20095", "DE")
    field = (await parties.own_fields())["customer_number"]
    assert (await parties.crm("organization", key))["custom_fields"][field] == made["CustomerID"]


async def test_organization_without_label_deal_or_link_is_left_alone_with_the_way_out(
    parties: PartyShop,
):
    key = await parties.add("organization", name="Nobody yet")
    await parties.all_quiet()

    row = await parties.row_of(ORGANIZATIONS, key)

    assert (row.state, row.outcome) == ("done", "skipped")
    assert "no won deal" in row.reason
    assert "organizations.labels" in row.reason
    assert await parties.customers() == []
    assert await parties.writes("acumatica") == []


async def test_organization_with_a_won_deal_becomes_a_customer_where_deals_make_no_orders(
    opened_parties: OpenParties,
):
    flows = {ORGANIZATIONS: ALL_ON[ORGANIZATIONS]}
    async with opened_parties(flows=flows) as shop:
        key = await shop.add("organization", name="Nordwerk GmbH")
        await shop.world.deal(org_id=key, status="won")
        await shop.edit("organization", key, website="https://nordwerk.example")

        assert (await shop.only_customer())["AccountRef"] == f"pd-org-{key}"
        assert await shop.orders() == []


LOCAL: dict[str, Any] = {
    "organizations": {"labels": ["Customer"]},
    "customer_mapping": {"fields": {"CustomerClass": {"constant": "LOCAL"}}},
}
"""Customers of a class that takes no other currency than their own."""


async def test_customer_that_its_organization_makes_first_is_in_the_currency_of_its_deal(
    opened_parties: OpenParties,
):
    flows = {ORGANIZATIONS: ALL_ON[ORGANIZATIONS]}
    async with opened_parties(flows=flows, settings=LOCAL) as shop:
        key = await shop.add("organization", name="Nordwerk AB")
        person = await shop.add(
            "person", name="Jana Voss", org_id=key,
            emails=[{"value": "jana@nordwerk.example", "primary": True, "label": "work"}],
        )  # fmt: skip
        await shop.world.deal(
            [shop.line()], org_id=key, person_id=person, currency="SEK", status="won"
        )
        await shop.edit("organization", key, website="https://nordwerk.example")
        made = await shop.only_customer()
        assert (made["CurrencyID"], made["CustomerClass"]) == ("SEK", "LOCAL")
        assert made["MainContact"]["Email"] == "jana@nordwerk.example"

        await shop.world.apply(settings=LOCAL, flows=dict(ALL_ON))
        later = await shop.deal(shop.line(), org_id=key, currency="SEK")
        await shop.world.play("pipedrive", "win_deal", id=later)
        await shop.all_quiet()

        (order,) = await shop.orders()
        assert (order["CustomerID"], order["CurrencyID"]) == (made["CustomerID"], "SEK")


@pytest.mark.parametrize(("currencies", "becomes"), [(["SEK"], "SEK"), (["SEK", "EUR"], "USD")])
async def test_labelled_organization_takes_the_one_currency_of_its_open_deals(
    opened_parties: OpenParties, currencies: list[str], becomes: str
):
    async with opened_parties(settings=LOCAL) as shop:
        key = await shop.add("organization", name="Nordwerk AB")
        for currency in currencies:
            await shop.world.deal([shop.line()], org_id=key, currency=currency)

        await shop.edit("organization", key, label_ids=[5])

        assert (await shop.only_customer())["CurrencyID"] == becomes


async def test_won_deal_of_another_pipeline_makes_no_customer(opened_parties: OpenParties):
    flows = {ORGANIZATIONS: ALL_ON[ORGANIZATIONS]}
    settings = {"scope": {"where": [{"field": "deal.title", "is": "Ours"}]}}
    async with opened_parties(flows=flows, settings=settings) as shop:
        key = await shop.add("organization", name="Nordwerk GmbH")
        await shop.world.deal(org_id=key, status="won", title="Theirs")
        await shop.edit("organization", key, website="https://nordwerk.example")

        assert "no won deal of this installation" in (
            await shop.row_of(ORGANIZATIONS, key)
        ).reason  # fmt: skip
        assert await shop.customers() == []


async def test_label_or_condition_that_shuts_out_goes_before_everything(
    opened_parties: OpenParties,
):
    rules = {
        "without_labels": ["Hot lead"],
        "where": [{"field": "organization.name", "is_not": "Test Ltd"}],
    }
    async with opened_parties(settings={"organizations": rules}) as shop:
        for values in ({"name": "Nordwerk GmbH", "label_ids": [5, 6]}, {"name": "Test Ltd"}):
            await shop.add("organization", **{"label_ids": [5], **values})
        await shop.all_quiet()

        assert await shop.customers() == []
        reasons = [row.reason for row in await shop.world.rows(ORGANIZATIONS)]
        assert all("not in the scope" in reason for reason in reasons)


async def test_organization_added_before_the_go_live_waits_for_a_backfill_unless_told_otherwise(
    opened_parties: OpenParties,
):
    async with opened_parties() as shop:
        key = await shop.world.organization(label_ids=[5], add_time="2020-05-05T12:00:00Z")
        await shop.edit("organization", key, website="https://nordwerk.example")
        assert await shop.customers() == []
        assert "backfill" in (await shop.row_of(ORGANIZATIONS, key)).reason

        await shop.world.apply(
            settings={"organizations": {"labels": ["Customer"], "older": "when_edited"}}
        )
        await shop.edit("organization", key, website="https://two.example")

        assert (await shop.only_customer())["AccountRef"] == f"pd-org-{key}"


async def test_flow_that_is_off_moves_nothing(opened_parties: OpenParties):
    flows = {name: on for name, on in ALL_ON.items() if name != ORGANIZATIONS}
    async with opened_parties(flows=flows) as shop:
        await shop.add("organization", name="Nordwerk GmbH", label_ids=[5])
        await shop.all_quiet()

        assert await shop.customers() == []
        assert await shop.world.rows(ORGANIZATIONS) == []


# One customer, whichever flow comes first -----------------------------------------------------


async def test_deal_won_and_organization_edited_at_once_with_two_workers_make_one_customer(
    opened_parties: OpenParties,
):
    async with opened_parties(works=False) as shop:
        keys = [await shop.world.organization(f"Werk {number}") for number in range(6)]
        deals = [await shop.deal(shop.line(), org_id=key) for key in keys]
        await asyncio.gather(
            *(shop.world.play("pipedrive", "win_deal", id=deal) for deal in deals),
            *(
                shop.world.play(
                    "pipedrive", "edit", kind="organization", id=key, changes={"label_ids": [5]}
                )
                for key in keys
            ),
        )
        for _ in range(2):
            shop.world.start_worker()
        await shop.all_quiet(within=60)

        references = sorted(one["AccountRef"] for one in await shop.customers())
        assert references == sorted(f"pd-org-{key}" for key in keys)
        assert len(await shop.orders()) == len(deals)


async def test_customer_known_by_the_domain_of_a_persons_address_is_linked_not_made(
    parties: PartyShop,
):
    number = await customer(
        parties, CustomerName="NW Holding", MainContact={"Email": "office@nordwerk.example"}
    )
    key = await parties.add("organization", name="Nordwerk GmbH")
    await parties.add("person", name="Jo", org_id=key, emails=[{"value": "jo@nordwerk.example"}])
    await parties.edit("organization", key, label_ids=[5])

    made = await parties.only_customer()
    assert made["CustomerID"] == number
    assert made["CustomerName"] == "NW Holding"


async def test_same_name_alone_is_held_until_a_person_decides(parties: PartyShop):
    number = await customer(parties)
    key = await parties.customer_organization()
    row = await parties.row_of(ORGANIZATIONS, key)
    assert (row.state, row.waits_for) == ("held", f"match:organization:{key}")
    assert number in row.reason

    await parties.world.apply(
        settings={
            "organizations": {"labels": ["Customer"]},
            "customers": {"decided": {f"organization:{key}": number}},
        }
    )
    await parties.all_quiet()

    assert (await parties.row_of(ORGANIZATIONS, key)).state == "done"
    assert len(await parties.customers()) == 1


async def test_country_that_no_table_knows_holds_a_new_customer_and_no_old_one(
    parties: PartyShop,
):
    lost = {"value": "1 Nowhere Road, Atlantis"}
    key = await parties.customer_organization(address=lost)
    assert (await parties.row_of(ORGANIZATIONS, key)).waits_for.startswith("mapping:countries")
    assert await parties.customers() == []

    await parties.edit("organization", key, address=HAMBURG)
    await parties.edit("organization", key, name="Nordwerk AG", address=lost)

    made = await parties.only_customer()
    assert made["CustomerName"] == "Nordwerk AG"
    assert made["MainContact"]["Address"]["City"] == "Hamburg"


# Changes --------------------------------------------------------------------------------------


async def test_customer_of_our_making_follows_until_finance_changes_the_field(
    parties: PartyShop,
):
    key = await parties.customer_organization(website="https://one.example")
    number = (await parties.only_customer())["CustomerID"]
    await parties.edit("organization", key, name="Nordwerk AG", website="https://two.example")
    made = await parties.only_customer()
    assert made["CustomerName"] == "Nordwerk AG"
    assert made["MainContact"]["WebSite"] == "https://two.example"

    await parties.in_erp("rename_customer", customer=number, name="Nordwerk Holding AG")
    await parties.edit("organization", key, name="Nordwerk SE", website="https://three.example")

    made = await parties.only_customer()
    assert made["CustomerName"] == "Nordwerk Holding AG"
    assert made["MainContact"]["WebSite"] == "https://three.example"
    (kept,) = await parties.told_of(ORGANIZATIONS, key, "customer_field_kept")
    assert (kept["value"], kept["not_taken"]) == ("Nordwerk Holding AG", "Nordwerk SE")
    assert "changed there since we wrote it" in kept["because"]
    decided = await parties.told_of(ORGANIZATIONS, key, "customer_field_decided")
    assert {one["field"] for one in decided} == {"CustomerName", "WebSite"}


async def test_only_blanks_of_a_customer_that_was_there_are_filled(parties: PartyShop):
    number = await customer(parties, AccountRef="pd-org-1")
    key = await parties.customer_organization(website="https://nordwerk.example")
    assert key == 1
    await parties.edit("organization", key, name="Nordwerk AG")

    made = await parties.only_customer()
    assert made["CustomerID"] == number
    assert made["CustomerName"] == "Nordwerk GmbH"
    assert made["MainContact"]["WebSite"] == "https://nordwerk.example"
    (kept,) = await parties.told_of(ORGANIZATIONS, key, "customer_field_kept")
    assert "only blanks are filled" in kept["because"]


async def test_field_that_pipedrive_owns_wins_and_a_change_of_finance_to_it_is_held(
    opened_parties: OpenParties,
):
    async with opened_parties(settings=owned("crm_owns", CustomerName="organization.name")) as shop:
        key = await shop.customer_organization()
        number = (await shop.only_customer())["CustomerID"]
        await shop.in_erp("rename_customer", customer=number, name="By finance")
        await shop.edit("organization", key, name="Nordwerk AG")

        row = await shop.row_of(ORGANIZATIONS, key)
        assert row.state == "held"
        assert "By finance" in row.reason
        assert "Nordwerk AG" in row.reason
        assert (await shop.only_customer())["CustomerName"] == "By finance"


async def test_field_that_acumatica_owns_is_put_back_and_its_change_there_is_shown(
    opened_parties: OpenParties,
):
    async with opened_parties(settings=owned("erp_owns", CustomerName="organization.name")) as shop:
        key = await shop.customer_organization()
        number = (await shop.only_customer())["CustomerID"]

        await shop.edit("organization", key, name="Typed over")
        assert (await shop.crm("organization", key))["name"] == "Nordwerk GmbH"
        (decided,) = await shop.told_of(ORGANIZATIONS, key, "organization_field_decided")
        assert decided["because"] == "Acumatica owns it"

        await shop.in_erp("rename_customer", customer=number, name="Nordwerk Holding AG")
        assert (await shop.crm("organization", key))["name"] == "Nordwerk Holding AG"
        (shown,) = await shop.told_of(CUSTOMERS, number, "organization_field_decided")
        assert (shown["before"], shown["value"]) == ("Nordwerk GmbH", "Nordwerk Holding AG")
        assert (await shop.only_customer())["CustomerName"] == "Nordwerk Holding AG"


async def test_address_that_acumatica_owns_is_shown_and_parts_that_are_not_mapped_stay(
    opened_parties: OpenParties,
):
    settings = owned("erp_owns", Address="organization.address")
    async with opened_parties(settings=settings) as shop:
        key = await shop.customer_organization(
            address={**HAMBURG, "sublocality": "Altstadt", "admin_area_level_2": "Mitte"}
        )
        number = (await shop.only_customer())["CustomerID"]

        await shop.in_erp(
            "change_address",
            customer=number,
            address={"AddressLine1": "Ring 9", "City": "Bremen", "PostalCode": "28195"},
        )

        address = (await shop.crm("organization", key))["address"]
        assert address["value"] == "Ring 9, 28195 Bremen, Germany"
        assert (address["locality"], address["postal_code"]) == ("Bremen", "28195")
        assert (address["sublocality"], address["admin_area_level_2"]) == ("Altstadt", "Mitte")
        assert (await shop.only_customer())["MainContact"]["Address"]["Country"] == "DE"


async def test_another_way_of_writing_the_same_address_is_no_change(parties: PartyShop):
    key = await parties.customer_organization(address=HAMBURG)
    before = await parties.marks()

    await parties.edit(
        "organization", key, address={**HAMBURG, "value": "HAUPTSTRASSE 5, 20095 Hamburg"},
        website="https://nordwerk.example",
    )  # fmt: skip

    assert (await parties.only_customer())["MainContact"]["Address"]["AddressLine1"] == (
        "Hauptstraße 5"
    )
    assert len((await parties.all_writes(before))["acumatica"]) == 1


async def test_field_that_cannot_be_shown_in_pipedrive_is_refused_for_acumatica(
    opened_parties: OpenParties,
):
    async with opened_parties() as shop:
        with pytest.raises(ConfigurationError, match="erp_owns"):
            await shop.world.apply(settings=owned("erp_owns", Terms="deal.title"))


async def test_edit_of_what_is_not_mapped_asks_acumatica_nothing(parties: PartyShop):
    key = await parties.customer_organization()
    before = await parties.marks()

    await parties.edit("organization", key, employee_count=7)

    assert await parties.calls("acumatica", since=before["acumatica"]) == []


async def test_inactive_customer_is_left_alone_and_not_reactivated(parties: PartyShop):
    key = await parties.customer_organization()
    number = (await parties.only_customer())["CustomerID"]
    await parties.in_erp("set_customer_status", customer=number, status="Inactive")
    before = await parties.marks()

    await parties.edit("organization", key, name="Nordwerk AG")

    made = await parties.only_customer()
    assert (made["Status"], made["CustomerName"]) == ("Inactive", "Nordwerk GmbH")
    assert (await parties.all_writes(before))["acumatica"] == []
    assert "inactive" in (await parties.row_of(ORGANIZATIONS, key)).reason


# Merged and deleted ---------------------------------------------------------------------------


async def test_merged_organization_hands_its_customer_on_and_both_ids_stay_searchable(
    opened_parties: OpenParties,
):
    async with opened_parties(settings={"organizations": {"deleted": "set_inactive"}}) as shop:
        lost = await shop.customer_organization("Nordwerk GmbH")
        number = (await shop.only_customer())["CustomerID"]
        await shop.person(org_id=lost)
        kept = await shop.add("organization", name="Nordwerk Holding")
        await shop.all_quiet()

        await shop.merge("organization", stays=kept, goes=lost)
        await shop.edit("organization", kept, website="https://holding.example")

        made = await shop.only_customer()
        assert (made["CustomerID"], made["Status"]) == (number, "Active")
        assert made["MainContact"]["WebSite"] == "https://holding.example"
        row = await shop.row_of(ORGANIZATIONS, lost)
        assert f"merged into organization {kept}" in row.reason
        assert await shop.found_by(str(lost)) >= {(ORGANIZATIONS, str(lost))}
        assert (ORGANIZATIONS, str(kept)) in await shop.found_by(number)


async def test_merge_that_is_told_as_a_deletion_sets_nothing_inactive_and_makes_nothing_twice(
    opened_parties: OpenParties,
):
    rules = {"organizations": {"deleted": "set_inactive"}}
    async with opened_parties(settings=rules, crm_settings={"webhook_format": "1.0"}) as shop:
        lost = await shop.customer_organization("Nordwerk GmbH")
        number = (await shop.only_customer())["CustomerID"]
        await shop.person(org_id=lost)
        kept = await shop.add("organization", name="Nordwerk Holding")
        await shop.all_quiet()

        await shop.merge("organization", stays=kept, goes=lost)

        assert (await shop.only_customer())["Status"] == "Active"
        assert "deleted or merged" in (await shop.row_of(ORGANIZATIONS, lost)).reason
        row = await shop.row_of(ORGANIZATIONS, kept)
        assert (row.state, row.waits_for) == ("held", f"match:organization:{kept}")
        assert number in row.reason

        decided = {"decided": {f"organization:{kept}": number}}
        await shop.world.apply(
            settings={"organizations": {"labels": ["Customer"]}, "customers": decided}
        )
        await shop.all_quiet()

        assert (await shop.row_of(ORGANIZATIONS, kept)).state == "done"
        assert (await shop.only_contact())["BusinessAccount"] == number


async def test_two_customers_of_one_merged_organization_are_told_and_held_never_merged(
    parties: PartyShop,
):
    lost = await parties.customer_organization("Nordwerk GmbH")
    kept = await parties.customer_organization("Südwerk AG")
    numbers = {one["AccountRef"]: one["CustomerID"] for one in await parties.customers()}

    await parties.merge("organization", stays=kept, goes=lost)

    row = await parties.row_of(ORGANIZATIONS, kept)
    assert (row.state, row.waits_for) == ("held", f"match:organization:{kept}")
    assert numbers[f"pd-org-{lost}"] in row.reason
    (told,) = await parties.told("merge")
    assert numbers[f"pd-org-{kept}"] in told
    assert {one["Status"] for one in await parties.customers()} == {"Active"}

    await parties.world.apply(
        settings={
            "organizations": {"labels": ["Customer"]},
            "customers": {"decided": {f"organization:{kept}": numbers[f"pd-org-{lost}"]}},
        }
    )
    await parties.all_quiet()

    field = (await parties.own_fields())["customer_number"]
    shown = (await parties.crm("organization", kept))["custom_fields"][field]
    assert shown == numbers[f"pd-org-{lost}"]


async def test_prospect_that_a_customer_is_merged_into_is_that_customer_and_its_account_is_told(
    opened_parties: OpenParties,
):
    settings = {"organizations": {"prospects": "business_account"}}
    async with opened_parties(settings=settings) as shop:
        lost = await shop.customer_organization("Nordwerk GmbH")
        number = (await shop.only_customer())["CustomerID"]
        kept = await shop.add("organization", name="Nordwerk Holding")
        await shop.all_quiet()
        accounts = await shop.records("acumatica", "business_account")
        (prospect,) = [one for one in accounts if one["Type"] == "Prospect"]

        await shop.merge("organization", stays=kept, goes=lost)

        assert (await shop.only_customer())["CustomerID"] == number
        assert (await shop.row_of(ORGANIZATIONS, kept)).state == "done"
        (told,) = await shop.told("merge")
        assert prospect["BusinessAccountID"] in told


@pytest.mark.parametrize(("rule", "status"), [("leave", "Active"), ("set_inactive", "Inactive")])
async def test_deleted_organization_leaves_its_customer_or_sets_it_inactive_as_chosen(
    opened_parties: OpenParties, rule: str, status: str
):
    async with opened_parties(settings={"organizations": {"deleted": rule}}) as shop:
        key = await shop.customer_organization()
        await shop.delete("organization", key)
        assert (await shop.only_customer())["Status"] == status

        await shop.world.play("pipedrive", "restore", kind="organization", id=key)
        await shop.edit("organization", key, name="Nordwerk AG")

        assert (await shop.only_customer())["Status"] == status


async def test_customer_that_acumatica_does_not_let_be_set_inactive_is_held(
    opened_parties: OpenParties,
):
    rules = {"organizations": {"deleted": "set_inactive"}, "orders": {"on_hold": False}}
    refusing = {"customer_with_open_orders": "refuse"}
    async with opened_parties(settings=rules, acumatica=refusing) as shop:
        key = await shop.customer_organization()
        await shop.sold(shop.line(), org_id=key)

        await shop.delete("organization", key)

        row = await shop.row_of(ORGANIZATIONS, key)
        number = (await shop.only_customer())["CustomerID"]
        assert (row.state, row.waits_for) == ("held", f"customer:{number}")
        assert "open sales orders" in row.reason


# Prospects ------------------------------------------------------------------------------------


async def test_prospect_becomes_a_business_account_and_with_its_first_won_deal_the_same_customer(
    opened_parties: OpenParties,
):
    settings = {
        "organizations": {"prospects": "business_account"},
        "customer_mapping": {"fields": {"CustomerClass": {"constant": "INTL"}}},
    }
    async with opened_parties(settings=settings) as shop:
        key = await shop.add("organization", name="Nordwerk GmbH", address=HAMBURG)
        await shop.all_quiet()
        (account,) = await shop.records("acumatica", "business_account")
        assert (account["Type"], account["AccountRef"]) == ("Prospect", f"pd-org-{key}")
        assert account["MainAddress"]["City"] == "Hamburg"
        assert await shop.customers() == []

        await shop.edit("organization", key, name="Nordwerk AG")
        (account,) = await shop.records("acumatica", "business_account")
        assert account["Name"] == "Nordwerk AG"

        deal = await shop.deal(shop.line(), org_id=key)
        await shop.wins(deal)
        await shop.all_quiet()

        made = await shop.only_customer()
        assert made["CustomerID"] == account["BusinessAccountID"]
        assert (made["CustomerName"], made["CustomerClass"]) == ("Nordwerk AG", "INTL")
        assert (await shop.order(deal))["CustomerID"] == made["CustomerID"]


# Echo -----------------------------------------------------------------------------------------


async def test_ten_polls_and_all_webhooks_after_quiet_write_nothing(opened_parties: OpenParties):
    settings = owned("erp_owns", CustomerName="organization.name", Address="organization.address")
    async with opened_parties(settings=settings) as shop:
        key = await shop.customer_organization(address=HAMBURG)
        await shop.person(org_id=key, emails=[{"value": "jana@nordwerk.example"}])
        number = (await shop.only_customer())["CustomerID"]
        await shop.in_erp("rename_customer", customer=number, name="Nordwerk Holding AG")
        await shop.edit("organization", key, website="https://nordwerk.example")
        await shop.sold(shop.line(), org_id=key)
        await shop.poll()
        before = await shop.marks()

        for delivery in await shop.deliveries():
            await shop.world.play("pipedrive", "repeat_webhook", delivery_id=delivery["id"])
        for _ in range(10):
            await shop.world.jump(timedelta(minutes=2))
            await shop.poll()

        assert await shop.all_writes(before) == {"pipedrive": [], "acumatica": []}
