"""Switches that no subject's own tests turn."""

import asyncio

import pytest
from tests.unit.vendor_simulators.pipedrive.conftest import until

from vendor_simulators.pipedrive import SWITCHES

HOOK = {"event_action": "*", "event_object": "*", "name": "n", "version": "2.0"}


def test_every_switch_says_in_one_line_what_it_does():
    for name, switch in SWITCHES.items():
        assert switch.about, name
        assert "\n" not in switch.about


async def test_unknown_switch_is_refused(pipedrive):
    url = f"{pipedrive.sandbox.control_url}/_control/pipedrive/switches"
    async with pipedrive._http.post(url, json={"nonsense": 1}) as answer:
        assert answer.status == 400


async def test_oauth_answers(pipedrive):
    await pipedrive.switch(
        access_token_seconds=60, oauth_scope_separator=",", app_scopes="deals:read base",
        refresh_ends_access_token=True,
    )  # fmt: skip
    tokens = await pipedrive.oauth()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    before = await pipedrive.get("/v1/users/me", headers=headers)
    renewed = await pipedrive.token(
        grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    after = await pipedrive.get("/v1/users/me", headers=headers)

    assert (tokens["expires_in"], tokens["scope"]) == (60, "base,deals:read")
    assert [before.status, renewed.status, after.status] == [200, 200, 401]
    await pipedrive.advance(61)
    late = {"Authorization": f"Bearer {renewed.json['access_token']}"}
    assert (await pipedrive.get("/v1/users/me", headers=late)).status == 401


async def test_any_redirect_uri(pipedrive):
    asked = {"client_id": pipedrive.about["client_id"], "redirect_uri": "http://other.example/cb"}

    refused = await pipedrive.get("/oauth/authorize", params=asked, headers={})
    await pipedrive.switch(any_redirect_uri=True)
    allowed = await pipedrive.get("/oauth/authorize", params=asked, headers={})

    assert refused.json["message"] == "Invalid request: redirect_uri is invalid"
    assert allowed.headers["Location"].startswith("http://other.example/cb?code=")


async def test_reading(pipedrive):
    await pipedrive.switch(
        no_custom_fields="object", deleted_deal_status="deleted", formatted_address=False
    )
    await pipedrive.seed(
        organizations=[{"name": "N", "address": "Hafen 1"}],
        deals=[{"title": "D", "is_deleted": True}],
    )

    deal = (await pipedrive.get("/api/v2/deals?status=deleted")).data[0]
    organization = (await pipedrive.get("/api/v2/organizations/1")).data

    assert (deal["custom_fields"], deal["status"]) == ({}, "deleted")
    assert "formatted_address" not in organization["address"]


async def test_writing(pipedrive):
    await pipedrive.switch(first_won_time_kept=False, default_tax_method="inclusive")
    await pipedrive.seed(
        products=[{"name": "B"}],
        deals=[
            {
                "title": "D",
                "status": "won",
                "products": [{"product_id": "B", "quantity": 1, "item_price": 1}],
            }
        ],
    )

    await pipedrive("PATCH", "/api/v2/deals/1", {"status": "open"})
    deal = (await pipedrive.get("/api/v2/deals/1?include_fields=first_won_time")).data
    line = (await pipedrive.get("/api/v2/deals/1/products")).data[0]

    assert deal["first_won_time"] is None
    assert line["tax_method"] == "inclusive"


@pytest.mark.parametrize("touches", [False, True])
async def test_writes_without_a_change_and_notes(pipedrive, touches):
    old = "2020-01-01T00:00:00Z"
    await pipedrive.switch(unchanged_write_touches=touches, note_touches_deal=touches)
    await pipedrive.seed(
        deals=[{"title": "D", "update_time": old}, {"title": "E", "update_time": old}]
    )

    same = await pipedrive("PATCH", "/api/v2/deals/1", {"title": "D"})
    await pipedrive("POST", "/v1/notes", {"content": "x", "deal_id": 2})
    noted = await pipedrive.get("/api/v2/deals/2")

    assert (same.data["update_time"] > old) == touches
    assert (noted.data["update_time"] > old) == touches


async def test_subscription_urls(pipedrive):
    async def status(url: str) -> int:
        body = {**HOOK, "subscription_url": url}
        return int((await pipedrive("POST", "/v1/webhooks", body)).status)

    assert await status(f"{pipedrive.about['url']}/v1/deals") == 400
    await pipedrive.switch(webhook_https_only=True)
    assert await status("http://connector.example/h") == 400
    await pipedrive.switch(webhook_public_only=True)
    assert await status("https://127.0.0.1/h") == 400
    assert await status("https://connector.example/h") == 201
    await pipedrive.switch(webhooks_per_user=1)
    assert await status("https://connector.example/h") == 422


async def test_payload_shapes(pipedrive, receiver):
    await pipedrive.seed(
        organizations=[{"name": "N"}],
        deals=[{"title": "D", "org_id": "N"}],
        switches={"v1_relations": "objects", "webhook_states": True, "webhook_secret": "s",
                  "sign_1_0": False},
        webhooks=[{**HOOK, "subscription_url": receiver.url},
                  {**HOOK, "subscription_url": receiver.url, "version": "1.0"}],
    )  # fmt: skip

    await pipedrive.play("win_deal", id=1)

    new, old = sorted(await receiver.wait_for(2), key=lambda body: "v" in body)
    assert (new["data"]["is_deleted"], new["data"]["label_ids"]) == (False, [])
    assert old["current"]["org_id"]["value"] == 1
    assert all("X-Pipedrive-Signature" not in headers for headers, _ in receiver.seen)


async def test_delivery_times_out_and_retries_get_a_new_event_id(pipedrive, receiver):
    hold = asyncio.Event()
    await pipedrive.seed(
        switches={"delivery_seconds": 0.05, "retry_seconds": [5], "retries_keep_event_id": False},
        webhooks=[{**HOOK, "subscription_url": receiver.url}],
    )
    receiver.hold = hold
    await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    async def timed_out() -> bool:
        attempts = (await pipedrive.records("deliveries"))[0]["attempts"]
        return bool(attempts and attempts[0]["status"] == 0)

    await until(timed_out)
    hold.set()
    await pipedrive.advance(5)

    first, second = await receiver.wait_for(2)
    assert first["meta"]["id"] != second["meta"]["id"]
    assert first["meta"]["correlation_id"] == second["meta"]["correlation_id"]


async def test_success_may_reset_the_ban_counter(pipedrive, receiver):
    await pipedrive.seed(
        switches={"ban_after": 2, "ban_seconds": 60, "success_resets_ban_counter": True},
        webhooks=[{**HOOK, "subscription_url": receiver.url}],
    )
    for number, status in enumerate((500, 200, 500, 200), start=1):
        receiver.status = status
        await pipedrive("POST", "/api/v2/deals", {"title": "D"})
        await receiver.wait_for(number)

        async def noted(status: int = status) -> bool:
            hook = (await pipedrive.get("/v1/webhooks")).data[0]
            return bool(hook["last_http_status"] == status)

        await until(noted)

    assert {row["outcome"] for row in await pipedrive.records("deliveries")} == {
        "pending", "delivered",
    }  # fmt: skip


async def test_remaining_actions(pipedrive):
    field = await pipedrive.play(
        "add_field", kind="organization", field_name="S", field_type="enum", options=["A"]
    )
    await pipedrive.seed(
        organizations=[{"name": "N"}, {"name": "M"}],
        products=[{"name": "B"}],
        deals=[
            {
                "title": "D",
                "is_archived": True,
                "products": [{"product_id": "B", "quantity": 1, "item_price": 1}],
            }
        ],
    )

    await pipedrive.play("unarchive", id=1)
    await pipedrive.play("remove_line", id=1)
    merged = await pipedrive.play("merge", kind="organization", id="N", merge_with_id="M")
    await pipedrive.play(
        "edit_field", kind="organization", field="S", field_name="State",
        options=[{"id": field["options"]["A"], "label": "Aktiv"}, {"label": "New"}],
    )  # fmt: skip
    made = await pipedrive.play("create", kind="person", name="Jana", org_id="N")

    shown = (await pipedrive.get(f"/api/v2/organizationFields/{field['field_code']}")).data
    assert merged == {"id": 1, "merged_id": 2}
    assert shown["field_name"] == "State"
    assert [option["label"] for option in shown["options"]] == ["Aktiv", "New"]
    assert (await pipedrive.get("/api/v2/deals/1/products")).data == []
    assert (await pipedrive.get(f"/api/v2/persons/{made['id']}")).data["org_id"] == 1
