from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.errors import ConfigurationError, ContractError
from ml_connector.vendors.acumatica import bodies, wire
from ml_connector.vendors.acumatica.drafts import (
    AccountContactDraft,
    AddressDraft,
    AttributeDraft,
    ContactDraft,
    CustomerDraft,
    DocumentContactDraft,
    SalesOrderDraft,
    SalesOrderLineDraft,
)
from ml_connector.vendors.acumatica.models import (
    Customer,
    Item,
    NonStockItem,
    SalesInvoice,
    SalesOrder,
    StockItem,
)

NEWEST = (24, 200, 1)

# The form is the recorded one (Default/20.200.001), the values are made up.
RECORDED_CUSTOMER = b"""
{"id":"7c1d9e40-5b2a-f011-9a31-0a58a9feac02","rowNumber":1,"note":{"value":""},
 "AccountRef":{},"ApplyOverdueCharges":{"value":false},
 "CreatedDateTime":{"value":"2026-01-11T19:29:55.12+00:00"},
 "CurrencyID":{"value":"USD"},"CustomerClass":{"value":"DEFAULT"},"CustomerID":{"value":"C1001 "},
 "CustomerName":{"value":"Northwind Pumps"},
 "LastModifiedDateTime":{"value":"2026-02-19T22:50:36.837+00:00"},
 "Status":{"value":"Active"},"TaxZone":{},"Terms":{"value":"NET30"},"CreditLimit":{"value":0.1000},
 "MainContact":{"id":"1","Email":{"value":"ap@northwind.example"},
                "Address":{"City":{"value":"Kirkland"}}},
 "ShippingContact":{},
 "custom":{"BAccount":{"AttributeREGION":{"type":"CustomStringField","value":"WEST"}}},
 "_links":{"self":"/AcumaticaERP/entity/Default/24.200.001/Customer/7c1d9e40"}}
"""


def test_a_recorded_customer_is_read():
    customer = wire.record(Customer, wire.decode(RECORDED_CUSTOMER))

    assert customer.customer_id == customer.key == "C1001"
    assert customer.account_ref is None
    assert customer.tax_zone is None
    assert customer.credit_limit == Decimal("0.1000")
    assert customer.last_modified_date_time == datetime(2026, 2, 19, 22, 50, 36, 837_000, UTC)
    assert customer.main_contact is not None
    assert customer.main_contact.address is not None
    assert customer.main_contact.address.city == "Kirkland"
    assert customer.shipping_contact is None
    assert customer.custom == {"BAccount.AttributeREGION": "WEST"}


def test_a_number_keeps_the_digits_of_the_wire():
    raw = wire.decode(b'{"id":"1","OrderType":{"value":"SO"},"OrderNbr":{"value":"1"},'
                      b'"OrderTotal":{"value":0.10000000000000000001}}')  # fmt: skip

    assert wire.record(SalesOrder, raw).order_total == Decimal("0.10000000000000000001")


def test_a_number_may_come_as_text_or_whole():
    raw = {
        "id": "1",
        "OrderType": {"value": "SO"},
        "OrderNbr": {"value": "1"},
        "OrderTotal": {"value": "50.25"},
        "TaxTotal": {"value": 7},
    }

    order = wire.record(SalesOrder, raw)

    assert (order.order_total, order.tax_total) == (Decimal("50.25"), Decimal(7))


def test_a_business_day_is_cut_and_never_converted():
    raw = {
        "id": "1",
        "OrderType": {"value": "SO"},
        "OrderNbr": {"value": "1"},
        "Date": {"value": "2026-12-14T00:00:00+00:00"},
        "RequestedOn": {"value": "2026-12-31T00:00:00-11:00"},
    }

    order = wire.record(SalesOrder, raw)

    assert (order.date, order.requested_on) == (date(2026, 12, 14), date(2026, 12, 31))


def test_details_are_read_with_the_ids_of_their_rows():
    raw = {
        "id": "1",
        "OrderType": {"value": "SO"},
        "OrderNbr": {"value": "SO1"},
        "Details": [
            {
                "id": "r1",
                "rowNumber": 1,
                "note": None,
                "InventoryID": {"value": "PUMP-40"},
                "OrderQty": {"value": Decimal("2.000000")},
                "UOM": {"value": "EA"},
            }
        ],
    }

    order = wire.record(SalesOrder, raw)

    assert order.key == "SO/SO1"
    assert [(line.id, line.order_qty, line.uom) for line in order.details] == [
        ("r1", Decimal(2), "EA")
    ]


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ({"Hold": {"value": "maybe"}}, "SalesOrder.Hold"),
        ({"OrderTotal": "12.00"}, "not wrapped"),
        ({"LastModified": {"value": "2026-01-11T19:29:55"}}, "zone"),
        ({"Date": {"value": "soon"}}, "SalesOrder.Date"),
        ({"Details": {"value": 1}}, "SalesOrderLine is not an array"),
    ],
)
def test_what_is_not_as_documented_is_named(member, words):
    raw = {"id": "1", "OrderType": {"value": "SO"}, "OrderNbr": {"value": "1"}, **member}

    with pytest.raises(ContractError, match=words):
        wire.record(SalesOrder, raw)


def test_a_record_without_its_key_is_not_as_documented():
    with pytest.raises(ContractError, match="customer_id"):
        wire.record(Customer, {"id": "1", "CustomerName": {"value": "X"}})


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b'{"a":'])
def test_what_is_not_json_is_told(body):
    with pytest.raises(ContractError, match="not JSON"):
        wire.decode(body)


def test_a_list_that_is_no_array_is_told():
    with pytest.raises(ContractError, match="not an array"):
        wire.records(Customer, {"value": []})


def test_fields_are_asked_for_only_where_the_version_has_them():
    assert "LastModifiedDateTime" not in wire.selection(SalesInvoice, (22, 200, 1))
    assert "LastModifiedDateTime" in wire.selection(SalesInvoice, (23, 200, 1))
    assert "ExternalRef" not in wire.selection(SalesInvoice, (23, 200, 1))
    assert "ExternalRef" in wire.selection(SalesInvoice, (25, 200, 1))


def test_nested_fields_are_asked_for_only_when_expanded():
    plain = wire.selection(Customer, NEWEST)
    full = wire.selection(Customer, NEWEST, expand=("MainContact", "MainContact/Address"))

    assert not any("/" in name for name in plain)
    assert "MainContact/Email" in full
    assert "MainContact/Address/PostalCode" in full
    assert "BillingContact/Email" not in full


def test_an_order_is_wrapped_as_the_vendor_documents():
    draft = SalesOrderDraft(
        order_type="SO",
        customer_id="C1001",
        external_ref="pd-deal-90417",
        requested_on=date(2026, 3, 10),
        hold=True,
        description=None,
        details=(
            SalesOrderLineDraft(
                inventory_id="PUMP-40",
                order_qty=Decimal(2),
                unit_price=Decimal("1250.00"),
                manual_price=True,
            ),
        ),
    )

    body = bodies.body_of(draft, NEWEST)

    assert body == {
        "OrderType": {"value": "SO"},
        "CustomerID": {"value": "C1001"},
        "ExternalRef": {"value": "pd-deal-90417"},
        "RequestedOn": {"value": "2026-03-10"},
        "Hold": {"value": True},
        "Description": {"value": None},
        "Details": [
            {
                "InventoryID": {"value": "PUMP-40"},
                "OrderQty": {"value": Decimal(2)},
                "UnitPrice": {"value": Decimal("1250.00")},
                "ManualPrice": {"value": True},
            }
        ],
    }


def test_ids_and_deletes_of_rows_are_not_wrapped():
    draft = SalesOrderDraft(
        details=(
            SalesOrderLineDraft(id="r1", delete=True),
            SalesOrderLineDraft(id="r2", order_qty=Decimal(3)),
        )
    )

    assert bodies.body_of(draft, NEWEST) == {
        "Details": [{"id": "r1", "delete": True}, {"id": "r2", "OrderQty": {"value": Decimal(3)}}]
    }


def test_notes_are_wrapped():
    assert bodies.body_of(SalesOrderDraft(note="see deal"), NEWEST) == {
        "note": {"value": "see deal"}
    }


def test_override_flags_go_before_what_they_let_through():
    order = bodies.body_of(
        SalesOrderDraft(
            ship_to_contact=DocumentContactDraft(attention="Ann"),
            ship_to_address=AddressDraft(city="Bergen"),
        ),
        NEWEST,
    )
    customer = bodies.body_of(
        CustomerDraft(
            billing_contact=AccountContactDraft(address=AddressDraft(city="Bergen")),
            main_contact=AccountContactDraft(email="a@b.example"),
        ),
        NEWEST,
    )

    assert list(order) == [
        "ShipToContactOverride",
        "ShipToAddressOverride",
        "ShipToContact",
        "ShipToAddress",
    ]
    assert order["ShipToContactOverride"] == {"value": True}
    assert customer["BillingAddressOverride"] == {"value": True}
    assert "ShippingContactOverride" not in customer


def test_an_empty_linked_record_is_not_sent():
    draft = CustomerDraft(customer_name="X", main_contact=AccountContactDraft())

    assert bodies.body_of(draft, NEWEST) == {"CustomerName": {"value": "X"}}


def test_a_field_that_the_version_lacks_is_left_out():
    draft = ContactDraft(last_name="Doe", ext_ref_nbr="pd-person-7")

    assert "ExtRefNbr" not in bodies.body_of(draft, (23, 200, 1))
    assert bodies.body_of(draft, NEWEST)["ExtRefNbr"] == {"value": "pd-person-7"}


def test_further_fields_go_to_their_paths():
    draft = SalesOrderDraft(
        owner="EP0002",
        fields={"FinancialSettings/Terms": "NET30", "ShippingSettings/Priority": 2},
    )

    assert bodies.body_of(draft, NEWEST) == {
        "FinancialSettings": {"Owner": {"value": "EP0002"}, "Terms": {"value": "NET30"}},
        "ShippingSettings": {"Priority": {"value": 2}},
    }


def test_custom_fields_carry_their_type():
    draft = SalesOrderDraft(
        custom={
            "Document.AttributePDDEAL": "90417",
            "Document.UsrShare": Decimal("0.5"),
            "Document.UsrDone": True,
            "Document.UsrCount": 3,
            "Document.UsrOn": date(2026, 1, 31),
            "Document.UsrGone": None,
        }
    )

    view = bodies.body_of(draft, NEWEST)["custom"]["Document"]

    assert {name: field["type"] for name, field in view.items()} == {
        "AttributePDDEAL": "CustomStringField",
        "UsrShare": "CustomDecimalField",
        "UsrDone": "CustomBooleanField",
        "UsrCount": "CustomIntField",
        "UsrOn": "CustomDateTimeField",
        "UsrGone": "CustomStringField",
    }
    assert view["UsrOn"]["value"] == "2026-01-31"


@pytest.mark.parametrize("path", ["Details/UOM", "Details", "CustomerID/X", "A/"])
def test_a_path_that_cannot_be_written_is_named(path):
    draft = SalesOrderDraft(
        customer_id="C1",
        fields={path: "x"},
        details=(SalesOrderLineDraft(inventory_id="A"),),
    )

    with pytest.raises(ConfigurationError, match=path.partition("/")[0]):
        bodies.body_of(draft, NEWEST)


def test_a_custom_field_without_a_view_is_named():
    with pytest.raises(ConfigurationError, match=r"View\.Field"):
        bodies.body_of(SalesOrderDraft(custom={"AttributeX": "1"}), NEWEST)


@given(
    amount=st.decimals(min_value=-(10**18), max_value=10**18, places=6)
    | st.integers(0, 18).map(lambda zeros: Decimal(1).scaleb(zeros))
)
def test_any_amount_arrives_exactly_and_without_an_exponent(amount):
    sent = bodies.encode({"Amount": bodies.wrapped(amount)})

    assert b"E" not in sent.partition(b'"value"')[2]
    assert wire.decode(sent)["Amount"]["value"] == amount


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity")])
def test_an_amount_that_is_no_number_is_refused(amount):
    with pytest.raises(ValueError, match="cannot be sent"):
        bodies.wrapped(amount)


texts = st.text().map(str.rstrip)


@given(
    name=texts,
    reference=st.none() | texts,
    email=texts,
    city=texts,
    limit=st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=10**9
    ),
)
def test_what_is_written_is_what_is_read(name, reference, email, city, limit):
    draft = CustomerDraft(
        customer_id="C1",
        customer_name=name,
        account_ref=reference,
        credit_limit=limit,
        main_contact=AccountContactDraft(email=email, address=AddressDraft(city=city)),
        attributes=(AttributeDraft(attribute_id="INTEREST", value=name),),
    )

    sent = wire.decode(bodies.encode({"id": "1", **bodies.body_of(draft, NEWEST)}))
    read = wire.record(Customer, sent)

    assert read.customer_name == name
    assert read.account_ref == reference
    assert read.credit_limit == limit
    assert read.main_contact is not None
    assert read.main_contact.email == email
    assert read.main_contact.address is not None
    assert read.main_contact.address.city == city
    assert [one.value for one in read.attributes] == [name]


def test_names_of_what_is_nested_and_custom_in_a_body():
    draft = SalesOrderDraft(
        owner="EP2",
        ship_to_address=AddressDraft(city="Bergen"),
        custom={"Document.UsrA": "1"},
        details=(SalesOrderLineDraft(inventory_id="A", custom={"Transactions.UsrB": "2"}),),
    )
    body = bodies.body_of(draft, NEWEST)

    assert set(bodies.nested_names(body)) == {"FinancialSettings", "ShipToAddress", "Details"}
    assert bodies.custom_names(body) == ("Document.UsrA", "Details/Transactions.UsrB")


def test_only_a_row_without_an_id_makes_a_repeat_harmful():
    new = SalesOrderDraft(details=(SalesOrderLineDraft(inventory_id="A"),))
    old = SalesOrderDraft(hold=False, details=(SalesOrderLineDraft(id="r1", delete=True),))

    assert bodies.adds_rows(bodies.body_of(new, NEWEST))
    assert not bodies.adds_rows(bodies.body_of(old, NEWEST))


def test_items_of_both_entities_have_one_form():
    stock = Item.of(
        StockItem(id="1", inventory_id="A", base_uom="EA", sales_uom="BOX", item_status="No Sales")
    )
    service = Item.of(
        NonStockItem(id="2", inventory_id="B", base_unit="HOUR", is_kit=True, item_status="Active")
    )

    assert (stock.kind, stock.base_unit, stock.sales_unit) == ("stock_item", "EA", "BOX")
    assert not stock.is_sellable
    assert (service.kind, service.base_unit, service.is_kit) == ("non_stock_item", "HOUR", True)
    assert service.is_sellable


def test_a_body_is_json():
    body = bodies.body_of(SalesOrderDraft(description='"quoted"\n'), NEWEST)

    assert msgspec.json.decode(bodies.encode(body)) == {"Description": {"value": '"quoted"\n'}}
