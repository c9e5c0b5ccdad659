from __future__ import annotations

import pytest
from tests.unit.vendor_simulators.sage_intacct.conftest import (
    create,
    entry,
    line,
    query,
    tagged,
    update,
    vendor,
)


async def test_a_vendor_is_made_with_a_contact_named_by_the_system(books):
    answer = await books.done(create("VENDOR", vendor()))

    assert answer.data.get("listtype") == "objects"
    assert answer.data.find("vendor").findtext("VENDORID") == "PD-9001"
    assert [row["CONTACTNAME"] for row in books.records("contacts")] == [
        "Brightwell Tools(VPD-9001)"
    ]


async def test_a_taken_vendor_id_is_told_with_its_wrapper_and_a_support_id(books):
    await books.done(create("VENDOR", vendor()))

    answer = await books.call(create("VENDOR", vendor(name="Other")))

    assert answer.numbers == ["BL34000061", "BL01001973"]
    assert answer.cause == "Another Vendor with the given value(s) PD-9001  already exists"
    assert "[Support ID: " in answer.texts[0]
    assert "%7E" in answer.texts[0]


async def test_names_may_be_shared(books):
    await books.done(create("VENDOR", vendor("V-1", "Same"), vendor("V-2", "Same")))

    assert len(books.records("vendors", NAME="Same")) == 2


async def test_a_left_over_contact_keeps_its_name_taken(books):
    await books.done(create("VENDOR", vendor()))
    await books.done(tagged("delete", {"object": "VENDOR", "keys": "1"}))

    answer = await books.call(create("VENDOR", vendor()))

    assert answer.cause == (
        "Another Contact with the given value(s) Brightwell Tools(VPD-9001)  already exists"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"NAME": ""}, "Required field NAME is missing"),
        ({"NAME": "x" * 101}, "NAME may have at most 100 characters"),
        ({"VENDORID": ""}, "Vendor ID is required."),
        ({"VENDORID": "A*B"}, "Illegal format for Vendor ID A*B."),
        ({"VENDORID": "x" * 21}, "VENDORID may have at most 20 characters"),
        ({"DISPLAYCONTACT": {"PRINTAS": ""}}, "Required field PRINTAS is missing"),
        (
            {"DISPLAYCONTACT": {"EMAIL1": "@x"}},
            "Illegal format for Contactversion : Primary Email Address @x.",
        ),
        ({"DISPLAYCONTACT": {"MAILADDRESS": {"COUNTRY": "USA"}}}, "Country 'USA' is not valid."),
        (
            {"DISPLAYCONTACT": {"MAILADDRESS": {"COUNTRY": "Germany", "COUNTRYCODE": "US"}}},
            "Country code 'US' does not match the country 'Germany'.",
        ),
        ({"TERMNAME": "N99"}, "The ap term 'N99' is invalid."),
        ({"VENDTYPE": "Friend"}, "The vendor type 'Friend' is invalid."),
        ({"CURRENCY": "XXX"}, "The currency 'XXX' is invalid."),
        ({"STATUS": "asleep"}, "Invalid value for STATUS: asleep is none of active, inactive"),
        ({"PAYTO": {"CONTACTNAME": "Nobody"}}, "The contact 'Nobody' is invalid."),
    ],
)
async def test_what_a_vendor_may_not_be(books, change, said):
    given = {**vendor(), **change}
    if "DISPLAYCONTACT" in change:
        given["DISPLAYCONTACT"] = {"PRINTAS": "B", **change["DISPLAYCONTACT"]}

    answer = await books.call(create("VENDOR", given))

    assert answer.statuses == ["failure"]
    assert answer.cause == said
    assert books.records("vendors") == books.records("contacts") == []


async def test_an_address_that_is_no_address_brings_six_generic_errors(books):
    answer = await books.call(create("VENDOR", vendor(DISPLAYCONTACT={"EMAIL1": "@x"})))

    assert answer.numbers == ["BL03000018"] + ["BL01001973"] * 6


async def test_numbered_vendors_get_an_id_and_a_given_one_wins(books):
    books.switch(numbered=["VENDOR"])
    unnamed = vendor()
    del unnamed["VENDORID"]

    answer = await books.done(create("VENDOR", unnamed), create("VENDOR", vendor("MINE", "Mine")))

    assert [one.findtext("data/vendor/VENDORID") for one in answer.results] == ["V-00001", "MINE"]


async def test_an_update_leaves_what_is_not_given_and_clears_what_is_empty(books):
    await books.done(create("VENDOR", vendor(TAXID="11", COMMENTS="x")))

    await books.done(update("VENDOR", {"VENDORID": "PD-9001", "COMMENTS": "", "NAME": "New"}))

    row = books.records("vendors")[0]
    assert (row["NAME"], row["TAXID"], row.get("COMMENTS")) == ("New", "11", None)


async def test_an_empty_element_may_be_ignored(books):
    books.switch(empty_element="ignored")
    await books.done(create("VENDOR", vendor(COMMENTS="x")))

    await books.done(update("VENDOR", {"VENDORID": "PD-9001", "COMMENTS": ""}))

    assert books.records("vendors")[0]["COMMENTS"] == "x"


async def test_a_contact_is_updated_through_its_vendor(books):
    await books.done(create("VENDOR", vendor()))
    contact = {"PRINTAS": "New", "EMAIL1": "a@b.example"}

    await books.done(update("VENDOR", {"RECORDNO": 1, "DISPLAYCONTACT": contact}))

    assert books.records("vendors")[0]["DISPLAYCONTACT"]["EMAIL1"] == "a@b.example"


async def test_ids_cannot_be_changed_and_unknown_ones_are_named(books):
    await books.done(create("VENDOR", vendor()))

    changed = await books.call(update("VENDOR", {"RECORDNO": 1, "VENDORID": "OTHER"}))
    missing = await books.call(update("VENDOR", {"VENDORID": "NOPE", "NAME": "x"}))
    undeleted = await books.call(tagged("delete", {"object": "VENDOR", "keys": "99999"}))

    assert changed.cause == "VENDORID cannot be changed"
    assert missing.cause == "Cannot find vendor with key 'NOPE' to update."
    assert undeleted.cause == "Cannot find vendor with key '99999' to delete."


async def test_a_vendor_that_waits_for_approval_is_made_but_cannot_be_used(books):
    books.switch(vendor_approval=True)
    await books.done(create("VENDOR", vendor()))
    posting = create("GLBATCH", entry(line("1150", 1, 5), line("4000", -1, 5, VENDORID="PD-9001")))

    waiting = await books.call(posting)
    await books.play("approve_vendor", key="PD-9001")
    approved = await books.call(posting)

    assert "Vendor 'PD-9001' specified is not valid." in waiting.cause
    assert approved.statuses == ["success"]


async def test_records_of_an_entity_are_invisible_elsewhere_but_keep_their_id_taken(books):
    books.switch(multi_entity=True)
    await books.open_session("E100")
    await books.done(create("VENDOR", vendor()))
    inside = await books.done(query("VENDOR", "VENDORID MEGAENTITYID"))
    await books.open_session("E200")
    elsewhere = await books.done(query("VENDOR", "VENDORID"))
    taken = await books.call(create("VENDOR", vendor()))
    await books.open_session("")
    private = "<options><showprivate>true</showprivate></options>"
    top = await books.done(query("VENDOR", "VENDORID"), query("VENDOR", "VENDORID", more=private))

    assert inside.rows() == [{"VENDORID": "PD-9001", "MEGAENTITYID": "E100"}]
    assert elsewhere.rows() == []
    assert taken.numbers[0] == "BL34000061"
    assert [one.find("data").get("count") for one in top.results] == ["0", "1"]


async def test_customers_items_and_other_dimensions_are_made_alike(books):
    customer = {"CUSTOMERID": "C-1", "NAME": "Acme", "DISPLAYCONTACT": {"PRINTAS": "Acme"}}

    answer = await books.done(
        create("CUSTOMER", customer),
        create("DEPARTMENT", {"DEPARTMENTID": "RND", "TITLE": "Research"}),
        create("CLASS", {"CLASSID": "X", "NAME": "X"}),
        create("PROJECT", {"PROJECTID": "P-77", "NAME": "Rollout", "CUSTOMERID": "C-1"}),
        create("ITEM", {"ITEMID": "I-1", "NAME": "Item"}),
        create("LOCATION", {"LOCATIONID": "L9", "NAME": "Ninth"}),
    )

    assert answer.results[0].findtext("data/customer/CUSTOMERID") == "C-1"
    assert books.records("projects")[0]["CUSTOMERNAME"] == "Acme"


async def test_a_person_types_a_vendor_in_by_hand(books):
    await books.play("add", kind="vendors", values=vendor("V-7", TAXID="DE1"))

    assert books.records("vendors", TAXID="DE1")[0]["MODIFIEDBY"] == "finance"


async def test_a_vendor_in_use_cannot_be_deleted(books):
    await books.done(create("VENDOR", vendor()))
    await books.post(line("1150", 1, 5), line("4000", -1, 5, VENDORID="PD-9001"))

    answer = await books.call(tagged("delete", {"object": "VENDOR", "keys": "1"}))

    assert answer.cause.startswith("Cannot delete Vendor PD-9001")
