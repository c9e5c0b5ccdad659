from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ml_connector.core.errors import InvalidRecordError, NotFoundError
from ml_connector.vendors.pipedrive.drafts import (
    AddressDraft,
    DealDraft,
    DealProductDraft,
    DealUpdate,
    OrganizationDraft,
)

DEAL = "/api/v2/deals/7"
FIELDS = "/api/v2/dealFields"
KNOWN = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
DELETED = "1122334455667788990011223344556677889900"
GOOD = (200, {"success": True, "data": {"id": 7, "status": "won"}})
REFUSED = (
    400,
    {
        "success": False,
        "error": f"Validation failed: custom_fields.{DELETED}: unknown field",
        "code": "ERR_SCHEMA_VALIDATION_FAILED",
    },
)


def definitions(*keys: str) -> list[dict[str, Any]]:
    return [
        {"field_name": key[:4], "field_code": key, "field_type": "varchar", "is_custom_field": True}
        for key in keys
    ]


async def test_update_sends_only_what_it_sets(client, pipedrive):
    pipedrive.on("PATCH", DEAL, GOOD)

    written = await client.update_deal(
        7, DealUpdate(custom_fields={KNOWN: {"value": Decimal("12480.25"), "currency": "EUR"}})
    )

    assert written.record.id == 7
    assert written.dropped_keys == ()
    (call,) = pipedrive.calls
    assert call.body == (
        b'{"custom_fields":{"%b":{"value":12480.25,"currency":"EUR"}}}' % KNOWN.encode()
    )


async def test_field_that_somebody_deleted_is_left_out_and_told(client, pipedrive):
    pipedrive.on("PATCH", DEAL, REFUSED, GOOD)
    pipedrive.data("GET", FIELDS, definitions(KNOWN))

    written = await client.update_deal(7, DealUpdate(custom_fields={KNOWN: "a", DELETED: "b"}))

    assert written.dropped_keys == (DELETED,)
    assert pipedrive.paths() == [f"PATCH {DEAL}", f"GET {FIELDS}", f"PATCH {DEAL}"]
    assert pipedrive.calls[-1].json == {"custom_fields": {KNOWN: "a"}}


async def test_field_that_is_known_to_be_deleted_is_not_even_tried(client, pipedrive):
    pipedrive.on("PATCH", DEAL, GOOD)
    pipedrive.data("GET", FIELDS, definitions(KNOWN))
    await client.fields.of("deal")

    written = await client.update_deal(7, DealUpdate(custom_fields={KNOWN: "a", DELETED: "b"}))

    assert written.dropped_keys == (DELETED,)
    assert pipedrive.paths()[-1] == f"PATCH {DEAL}"
    assert pipedrive.paths().count(f"PATCH {DEAL}") == 1


async def test_field_made_since_the_definitions_were_read_is_sent(client, pipedrive):
    pipedrive.on("PATCH", DEAL, GOOD)
    pipedrive.data("GET", FIELDS, definitions(), definitions(KNOWN))
    await client.fields.of("deal")

    written = await client.update_deal(7, DealUpdate(custom_fields={KNOWN: "a"}))

    assert written.dropped_keys == ()
    assert pipedrive.calls[-1].json == {"custom_fields": {KNOWN: "a"}}


async def test_other_refusal_travels_on_and_is_not_tried_again(client, pipedrive):
    pipedrive.on("PATCH", DEAL, REFUSED)
    pipedrive.data("GET", FIELDS, definitions(KNOWN, DELETED))

    with pytest.raises(InvalidRecordError):
        await client.update_deal(7, DealUpdate(custom_fields={KNOWN: "a", DELETED: "b"}))

    assert pipedrive.paths().count(f"PATCH {DEAL}") == 1


async def test_refusal_without_custom_fields_reads_no_definitions(client, pipedrive):
    pipedrive.on("POST", "/api/v2/deals", REFUSED)

    with pytest.raises(InvalidRecordError):
        await client.create_deal(DealDraft(title="New"))

    assert pipedrive.paths() == ["POST /api/v2/deals"]


async def test_nothing_but_unknown_fields_is_still_an_answer_with_the_record(client, pipedrive):
    pipedrive.on("PATCH", DEAL, REFUSED, GOOD)
    pipedrive.data("GET", FIELDS, definitions(KNOWN))

    written = await client.update_deal(7, DealUpdate(custom_fields={DELETED: "b"}))

    assert written.dropped_keys == (DELETED,)
    assert written.record.id == 7


async def test_address_is_sent_with_its_set_parts(client, pipedrive):
    pipedrive.on(
        "POST", "/api/v2/organizations", (200, {"success": True, "data": {"id": 88, "name": "N"}})
    )

    await client.create_organization(
        OrganizationDraft(name="N", address=AddressDraft(value="Street 1", country=None))
    )

    assert pipedrive.calls[0].json == {
        "name": "N",
        "address": {"value": "Street 1", "country": None},
    }


async def test_lines_are_added_in_one_call(client, pipedrive):
    line = {"id": 901, "deal_id": 7, "quantity": 1.5, "item_price": 14.9}
    pipedrive.on("POST", f"{DEAL}/products/bulk", (201, {"success": True, "data": [line]}))

    (added,) = await client.add_deal_products(
        7, [DealProductDraft(product_id=57, item_price=Decimal("14.90"), quantity=Decimal("1.5"))]
    )

    assert added.quantity == Decimal("1.5")
    assert pipedrive.calls[0].body == (
        b'{"data":[{"item_price":14.90,"quantity":1.5,"product_id":57}]}'
    )


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"success": True, "data": {"id": 7}}),
        (404, {"success": False, "error": "Entity was not found"}),
        (410, {"success": True, "data": {"id": 7}}),
    ],
)
async def test_deleting_what_is_gone_is_done(client, pipedrive, answer):
    pipedrive.on("DELETE", DEAL, answer)

    await client.delete_deal(7)

    assert pipedrive.paths() == [f"DELETE {DEAL}"]


async def test_updating_what_is_gone_is_told(client, pipedrive):
    pipedrive.on("PATCH", DEAL, (404, {"success": False, "error": "Entity was not found"}))

    with pytest.raises(NotFoundError):
        await client.update_deal(7, DealUpdate(title="x"))


async def test_merge_returns_the_id_that_stays(client, pipedrive):
    pipedrive.on(
        "PUT", "/api/v1/organizations/88/merge", (200, {"success": True, "data": {"id": 89}})
    )

    assert await client.merge("organization", 88, merge_with_id=89) == 89
    assert pipedrive.calls[0].json == {"merge_with_id": 89}
