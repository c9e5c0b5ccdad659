import pytest


async def test_post_organizations_is_201_with_the_old_shape(pipedrive):
    code = (await pipedrive.play("add_field", kind="organization", field_name="ERP"))["field_code"]

    made = await pipedrive("POST", "/v1/organizations", {
        "name": "Nordwerk GmbH", "address": "Hafenstrasse 12, Hamburg", "visible_to": "3",
        "label_ids": [5], code: "C-1", "unknown": "ignored",
    })  # fmt: skip

    assert made.status == 201
    assert made.json["additional_data"] == {"didMerge": False}
    assert made.data["owner_id"]["value"] == 2001
    assert made.data["address"] == "Hafenstrasse 12, Hamburg"
    assert made.data["address_locality"] is None
    assert (made.data["visible_to"], made.data["label"]) == ("3", 5)
    assert made.data[code] == "C-1"
    assert made.json["related_objects"]["user"]["2001"]["name"] == "Rep One"
    assert (await pipedrive.get("/api/v2/organizations/1")).data["custom_fields"] == {code: "C-1"}


async def test_v1_times_are_without_zone_and_relations_are_objects(pipedrive):
    await pipedrive.seed(
        organizations=[{"name": "N"}],
        persons=[{"name": "A", "org_id": "N"}],
        deals=[{"title": "D", "org_id": "N", "person_id": "A", "add_time": "2026-09-01 08:12:44"}],
    )

    for prefix in ("/v1", "/api/v1"):
        deal = (await pipedrive.get(f"{prefix}/deals/1")).data
        assert deal["add_time"] == "2026-09-01 08:12:44"
        assert (deal["user_id"]["value"], deal["org_id"]["value"]) == (2001, 1)
        assert deal["person_id"]["email"] == [{"value": "", "primary": True}]
        assert (deal["active"], deal["deleted"], deal["visible_to"]) == (True, False, "3")


async def test_v1_is_lenient_about_types_and_forms(pipedrive):
    made = await pipedrive("POST", "/v1/deals", data={"title": "D", "value": "18000.5", "foo": "1"})
    changed = await pipedrive("PUT", "/v1/deals/1", {"stage_id": "2", "status": "won"})

    assert made.status == 201
    assert str(made.data["value"]) == "18000.5"
    assert (changed.data["stage_id"], changed.data["status"]) == (2, "won")
    assert changed.data["won_time"] is not None


async def test_v1_bad_request_is_400_in_its_own_words(pipedrive):
    refused = await pipedrive("POST", "/v1/organizations", {})

    assert refused.status == 400
    assert refused.json["error"] == "Bad request"
    assert refused.json["data"] is None


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("monetary", {"value": 500, "currency": "EUR"}, {"": 500, "_currency": "EUR"}),
        (
            "daterange",
            {"value": "2026-10-01", "until": "2026-10-31"},
            {"": "2026-10-01", "_until": "2026-10-31"},
        ),
        ("enum", 31, {"": "31"}),
        ("set", [31, 32], {"": "31,32"}),
        ("time", {"value": "09:00:00", "timezone_id": 318}, {"": "09:00:00", "_timezone_id": 318}),
        ("address", {"value": "Hafen 1"}, {"": "Hafen 1", "_country": None}),
        ("double", 1.5, {"": 1.5}),
    ],
)
async def test_custom_fields_are_flat_in_v1(pipedrive, kind, value, shown):
    options = ["A", "B"] if kind in {"enum", "set"} else []
    field = await pipedrive.play(
        "add_field", kind="deal", field_name="F", field_type=kind, options=options
    )
    code = field["field_code"]
    v2_made = await pipedrive(
        "POST", "/api/v2/deals", {"title": "D", "custom_fields": {code: value}}
    )

    seen = (await pipedrive.get("/v1/deals/1")).data
    flat = {f"{code}{suffix}": part for suffix, part in shown.items()}
    copied = await pipedrive("POST", "/v1/deals", {"title": "E", **flat})
    v2_copy = await pipedrive.get(f"/api/v2/deals/{copied.data['id']}")

    assert v2_made.status == 200
    assert {key: seen[key] for key in flat} == flat
    assert v2_copy.data["custom_fields"] == v2_made.data["custom_fields"]


async def test_offsets_and_sorting(pipedrive):
    await pipedrive.seed(deals=[{"title": title} for title in "BCA"])

    first = await pipedrive.get("/v1/deals?sort=title ASC&limit=2")
    rest = await pipedrive.get("/v1/deals?sort=title ASC&limit=2&start=2")

    assert [deal["title"] for deal in first.data] == ["A", "B"]
    assert first.json["additional_data"]["pagination"] == {
        "start": 0, "limit": 2, "more_items_in_collection": True, "next_start": 2,
    }  # fmt: skip
    assert [deal["title"] for deal in rest.data] == ["C"]
    assert "next_start" not in rest.json["additional_data"]["pagination"]


async def test_deleting_twice_is_410_with_success(pipedrive):
    await pipedrive.seed(persons=[{"name": "A"}])

    first = await pipedrive("DELETE", "/v1/persons/1")
    second = await pipedrive("DELETE", "/v1/persons/1")

    assert first.json == second.json == {"success": True, "data": {"id": 1}}
    assert (first.status, second.status) == (200, 410)


async def test_what_never_was_is_404_or_204(pipedrive):
    missing = await pipedrive.get("/v1/deals/99")
    await pipedrive.switch(v1_missing=204)
    empty = await pipedrive.get("/v1/deals/99")

    assert (missing.status, missing.json["error"]) == (404, "Deal not found")
    assert (empty.status, empty.body) == (204, b"")


async def test_note_on_a_deal_gets_its_person_and_organization(pipedrive):
    await pipedrive.seed(
        organizations=[{"name": "N"}],
        persons=[{"name": "A"}],
        deals=[{"title": "D", "org_id": "N", "person_id": "A"}],
    )

    made = await pipedrive(
        "POST", "/v1/notes", {"content": "<b>x</b><script>1</script>", "deal_id": 1,
                              "pinned_to_deal_flag": 1},
    )  # fmt: skip

    assert made.status == 201
    assert (made.data["deal_id"], made.data["person_id"], made.data["org_id"]) == (1, 1, 1)
    assert (made.data["content"], made.data["pinned_to_deal_flag"]) == ("<b>x</b>", True)
    assert made.data["deal"] == {"title": "D"}


async def test_deleted_note_is_readable_and_even_takes_changes(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}], notes=[{"content": "x", "deal_id": "D"}])

    gone = await pipedrive("DELETE", "/v1/notes/1")
    listed = await pipedrive.get("/v1/notes?deal_id=1")
    read = await pipedrive.get("/v1/notes/1")
    changed = await pipedrive("PUT", "/v1/notes/1", {"content": "y"})

    assert gone.json == {"success": True, "data": True}
    assert listed.data is None
    assert read.data["active_flag"] is False
    assert (changed.status, changed.data["content"]) == (200, "y")


async def test_note_rules(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}])
    await pipedrive.switch(longest_note=10)

    for body in ({"content": "x"}, {"deal_id": 1}, {"content": "x" * 11, "deal_id": 1}):
        assert (await pipedrive("POST", "/v1/notes", body)).status == 400


async def test_organization_relationships(pipedrive):
    await pipedrive.seed(organizations=[{"name": "Parent"}, {"name": "Child"}])
    body = {"type": "parent", "rel_owner_org_id": 1, "rel_linked_org_id": 2}

    made = await pipedrive("POST", "/v1/organizationRelationships", body)
    of_parent = await pipedrive.get("/v1/organizationRelationships?org_id=1")
    of_child = await pipedrive.get("/v1/organizationRelationships?org_id=2")
    gone = await pipedrive("DELETE", "/v1/organizationRelationships/1")

    assert made.data["rel_owner_org_id"]["value"] == 1
    assert of_parent.data[0]["calculated_type"] == "daughter"
    assert of_parent.data[0]["calculated_related_org_id"] == 2
    assert of_child.data[0]["calculated_type"] == "parent"
    assert of_child.data[0]["related_organization_name"] == "Parent"
    assert gone.data == {"id": 1}


async def test_merge_moves_what_pointed_at_the_loser(pipedrive):
    await pipedrive.seed(
        organizations=[{"name": "A"}, {"name": "B", "website": "https://b.example"}],
        persons=[{"name": "P", "org_id": "B"}],
        deals=[{"title": "D", "org_id": "B"}],
    )

    await pipedrive("PUT", "/v1/organizations/1/merge", {"merge_with_id": 2})

    assert (await pipedrive.get("/api/v2/deals/1")).data["org_id"] == 1
    assert (await pipedrive.get("/api/v2/persons/1")).data["org_id"] == 1
    assert (await pipedrive.get("/api/v2/organizations/1")).data["website"] == "https://b.example"
    assert (await pipedrive.get("/api/v2/organizations?ids=1,2")).data[0]["id"] == 1
    assert (await pipedrive.get("/api/v2/organizations/2")).data["is_deleted"] is True


async def test_merged_deals_add_up_their_lines(pipedrive):
    line = {"product_id": "B", "quantity": 1, "item_price": 5}
    await pipedrive.seed(
        products=[{"name": "B"}],
        deals=[{"title": "D", "products": [line]}, {"title": "E", "products": [line]}],
    )

    merged = await pipedrive("PUT", "/v1/deals/1/merge", {"merge_with_id": 2})

    assert (merged.data["id"], merged.data["merge_what_id"]) == (1, 2)
    assert (await pipedrive.get("/api/v2/deals/1")).data["value"] == 10


async def test_changelog_proves_the_won_transition(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}])
    await pipedrive.play("win_deal", id=1)
    await pipedrive("PATCH", "/api/v2/deals/1", {"title": "E"})

    found = (await pipedrive.get("/v1/deals/1/changelog")).data

    assert found[0]["field_key"] == "title"
    assert found[0]["change_source"] == "api"
    won = next(entry for entry in found if entry["field_key"] == "status")
    assert (won["old_value"], won["new_value"], won["change_source"]) == ("open", "won", "app")


async def test_account_calls(pipedrive):
    me = await pipedrive.get("/v1/users/me")
    users = await pipedrive.get("/v1/users")
    missing = await pipedrive.get("/v1/users/7")
    currencies = await pipedrive.get("/v1/currencies?term=eur")
    kinds = await pipedrive.get("/v1/activityTypes")

    assert (me.data["id"], me.data["company_id"], me.data["is_you"]) == (2001, 54235233, True)
    assert users.json["additional_data"] == {"company_id": 54235233}
    assert missing.json == {"success": False, "error": "User not found or not accessible."}
    assert [(c["code"], c["decimal_points"]) for c in currencies.data] == [("EUR", 2)]
    assert [kind["key_string"] for kind in kinds.data] == [
        "call", "meeting", "task", "deadline", "email", "lunch",
    ]  # fmt: skip


async def test_v1_lines_carry_enabled_flag(pipedrive):
    await pipedrive.seed(products=[{"name": "B"}], deals=[{"title": "D"}])

    made = await pipedrive(
        "POST", "/v1/deals/1/products", {"product_id": 1, "item_price": "22", "quantity": 5}
    )
    listed = await pipedrive.get("/v1/deals/1/products?include_product_data=1")

    assert (made.status, made.data["enabled_flag"], made.data["sum"]) == (201, True, 110)
    assert listed.data[0]["product"]["name"] == "B"
    assert listed.json["additional_data"]["products_sum_total"] == 110


async def test_recents_reach_back_a_month_only(pipedrive):
    await pipedrive.seed(
        deals=[{"title": "old", "update_time": "2020-01-01T00:00:00Z"}, {"title": "new"}]
    )

    found = await pipedrive.get("/v1/recents?since_timestamp=2019-01-01 00:00:00&items=deal")

    assert [entry["data"]["title"] for entry in found.data] == ["new"]


async def test_pipelines_and_stages_in_the_old_words(pipedrive):
    pipelines = await pipedrive.get("/v1/pipelines")
    stages = await pipedrive.get("/v1/stages?pipeline_id=1")

    assert pipelines.data[0]["active"] is True
    assert [stage["pipeline_name"] for stage in stages.data] == ["Sales"] * 5


async def test_deleted_status_of_a_v1_put_deletes(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}])

    await pipedrive("PUT", "/v1/deals/1", {"status": "deleted"})

    assert (await pipedrive.get("/v1/deals/1")).data["status"] == "deleted"
    assert (await pipedrive.get("/v1/deals")).data is None
