"""Fields that the user maps, by the names that people see (P-13, P-20, P-22)."""

from __future__ import annotations

from tests.scenarios.acumatica_pipedrive.conftest import OpenShop

_FIELDS = {
    "deal": [
        {"field_name": "Purchase order", "field_type": "varchar"},
        {"field_name": "Depot", "field_type": "enum", "options": ["North", "South"]},
    ]
}


async def test_custom_fields_map_by_their_names_options_by_their_labels(opened: OpenShop):
    mapping = {
        "fields": {
            "CustomerOrder": "deal.Purchase order",
            "Branch": {"from": "deal.Depot", "table": "depots"},
        },
        "tables": {"depots": {"entries": {"North": "MAIN", "South": "MAIN"}}},
    }
    async with opened(fields=_FIELDS, settings={"order_mapping": mapping}) as shop:
        (depot,) = [
            one for one in await shop.records("pipedrive", "fields") if one["field_name"] == "Depot"
        ]
        (north,) = [one["id"] for one in depot["options"] if one["label"] == "North"]

        deal = await shop.sold(
            shop.line(), custom_fields={"Purchase order": "PO-4711", "Depot": north}
        )

        order = await shop.order(deal)
        assert (order["CustomerOrder"], order["Branch"]) == ("PO-4711", "MAIN")


async def test_required_field_that_is_empty_holds_the_deal_naming_it(opened: OpenShop):
    mapping = {"fields": {"CustomerOrder": {"from": "deal.Purchase order", "required": True}}}
    async with opened(fields=_FIELDS, settings={"order_mapping": mapping}) as shop:
        deal = await shop.deal(shop.line())
        await shop.wins(deal)

        row = await shop.settled(deal)

        assert row.state == "held"
        assert "Purchase order" in row.reason
        assert await shop.orders() == []


async def test_customer_that_was_there_keeps_what_finance_set_and_has_its_blanks_filled(
    opened: OpenShop,
):
    fields = {
        "WebSite": "organization.website",
        "Terms": {"constant": "NET30", "on_existing": "never"},
    }
    async with opened(settings={"customer_mapping": {"fields": fields}}) as shop:
        organization = await shop.world.organization(website="https://crm.example")
        made = await shop.world.seed(
            "acumatica",
            customers=[{
                "CustomerName": "Nordwerk of finance", "AccountRef": f"pd-org-{organization}",
                "Terms": "NET60", "CreditLimit": "5000",
            }],
        )  # fmt: skip

        deal = await shop.sold(shop.line(), org_id=organization)

        (customer,) = await shop.customers()
        assert (await shop.order(deal))["CustomerID"] == made["customers"][0]["CustomerID"]
        assert (customer["CustomerName"], customer["Terms"]) == ("Nordwerk of finance", "NET60")
        assert float(customer["CreditLimit"]) == 5000
        assert customer["MainContact"]["WebSite"] == "https://crm.example"
