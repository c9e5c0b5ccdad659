import pytest

ADDRESS_PARTS = {
    "value", "country", "admin_area_level_1", "admin_area_level_2", "locality", "sublocality",
    "route", "street_number", "subpremise", "postal_code", "formatted_address",
}  # fmt: skip


async def test_organization_create_answers_200_with_nulls(pipedrive):
    made = await pipedrive("POST", "/api/v2/organizations", {"name": "Nordwerk GmbH"})

    assert made.status == 200
    assert made.data.keys() == {
        "id", "name", "owner_id", "add_time", "update_time", "address", "is_deleted",
        "visible_to", "label_ids", "picture_id", "website", "linkedin", "industry",
        "annual_revenue", "employee_count", "custom_fields",
    }  # fmt: skip
    assert made.data["address"] is None


async def test_address_subfields_that_are_not_sent_become_null(pipedrive):
    await pipedrive("POST", "/api/v2/organizations", {
        "name": "N", "address": {"value": "Hafenstrasse 12", "locality": "Hamburg"},
    })  # fmt: skip

    changed = await pipedrive(
        "PATCH", "/api/v2/organizations/1", {"address": {"value": "Hafenstrasse 14"}}
    )

    assert changed.data["address"].keys() == ADDRESS_PARTS
    assert changed.data["address"]["value"] == "Hafenstrasse 14"
    assert changed.data["address"]["locality"] is None


async def test_enrichment_keys_are_absent_and_refused_when_switched_off(pipedrive):
    await pipedrive.switch(organization_enrichment=False)

    refused = await pipedrive("POST", "/api/v2/organizations", {"name": "N", "website": "x"})
    made = await pipedrive("POST", "/api/v2/organizations", {"name": "N"})

    assert refused.status == 400
    assert "website" not in made.data


async def test_person_emails_are_replaced_whole_and_get_label_and_primary(pipedrive):
    made = await pipedrive("POST", "/api/v2/persons", {
        "name": "Jana Voss", "emails": [{"value": "a@x.example"}, {"value": "b@x.example"}],
    })  # fmt: skip

    changed = await pipedrive(
        "PATCH", "/api/v2/persons/1", {"emails": [{"value": "c@x.example", "label": "home"}]}
    )

    assert made.data["emails"] == [
        {"value": "a@x.example", "primary": True, "label": "work"},
        {"value": "b@x.example", "primary": False, "label": "work"},
    ]
    assert (made.data["first_name"], made.data["last_name"]) == ("Jana", "Voss")
    assert made.data["phones"] == []
    assert changed.data["emails"] == [{"value": "c@x.example", "primary": True, "label": "home"}]


async def test_person_takes_first_and_last_name_instead_of_name(pipedrive):
    made = await pipedrive("POST", "/api/v2/persons", {"first_name": "Jana", "last_name": "Voss"})
    refused = await pipedrive("POST", "/api/v2/persons", {"first_name": "Jana"})

    assert made.data["name"] == "Jana Voss"
    assert refused.status == 400


async def test_contact_sync_keys_are_403_without_it(pipedrive):
    body = {"name": "J", "job_title": "Buyer"}
    refused = await pipedrive("POST", "/api/v2/persons", body)
    await pipedrive.switch(contact_sync=True)
    made = await pipedrive("POST", "/api/v2/persons", body)

    assert refused.status == 403
    assert made.data["job_title"] == "Buyer"


async def test_persons_of_an_organization_and_of_a_deal(pipedrive):
    await pipedrive.seed(
        organizations=[{"name": "N"}],
        persons=[{"name": "A", "org_id": "N"}, {"name": "B"}, {"name": "C"}],
        deals=[{"title": "D", "person_id": "B"}],
    )
    await pipedrive("POST", "/v1/deals/1/participants", {"person_id": 3})

    of_organization = await pipedrive.get("/api/v2/persons?org_id=1")
    of_deal = await pipedrive.get("/api/v2/persons?deal_id=1")

    assert [one["name"] for one in of_organization.data] == ["A"]
    assert [one["name"] for one in of_deal.data] == ["B", "C"]


async def test_product_create_is_201_with_a_zero_price(pipedrive):
    made = await pipedrive("POST", "/api/v2/products", {"name": "Roller bearing", "code": "RB"})

    assert made.status == 201
    assert made.data["prices"] == [
        {
            "product_id": 1,
            "price": 0,
            "currency": "EUR",
            "cost": 0,
            "direct_cost": None,
            "notes": "",
        }
    ]
    assert (made.data["tax"], made.data["is_linkable"]) == (0, True)


async def test_product_prices_are_replaced_whole(pipedrive):
    await pipedrive("POST", "/api/v2/products", {
        "name": "B",
        "prices": [{"currency": "EUR", "price": 14.9}, {"currency": "USD", "price": 16}],
    })  # fmt: skip

    changed = await pipedrive(
        "PATCH", "/api/v2/products/1", {"prices": [{"currency": "SEK", "price": 150}]}
    )

    assert [price["currency"] for price in changed.data["prices"]] == ["SEK"]


async def test_product_category_is_a_number_in_and_a_text_out(pipedrive):
    made = await pipedrive("POST", "/api/v2/products", {"name": "B", "category": 18})

    assert made.data["category"] == "18"
    assert (await pipedrive("POST", "/api/v2/products", {"name": "B", "category": 1})).status == 400


async def test_product_codes_need_not_be_unique_and_duplicates_are_201(pipedrive):
    for _ in range(2):
        await pipedrive("POST", "/api/v2/products", {"name": "B", "code": "X"})

    copy = await pipedrive("POST", "/api/v2/products/1/duplicate")

    assert (copy.status, copy.data["id"], copy.data["code"]) == (201, 3, "X")


async def test_products_know_updated_since_but_not_updated_until(pipedrive):
    moment = "2020-01-01T00:00:00Z"

    assert (await pipedrive.get(f"/api/v2/products?updated_since={moment}")).status == 200
    assert (await pipedrive.get(f"/api/v2/products?updated_until={moment}")).status == 400


async def test_variations(pipedrive):
    await pipedrive.seed(products=[{"name": "B"}])

    made = await pipedrive("POST", "/api/v2/products/1/variations", {"name": "red"})
    listed = await pipedrive.get("/api/v2/products/1/variations")
    gone = await pipedrive("DELETE", "/api/v2/products/1/variations/1")

    assert made.status == 201
    assert [one["name"] for one in listed.data] == ["red"]
    assert gone.data == {"id": 1}


@pytest.mark.parametrize("path", ["/api/v2/pipelines", "/api/v2/stages"])
async def test_pipelines_and_stages_know_no_updated_since(pipedrive, path):
    refused = await pipedrive.get(f"{path}?updated_since=2020-01-01T00:00:00Z")

    assert refused.status == 400
    assert "Parameter 'updated_since' is not allowed" in refused.json["error"]


async def test_stage_writes_answer_200_and_set_update_time(pipedrive):
    made = await pipedrive("POST", "/api/v2/stages", {"name": "Signed", "pipeline_id": 1})
    changed = await pipedrive("PATCH", "/api/v2/stages/6", {"deal_probability": 95})

    assert (made.status, made.data["update_time"], made.data["order_nr"]) == (200, None, 6)
    assert changed.data["update_time"] is not None


async def test_activity_person_is_the_primary_participant(pipedrive):
    await pipedrive.seed(persons=[{"name": "A"}], deals=[{"title": "D"}])
    made = await pipedrive("POST", "/api/v2/activities", {
        "subject": "Invoice INV-1007 overdue", "type": "task", "deal_id": 1,
        "due_date": "2026-11-02", "note": "<p>Open</p>",
        "participants": [{"person_id": 1, "primary": True}],
    })  # fmt: skip

    found = await pipedrive.get("/api/v2/activities?person_id=1&done=false")

    assert (made.status, made.data["person_id"], made.data["done"]) == (200, 1, False)
    assert [one["id"] for one in found.data] == [1]
    assert (await pipedrive.get("/api/v2/activities?type=task")).status == 400
    assert (await pipedrive.get("/api/v2/activities?done=1")).status == 400


async def test_labels_and_counts_when_asked_for(pipedrive):
    await pipedrive.seed(
        organizations=[{"name": "N", "label_ids": [5]}],
        persons=[{"name": "A", "org_id": "N"}],
        deals=[{"title": "D", "org_id": "N", "status": "won"}],
    )

    found = await pipedrive.get(
        "/api/v2/organizations/1?include_labels=true&include_fields=people_count,won_deals_count"
    )

    assert found.data["labels"] == [{"id": 5, "label": "Customer"}]
    assert (found.data["people_count"], found.data["won_deals_count"]) == (1, 1)


async def test_visible_to_of_a_higher_plan_is_403(pipedrive):
    await pipedrive.switch(plan="growth")

    refused = await pipedrive("POST", "/api/v2/organizations", {"name": "N", "visible_to": 7})

    assert refused.status == 403


async def test_deletes_answer_the_id(pipedrive):
    await pipedrive.seed(
        organizations=[{"name": "N"}], persons=[{"name": "A"}], products=[{"name": "B"}],
        activities=[{"subject": "S"}],
    )  # fmt: skip

    for noun in ("organizations", "persons", "products", "activities"):
        gone = await pipedrive("DELETE", f"/api/v2/{noun}/1")
        again = await pipedrive("DELETE", f"/api/v2/{noun}/1")
        listed = await pipedrive.get(f"/api/v2/{noun}?ids=1")
        assert (gone.status, gone.json) == (200, {"success": True, "data": {"id": 1}})
        assert again.status == 404
        assert listed.data == []


async def test_activity_person_id_is_accepted_or_rejected_by_switch(pipedrive):
    await pipedrive.seed(persons=[{"name": "A"}])
    body = {"subject": "S", "person_id": 1}

    accepted = await pipedrive("POST", "/api/v2/activities", body)
    await pipedrive.switch(activity_person_id="rejected")
    rejected = await pipedrive("POST", "/api/v2/activities", body)

    assert accepted.data["participants"] == [{"person_id": 1, "primary": True}]
    assert rejected.status == 400


async def test_writes_refuse_unknown_query_parameters(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}])

    for method, path in (("PATCH", "/api/v2/deals/1"), ("DELETE", "/api/v2/deals/1")):
        assert (await pipedrive(method, f"{path}?foo=1", {})).status == 400
    assert (await pipedrive("PATCH", "/api/v2/organizations/1", {"add_time": "x"})).status == 404
