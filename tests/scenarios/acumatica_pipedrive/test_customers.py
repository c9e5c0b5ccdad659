"""The customer of a deal: recognised, made once, and known to be in good standing."""

from __future__ import annotations

from typing import Any

from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop

ADDRESS = {
    "value": "Hauptstraße 5, 20095 Hamburg, Deutschland",
    "route": "Hauptstraße",
    "street_number": "5",
    "locality": "Hamburg",
    "postal_code": "20095",
    "country": "Deutschland",
}


async def customer(shop: Shop, **fields: Any) -> str:
    made = await shop.world.seed(
        "acumatica", customers=[{"CustomerName": "Nordwerk GmbH", **fields}]
    )
    return str(made["customers"][0]["CustomerID"])


# New customers ------------------------------------------------------------------------------


async def test_new_customer_takes_name_address_contact_and_currency_from_the_deal(
    opened: OpenShop,
):
    settings = {
        "customer_mapping": {
            "fields": {
                "CustomerClass": {"constant": "INTL"},
                "Terms": {"constant": "NET30"},
                "CurrencyID": {"from": "deal.currency"},
            }
        }
    }
    async with opened(settings=settings) as shop:
        organization = await shop.world.organization("Südwerk AG", address=ADDRESS)
        (person,) = (
            await shop.world.seed(
                "pipedrive",
                persons=[
                    {
                        "name": "Purchasing",
                        "org_id": organization,
                        "emails": [{"value": "buy@suedwerk.example", "primary": True}],
                        "phones": [{"value": "+49 40 1", "primary": True}],
                    }
                ],
            )
        )["persons"]

        await shop.sold(shop.line(), org_id=organization, person_id=person, currency="EUR")

        (made,) = await shop.customers()
        contact, address = made["MainContact"], made["MainContact"]["Address"]
        assert made["CustomerName"] == "Südwerk AG"
        assert made["AccountRef"] == f"pd-org-{organization}"
        assert (made["CurrencyID"], made["Terms"], made["CustomerClass"]) == (
            "EUR", "NET30", "INTL",
        )  # fmt: skip
        assert (contact["Email"], contact["Phone1"]) == ("buy@suedwerk.example", "+49 40 1")
        assert contact["Attention"] == "Purchasing"
        assert address["AddressLine1"] == "Hauptstraße 5"
        assert (address["City"], address["PostalCode"], address["Country"]) == (
            "Hamburg", "20095", "DE",
        )  # fmt: skip


async def test_country_and_state_are_read_from_free_text(shop: Shop):
    organization = await shop.world.organization(
        "Eastwind Inc", address={"value": "1 Pike St, Seattle, WA 98101, United States"}
    )
    await shop.sold(shop.line(), org_id=organization)

    (made,) = await shop.customers()
    assert made["MainContact"]["Address"]["Country"] == "US"


async def test_customer_number_is_shown_on_the_organization(shop: Shop):
    deal = await shop.sold()

    (made,) = await shop.customers()
    field = (await shop.own_fields())["customer_number"]
    (organization,) = await shop.records("pipedrive", "organizations")
    assert organization["custom_fields"][field] == made["CustomerID"]
    assert (await shop.order(deal))["CustomerID"] == made["CustomerID"]


async def test_currency_that_the_erp_does_not_have_is_held_before_any_write(shop: Shop):
    deal = await shop.deal(shop.line(), currency="KWD")
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert (row.state, row.waits_for) == ("held", "currency:KWD")
    assert await shop.writes("acumatica") == []


# Standing -----------------------------------------------------------------------------------


async def linked(shop: Shop, **fields: Any) -> tuple[int, str]:
    """Return an organization whose customer is known by its reference."""
    organization = await shop.world.organization()
    return organization, await customer(shop, AccountRef=f"pd-org-{organization}", **fields)


async def test_inactive_customer_holds_the_deal_before_any_write(shop: Shop):
    organization, number = await linked(shop, Status="Inactive")
    deal = await shop.deal(shop.line(), org_id=organization)
    await shop.wins(deal)
    row = await shop.settled(deal)
    assert (row.state, row.waits_for) == ("held", f"customer:{number}")
    assert await shop.writes("acumatica") == []

    await shop.world.play("acumatica", "set_customer_status", customer=number, status="Active")
    await shop.recheck(deal)

    assert (await shop.order(deal))["CustomerID"] == number


async def test_credit_hold_begins_the_order_on_hold_and_tells(opened: OpenShop):
    async with opened(settings={"orders": {"on_hold": False}}) as shop:
        organization, number = await linked(shop, Status="Credit Hold")

        deal = await shop.sold(shop.line(), org_id=organization)

        assert (await shop.order(deal))["Status"] == "On Hold"
        (told,) = await shop.told("standing")
        assert number in told


async def test_customers_on_hold_and_one_time_customers_are_held_or_ordered_on_hold_as_chosen(
    opened: OpenShop,
):
    async with opened(acumatica={"on_hold_customer_orders": "accept"}) as shop:
        deals = []
        for status in ("On Hold", "One-Time"):
            organization, _ = await linked(shop, Status=status)
            deals.append(await shop.deal(shop.line(), org_id=organization))
        await shop.wins(*deals)
        await shop.settled(*deals)
        assert {row.state for row in await shop.world.rows()} == {"held"}
        assert await shop.orders() == []

        chosen = {"on_hold": "order_on_hold", "one_time": "order_on_hold"}
        await shop.world.apply(settings={"customers": chosen, "orders": {"on_hold": False}})
        await shop.settled(*deals)

        assert {(await shop.order(deal))["Status"] for deal in deals} == {"On Hold"}


async def test_currency_that_the_customer_does_not_take_is_held_before_any_write(shop: Shop):
    organization, number = await linked(shop, CurrencyID="USD", EnableCurrencyOverride=False)
    deal = await shop.deal(shop.line(), org_id=organization, currency="EUR")
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert (row.state, row.waits_for) == ("held", f"customer:{number}")
    assert "takes USD only" in row.reason
    assert await shop.writes("acumatica") == []


# First match ----------------------------------------------------------------------------------


async def test_same_name_is_held_with_the_candidates_until_a_person_decides(shop: Shop):
    first, second = [await customer(shop) for _ in range(2)]
    organization = await shop.world.organization("NORDWERK  G.m.b.H.")
    deal = await shop.deal(shop.line(), org_id=organization)
    await shop.wins(deal)
    row = await shop.settled(deal)
    assert (row.state, row.waits_for) == ("held", f"match:organization:{organization}")
    assert first in row.reason
    assert second in row.reason

    decided = {f"organization:{organization}": second}
    await shop.world.apply(settings={"customers": {"decided": decided}})
    await shop.settled(deal)

    assert (await shop.order(deal))["CustomerID"] == second


async def test_party_that_a_person_decided_to_be_new_becomes_a_customer(shop: Shop):
    await customer(shop)
    organization = await shop.world.organization()
    deal = await shop.deal(shop.line(), org_id=organization)
    await shop.wins(deal)
    assert (await shop.settled(deal)).state == "held"

    decided = {f"organization:{organization}": "new"}
    await shop.world.apply(settings={"customers": {"decided": decided}})
    await shop.settled(deal)

    assert len(await shop.customers()) == 2


async def test_domain_of_an_e_mail_address_recognises_a_customer(shop: Shop):
    number = await customer(
        shop, CustomerName="NW Holding", MainContact={"Email": "office@nordwerk.example"}
    )
    (person,) = (
        await shop.world.seed(
            "pipedrive",
            persons=[{"name": "Buyer", "emails": [{"value": "buyer@nordwerk.example"}]}],
        )
    )["persons"]

    deal = await shop.sold(shop.line(), person_id=person)

    assert (await shop.order(deal))["CustomerID"] == number


async def test_second_organization_of_a_customer_is_held_naming_the_first(shop: Shop):
    first = await shop.world.organization()
    await shop.sold(shop.line(), org_id=first)
    second = await shop.world.organization()
    deal = await shop.deal(shop.line(), org_id=second)
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert row.state == "held"
    assert f"organization {first}" in row.reason
    assert len(await shop.customers()) == 1


async def test_prospect_of_the_same_name_is_held_instead_of_made_a_second_account(shop: Shop):
    await shop.world.seed("acumatica", business_accounts=[{"Name": "Nordwerk GmbH"}])
    deal = await shop.deal(shop.line())
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert row.state == "held"
    assert "Prospect" in row.reason
    assert await shop.customers() == []


async def test_merged_organizations_share_the_customer_of_the_one_that_is_gone(shop: Shop):
    lost, kept = [await shop.world.organization() for _ in range(2)]
    deal = await shop.sold(shop.line(), org_id=lost)

    row = await shop.then(
        deal,
        shop.world.play("pipedrive", "merge", kind="organization", id=kept, merge_with_id=lost),
    )
    later = await shop.sold(shop.line(), org_id=kept)

    assert (row.state, row.outcome) == ("done", "unchanged")
    (only,) = await shop.customers()
    assert (await shop.order(later))["CustomerID"] == only["CustomerID"]


# Field by field ---------------------------------------------------------------------------------


async def test_field_that_the_crm_owns_follows_and_a_change_of_finance_to_it_is_held(
    opened: OpenShop,
):
    website = {"WebSite": {"from": "organization.website", "on_existing": "crm_owns"}}
    async with opened(settings={"customer_mapping": {"fields": website}}) as shop:
        organization = await shop.world.organization(website="https://one.example")
        await shop.sold(shop.line(), org_id=organization)
        change = {"kind": "organization", "id": organization}
        await shop.world.play(
            "pipedrive", "edit", **change, changes={"website": "https://two.example"}
        )
        await shop.sold(shop.line(), org_id=organization)
        (known,) = await shop.customers()
        assert known["MainContact"]["WebSite"] == "https://two.example"

        await shop.world.play(
            "acumatica", "edit", entity="Customer", key=[known["CustomerID"]],
            values={"MainContact": {"WebSite": "https://finance.example"}},
        )  # fmt: skip
        await shop.world.play(
            "pipedrive", "edit", **change, changes={"website": "https://three.example"}
        )
        deal = await shop.deal(shop.line(), org_id=organization)
        await shop.wins(deal)
        row = await shop.settled(deal)

        assert row.state == "held"
        assert "https://finance.example" in row.reason
        assert "https://three.example" in row.reason
        (known,) = await shop.customers()
        assert known["MainContact"]["WebSite"] == "https://finance.example"


# People -----------------------------------------------------------------------------------------


async def test_person_alone_is_held_or_made_a_customer_as_chosen(opened: OpenShop):
    async with opened() as shop:
        (person,) = (await shop.world.seed("pipedrive", persons=[{"name": "Jo Doe"}]))["persons"]
        deal = await shop.deal(shop.line(), organization=None, person_id=person)
        await shop.wins(deal)
        row = await shop.settled(deal)
        assert row.state == "held"
        assert "Jo Doe" in row.reason

        await shop.world.apply(settings={"customers": {"person_alone": "customer"}})
        await shop.settled(deal)

        (made,) = await shop.customers()
        assert (made["CustomerName"], made["AccountRef"]) == ("Jo Doe", f"pd-person-{person}")


async def test_deal_with_nobody_is_held(shop: Shop):
    deal = await shop.deal(shop.line(), organization=None)
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert (row.state, row.waits_for) == ("held", f"deal:{deal}")
    assert await shop.customers() == []


async def test_deal_whose_organization_was_deleted_is_held(shop: Shop):
    organization = await shop.world.organization()
    deal = await shop.deal(shop.line(), org_id=organization)
    await shop.world.play("pipedrive", "delete", kind="organization", id=organization)
    await shop.wins(deal)

    row = await shop.settled(deal)

    assert (row.state, row.waits_for) == ("held", f"organization:{organization}")


async def test_deals_own_organization_counts_whatever_its_persons_is(shop: Shop):
    other = await shop.world.organization("Elsewhere Ltd")
    (person,) = (await shop.world.seed("pipedrive", persons=[{"name": "Jo Doe", "org_id": other}]))[
        "persons"
    ]

    await shop.sold(shop.line(), person_id=person)

    (made,) = await shop.customers()
    assert made["CustomerName"] == "Nordwerk GmbH"
