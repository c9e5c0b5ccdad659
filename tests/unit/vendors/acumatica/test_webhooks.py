import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import Guard, WebhookRefusedError, WebhookUnreadableError
from ml_connector.vendors.acumatica import webhooks

GUARD = Guard(header=("X-Connector-Token", Secret("k8-old")))

# The form is the documentation's, the values are made up.
DOCUMENTED = {
    "Inserted": [
        {
            "Type": "Invoice",
            "ReferenceNbr": "INV000046 ",
            "Status": "Open",
            "Balance": 1250.00,
            "ARInvoice_lastModifiedDateTime": "2026-03-12T15:16:23.1",
        }
    ],
    "Deleted": [
        {
            "Type": "Invoice",
            "ReferenceNbr": "INV000046 ",
            "Status": "Balanced",
            "Balance": 1250.00,
            "ARInvoice_lastModifiedDateTime": "2026-03-12T15:11:02.77",
        }
    ],
    "Query": "Connector Sales Invoices",
    "CompanyId": "Company",
    "Id": "c20b6a51-9d0e-4c8c-8a77-3b1f54d1e0aa",
    "TimeStamp": 639089253831234567,
    "AdditionalInfo": {"PXPerformanceInfoStartTime": "03/12/2026 15:16:22"},
}


def body(**changes: object) -> bytes:
    return json.dumps(DOCUMENTED | changes).encode()


def test_the_fixed_header_lets_through():
    webhooks.verify(b"anything", {"x-connector-token": "k8-old"}, GUARD)


@pytest.mark.parametrize("headers", [{}, {"x-connector-token": ""}, {"x-connector-token": "k8"}])
def test_a_missing_or_wrong_header_does_not(headers):
    with pytest.raises(WebhookRefusedError):
        webhooks.verify(b"{}", headers, GUARD)


def test_the_header_before_the_last_rotation_lets_through_too():
    rotated = Guard(header=("X-Connector-Token", Secret("k9-new")), previous=GUARD)

    webhooks.verify(b"{}", {"x-connector-token": "k8-old"}, rotated)
    webhooks.verify(b"{}", {"x-connector-token": "k9-new"}, rotated)


def test_basic_credentials_in_the_fixed_header_let_through():
    guard = Guard(basic=(Secret("erp"), Secret("pw")))

    webhooks.verify(b"{}", {"authorization": "Basic ZXJwOnB3"}, guard)
    with pytest.raises(WebhookRefusedError):
        webhooks.verify(b"{}", {"authorization": "Basic ZXJwOnB4"}, guard)


@pytest.mark.parametrize(
    "guard", [Guard(), Guard(signature_key=Secret("x")), Guard(previous=Guard())]
)
def test_an_open_guard_and_one_for_signatures_let_nothing_through(guard):
    with pytest.raises(WebhookRefusedError):
        webhooks.verify(b"{}", {"x-connector-token": "k8-old"}, guard)


def test_the_documented_notification_is_read():
    (event,) = webhooks.read(body(), {})

    assert (event.kind, event.key, event.action) == (
        "sales_invoice",
        "Invoice/INV000046",
        "changed",
    )
    assert event.delivery_keys == (
        "c20b6a51-9d0e-4c8c-8a77-3b1f54d1e0aa/Connector Sales Invoices/Invoice/INV000046",
    )
    assert event.happened_at == datetime(2026, 3, 12, 15, 16, 23, 123_456, UTC)
    assert event.changed_at is None


def test_a_resend_has_the_same_keys_and_another_inquiry_has_not():
    again = webhooks.read(body(), {})
    other = webhooks.read(body(Query="Other Sales-Invoices"), {})

    assert again[0].delivery_keys == webhooks.read(body(), {})[0].delivery_keys
    assert other[0].delivery_keys != again[0].delivery_keys


def test_a_row_in_one_list_only_was_created_or_deleted():
    row = DOCUMENTED["Inserted"]

    (created,) = webhooks.read(body(Deleted=[]), {})
    (deleted,) = webhooks.read(body(Inserted=[], Deleted=row), {})

    assert (created.action, deleted.action) == ("created", "deleted")


def test_several_rows_of_one_record_are_one_event():
    rows = [{"OrderType": "SO", "OrderNbr": "SO1", "LineNbr": line} for line in (1, 2, 3)]

    events = webhooks.read(body(Query="SalesOrders", Inserted=rows, Deleted=[]), {})

    assert [event.key for event in events] == ["SO/SO1"]


@pytest.mark.parametrize(
    ("query", "row", "kind", "key"),
    [
        ("Connector Customers", {"Customer_acctCD": "C1001    "}, "customer", "C1001"),
        ("connector contacts", {"ContactID": 100196}, "contact", "100196"),
        ("SO Sales Orders", {"SOOrder_orderType": "SO", "SOOrder_orderNbr": "SO1"}, "sales_order",
         "SO/SO1"),
        ("Sales-Invoices", {"ARInvoice_docType": "INV", "ARInvoice_refNbr": "1"}, "sales_invoice",
         "Invoice/1"),
        ("Payments", {"DocType": "PPM", "RefNbr": "000001"}, "payment", "Prepayment/000001"),
        ("Non-Stock Items", {"InventoryCD": "CONSULT "}, "non_stock_item", "CONSULT"),
        ("My Stock Items", {"InventoryID": "PUMP 40"}, "stock_item", "PUMP 40"),
    ],
)  # fmt: skip
def test_the_inquirys_name_and_columns_name_the_record(query, row, kind, key):
    (event,) = webhooks.read(body(Query=query, Inserted=[row], Deleted=[]), {})

    assert (event.kind, event.key) == (kind, key)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not a push notification"),
        (b"[]", "not a push notification"),
        (b'{"Query": "Customers"}', "Id"),
        (b"\xff", "not a push notification"),
        (body(Query="Everything"), "let its name end"),
        (body(Query="Customers"), "customerid or acctcd"),
        (body(TimeStamp=10**30), "."),
    ],
)
def test_what_cannot_be_read_says_why(raw, words):
    with pytest.raises(WebhookUnreadableError, match=words):
        webhooks.read(raw, {})


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_ticks_are_tenths_of_a_microsecond_since_the_year_one(moment):
    ticks = (moment - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10

    assert webhooks.moment_of(ticks) == moment


@given(raw=st.binary(max_size=300))
def test_no_body_breaks_the_reader(raw):
    with pytest.raises(WebhookUnreadableError):
        webhooks.read(raw, {})
