async def test_created_field_has_a_40_hex_code_and_subfields(pipedrive):
    made = await pipedrive(
        "POST", "/api/v2/dealFields", {"field_name": "Invoice balance", "field_type": "monetary"}
    )

    code = made.data["field_code"]
    assert made.status == 200
    assert len(code) == 40
    assert int(code, 16) >= 0
    assert made.data["is_custom_field"] is True
    assert made.data["subfields"] == [
        {
            "field_code": "value",
            "field_name": "Amount of Invoice balance",
            "field_type": "double",
        },
        {
            "field_code": "currency",
            "field_name": "Currency of Invoice balance",
            "field_type": "varchar",
        },
    ]


async def test_enum_needs_options_and_gets_integer_ids(pipedrive):
    body = {"field_name": "Billing status", "field_type": "enum"}
    refused = await pipedrive("POST", "/api/v2/dealFields", body)
    made = await pipedrive(
        "POST", "/api/v2/dealFields", {**body, "options": [{"label": "Open"}, {"label": "Paid"}]}
    )

    assert refused.status == 400
    assert made.data["options"] == [
        {"id": 31, "label": "Open", "color": None},
        {"id": 32, "label": "Paid", "color": None},
    ]


async def test_options_are_added_renamed_and_deleted_atomically(pipedrive):
    field = await pipedrive.play(
        "add_field", kind="deal", field_name="S", field_type="enum", options=["A"]
    )
    path = f"/api/v2/dealFields/{field['field_code']}/options"

    added = await pipedrive("POST", path, [{"label": "B"}])
    half = await pipedrive("PATCH", path, [{"id": 31, "label": "X"}, {"id": 99, "label": "Y"}])
    renamed = await pipedrive("PATCH", path, [{"id": 31, "label": "A2"}])
    deleted = await pipedrive("DELETE", path, [{"id": 32}])

    assert added.json == {
        "success": True, "data": [{"id": 32, "label": "B"}], "additional_data": None,
    }  # fmt: skip
    assert half.status == 400
    assert renamed.data == [{"id": 31, "label": "A2"}]
    assert deleted.data == [{"id": 32, "label": "B"}]
    now = await pipedrive.get(f"/api/v2/dealFields/{field['field_code']}")
    assert [option["label"] for option in now.data["options"]] == ["A2"]


async def test_lists_page_and_built_in_fields_cannot_be_changed(pipedrive):
    first = await pipedrive.get("/api/v2/dealFields?limit=20")
    cursor = first.json["additional_data"]["next_cursor"]
    second = await pipedrive.get("/api/v2/dealFields", params={"limit": 500, "cursor": cursor})

    codes = [field["field_code"] for field in first.data + second.data]
    assert len(set(codes)) == len(codes)
    assert {"title", "status", "label_ids"} <= set(codes)
    assert (await pipedrive("DELETE", "/api/v2/dealFields/title")).status == 400


async def test_one_book_behind_both_versions(pipedrive):
    made = await pipedrive(
        "POST", "/v1/organizationFields", {"name": "ERP number", "field_type": "varchar"}
    )
    key = made.data["key"]

    renamed = await pipedrive(
        "PATCH", f"/api/v2/organizationFields/{key}", {"field_name": "ERP customer"}
    )
    seen = await pipedrive.get(f"/v1/organizationFields/{made.data['id']}")
    gone = await pipedrive("DELETE", f"/v1/organizationFields/{made.data['id']}")

    assert made.status == 201
    assert renamed.data["field_name"] == "ERP customer"
    assert (seen.data["name"], seen.data["edit_flag"]) == ("ERP customer", True)
    assert gone.data == {"id": made.data["id"]}
    assert (await pipedrive.get(f"/api/v2/organizationFields/{key}")).status == 404


async def test_v1_lists_tell_about_more_nested_or_flat(pipedrive):
    nested = await pipedrive.get("/v1/personFields?limit=2")
    await pipedrive.switch(v1_row_pagination="flat")
    flat = await pipedrive.get("/v1/personFields?limit=2")

    about = {"start": 0, "limit": 2, "more_items_in_collection": True, "next_start": 2}
    assert nested.json["additional_data"] == {"pagination": about}
    assert flat.json["additional_data"] == about


async def test_v1_put_replaces_options(pipedrive):
    field = await pipedrive.play(
        "add_field", kind="deal", field_name="S", field_type="set", options=["A", "B"]
    )
    listed = (await pipedrive.get("/v1/dealFields?limit=500")).data
    number = next(one["id"] for one in listed if one["key"] == field["field_code"])

    changed = await pipedrive(
        "PUT", f"/v1/dealFields/{number}", {"options": [{"id": 31, "label": "A"}, {"label": "C"}]}
    )

    assert changed.data["options"] == [{"id": 31, "label": "A"}, {"id": 33, "label": "C"}]
    assert changed.data["options_deleted"] == [{"id": 32, "label": "B"}]


async def test_activity_fields_are_read_only(pipedrive):
    assert (await pipedrive.get("/api/v2/activityFields")).status == 200
    refused = await pipedrive(
        "POST", "/api/v2/activityFields", {"field_name": "X", "field_type": "varchar"}
    )
    assert refused.status == 405
