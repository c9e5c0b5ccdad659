"""What both sides have already is matched before anything moves; mass changes stop (P-17, P-21)."""

from __future__ import annotations

from tests.scenarios.acumatica_pipedrive.party_shop import (
    ORGANIZATIONS,
    PERSONS,
    OpenParties,
)


async def test_organizations_are_listed_as_matched_proposed_and_new_and_move_once_confirmed(
    opened_parties: OpenParties,
):
    async with opened_parties(confirms=False) as shop:
        made = await shop.world.seed(
            "acumatica",
            customers=[
                {"CustomerName": "NW Holding", "MainContact": {"Email": "a@nordwerk.example"}},
                {"CustomerName": "Südwerk AG"},
            ],
        )
        matched, proposed = [str(one["CustomerID"]) for one in made["customers"]]
        by_domain = await shop.world.organization("Nordwerk GmbH")
        await shop.world.seed(
            "pipedrive",
            persons=[
                {"name": "Jo", "org_id": by_domain, "emails": [{"value": "jo@nordwerk.example"}]}
            ],
        )
        by_name = await shop.world.organization("SÜDWERK  A.G.", label_ids=[5])
        new = await shop.world.organization("Ostwerk SE", label_ids=[5])
        nobodys = await shop.world.organization("Westwerk KG")
        before = await shop.marks()

        rows = await shop.survey(ORGANIZATIONS)

        assert {key: row.verdict for key, row in rows.items()} == {
            str(by_domain): "matched",
            str(by_name): "proposed",
            str(new): "new",
        }
        assert str(nobodys) not in rows
        assert [one.key for one in rows[str(by_domain)].candidates] == [matched]
        assert [one.key for one in rows[str(by_name)].candidates] == [proposed]
        assert await shop.all_writes(before) == {"pipedrive": [], "acumatica": []}

        await shop.edit("organization", new, website="https://ostwerk.example")
        assert (await shop.row_of(ORGANIZATIONS, new)).waits_for == f"first_match:{ORGANIZATIONS}"
        assert len(await shop.customers()) == 2

        await shop.confirm(ORGANIZATIONS)
        await shop.all_quiet()
        await shop.edit("organization", by_domain, website="https://nordwerk.example")

        names = {one["CustomerName"]: one["CustomerID"] for one in await shop.customers()}
        assert names["NW Holding"] == matched
        assert set(names) == {"NW Holding", "Südwerk AG", "Ostwerk SE"}
        (linked,) = [one for one in await shop.customers() if one["CustomerID"] == matched]
        assert linked["MainContact"]["WebSite"] == "https://nordwerk.example"


async def test_persons_are_matched_within_the_account_of_their_organization(
    opened_parties: OpenParties,
):
    async with opened_parties(confirms=False) as shop:
        organization = await shop.world.organization("Nordwerk GmbH", label_ids=[5])
        (customer,) = (
            await shop.world.seed(
                "acumatica",
                customers=[{"CustomerName": "Nordwerk", "AccountRef": f"pd-org-{organization}"}],
            )
        )["customers"]
        account = customer["CustomerID"]
        contacts = (
            await shop.world.seed(
                "acumatica",
                contacts=[
                    {"LastName": "V", "Email": "jana@n.example", "BusinessAccount": account},
                    {"FirstName": "Jo", "LastName": "Doe", "BusinessAccount": account},
                ],
            )
        )["contacts"]
        persons = (
            await shop.world.seed(
                "pipedrive",
                persons=[
                    {"name": "Jana Voss", "org_id": organization,
                     "emails": [{"value": "JANA@n.example"}]},
                    {"name": "Jo Doe", "org_id": organization},
                    {"name": "Ida New", "org_id": organization},
                    {"name": "Nobody"},
                ],
            )
        )["persons"]  # fmt: skip
        await shop.survey(ORGANIZATIONS)
        await shop.confirm(ORGANIZATIONS)

        rows = await shop.survey(PERSONS)

        assert [rows[str(key)].verdict for key in persons[:3]] == ["matched", "proposed", "new"]
        assert str(persons[3]) not in rows
        (found,) = rows[str(persons[0])].candidates
        assert found.key == str(contacts[0]["ContactID"])


async def test_mass_change_of_customers_stops_and_asks(opened_parties: OpenParties):
    brake = {"count": 2, "share_percent": 0, "at_least": 1}
    async with opened_parties(settings={"organizations": {"brake": brake}}) as shop:
        keys = [await shop.customer_organization(f"Werk {number}") for number in range(4)]
        assert len(await shop.customers()) == 4

        for key in keys:
            await shop.edit("organization", key, website="https://bulk.example")

        states = [(await shop.row_of(ORGANIZATIONS, key)).state for key in keys]
        assert states.count("held") > 0
        changed = [
            one
            for one in await shop.customers()
            if one["MainContact"]["WebSite"] == "https://bulk.example"
        ]
        assert len(changed) == states.count("done") < 4
