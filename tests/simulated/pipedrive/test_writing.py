from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from ml_connector.core.errors import (
    InvalidRecordError,
    MissingMappingError,
    OutcomeUnknownError,
    RejectedError,
)
from ml_connector.core.money import Money
from ml_connector.vendors.pipedrive import (
    AddressDraft,
    ContactPointDraft,
    DealDraft,
    DealProductDraft,
    DealProductUpdate,
    DealUpdate,
    OrganizationDraft,
    OwnField,
    PersonDraft,
    PriceDraft,
    ProductDraft,
)
from ml_connector.vendors.pipedrive.models import (
    Address,
    DateRange,
    FieldOption,
    Monetary,
    RecordRef,
)

BILLING = (
    OwnField(name="Invoice balance", field_type="monetary"),
    OwnField(name="Billing status", field_type="enum", options=("Open", "Paid")),
    OwnField(name="Due on", field_type="date"),
    OwnField(name="ERP order number", field_type="varchar"),
)


async def test_what_is_created_is_what_is_read(client):
    organization = (
        await client.create_organization(
            OrganizationDraft(
                name="Nordwerk GmbH", address=AddressDraft(value="Hafenstrasse 12, 20457 Hamburg")
            )
        )
    ).record
    person = (
        await client.create_person(
            PersonDraft(
                name="Jana Voss",
                org_id=organization.id,
                emails=[ContactPointDraft(value="jana.voss@nordwerk.example")],
            )
        )
    ).record
    product = (
        await client.create_product(
            ProductDraft(
                name="Bearing",
                code="RB-6204",
                tax=Decimal(19),
                prices=[PriceDraft(currency="EUR", price=Decimal("14.90"))],
            )
        )
    ).record
    deal = (
        await client.create_deal(
            DealDraft(
                title="Conveyor line",
                org_id=organization.id,
                person_id=person.id,
                value=Decimal("18000.55"),
                currency="EUR",
                expected_close_date=date(2026, 10, 15),
            )
        )
    ).record

    # a read tells the number of won deals, the answer of a write does not
    assert (await client.organization(organization.id)) == replace(organization, won_deals_count=0)
    assert organization.address is not None
    assert organization.address.value == "Hafenstrasse 12, 20457 Hamburg"
    assert (await client.person(person.id)).emails[0].value == "jana.voss@nordwerk.example"
    assert (await client.product(product.id)).prices[0].price == Decimal("14.9")
    assert (await client.deal(deal.id)).value == Decimal("18000.55")


async def test_own_fields_are_made_once_and_found_again_by_key(client, hand):
    keys = await client.fields.ensure("deal", BILLING)
    await hand.play("edit_field", kind="deal", field=keys["Due on"], field_name="Fällig am")
    again = [
        OwnField(name=own.name, field_type=own.field_type, options=own.options, key=keys[own.name])
        for own in BILLING
    ]

    assert await client.fields.ensure("deal", again) == keys
    made = [field for field in await hand.records("fields") if field["is_custom_field"]]
    assert len([field for field in made if field["kind"] == "deal"]) == len(BILLING)


async def test_billing_figures_are_written_by_name_and_read_back_as_they_were(client, hand):
    keys = await client.fields.ensure("deal", BILLING)
    fields = await client.fields.of("deal")
    (number,) = (await hand.seed(deals=[{"title": "a", "value": 500}]))["deals"]

    written = await client.update_deal(
        number,
        DealUpdate(
            custom_fields=fields.write(
                {
                    "Invoice balance": Money(Decimal("12480.25"), "EUR"),
                    "Billing status": "Open",
                    "Due on": date(2026, 11, 2),
                    keys["ERP order number"]: "SO-1007",
                }
            )
        ),
    )

    deal = await client.deal(number)
    assert written.dropped_keys == ()
    assert fields.read(deal.custom_fields, "Invoice balance") == Monetary(
        value=Decimal("12480.25"), currency="EUR"
    )
    status = fields.read(deal.custom_fields, "Billing status")
    assert isinstance(status, FieldOption)
    assert status.label == "Open"
    assert fields.read(deal.custom_fields, "Due on") == date(2026, 11, 2)
    assert fields.read(deal.custom_fields, "ERP order number") == "SO-1007"
    assert deal.value == Decimal(500)


async def test_null_clears_a_field(client, hand):
    await client.fields.ensure("deal", BILLING)
    fields = await client.fields.of("deal")
    (number,) = (await hand.seed(deals=[{"title": "a"}]))["deals"]
    for value in (date(2026, 11, 2), None):
        await client.update_deal(number, DealUpdate(custom_fields=fields.write({"Due on": value})))

    assert fields.read((await client.deal(number)).custom_fields, "Due on") is None


async def test_fields_of_every_type_survive_the_way_there_and_back(client):
    own = [
        OwnField(name="A address", field_type="address"),
        OwnField(name="A daterange", field_type="daterange"),
        OwnField(name="A double", field_type="double"),
        OwnField(name="A org", field_type="org"),
        OwnField(name="A set", field_type="set", options=("Red", "Green")),
        OwnField(name="A text", field_type="text"),
    ]
    await client.fields.ensure("organization", own)
    fields = await client.fields.of("organization")
    first = (await client.create_organization(OrganizationDraft(name="First"))).record
    red, green = fields.definition("A set").options
    values = {
        "A address": Address(value="Hafenstrasse 12, 20457 Hamburg", country="Germany"),
        "A daterange": DateRange(value=date(2026, 10, 1), until=date(2026, 10, 31)),
        "A double": Decimal("0.125"),
        "A org": RecordRef(kind="organization", id=first.id),
        "A set": (red, green),
        "A text": "two\nlines",
    }

    made = (
        await client.create_organization(
            OrganizationDraft(name="Second", custom_fields=fields.write(values))
        )
    ).record

    read = await client.organization(made.id)
    assert {name: fields.read(read.custom_fields, name) for name in values} == values


async def test_field_deleted_by_somebody_is_left_out_and_the_rest_written(client, hand):
    keys = await client.fields.ensure("deal", BILLING)
    fields = await client.fields.of("deal")
    (number,) = (await hand.seed(deals=[{"title": "a"}]))["deals"]
    await hand.play("delete_field", kind="deal", field=keys["Due on"])

    written = await client.update_deal(
        number,
        DealUpdate(
            custom_fields=fields.write({"Due on": date(2026, 11, 2), "ERP order number": "SO-1007"})
        ),
    )

    assert written.dropped_keys == (keys["Due on"],)
    assert written.record.custom_fields[keys["ERP order number"]] == "SO-1007"
    later = await client.fields.of("deal")
    assert [each.field_name for each in later.changes_since(fields).removed] == ["Due on"]


async def test_choice_that_is_not_offered_is_told_before_anything_is_sent(client):
    await client.fields.ensure("deal", BILLING)

    with pytest.raises(MissingMappingError, match="'Open', 'Paid'"):
        (await client.fields.of("deal")).write({"Billing status": "Void"})


async def test_lines_are_added_changed_and_removed(client, hand):
    (product,) = (await hand.seed(products=[{"name": "Bearing"}]))["products"]
    (number,) = (await hand.seed(deals=[{"title": "a"}]))["deals"]
    draft = DealProductDraft(
        product_id=product, item_price=Decimal("19.99"), quantity=Decimal("1.5")
    )

    one = await client.add_deal_product(number, draft)
    two, three = await client.add_deal_products(number, [draft, draft])
    await client.update_deal_product(number, one.id, DealProductUpdate(quantity=Decimal(2)))
    await client.delete_deal_product(number, two.id)
    await client.delete_deal_product(number, two.id)

    lines = await client.deal_products(number)
    assert [(line.id, line.quantity) for line in lines] == [
        (one.id, Decimal(2)),
        (three.id, Decimal("1.5")),
    ]


async def test_archived_deal_refuses_a_change(client, hand):
    (number,) = (await hand.seed(deals=[{"title": "a"}]))["deals"]
    await hand.play("archive", id=number)

    with pytest.raises(RejectedError):
        await client.update_deal(number, DealUpdate(title="b"))


async def test_refused_record_names_what_was_refused(client):
    with pytest.raises(InvalidRecordError) as caught:
        await client.create_organization(OrganizationDraft(name="a", visible_to=4))

    assert list(caught.value.fields) == ["visible_to"]


async def test_reference_field_that_is_gone_is_told_with_the_record(client):
    written = await client.create_deal(DealDraft(title="a", custom_fields={"f" * 40: "x"}))

    assert written.dropped_keys == ("f" * 40,)


async def test_create_whose_answer_is_lost_is_unknown_and_was_made_once(client, hand):
    await hand.fault("cut_after", method="POST", path="/api/v2/organizations")

    with pytest.raises(OutcomeUnknownError):
        await client.create_organization(OrganizationDraft(name="Nordwerk GmbH"))

    assert [each["name"] for each in await hand.records("organizations")] == ["Nordwerk GmbH"]
    assert len(await client.organizations_where("name", "Nordwerk GmbH")) == 1


async def test_create_cut_before_it_arrived_is_unknown_too_and_not_sent_again(client, hand):
    await hand.fault("cut_before", method="POST", path="/api/v2/organizations")

    with pytest.raises(OutcomeUnknownError):
        await client.create_organization(OrganizationDraft(name="Nordwerk GmbH"))

    assert await hand.records("organizations") == []


async def test_update_whose_answer_is_lost_is_made_again(client, hand):
    (number,) = (await hand.seed(deals=[{"title": "a"}]))["deals"]
    await hand.fault("cut_after", method="PATCH")

    written = await client.update_deal(number, DealUpdate(title="b"))

    assert written.record.title == "b"


async def test_500_after_the_commit_leaves_a_create_unknown(client, hand):
    await hand.fault("status", method="POST", status=500, body='{"success": false}')

    with pytest.raises(OutcomeUnknownError):
        await client.create_organization(OrganizationDraft(name="Nordwerk GmbH"))


async def test_deleting_twice_is_deleting_once(client, hand):
    (number,) = (await hand.seed(persons=[{"name": "Jana Voss"}]))["persons"]

    await client.delete_person(number)
    await client.delete_person(number)

    (person,) = await hand.records("persons")
    assert person["is_deleted"]
