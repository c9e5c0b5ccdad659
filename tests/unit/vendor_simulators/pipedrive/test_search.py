import pytest


@pytest.fixture
async def books(pipedrive):
    """A few records to find."""
    await pipedrive.seed(
        fields={"organization": [{"field_name": "ERP id"}]},
        organizations=[
            {"name": "Nordwerk GmbH", "custom_fields": {"ERP id": "C-100245"}},
            {"name": "Nordwerk Nord", "address": "Hafenstrasse 12, Hamburg"},
        ],
        persons=[
            {"name": "Jana Voss", "org_id": 1, "emails": [{"value": "Jana.Voss@nordwerk.example"}]}
        ],
        products=[{"name": "Bearing", "code": "RB-6204"}],
        deals=[{"title": "Conveyor line", "org_id": 1, "value": 5}],
    )
    return pipedrive


async def test_documented_organization_search(books):
    found = await books.get(
        "/api/v2/organizations/search?term=c-100245&fields=custom_fields&exact_match=true"
    )

    assert found.json == {
        "success": True,
        "data": {"items": [{"result_score": found.data["items"][0]["result_score"], "item": {
            "id": 1, "type": "organization", "name": "Nordwerk GmbH", "address": None,
            "visible_to": 3, "owner": {"id": 2001}, "custom_fields": ["C-100245"], "notes": [],
        }}]},
        "additional_data": {"next_cursor": None},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("organizations/search?term=nordwerk", [1, 2]),
        ("organizations/search?term=nordwerk&exact_match=true", []),
        ("organizations/search?term=hafen&fields=address", [2]),
        ("organizations/search?term=hafen&fields=name", []),
        ("persons/search?term=jana.voss@nordwerk.example&fields=email&exact_match=true", [1]),
        ("persons/search?term=jana&organization_id=2", []),
        ("products/search?term=rb-6204&fields=code&exact_match=true", [1]),
        ("deals/search?term=conveyor&status=open", [1]),
        ("deals/search?term=conveyor&status=won", []),
    ],
)
async def test_hits(books, path, ids):
    found = await books.get(f"/api/v2/{path}")

    assert [hit["item"]["id"] for hit in found.data["items"]] == ids


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("term=a", 400),
        ("term=a&exact_match=true", 200),
        ("fields=name", 400),
        ("term=ab&fields=title", 400),
        ("term=ab&exact_match=1", 400),
    ],
)
async def test_strictness(books, query, status):
    assert (await books.get(f"/api/v2/organizations/search?{query}")).status == status


async def test_index_lags_behind_and_the_hidden_hit_is_counted(books):
    await books.switch(search_lag_seconds=5)
    await books("POST", "/api/v2/organizations", {"name": "Neuwerk"})
    path = "/api/v2/organizations/search?term=neuwerk&exact_match=true"

    early = await books.get(path)
    await books.advance(5.1)
    late = await books.get(path)

    assert early.data["items"] == []
    assert [hit["item"]["id"] for hit in late.data["items"]] == [3]
    summary = await books.control("pipedrive/calls?summary=1")
    assert summary["injected"]["search_lag"] == 1


async def test_deleted_and_renamed_records_leave_the_index(books):
    await books("PATCH", "/api/v2/organizations/1", {"name": "Sudwerk"})
    await books("DELETE", "/api/v2/organizations/2")

    found = await books.get("/api/v2/organizations/search?term=nordwerk")

    assert found.data["items"] == []


async def test_item_search_finds_all_kinds_and_related_items(books):
    found = await books.get("/api/v2/itemSearch?term=nordwerk&search_for_related_items=true")

    assert [(h["item"]["type"], h["item"]["id"]) for h in found.data["items"]] == [
        ("person", 1), ("organization", 1), ("organization", 2),
    ]  # fmt: skip
    related = {(hit["item"]["type"], hit["item"]["id"]) for hit in found.data["related_items"]}
    assert related == {("deal", 1), ("person", 1)}
    assert (await books.get("/api/v2/itemSearch?term=nord&limit=101")).status == 400


async def test_item_search_pages(books):
    first = await books.get("/api/v2/itemSearch?term=nordwerk&limit=2")
    cursor = first.json["additional_data"]["next_cursor"]
    rest = await books.get("/api/v2/itemSearch", params={"term": "nordwerk", "cursor": cursor})

    assert (len(first.data["items"]), len(rest.data["items"])) == (2, 1)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("term=Nordwerk GmbH&field=name", [1]),
        ("term=nordwerk gmbh&field=name", []),
        ("term=Nordwerk&field=name&match=beginning", [1, 2]),
        ("term=werk&field=name&match=middle", [1, 2]),
    ],
)
async def test_field_search_minds_case(books, query, ids):
    found = await books.get(f"/api/v2/itemSearch/field?entity_type=organization&{query}")

    assert [item["id"] for item in found.data] == ids


async def test_v1_search_answers_with_offsets(books):
    found = await books.get("/v1/organizations/search?term=nordwerk&limit=1")

    assert len(found.data["items"]) == 1
    assert found.json["additional_data"]["pagination"]["next_start"] == 1
