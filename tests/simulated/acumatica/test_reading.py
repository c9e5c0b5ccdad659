"""Reading records: gathered, in full, by what they carry."""

import asyncio
from decimal import Decimal

import pytest
from tests.simulated.acumatica.conftest import Hand

from ml_connector.core.errors import ConfigurationError, NotFoundError
from ml_connector.vendors.acumatica.models import Customer

BRUTAL = "O'Brien & Söhne #1 +100% <(x)> / \\ ?"


async def test_a_customer_is_read_with_and_without_its_contacts(hand, either_version):
    customer_id = await northwind(hand)

    short = await either_version.customer(customer_id.lower())
    full = await either_version.customer_in_full(customer_id)

    assert short.customer_name == full.customer_name == "Northwind Pumps"
    assert short.main_contact is None
    assert full.main_contact is not None
    assert full.main_contact.email == "ap@northwind.example"
    assert full.main_contact.address is not None
    assert full.main_contact.address.city == "Kirkland"


async def test_concurrent_wishes_are_one_call(hand, client):
    seeded = await hand.seed(customers=[{"CustomerName": f"Customer {n}"} for n in range(20)])
    ids = [one["CustomerID"] for one in seeded["customers"]]
    await client.customer(ids[0])
    since = (await hand.calls())[-1]["number"]

    found = await asyncio.gather(*(client.customer(one) for one in ids))

    assert [one.customer_id for one in found] == ids
    assert (await hand.operations(since=since)) == ["GET Customer"]


async def test_many_wishes_go_in_parts_that_fit_into_an_address(hand, client):
    references = [f"pd-organization-{n:08}-of-the-second-workspace" for n in range(90)]
    await hand.seed(customers=[{"CustomerName": one, "AccountRef": one} for one in references])

    found = await asyncio.gather(*(client.customers_by_account_ref(one) for one in references))

    assert [len(one) for one in found] == [1] * 90
    targets = [call["target"] for call in await hand.calls() if "$filter" in call["target"]]
    assert len(targets) < 10
    assert max(len(target.partition("?")[2]) for target in targets) <= 2048


@pytest.mark.parametrize(
    "name", [BRUTAL, "''", "a+b", "50% & more", "日本ポンプ", "x' or 'a' eq 'a"]
)
async def test_any_text_can_be_searched_for(hand, client, name):
    await hand.seed(customers=[{"CustomerName": name, "AccountRef": name}, {"CustomerName": "x"}])

    by_name = await client.customers_by_name(name)
    by_reference = await client.customers_by_account_ref(name)

    assert [one.customer_name for one in by_name] == [name]
    assert [one.account_ref for one in by_reference] == [name]


async def test_all_that_carry_a_reference_are_returned(hand, client):
    twins = [{"CustomerName": f"Twin {n}", "AccountRef": "pd-org-7"} for n in range(2)]
    await hand.seed(customers=twins)

    assert len(await client.customers_by_account_ref("pd-org-7")) == 2
    assert await client.customers_by_account_ref("pd-org-8") == ()


async def test_a_customer_is_found_by_tax_number_and_address(hand, either_version):
    customer_id = await northwind(hand, TaxRegistrationID="DE 123456789")

    for found in (
        await either_version.customers_by_tax_registration_id("DE 123456789"),
        await either_version.customers_by_email("ap@northwind.example"),
        await either_version.customers_by_email_domain("@northwind.example"),
        await either_version.customers_by_name_start("northwind"),
    ):
        assert [one.customer_id for one in found] == [customer_id]
    assert await either_version.customers_by_email("ap@southwind.example") == ()


async def test_all_customers_are_listed_over_pages(hand, client):
    await hand.seed(customers=[{"CustomerName": f"Customer {n}"} for n in range(450)])

    found = [one.customer_id async for one in client.customers()]

    assert len(found) == len(set(found)) >= 450
    assert found == sorted(found)


async def test_items_of_both_entities_are_found_in_one_go(hand, either_version):
    pump, install = await asyncio.gather(
        either_version.item("pump-40"), either_version.item("INSTALL")
    )

    assert (pump.kind, pump.inventory_id, pump.base_unit) == ("stock_item", "PUMP-40", "EA")
    assert install.kind == "non_stock_item"
    assert pump.is_sellable
    assert (await hand.operations())[1:] == ["GET StockItem", "GET NonStockItem"]


async def test_an_item_with_a_sign_that_no_path_can_carry_is_read_in_full(client):
    assert (await client.item("HOSE/25")).inventory_id == "HOSE/25"
    assert (await client.item("#12-796524")).inventory_id == "#12-796524"
    assert await client.unit_conversions("HOSE/25") is not None
    assert await client.unit_conversions("#12-796524") is not None


@pytest.mark.parametrize("key", ["NOSUCH", "NO/SUCH", "NO'SUCH"])
async def test_an_item_that_is_not_there_is_not_found(client, key):
    with pytest.raises(NotFoundError):
        await client.item(key)
    with pytest.raises(NotFoundError):
        await client.unit_conversions(key)


async def test_what_is_not_there_is_not_found(client):
    for missing in (
        client.customer("C999999"),
        client.customer_in_full("C999999"),
        client.sales_order("SO/SO999999"),
        client.sales_order_in_full("SO/SO999999"),
        client.sales_invoice("Invoice/999999"),
        client.payment_in_full("Payment/999999"),
        client.contact("999999"),
        client.contact("no number"),
        client.business_account_in_full("C999999"),
    ):
        with pytest.raises(NotFoundError):
            await missing


async def test_one_missing_key_does_not_spoil_the_others(hand, client):
    customer_id = await northwind(hand)

    found = await asyncio.gather(
        client.customer(customer_id), client.customer("C999999"), return_exceptions=True
    )

    assert isinstance(found[0], Customer)
    assert found[0].customer_id == customer_id
    assert isinstance(found[1], NotFoundError)


async def test_contacts_are_found_by_reference_address_and_account(hand, open_client):
    customer_id = await northwind(hand)
    person = {"LastName": "Doe", "Email": "jo@northwind.example", "BusinessAccount": customer_id}
    seeded = await hand.seed(contacts=[{**person, "ExtRefNbr": "pd-person-7"}])
    contact_id = str(seeded["contacts"][0]["ContactID"])
    client = open_client()

    assert (await client.contact(contact_id)).last_name == "Doe"
    assert (await client.contact_in_full(contact_id)).business_account == customer_id
    for found in (
        await client.contacts_by_reference("pd-person-7"),
        await client.contacts_by_email("jo@northwind.example", business_account=customer_id),
        [one for one in await client.contacts_of(customer_id) if one.last_name == "Doe"],
    ):
        assert [one.key for one in found] == [contact_id]


async def test_a_field_that_the_version_lacks_is_told(open_client):
    client = open_client(endpoint_version="23.200.001")

    with pytest.raises(ConfigurationError, match=r"ExtRefNbr exists from .* 24\.200\.001"):
        await client.contacts_by_reference("pd-person-7")


async def test_a_version_that_is_not_served_names_those_that_are(open_client):
    client = open_client(endpoint_version="21.200.001")

    with pytest.raises(ConfigurationError) as told:
        await client.item("PUMP-40")

    assert "Default/21.200.001" in told.value.message
    assert "23.200.001, 24.200.001, 25.200.001; enter 24.200.001" in told.value.message
    assert told.value.waits_for == "setting:endpoint_version"


async def test_a_missing_record_under_a_wrong_version_is_the_versions_fault(open_client):
    client = open_client(endpoint_version="21.200.001")

    with pytest.raises(ConfigurationError, match="does not serve"):
        await client.sales_order_in_full("SO/SO999999")


async def test_a_newer_version_than_was_tried_works(hand, open_client):
    client = open_client(endpoint_version="25.200.001")
    customer_id = await northwind(hand)

    assert (await client.customer_in_full(customer_id)).customer_id == customer_id


async def test_a_site_at_the_root_of_its_host_works(told, open_client):
    client = open_client(instance_url=told["instance_url"].removesuffix("/AcumaticaERP"))

    assert (await client.item("PUMP-40")).inventory_id == "PUMP-40"


async def test_any_field_is_read_by_its_path(hand, client):
    await hand.seed(
        custom_fields=[
            {
                "entity": "Customer",
                "view": "CurrentCustomer",
                "field": "AttributeREGION",
                "type": "CustomStringField",
            }
        ]
    )
    customer_id = await northwind(hand)

    found = await client.values(
        "Customer",
        customer_id,
        ["CustomerName", "MainContact/Address/City", "CurrentCustomer.AttributeREGION", "ShipVia"],
    )

    assert found == {
        "CustomerName": "Northwind Pumps",
        "MainContact/Address/City": "Kirkland",
        "CurrentCustomer.AttributeREGION": None,
        "ShipVia": None,
    }


async def test_definitions_are_read_from_the_site(client):
    classes = await client.definitions.lookup_values("customer_classes")
    fields = {one.path: one for one in await client.definitions.fields("SalesOrder")}

    assert "DEFAULT" in [one.value for one in classes]
    assert fields["CustomerOrder"].type == "text"
    assert fields["OrderTotal"].type == "number"
    assert fields["RequestedOn"].type == "moment"


async def test_custom_fields_are_told(hand, client):
    await hand.seed(
        custom_fields=[
            {
                "entity": "SalesOrder",
                "view": "Document",
                "field": "AttributePDDEAL",
                "type": "CustomStringField",
            }
        ]
    )

    found = await client.definitions.custom_fields("SalesOrder")

    assert [(one.path, one.type, one.is_custom) for one in found] == [
        ("Document.AttributePDDEAL", "text", True)
    ]


async def test_amounts_keep_every_digit(hand, client):
    await hand.seed(non_stock_items=[{"InventoryID": "EXACT", "DefaultPrice": "0.123456"}])

    assert (await client.item("EXACT")).default_price == Decimal("0.123456")


async def northwind(hand: Hand, **more: str) -> str:
    seeded = await hand.seed(
        customers=[
            {
                "CustomerName": "Northwind Pumps",
                "MainContact": {
                    "Email": "ap@northwind.example",
                    "Address": {"City": "Kirkland", "State": "WA", "Country": "US"},
                },
                **more,
            }
        ]
    )
    customer_id: str = seeded["customers"][0]["CustomerID"]
    return customer_id
