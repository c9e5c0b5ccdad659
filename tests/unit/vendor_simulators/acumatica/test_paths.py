import pytest


async def test_versions_are_listed_without_a_login(anonymous):
    answer = await anonymous.raw("GET", "/entity")

    listed = [row["version"] for row in answer.content["endpoints"] if row["name"] == "Default"]
    assert answer.status == 200
    assert listed == ["23.200.001", "24.200.001", "25.200.001"]
    assert answer.content["endpoints"][0]["href"] == "/AcumaticaERP/entity/Default/23.200.001/"


async def test_older_builds_answer_the_bare_list(anonymous):
    anonymous.switch(bare_version_list=True)

    answer = await anonymous.raw("GET", "/entity")

    assert isinstance(answer.content, list)


@pytest.mark.parametrize(
    "path",
    [
        "/entity/Default/21.200.001/Customer",
        "/entity/Other/24.200.001/Customer",
        "/entity/Default/24.200.001/Nonsense",
        "/nowhere",
    ],
)
async def test_an_unlisted_version_endpoint_or_entity_is_404(site, path):
    answer = await site.call("GET", path)

    assert answer.status == 404
    assert "No HTTP resource was found" in answer.text


async def test_a_version_can_be_withdrawn(site):
    site.switch(versions=["25.200.001"])

    assert (await site.get("Customer")).status == 404


async def test_the_site_answers_at_its_root_too_and_links_stay_there(site):
    async with site.http.get(
        f"{site.origin}/entity/default/24.200.001/stockitem",
        headers={"Authorization": f"Bearer {site.token}"},
        params={"$top": "1"},
    ) as answer:
        first = (await answer.json())[0]

    assert first["_links"]["self"].startswith("/entity/Default/24.200.001/StockItem/")


async def test_links_contain_the_virtual_directory(site):
    answer = await site.get("StockItem", top=1)

    links = answer.content[0]["_links"]
    assert links["self"].startswith("/AcumaticaERP/entity/Default/24.200.001/StockItem/")
    assert links["files:put"].endswith("/{filename}")


async def test_rights_missing_for_one_form_are_403(site):
    site.switch(forbidden_entities=["SalesOrder"])

    assert (await site.get("SalesOrder")).status == 403
    assert (await site.get("Customer")).status == 200


@pytest.mark.parametrize(
    ("form", "status"), [("html", 200), ("redirect", 302), ("unavailable", 503)]
)
async def test_a_cold_site_answers_html_or_a_redirect(site, form, status):
    site.switch(cold_requests=1, cold_answer=form)

    cold, warm = await site.get("Customer"), await site.get("Customer")

    assert (cold.status, warm.status) == (status, 200)
    assert isinstance(cold.content, str)


async def test_swagger_names_entities_and_their_fields(site):
    answer = await site.get("swagger.json")

    assert "/SalesOrder/CancelSalesOrder".lower() in {
        path.lower() for path in answer.content["paths"]
    }
    properties = answer.content["components"]["schemas"]["Customer"]["allOf"][1]["properties"]
    assert properties["CustomerName"] == {"$ref": "#/components/schemas/StringValue"}


async def test_posting_to_a_collection_is_not_supported(site):
    assert (await site.call("POST", "Customer", {})).status == 406


async def test_a_file_is_attached_listed_and_downloaded(site):
    customer_id = await site.customer()
    address = (await site.get(f"Customer/{customer_id}")).content["_links"]["files:put"]
    headers = {"Authorization": f"Bearer {site.token}", "PX-CbFileComment": "signed"}

    stored = await site.raw(
        "PUT", address.replace("{filename}", "order.pdf"), data=b"%PDF", headers=headers
    )
    record = await site.get(f"Customer/{customer_id}", expand="files")
    file = record.content["files"][0]
    downloaded = await site.call("GET", file["href"])

    assert stored.status == 204
    assert (file["filename"], file["comment"]) == ("order.pdf", "signed")
    assert downloaded.content == "%PDF"
