from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from ml_connector.core.errors import ContractError
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.drafts import DealUpdate, ProductDraft
from ml_connector.vendors.pipedrive.models import (
    Deal,
    DealDiscount,
    DealProduct,
    Installment,
    Organization,
    Person,
    Pipeline,
    Product,
    Stage,
)

# Example bodies of Pipedrive's documentation with invented values.
DEAL = b"""{"id": 4711, "title": "Conveyor line Nord", "creator_user_id": 2001, "owner_id": 2001,
 "value": 24960.5, "person_id": 310, "org_id": 88, "stage_id": 5, "pipeline_id": 1,
 "currency": "EUR", "archive_time": null, "add_time": "2026-09-01T08:12:44Z",
 "update_time": "2026-10-02T09:30:11Z", "stage_change_time": "2026-09-28T14:02:00Z",
 "status": "won", "is_archived": false, "is_deleted": false, "probability": null,
 "lost_reason": null, "visible_to": 3, "close_time": "2026-10-02T09:30:10Z",
 "won_time": "2026-10-02T09:30:10Z", "lost_time": null, "local_won_date": "2026-10-02",
 "local_lost_date": null, "local_close_date": "2026-10-02", "expected_close_date": "2026-10-15",
 "label_ids": [], "origin": "ManuallyCreated", "origin_id": null, "channel": null,
 "channel_id": null, "acv": null, "arr": null, "mrr": null,
 "custom_fields": {"0a1b2c3d4e5f60718293a4b5c6d7e8f901234567": "PO-9981",
                   "0a1b2c3d4e5f60718293a4b5c6d7e8f901234568": null}}"""
LINE = b"""{"id": 901, "sum": 134.1, "tax": 19, "deal_id": 4711, "name": "Roller bearing 6204",
 "product_id": 57, "product_variation_id": null, "order_nr": 1,
 "add_time": "2026-09-20T08:00:00Z", "update_time": "2026-09-20T08:00:00Z", "comments": "",
 "currency": "EUR", "discount": 10, "discount_type": "percentage", "quantity": 10,
 "item_price": 14.9, "tax_method": "exclusive", "is_enabled": true,
 "billing_frequency": "one-time", "billing_frequency_cycles": null, "billing_start_date": null}"""
DISCOUNT = b"""{"id": "30195b0e-7577-4f52-a5cf-f3ee39b9d1e0", "description": "Spring",
 "amount": 10, "type": "percentage", "deal_id": 4711, "created_at": "2026-09-21T08:00:00Z",
 "created_by": 2001, "updated_at": "2026-09-21T08:00:00Z", "updated_by": 2001}"""
INSTALLMENT = b"""{"id": 1, "amount": 10, "billing_date": "2025-03-10", "deal_id": 1,
 "description": "Delivery Fee"}"""
ORGANIZATION = b"""{"id": 88, "name": "Nordwerk GmbH", "owner_id": 2001,
 "add_time": "2026-08-30T10:00:00Z", "update_time": "2026-10-01T07:45:12Z",
 "address": {"value": "Hafenstrasse 12, 20457 Hamburg, Germany", "country": "Germany",
   "admin_area_level_1": "Hamburg", "admin_area_level_2": null, "locality": "Hamburg",
   "sublocality": null, "route": "Hafenstrasse", "street_number": "12", "subpremise": null,
   "postal_code": "20457", "formatted_address": "Hafenstr. 12, 20457 Hamburg, Germany"},
 "is_deleted": false, "visible_to": 3, "label_ids": [5], "picture_id": null,
 "website": "https://nordwerk.example", "linkedin": null, "industry": null,
 "annual_revenue": null, "employee_count": 120,
 "custom_fields": {"aa11bb22cc33dd44ee55ff660011223344556677": "C-100245"}}"""
PERSON = b"""{"id": 310, "name": "Jana Voss", "first_name": "Jana", "last_name": "Voss",
 "owner_id": 2001, "org_id": 88, "add_time": "2026-08-30T10:02:00Z",
 "update_time": "2026-10-01T07:46:00Z",
 "emails": [{"value": "jana.voss@nordwerk.example", "primary": true, "label": "work"}],
 "phones": [{"value": "+49 40 5550 17", "primary": true, "label": null}],
 "is_deleted": false, "visible_to": 3, "label_ids": [], "picture_id": null,
 "custom_fields": null, "im": [{"value": "x", "primary": true, "label": "skype"}]}"""
PRODUCT = b"""{"id": 57, "name": "Roller bearing 6204", "code": "RB-6204", "description": null,
 "unit": "pcs", "tax": 19, "category": "18", "is_linkable": true, "is_deleted": false,
 "visible_to": 3, "owner_id": 2001, "add_time": "2026-07-01T09:00:00Z",
 "update_time": "2026-09-12T11:20:31Z", "billing_frequency": "one-time",
 "billing_frequency_cycles": null, "prices": [{"product_id": 57, "price": 14.9,
   "currency": "EUR", "cost": 8.2, "direct_cost": null, "notes": ""}], "custom_fields": {}}"""
PIPELINE = b"""{"id": 1, "name": "Sales", "order_nr": 1, "is_deleted": false,
 "is_deal_probability_enabled": true, "add_time": "2024-01-10T08:00:00Z",
 "update_time": "2024-01-10T08:00:00Z"}"""
STAGE = b"""{"id": 5, "name": "Negotiation", "order_nr": 5, "pipeline_id": 1,
 "deal_probability": 80, "is_deal_rot_enabled": false, "days_to_rotten": null,
 "is_deleted": false, "add_time": "2024-01-10T08:00:00Z", "update_time": null}"""


def test_reads_a_deal_with_exact_amount_aware_moments_and_nulls_as_absent():
    deal = wire.record(Deal, wire.parse(DEAL))

    assert deal.value == Decimal("24960.5")
    assert deal.won_time == datetime(2026, 10, 2, 9, 30, 10, tzinfo=UTC)
    assert deal.local_won_date == date(2026, 10, 2)
    assert deal.lost_time is None
    assert deal.custom_fields["0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"] == "PO-9981"


def test_keeps_the_null_of_an_empty_custom_field():
    deal = wire.record(Deal, wire.parse(DEAL))

    assert deal.custom_fields["0a1b2c3d4e5f60718293a4b5c6d7e8f901234568"] is None


def test_account_without_custom_fields_gives_an_empty_mapping():
    assert wire.record(Person, wire.parse(PERSON)).custom_fields == {}


@pytest.mark.parametrize(
    ("type_", "body"),
    [
        (DealProduct, LINE),
        (DealDiscount, DISCOUNT),
        (Installment, INSTALLMENT),
        (Organization, ORGANIZATION),
        (Person, PERSON),
        (Product, PRODUCT),
        (Pipeline, PIPELINE),
        (Stage, STAGE),
    ],
)
def test_reads_every_documented_record(type_, body):
    record = wire.record(type_, wire.parse(body))

    assert str(record.id) == str(wire.parse(body)["id"])


def test_prices_and_quantities_are_the_digits_on_the_wire():
    line = wire.record(DealProduct, wire.parse(LINE))

    assert (line.item_price, line.quantity) == (Decimal("14.9"), Decimal(10))
    assert str(line.sum) == "134.1"


def test_wrong_type_is_a_contract_error_that_names_record_and_place():
    with pytest.raises(ContractError, match=r"Deal 4 is not as documented.*status"):
        wire.record(Deal, {"id": 4, "status": "maybe"})


def test_moment_without_zone_is_refused():
    with pytest.raises(ContractError, match="timezone"):
        wire.record(Deal, {"id": 4, "status": "won", "won_time": "2026-10-02T09:30:10"})


def test_body_that_is_not_json_is_a_contract_error():
    with pytest.raises(ContractError, match="not JSON"):
        wire.parse(b"<html>")


def test_draft_sends_only_what_is_set_and_decimals_as_numbers():
    draft = ProductDraft(name="Bearing", tax=Decimal("19.0"), description=None)

    assert wire.encode(draft) == b'{"name":"Bearing","description":null,"tax":19.0}'


def test_deal_update_has_no_value_to_send():
    assert "value" not in DealUpdate.__struct_fields__
    assert wire.encode(DealUpdate(custom_fields={"k": Decimal("0.10")}, title=UNSET)) == (
        b'{"custom_fields":{"k":0.10}}'
    )


@given(amount=st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_amount_survives_the_way_out_and_back(amount):
    body = wire.encode({"id": 1, "status": "open", "value": amount})

    assert wire.record(Deal, wire.parse(body)).value == amount


@given(
    moment=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001 - the zone is drawn apart
    hours=st.integers(-12, 14),
)
def test_stamp_is_whole_seconds_utc_and_never_later_than_the_moment(moment, hours):
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))

    stamp = wire.stamp(aware)

    read = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta() <= aware - read < timedelta(seconds=1)


def test_v1_time_is_utc():
    assert wire.v1_moment("2026-10-02 09:30:10") == datetime(2026, 10, 2, 9, 30, 10, tzinfo=UTC)
