from __future__ import annotations

from typing import Any

import pytest

from ml_connector.vendors.pipedrive.profile import PROFILE

KEY = "aa11bb22cc33dd44ee55ff660011223344556677"
SEARCH = "/api/v2/organizations/search"


def hits(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": [{"result_score": 0.316, "item": item} for item in items]}


def organization(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Org {number}", **more}


async def test_hits_are_read_again_and_compared_exactly(client, pipedrive):
    pipedrive.data(
        "GET",
        SEARCH,
        hits(
            {"id": 1, "type": "organization", "name": "Org 1", "custom_fields": ["C-1"]},
            {"id": 2, "type": "organization", "name": "Org 2", "custom_fields": ["c-1"]},
            {"id": 3, "type": "organization", "name": "Org 3", "custom_fields": ["C-1"]},
            {"id": 4, "type": "organization", "name": "Org 4", "custom_fields": ["C-1"]},
        ),
    )
    pipedrive.data(
        "GET",
        "/api/v2/organizations",
        [
            organization(1, custom_fields={KEY: "C-1"}),
            organization(2, custom_fields={KEY: "c-1"}),
            organization(3, custom_fields={KEY: None, "b" * 40: "C-1"}),
        ],
    )

    found = await client.organizations_where(KEY, "C-1")

    assert [each.id for each in found] == [1]
    asked = pipedrive.calls[0].query
    assert (asked["term"], asked["fields"], asked["exact_match"]) == (
        "C-1",
        "custom_fields",
        "true",
    )


async def test_several_matches_are_all_returned_for_somebody_to_choose(client, pipedrive):
    pipedrive.data("GET", SEARCH, hits({"id": 1, "type": "o"}, {"id": 2, "type": "o"}))
    for number in (1, 2):
        pipedrive.data(
            "GET", f"/api/v2/organizations/{number}", organization(number, name="Same GmbH")
        )

    assert [each.id for each in await client.organizations_where("name", "Same GmbH")] == [1, 2]


async def test_record_in_the_bin_is_no_match(client, pipedrive):
    pipedrive.data("GET", SEARCH, hits({"id": 1, "type": "o"}))
    pipedrive.data("GET", "/api/v2/organizations/1", organization(1, name="Gone", is_deleted=True))

    assert await client.organizations_where("name", "Gone") == ()


async def test_all_pages_of_hits_are_read(client, pipedrive):
    pipedrive.data(
        "GET",
        SEARCH,
        hits({"id": 1, "type": "organization", "name": "A"}),
        hits({"id": 2, "type": "organization", "name": "B"}),
        cursors=True,
    )

    assert [hit.id for hit in await client.search("organization", "AB")] == [1, 2]


async def test_person_is_found_by_any_of_their_addresses_in_any_case(client, pipedrive):
    pipedrive.data("GET", "/api/v2/persons/search", hits({"id": 1, "type": "person"}))
    pipedrive.data(
        "GET",
        "/api/v2/persons/1",
        {"id": 1, "emails": [{"value": "a@x.example"}, {"value": "Jana.Voss@Nord.example"}]},
    )

    (found,) = await client.persons_where("email", "jana.voss@nord.example")

    assert found.id == 1


async def test_code_of_a_product_hit_may_be_a_number_and_a_deals_name_is_its_title(
    client, pipedrive
):
    pipedrive.data(
        "GET", "/api/v2/products/search", hits({"id": 1, "type": "product", "code": 123})
    )
    pipedrive.data(
        "GET", "/api/v2/deals/search", hits({"id": 2, "type": "deal", "title": "Line Nord"})
    )

    (product,) = await client.search("product", "123", fields=["code"], exact_match=True)
    (deal,) = await client.search("deal", "Line")

    assert (product.code, deal.name) == ("123", "Line Nord")


@pytest.mark.parametrize(("term", "exact"), [("a", False), ("", True), (" ", True)])
async def test_term_too_short_to_search_finds_nothing_and_costs_nothing(
    client, pipedrive, term, exact
):
    assert await client.search("deal", term, exact_match=exact) == ()
    assert pipedrive.calls == []


async def test_field_that_cannot_be_searched_is_a_mistake_of_the_caller(client):
    with pytest.raises(ValueError, match="website"):
        await client.organizations_where("website", "x")


def test_lag_of_the_index_is_declared():
    assert PROFILE.search_lag.total_seconds() > 0
