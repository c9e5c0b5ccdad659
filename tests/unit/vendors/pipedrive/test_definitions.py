from __future__ import annotations

from typing import Any

import pytest

from ml_connector.core.errors import AccessDeniedError, ConfigurationError
from ml_connector.vendors.pipedrive.drafts import OwnField

V2 = "/api/v2/dealFields"
V1 = "/api/v1/dealFields"
BALANCE = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
STATUS = "1122334455667788990011223344556677889900"
NEW = "946947d1b02fd3ef20798d6112ec5d895a686a21"
TITLE = {"field_name": "Title", "field_code": "title", "field_type": "varchar"}


def custom(key: str, name: str, kind: str = "varchar", *labels: str) -> dict[str, Any]:
    return {
        "field_name": name,
        "field_code": key,
        "description": None,
        "field_type": kind,
        "options": [{"id": 31 + i, "label": label} for i, label in enumerate(labels)] or None,
        "subfields": None,
        "is_custom_field": True,
        "is_optional_response_field": False,
    }


V1_PAGE = {
    "success": True,
    "data": [
        {"id": 1, "key": "title", "name": "Title", "field_type": "varchar", "edit_flag": False,
         "options": None},
        {"id": 2, "key": STATUS, "name": "Billing status", "field_type": "enum",
         "edit_flag": True, "options": [{"id": 190, "label": "Open"}]},
    ],
    "additional_data": {"pagination": {"start": 0, "limit": 500,
                                       "more_items_in_collection": False}},
}  # fmt: skip


async def test_all_pages_are_read_and_kept(client, pipedrive):
    pipedrive.data("GET", V2, [TITLE], [custom(BALANCE, "Balance", "monetary")], cursors=True)

    first = await client.fields.of("deal")
    second = await client.fields.of("deal")

    assert first.key("Balance") == BALANCE
    assert second is first
    assert len(pipedrive.calls) == 2


async def test_fresh_ones_are_read_again(client, pipedrive):
    pipedrive.data("GET", V2, [TITLE], [TITLE, custom(BALANCE, "Balance")])
    before = await client.fields.of("deal")

    after = await client.fields.of("deal", fresh=True)

    assert [each.field_name for each in after.changes_since(before).added] == ["Balance"]


@pytest.mark.parametrize(
    "refusal",
    [
        (404, {"success": False, "error": "not found"}),
        (404, b"<html>no such page"),
        (403, {"success": False, "error": "Scope and URL mismatch"}),
    ],
)
async def test_v1_serves_where_v2_refuses_under_the_same_names(client, pipedrive, refusal):
    pipedrive.on("GET", V2, refusal)
    pipedrive.on("GET", V1, (200, V1_PAGE))

    fields = await client.fields.of("deal")

    status = fields.definition("Billing status")
    assert (status.field_code, status.is_custom_field) == (STATUS, True)
    assert [option.label for option in status.options] == ["Open"]
    assert not fields.definition("title").is_custom_field


async def test_refusal_of_both_is_the_one_of_v2(client, pipedrive):
    pipedrive.on("GET", V2, (403, {"success": False, "error": "Scope and URL mismatch"}))

    with pytest.raises(AccessDeniedError) as caught:
        await client.fields.of("deal")

    assert caught.value.right == "deals:read"


async def test_own_field_without_a_key_is_created_even_beside_one_of_its_name(client, pipedrive):
    pipedrive.data("GET", V2, [custom(STATUS, "Invoice balance", "monetary")])
    pipedrive.data("POST", V2, custom(NEW, "Invoice balance", "monetary"))
    wanted = OwnField(name="Invoice balance", field_type="monetary", description="Open amount")

    keys = await client.fields.ensure("deal", [wanted])

    assert keys == {"Invoice balance": NEW}
    assert pipedrive.calls[-1].json == {
        "field_name": "Invoice balance",
        "field_type": "monetary",
        "description": "Open amount",
    }


async def test_own_field_is_found_again_by_its_key_however_it_was_renamed(client, pipedrive):
    pipedrive.data("GET", V2, [custom(BALANCE, "What they still owe", "monetary")])
    wanted = OwnField(name="Invoice balance", field_type="monetary", key=BALANCE)

    assert await client.fields.ensure("deal", [wanted]) == {"Invoice balance": BALANCE}
    assert pipedrive.paths() == [f"GET {V2}"]


async def test_own_field_that_was_deleted_is_created_anew(client, pipedrive):
    pipedrive.data("GET", V2, [TITLE])
    pipedrive.data("POST", V2, custom(NEW, "Invoice balance", "monetary"))
    wanted = OwnField(name="Invoice balance", field_type="monetary", key=BALANCE)

    assert await client.fields.ensure("deal", [wanted]) == {"Invoice balance": NEW}


async def test_missing_choices_are_added_and_present_ones_left(client, pipedrive):
    pipedrive.data("GET", V2, [custom(STATUS, "Billing status", "enum", "Open")])
    pipedrive.data("POST", f"{V2}/{STATUS}/options", [{"id": 32, "label": "Paid"}])
    wanted = OwnField(
        name="Billing status", field_type="enum", options=("Open", "Paid"), key=STATUS
    )

    await client.fields.ensure("deal", [wanted])

    assert pipedrive.calls[-1].json == [{"label": "Paid"}]


async def test_key_of_a_field_of_another_type_is_a_matter_of_configuration(client, pipedrive):
    pipedrive.data("GET", V2, [custom(BALANCE, "Balance", "varchar")])
    wanted = OwnField(name="Balance", field_type="monetary", key=BALANCE)

    with pytest.raises(ConfigurationError, match="of type varchar, but monetary is needed"):
        await client.fields.ensure("deal", [wanted])


async def test_after_an_unknown_outcome_the_one_of_the_name_is_adopted(client, pipedrive):
    pipedrive.data("GET", V2, [custom(NEW, "Balance"), custom(BALANCE, "Balance")])
    wanted = OwnField(name="Balance", field_type="varchar")

    keys = await client.fields.ensure("deal", [wanted], adopt=True, taken=[BALANCE])

    assert keys == {"Balance": NEW}
    assert pipedrive.paths() == [f"GET {V2}"]


async def test_of_two_of_the_name_none_is_adopted(client, pipedrive):
    pipedrive.data("GET", V2, [custom(NEW, "Balance"), custom(BALANCE, "Balance")])

    with pytest.raises(ConfigurationError, match=f"{NEW}, {BALANCE}"):
        await client.fields.ensure(
            "deal", [OwnField(name="Balance", field_type="varchar")], adopt=True
        )


async def test_description_is_sent_for_deals_only(client, pipedrive):
    path = "/api/v2/organizationFields"
    pipedrive.data("GET", path, [])
    pipedrive.data("POST", path, custom(NEW, "Customer number"))
    wanted = OwnField(name="Customer number", field_type="varchar", description="In the ERP")

    await client.fields.ensure("organization", [wanted])

    assert "description" not in pipedrive.calls[-1].json
