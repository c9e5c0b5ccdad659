"""Persons and their contacts, under the right customer (ACU-06, M-09, X-14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.party_shop import (
    ALL_ON,
    CONTACTS,
    HAMBURG,
    PERSONS,
    OpenParties,
    PartyShop,
)

VERSIONS = ["23.200.001", "24.200.001"]
JANA: dict[str, Any] = {
    "emails": [{"value": "jana@nordwerk.example", "primary": True}],
    "phones": [{"value": "+49 40 5550-17", "primary": True}],
}


def owned(by: str, **paths: str) -> dict[str, Any]:
    """Return a contact mapping in which one side owns fields."""
    fields = {name: {"from": path, "on_existing": by} for name, path in paths.items()}
    return {"contact_mapping": {"fields": fields}}


async def numbers(shop: PartyShop) -> dict[str, str]:
    """Return the customers' ids by the names of their organizations."""
    return {one["CustomerName"]: one["CustomerID"] for one in await shop.customers()}


# Which become contacts ------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_person_of_a_customer_becomes_its_contact_in_either_endpoint_version(
    opened_parties: OpenParties, version: str
):
    async with opened_parties(erp_settings={"endpoint_version": version}) as shop:
        organization = await shop.customer_organization(address=HAMBURG)
        key = await shop.person(org_id=organization, **JANA)

        made = await shop.only_contact()
        assert (made["FirstName"], made["LastName"]) == ("Jana", "Voss")
        assert (made["Email"], made["Phone1"]) == ("jana@nordwerk.example", "+49 40 5550-17")
        assert made["BusinessAccount"] == (await shop.only_customer())["CustomerID"]
        assert made["Address"]["City"] == "Hamburg"  # the account's, not one of its own
        assert not made["OverrideAccountAddress"]
        assert made["ExtRefNbr"] == (f"pd-person-{key}" if version == "24.200.001" else None)


async def test_persons_become_contacts_once_their_organization_is_a_customer(
    parties: PartyShop,
):
    organization = await parties.add("organization", name="Nordwerk GmbH")
    key = await parties.person(org_id=organization, **JANA)
    assert "becomes a contact once" in (await parties.row_of(PERSONS, key)).reason

    deal = await parties.deal(parties.line(), org_id=organization)
    await parties.wins(deal)
    await parties.all_quiet()

    assert (await parties.only_contact())["Email"] == "jana@nordwerk.example"


async def test_labels_and_conditions_say_which_persons_become_contacts(
    opened_parties: OpenParties,
):
    rules = {"labels": ["Customer"], "without_labels": ["Cold lead"]}
    async with opened_parties(settings={"persons": rules}) as shop:
        organization = await shop.customer_organization()
        for name, labels in (("Jana Voss", [1]), ("Jo Doe", []), ("Ida Cold", [1, 4])):
            await shop.person(name, org_id=organization, label_ids=labels)

        assert (await shop.only_contact())["LastName"] == "Voss"


async def test_contact_typed_in_by_hand_is_recognised_by_its_address(parties: PartyShop):
    organization = await parties.customer_organization()
    (account,) = (await numbers(parties)).values()
    await parties.world.seed(
        "acumatica",
        contacts=[
            {"LastName": "Voss-Berg", "Email": "JANA@nordwerk.example", "BusinessAccount": account}
        ],
    )

    await parties.person(org_id=organization, **JANA)

    made = await parties.only_contact()
    assert (made["LastName"], made["FirstName"], made["Phone1"]) == (
        "Voss-Berg", "Jana", "+49 40 5550-17",
    )  # fmt: skip


async def test_contact_of_the_same_name_alone_is_held_until_a_person_decides(
    parties: PartyShop,
):
    organization = await parties.customer_organization()
    (account,) = (await numbers(parties)).values()
    made = await parties.world.seed(
        "acumatica",
        contacts=[{"FirstName": "Jana", "LastName": "Voss", "BusinessAccount": account}],
    )
    number = str(made["contacts"][0]["ContactID"])
    key = await parties.person(org_id=organization, **JANA)
    row = await parties.row_of(PERSONS, key)
    assert (row.state, row.waits_for) == ("held", f"match:person:{key}")
    assert number in row.reason

    await parties.world.apply(
        settings={
            "organizations": {"labels": ["Customer"]},
            "persons": {"decided": {f"person:{key}": number}},
        }
    )
    await parties.all_quiet()

    assert (await parties.only_contact())["Email"] == "jana@nordwerk.example"


# A person alone -------------------------------------------------------------------------------


async def test_person_alone_is_left_held_or_made_a_customer_by_the_rules(
    opened_parties: OpenParties,
):
    async with opened_parties() as shop:
        key = await shop.person("Jo Doe")
        assert (await shop.row_of(PERSONS, key)).outcome == "skipped"

        await shop.world.apply(settings={"persons": {"without_organization": "hold"}})
        await shop.edit("person", key, name="Jo M Doe")
        assert (await shop.row_of(PERSONS, key)).state == "held"

        await shop.world.apply(settings={"customers": {"person_alone": "customer"}})
        await shop.world.deal(person_id=key, status="won")
        await shop.edit("person", key, name="Jo Doe")

        made = await shop.only_customer()
        assert (made["CustomerName"], made["AccountRef"]) == ("Jo Doe", f"pd-person-{key}")
        assert await shop.contacts() == []


async def test_organization_and_person_of_the_same_id_are_two_customers(
    opened_parties: OpenParties,
):
    settings = {"customers": {"person_alone": "customer"}}
    async with opened_parties(settings=settings) as shop:
        organization = await shop.customer_organization()
        key = await shop.person("Jo Doe")
        assert key == organization

        await shop.world.deal(person_id=key, status="won")
        await shop.edit("person", key, name="Jo M Doe")

        assert sorted(await numbers(shop)) == ["Jo M Doe", "Nordwerk GmbH"]


# Changes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "switches"),
    [
        ("23.200.001", {}),
        ("24.200.001", {"moved_contact_company": "account", "primary_contact_leaves": True}),
    ],
)
async def test_contact_follows_to_another_organization_and_the_one_before_keeps_nothing(
    opened_parties: OpenParties, version: str, switches: dict[str, Any]
):
    how: dict[str, Any] = {"acumatica": switches, "erp_settings": {"endpoint_version": version}}
    async with opened_parties(**how) as shop:
        before = await shop.customer_organization("Nordwerk GmbH")
        after = await shop.customer_organization("Südwerk AG")
        of = await numbers(shop)
        key = await shop.person(org_id=before, **JANA)
        number = (await shop.only_contact())["ContactID"]
        await shop.in_erp(
            "edit",
            entity="Customer",
            key=[of["Nordwerk GmbH"]],
            values={"PrimaryContactID": number},
        )

        await shop.edit("person", key, org_id=after)

        moved = await shop.only_contact()
        assert (moved["ContactID"], moved["BusinessAccount"]) == (number, of["Südwerk AG"])
        assert moved["CompanyName"] == "Südwerk AG"
        left = {one["CustomerID"]: one["PrimaryContactID"] for one in await shop.customers()}
        assert left[of["Nordwerk GmbH"]] is None


async def test_contact_leaves_its_account_with_its_person_and_joins_the_next(
    parties: PartyShop,
):
    organization = await parties.customer_organization()
    key = await parties.person(org_id=organization, **JANA)

    nobodys = await parties.add("organization", name="Südwerk AG")
    await parties.edit("person", key, org_id=nobodys)
    left = await parties.only_contact()
    assert (left["BusinessAccount"], left["CompanyName"]) == (None, None)

    await parties.edit("organization", nobodys, label_ids=[5])
    assert (await parties.only_contact())["CompanyName"] == "Südwerk AG"


async def test_account_that_finance_gave_a_contact_is_held_with_both_sides(
    parties: PartyShop,
):
    organization = await parties.customer_organization()
    other = await parties.customer_organization("Südwerk AG")
    assert other
    of = await numbers(parties)
    key = await parties.person(org_id=organization, **JANA)
    number = (await parties.only_contact())["ContactID"]
    await parties.in_erp(
        "edit_contact", contact=number, values={"BusinessAccount": of["Südwerk AG"]}
    )

    await parties.edit("person", key, name="Jana Berg")

    row = await parties.row_of(PERSONS, key)
    assert row.state == "held"
    assert of["Südwerk AG"] in row.reason
    assert of["Nordwerk GmbH"] in row.reason


async def test_renamed_person_follows_and_a_number_written_otherwise_is_no_change(
    parties: PartyShop,
):
    organization = await parties.customer_organization()
    key = await parties.person(org_id=organization, **JANA)

    await parties.edit("person", key, name="Jana Berg")
    assert (await parties.only_contact())["LastName"] == "Berg"

    number = (await parties.only_contact())["ContactID"]
    await parties.in_erp("edit_contact", contact=number, values={"Phone1": "0049 40 555017"})
    await parties.edit("person", key, name="Jana Voss")

    made = await parties.only_contact()
    assert (made["LastName"], made["Phone1"]) == ("Voss", "0049 40 555017")
    assert await parties.told_of(PERSONS, key, "contact_field_kept") == []


async def test_addresses_and_numbers_that_acumatica_owns_come_first_and_no_list_gets_shorter(
    opened_parties: OpenParties,
):
    settings = owned("erp_owns", Email="person.emails.value", Phone1="person.phones.value")
    async with opened_parties(settings=settings) as shop:
        organization = await shop.customer_organization()
        key = await shop.person(
            org_id=organization,
            emails=[
                {"value": "jana@nordwerk.example", "primary": True},
                {"value": "private@jana.example", "label": "home"},
            ],
            phones=[{"value": "+49 40 1", "label": "mobile", "primary": True}],
        )
        number = (await shop.only_contact())["ContactID"]

        await shop.in_erp("edit_contact", contact=number, values={"Email": "voss@nordwerk.example"})

        emails = (await shop.crm("person", key))["emails"]
        assert [(one["value"], one["primary"]) for one in emails] == [
            ("voss@nordwerk.example", True),
            ("jana@nordwerk.example", False),
            ("private@jana.example", False),
        ]
        assert emails[2]["label"] == "home"
        (shown,) = await shop.told_of(CONTACTS, number, "person_field_decided")
        assert shown["because"] == "Acumatica owns it"
        assert (await shop.only_contact())["Email"] == "voss@nordwerk.example"


async def test_name_that_acumatica_owns_is_put_back(opened_parties: OpenParties):
    settings = owned("erp_owns", FirstName="person.first_name", LastName="person.last_name")
    async with opened_parties(settings=settings) as shop:
        organization = await shop.customer_organization()
        key = await shop.person(org_id=organization, **JANA)

        await shop.edit("person", key, name="Typed Over")

        assert (await shop.crm("person", key))["name"] == "Jana Voss"
        assert (await shop.only_contact())["LastName"] == "Voss"


async def test_inactive_contact_is_left_alone(parties: PartyShop):
    organization = await parties.customer_organization()
    key = await parties.person(org_id=organization, **JANA)
    number = (await parties.only_contact())["ContactID"]
    await parties.in_erp("edit_contact", contact=number, values={"Active": False})

    await parties.edit("person", key, name="Jana Berg")

    made = await parties.only_contact()
    assert (made["Active"], made["LastName"]) == (False, "Voss")


async def test_contact_is_not_added_to_an_inactive_customer(parties: PartyShop):
    organization = await parties.customer_organization()
    (account,) = (await numbers(parties)).values()
    await parties.in_erp("set_customer_status", customer=account, status="Inactive")

    key = await parties.person(org_id=organization, **JANA)

    assert await parties.contacts() == []
    assert "inactive" in (await parties.row_of(PERSONS, key)).reason


# Merged and deleted ---------------------------------------------------------------------------


async def test_merged_person_hands_the_contact_on(opened_parties: OpenParties):
    async with opened_parties(settings={"persons": {"deleted": "set_inactive"}}) as shop:
        organization = await shop.customer_organization()
        lost = await shop.person(org_id=organization, **JANA)
        number = (await shop.only_contact())["ContactID"]
        kept = await shop.add("person", name="Jana Voss-Berg")
        await shop.all_quiet()

        await shop.merge("person", stays=kept, goes=lost)
        await shop.edit("person", kept, name="Jana Berg")

        made = await shop.only_contact()
        assert (made["ContactID"], made["Active"], made["LastName"]) == (number, True, "Berg")
        assert f"merged into person {kept}" in (await shop.row_of(PERSONS, lost)).reason


@pytest.mark.parametrize(("rule", "is_active"), [("leave", True), ("set_inactive", False)])
async def test_deleted_person_leaves_the_contact_or_sets_it_inactive_as_chosen(
    opened_parties: OpenParties, rule: str, is_active: bool
):
    async with opened_parties(settings={"persons": {"deleted": rule}}) as shop:
        organization = await shop.customer_organization()
        key = await shop.person(org_id=organization, **JANA)

        await shop.delete("person", key)

        assert (await shop.only_contact())["Active"] is is_active


# Lost answers and echo ------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_contact_whose_answer_was_lost_is_found_again_and_made_once(
    opened_parties: OpenParties, version: str
):
    async with opened_parties(erp_settings={"endpoint_version": version}) as shop:
        organization = await shop.customer_organization()
        await shop.world.control(
            "acumatica/faults",
            {
                "rules": [
                    {
                        "effect": {"kind": "cut_after"},
                        "match": {"operation": "PUT Contact"},
                        "times": 1,
                    }
                ]
            },
        )

        await shop.person(org_id=organization, **JANA)

        assert (await shop.only_contact())["Email"] == "jana@nordwerk.example"


async def test_ten_polls_and_all_webhooks_after_quiet_write_nothing(
    opened_parties: OpenParties,
):
    settings = owned("erp_owns", Email="person.emails.value")
    async with opened_parties(settings=settings) as shop:
        before = await shop.customer_organization("Nordwerk GmbH")
        after = await shop.customer_organization("Südwerk AG")
        key = await shop.person(org_id=before, **JANA)
        number = (await shop.only_contact())["ContactID"]
        await shop.in_erp("edit_contact", contact=number, values={"Email": "v@nordwerk.example"})
        await shop.edit("person", key, org_id=after)
        await shop.poll()
        marks = await shop.marks()

        for delivery in await shop.deliveries():
            await shop.world.play("pipedrive", "repeat_webhook", delivery_id=delivery["id"])
        for _ in range(10):
            await shop.world.jump(timedelta(minutes=2))
            await shop.poll()

        assert await shop.all_writes(marks) == {"pipedrive": [], "acumatica": []}
        assert set(ALL_ON) <= {row.flow.rpartition(".")[2] for row in await shop.flow_rows()} | {
            "won_deal_to_sales_order"
        }
