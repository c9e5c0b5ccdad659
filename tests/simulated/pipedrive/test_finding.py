from __future__ import annotations

from msgspec.structs import replace

from ml_connector.vendors.pipedrive import PROFILE, OrganizationDraft, OwnField


async def test_reference_is_found_exactly_and_not_its_neighbours(client):
    keys = await client.fields.ensure(
        "organization", [OwnField(name="ERP id", field_type="varchar")]
    )
    key = keys["ERP id"]
    made = []
    for reference in ("C-1", "c-1", "C-10", "C-2"):
        draft = OrganizationDraft(name=f"Org {reference}", custom_fields={key: reference})
        made.append((await client.create_organization(draft)).record)

    (found,) = await client.organizations_where(key, "C-1")
    # a read tells the number of won deals, the answer of a write does not
    assert found == replace(made[0], won_deals_count=0)


async def test_record_created_a_moment_ago_is_found_only_after_the_lag(client, hand):
    lag = PROFILE.search_lag.total_seconds()
    await hand.switch(search_lag_seconds=lag)
    await client.create_organization(OrganizationDraft(name="Nordwerk GmbH"))

    early = await client.organizations_where("name", "Nordwerk GmbH")
    await hand.pass_time(lag + 1)
    late = await client.organizations_where("name", "Nordwerk GmbH")

    assert early == ()
    assert len(late) == 1


async def test_twins_are_both_found(client, hand):
    await hand.seed(products=[{"name": "a", "code": "RB-6204"}, {"name": "b", "code": "RB-6204"}])

    assert len(await client.products_where("code", "RB-6204")) == 2


async def test_person_is_found_by_address_and_deleted_ones_are_not(client, hand):
    ids = (
        await hand.seed(
            persons=[
                {"name": "Jana Voss", "emails": [{"value": "jana@nord.example"}]},
                {"name": "Jana Alt", "emails": [{"value": "jana@nord.example"}]},
            ]
        )
    )["persons"]
    await hand.play("delete", kind="person", id=ids[1])

    assert [p.id for p in await client.persons_where("email", "JANA@nord.example")] == ids[:1]


async def test_deal_is_found_by_its_title(client, hand):
    ids = (await hand.seed(deals=[{"title": "Conveyor line Nord"}, {"title": "Conveyor line"}]))[
        "deals"
    ]

    assert [deal.id for deal in await client.deals_where("title", "Conveyor line")] == ids[1:]
