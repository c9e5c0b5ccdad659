from tests.unit.vendor_simulators.pipedrive.conftest import Client


async def test_described_credentials_work_and_are_repeated_by_the_seed(pipedrive):
    before = dict(pipedrive.about)
    await pipedrive.seed(deals=[{"title": "D"}])

    await pipedrive.control("reset", {})

    assert pipedrive.sandbox.describe()["pipedrive"] == before
    assert (await pipedrive.get("/api/v2/deals")).data == []
    assert (await pipedrive.get("/v1/users/me")).status == 200


async def test_webhooks_go_out_after_a_reset_too(pipedrive, receiver):
    await pipedrive.control("reset", {})
    body = {
        "subscription_url": receiver.url, "event_action": "*", "event_object": "*", "name": "n",
    }  # fmt: skip
    await pipedrive.seed(webhooks=[body])

    await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    assert (await receiver.wait_for(1))[0]["meta"]["entity"] == "deal"


async def test_seed_resolves_refs_names_and_custom_fields(pipedrive):
    made = await pipedrive.seed(
        fields={"deal": [{"field_name": "PO"}]},
        users=[{"name": "Rep Three", "email": "three@acme.example", "timezone_name": "Asia/Tokyo"}],
        organizations=[{"ref": "n", "name": "Nordwerk"}],
        persons=[{"name": "Jana", "org_id": "n"}],
        products=[{"ref": "b", "name": "Bearing"}],
        deals=[
            {
                "title": "D",
                "org_id": "Nordwerk",
                "person_id": "Jana",
                "owner_id": "Rep Three",
                "stage_id": "Negotiation",
                "custom_fields": {"PO": "1"},
                "products": [{"product_id": "b", "quantity": 1.5, "item_price": 0.1}],
            }
        ],
    )

    deal = (await pipedrive.get("/api/v2/deals/1")).data

    assert made["deals"] == [1]
    assert (deal["org_id"], deal["person_id"], deal["stage_id"]) == (1, 1, 5)
    assert deal["owner_id"] == made["users"][0]
    assert deal["custom_fields"] == {made["fields"][0]["field_code"]: "1"}
    assert str(deal["value"]) == "0.15"


async def test_local_dates_follow_the_owners_zone(pipedrive):
    await pipedrive.seed(
        users=[{"name": "T", "email": "t@acme.example", "timezone_name": "Asia/Tokyo"}],
        deals=[{"title": "D", "owner_id": "T"}],
    )

    await pipedrive.play("win_deal", id=1, won_time="2026-10-02T20:00:00Z")

    assert (await pipedrive.get("/api/v2/deals/1")).data["local_won_date"] == "2026-10-03"


async def refused(pipedrive: Client, path: str, content: object) -> str:
    url = f"{pipedrive.sandbox.control_url}/_control/pipedrive/{path}"
    async with pipedrive._http.post(url, json=content) as answer:
        assert answer.status == 400
        return str((await answer.json())["error"])


async def test_control_says_what_is_wrong(pipedrive):
    assert "nothing called dealz" in await refused(pipedrive, "seed", {"dealz": []})
    assert "no organization called X" in await refused(
        pipedrive, "seed", {"deals": [{"title": "D", "org_id": "X"}]}
    )
    assert "there is no deal 5" in await refused(pipedrive, "play/win_deal", {"id": 5})
    assert "win_deal needs id" in await refused(pipedrive, "play/win_deal", {})
    assert "no action fly" in await refused(pipedrive, "play/fly", {})


async def test_every_action_is_there_and_every_switch_is_read(pipedrive):
    simulator = pipedrive.simulator

    missing = [name for name in simulator.ACTIONS if not hasattr(simulator._plays, f"_{name}")]

    assert missing == []


async def test_plays_of_a_salespersons_day(pipedrive):
    await pipedrive.seed(
        organizations=[{"name": "A"}], products=[{"name": "B"}], deals=[{"title": "D"}]
    )

    await pipedrive.play("move_stage", id="D", stage_id="Proposal made")
    added = await pipedrive.play("add_line", deal_id=1, product_id="B", quantity=3, item_price=10)
    changed = await pipedrive.play("edit_line", id=added["id"], changes={"quantity": 2})
    discounted = await pipedrive.play("add_discount", deal_id=1, amount=10)
    await pipedrive.play("edit", kind="deal", id=1, changes={"org_id": "A", "title": "E"})
    await pipedrive.play("lose_deal", id=1, lost_reason="price")
    lost = (await pipedrive.get("/api/v2/deals/1")).data
    await pipedrive.play("reopen_deal", id=1)
    await pipedrive.play("win_deal", ids=[1])
    await pipedrive.play("archive", id=1)
    won = (await pipedrive.get("/api/v2/deals/archived")).data[0]

    assert (added["value"], changed["value"], discounted["value"]) == (30, 20, 18)
    assert (lost["status"], lost["lost_reason"], lost["stage_id"]) == ("lost", "price", 4)
    assert (won["status"], won["title"], won["org_id"]) == ("won", "E", 1)
    assert won["lost_reason"] is None


async def test_restored_and_purged_records(pipedrive):
    await pipedrive.seed(products=[{"name": "B"}, {"name": "C"}])

    await pipedrive.play("delete", kind="product", ids=[1, 2])
    await pipedrive.play("restore", kind="product", id=1)
    await pipedrive.play("purge", kind="product", id=2)
    await pipedrive.advance(31 * 86_400)

    assert (await pipedrive.get("/api/v2/products/1")).data["is_deleted"] is False
    assert (await pipedrive.get("/api/v2/products/2")).status == 404


async def test_records_nest_lines_and_keep_fractions_exact(pipedrive):
    await pipedrive.seed(
        products=[{"name": "B"}],
        deals=[
            {
                "title": "D",
                "products": [{"product_id": "B", "quantity": 3, "item_price": 19.99}],
                "discounts": [{"amount": 5, "type": "percentage"}],
            }
        ],
    )

    deal = (await pipedrive.records("deals"))[0]

    assert (deal["value"], deal["products"][0]["item_price"]) == ("56.97", "19.99")
    assert deal["discounts"][0]["amount"] == 5
    assert await pipedrive.records("deals?status=won") == []
    assert {row["type"] for row in await pipedrive.records("logins")} == {"api"}
    assert (await pipedrive.records("budget"))[0]["limit"] == 750_000


async def test_scripted_failures_speak_pipedrives_envelope(pipedrive):
    for status, error in (
        (402, "Required suites missing"),
        (503, "Requested service is not available"),
        (403, "You do not have permissions to do this."),
    ):
        await pipedrive.control(
            "pipedrive/faults", {"effect": {"kind": "status", "status": status}, "times": 1}
        )
        answer = await pipedrive.get("/v1/users/me")
        assert (answer.status, answer.json["error"]) == (status, error)


async def test_expire_login_ends_a_bearer_token_before_the_call(pipedrive):
    tokens = await pipedrive.oauth()
    await pipedrive.control("pipedrive/faults", {"effect": {"kind": "expire_login"}, "times": 1})

    answer = await pipedrive.get(
        "/v1/users/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )

    assert answer.status == 401


async def test_journal_names_operations_without_ids_and_prefixes(pipedrive):
    await pipedrive.get("/v1/users/me")
    await pipedrive.get("/api/v1/users/me")
    await pipedrive.get("/api/v2/deals/77")

    calls = (await pipedrive.control("pipedrive/calls"))["calls"]

    assert [call["operation"] for call in calls] == [
        "GET /v1/users/me", "GET /v1/users/me", "GET /api/v2/deals/{id}",
    ]  # fmt: skip
    assert [call["cost"] for call in calls] == [2, 2, 1]


async def test_every_answer_has_a_correlation_id(pipedrive):
    for path in ("/v1/users/me", "/api/v2/nowhere", "/api/v2/deals?foo=1"):
        assert len((await pipedrive.get(path)).headers["x-correlation-id"]) == 36
    assert (await pipedrive("PUT", "/api/v2/deals")).status == 405
