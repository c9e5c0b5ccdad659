from __future__ import annotations

import pytest


async def test_a_customer_takes_what_its_class_brings(site):
    answer = await site.saved("Customer", {"CustomerName": "Acme", "CustomerClass": "INTL"})

    assert (answer["CurrencyID"], answer["Terms"], answer["TaxZone"]) == ("EUR", "NET60", "EXPORT")


@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({"CustomerName": None}, ["CustomerName"], "cannot be empty"),
        ({"Terms": "NOSUCH"}, ["Terms"], "'Terms' cannot be found"),
        ({"CustomerClass": "NOSUCH"}, ["CustomerClass"], "'Customer Class' cannot be found"),
        ({"Status": "Sleeping"}, ["Status"], "Sleeping"),
        (
            {"MainContact": {"Address": {"Country": "ZZ"}}},
            ["MainContact", "Address", "Country"],
            "'Country' cannot be found",
        ),
        (
            {"MainContact": {"Address": {"Country": "US", "State": "ZZ"}}},
            ["MainContact", "Address", "State"],
            "'State' cannot be found",
        ),
    ],
)
async def test_a_customer_that_the_form_refuses_is_a_field_error(site, fields, path, text):
    answer = await site.put("Customer", {"CustomerName": "Acme", **fields})

    part = answer.content
    for name in path:
        part = part[name]
    assert answer.status == 422
    assert text in part["error"]


async def test_a_customer_shows_as_a_business_account_with_the_same_number(site):
    customer_id = await site.customer(AccountRef="pd-org-1")

    account = await site.get(f"BusinessAccount/{customer_id}")

    assert (account["Name"], account["Type"]) == ("Northwind Pumps", "Customer")
    assert account["AccountRef"] == "pd-org-1"


async def test_a_number_taken_by_a_prospect_cannot_be_a_new_customers(site):
    await site.simulator.seed(
        {"business_accounts": [{"BusinessAccountID": "ACME", "Name": "Acme"}]}
    )
    site.switch(numbering={"Customer": "manual"})

    answer = await site.put("Customer", {"CustomerID": "acme", "CustomerName": "Acme"})

    assert "already in use" in answer.content["CustomerID"]["error"]


async def test_contacts_are_linked_by_business_account_and_show_at_the_customer(site):
    customer_id = await site.customer()

    contact = await site.saved(
        "Contact",
        {"LastName": "Doe", "FirstName": "J.", "BusinessAccount": customer_id,
         "ExtRefNbr": "pd-person-7", "Email": "j@doe.example"},
    )  # fmt: skip
    shown = await site.get(f"Customer/{customer_id}", expand="Contacts,Contacts/Contact")
    found = await site.get("Contact", filter="ExtRefNbr eq 'pd-person-7'")
    by_key = await site.get(f"Contact/{contact['ContactID']}")

    assert contact["DisplayName"] == "Doe, J."
    assert shown.content["Contacts"][0]["Contact"]["Email"] == {"value": "j@doe.example"}
    assert found.content[0]["ContactID"] == {"value": contact["ContactID"]}
    assert by_key["LastName"] == "Doe"


async def test_a_contacts_address_is_its_accounts_unless_overridden(site):
    customer_id = await site.customer(
        MainContact={"Address": {"City": "Kirkland", "Country": "US"}}
    )
    body = {"LastName": "Doe", "BusinessAccount": customer_id, "Address": {"City": "Seattle"}}

    shared = await site.saved("Contact", body, expand="Address")
    own = await site.saved("Contact", {**body, "OverrideAccountAddress": True}, expand="Address")

    assert shared.content["Address"]["City"]["value"] == "Kirkland"
    assert own.content["Address"]["City"]["value"] == "Seattle"


async def test_a_contact_needs_a_last_name(site):
    answer = await site.put("Contact", {"FirstName": "J."})

    assert answer.content["LastName"]["error"] == "'Last Name' cannot be empty."


async def test_billing_contact_is_the_main_one_unless_overridden(site):
    customer_id = await site.customer(
        MainContact={"Email": "main@x.example"},
        BillingContact={"Email": "bill@x.example"},
    )

    shared = await site.get(f"Customer/{customer_id}", expand="BillingContact")
    await site.put("Customer", {"CustomerID": customer_id, "BillingContactOverride": True})
    own = await site.get(f"Customer/{customer_id}", expand="BillingContact")

    assert shared.content["BillingContact"]["Email"]["value"] == "main@x.example"
    assert own.content["BillingContact"]["Email"]["value"] == "bill@x.example"


async def test_credit_rules_add_up_orders_and_documents(site):
    customer_id = await site.customer(CreditLimit=10_000)
    await site.order(customer_id, Hold=False)

    answer = await site.get(f"Customer/{customer_id}", expand="CreditVerificationRules")

    rules = answer.content["CreditVerificationRules"]
    assert rules["OpenOrdersBalance"] == {"value": 2500}
    assert rules["RemainingCreditLimit"] == {"value": 7500}


async def test_items_keep_both_names_of_their_price_and_one_id_space(site):
    made = await site.saved(
        "NonStockItem", {"InventoryID": "training", "Description": "Training", "DefaultPrice": 90}
    )
    taken = await site.put("StockItem", {"InventoryID": "TRAINING"})

    assert (made["InventoryID"], made["CurySpecificPrice"], made["BaseUnit"]) == (
        "TRAINING",
        90,
        "HOUR",
    )
    assert taken.status == 422


async def test_accounts_can_be_read_with_their_group_of_the_filter(site):
    answer = await site.get("Account", filter="Type eq 'Income'", select="AccountCD")

    assert [row["AccountCD"]["value"] for row in answer.content] == ["40000", "40100"]


async def test_a_contact_without_an_address_of_its_own_shows_its_accounts_as_it_is_now(site):
    customer_id = await site.customer(MainContact={"Address": {"City": "Kirkland"}})
    contact = await site.saved("Contact", {"LastName": "Doe", "BusinessAccount": customer_id})

    await site.saved(
        "Customer",
        {"CustomerID": customer_id, "MainContact": {"Address": {"City": "Seattle"}}},
    )
    shown = await site.get(f"Contact/{contact['ContactID']}", expand="Address")

    assert shown.content["Address"]["City"] == {"value": "Seattle"}


async def test_a_business_accounts_contact_and_address_are_its_customers(site):
    customer_id = await site.customer()

    await site.saved(
        "BusinessAccount",
        {"BusinessAccountID": customer_id, "MainContact": {"Email": "new@acme.example"},
         "MainAddress": {"City": "Seattle"}},
    )  # fmt: skip
    customer = await site.get(f"Customer/{customer_id}", expand="MainContact,MainContact/Address")

    assert customer.content["MainContact"]["Email"] == {"value": "new@acme.example"}
    assert customer.content["MainContact"]["Address"]["City"] == {"value": "Seattle"}


@pytest.mark.parametrize(("setting", "company"), [("kept", "Before"), ("account", "After")])
async def test_a_contact_that_moves_keeps_or_changes_its_company_name(site, setting, company):
    site.switch(moved_contact_company=setting)
    before = await site.customer(CustomerName="Before")
    after = await site.customer(CustomerName="After")
    contact = await site.saved("Contact", {"LastName": "Doe", "BusinessAccount": before})

    moved = await site.saved(
        "Contact", {"ContactID": contact["ContactID"], "LastName": "Doe", "BusinessAccount": after}
    )

    assert moved["CompanyName"] == company


@pytest.mark.parametrize(("leaves", "left"), [(True, None), (False, 1)])
async def test_an_account_forgets_a_primary_contact_that_moved_or_does_not(site, leaves, left):
    site.switch(primary_contact_leaves=leaves)
    before, after = await site.customer(), await site.customer()
    contact = await site.saved("Contact", {"LastName": "Doe", "BusinessAccount": before})
    number = contact["ContactID"]
    await site.saved("Customer", {"CustomerID": before, "PrimaryContactID": number})

    await site.saved("Contact", {"ContactID": number, "LastName": "Doe", "BusinessAccount": after})
    customer = await site.get(f"Customer/{before}")

    assert customer["PrimaryContactID"] == (None if left is None else number)


@pytest.mark.parametrize(("setting", "status"), [("accept", 200), ("refuse", 422)])
async def test_a_customer_with_orders_under_way_may_be_set_inactive_or_not(site, setting, status):
    site.switch(customer_with_open_orders=setting)
    customer_id = await site.customer()
    await site.order(customer_id, Hold=False)

    answer = await site.put("Customer", {"CustomerID": customer_id, "Status": "Inactive"})

    assert answer.status == status


async def test_people_change_addresses_and_contacts(site):
    customer_id = await site.customer()
    contact = await site.saved("Contact", {"LastName": "Doe", "BusinessAccount": customer_id})

    await site.simulator.play(
        "change_address", {"customer": customer_id, "address": {"City": "Seattle"}}
    )
    await site.simulator.play(
        "edit_contact", {"contact": contact["ContactID"], "values": {"LastName": "Roe"}}
    )
    account = await site.get(f"BusinessAccount/{customer_id}", expand="MainAddress")

    assert account.content["MainAddress"]["City"] == {"value": "Seattle"}
    assert (await site.get(f"Contact/{contact['ContactID']}"))["LastName"] == "Roe"
