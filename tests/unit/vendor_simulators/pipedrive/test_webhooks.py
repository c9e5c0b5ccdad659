import base64
import hashlib
import hmac
from typing import Any

import pytest
from tests.unit.vendor_simulators.pipedrive.conftest import Client, until

ADDRESS = "https://connector.example/hooks/pipedrive/7"


def subscription(url: str = ADDRESS, **more: Any) -> dict[str, Any]:
    return {
        "subscription_url": url, "event_action": "*", "event_object": "*",
        "name": "ml-connector", "version": "2.0", **more,
    }  # fmt: skip


async def outcomes(pipedrive: Client) -> list[str]:
    return [delivery["outcome"] for delivery in await pipedrive.records("deliveries")]


async def settled(pipedrive: Client, *wanted: str) -> None:
    async def holds() -> bool:
        return await outcomes(pipedrive) == list(wanted)

    await until(holds)


async def test_documented_subscription_is_201(pipedrive):
    made = await pipedrive("POST", "/v1/webhooks", subscription(
        event_action="change", event_object="deal", user_id=2001,
        http_auth_user="hook", http_auth_password="s3cret",
    ))  # fmt: skip

    shown = made.data
    assert made.status == 201
    assert made.json["status"] == "ok"
    assert shown.pop("add_time").endswith("Z")
    assert shown == {
        "id": 9001, "company_id": 54235233, "owner_id": 2001, "user_id": 2001,
        "event_action": "change", "event_object": "deal", "subscription_url": ADDRESS,
        "version": "2.0", "is_active": 1, "remove_time": None, "type": "general",
        "http_auth_user": "hook", "http_auth_password": "s3cret", "remove_reason": None,
        "last_delivery_time": None, "last_http_status": None, "admin_id": 2001,
        "name": "ml-connector",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"name": None}, "name"),
        ({"event_action": "added"}, "event_action"),
        ({"event_object": "activityType"}, "event_object"),
        ({"version": "3.0"}, "version"),
        ({"user_id": 7}, "user_id"),
        ({"subscription_url": "ftp://x.example"}, "subscription_url"),
        ({"subscription_url": "https://api.pipedrive.com/v1/deals"}, "subscription_url"),
    ],
)
async def test_wrong_subscriptions_are_400_by_key(pipedrive, wrong, name):
    refused = await pipedrive("POST", "/v1/webhooks", subscription(**wrong))

    assert refused.status == 400
    assert refused.json["status"] == "error"
    assert list(refused.json["errors"]) == [name]


async def test_format_1_0_takes_both_vocabularies(pipedrive):
    for action in ("added", "create", "merged"):
        made = await pipedrive(
            "POST", "/v1/webhooks", subscription(event_action=action, version="1.0")
        )
        assert (made.status, made.data["event_action"]) == (201, action)


async def test_41st_webhook_of_a_user_is_422(pipedrive):
    for _ in range(40):
        await pipedrive("POST", "/v1/webhooks", subscription())

    assert (await pipedrive("POST", "/v1/webhooks", subscription())).status == 422


async def test_deleting_and_its_refusals(pipedrive):
    await pipedrive("POST", "/v1/webhooks", subscription())
    tokens = await pipedrive.oauth()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    foreign = await pipedrive("DELETE", "/v1/webhooks/9001", headers=headers)
    unseen = await pipedrive.get("/v1/webhooks", headers=headers)
    gone = await pipedrive("DELETE", "/v1/webhooks/9001")
    again = await pipedrive("DELETE", "/v1/webhooks/9001")

    assert (foreign.status, foreign.json) == (403, {"success": False, "message": "Forbidden"})
    assert unseen.data == []
    assert gone.json == {"status": "ok", "success": True}
    assert again.status == 404
    assert again.json == {"status": "error", "success": False, "errors": {"id": ["not found"]}}


async def test_2_0_change_carries_strings_in_meta_and_only_changed_keys(pipedrive, receiver):
    field = await pipedrive.play("add_field", kind="deal", field_name="PO")
    code = field["field_code"]
    await pipedrive.seed(deals=[{"title": "D", "value": 24960.5, "custom_fields": {"PO": "1"}}])
    await pipedrive("POST", "/v1/webhooks", subscription(
        receiver.url, event_action="change", event_object="deal",
        http_auth_user="hook", http_auth_password="s3cret",
    ))  # fmt: skip

    await pipedrive.play("win_deal", id=1)

    body = (await receiver.wait_for(1))[0]
    meta = body["meta"]
    assert (meta["action"], meta["entity"], meta["entity_id"]) == ("change", "deal", "1")
    assert (meta["webhook_id"], meta["attempt"], meta["version"]) == ("9001", 1, "2.0")
    assert meta["change_source"] == "app"
    assert meta["permitted_user_ids"] == ["2001", "2002"]
    assert body["data"]["status"] == "won"
    assert body["data"]["visible_to"] == "3"
    assert body["data"]["custom_fields"] == {code: {"type": "varchar", "value": "1"}}
    assert "is_deleted" not in body["data"]
    assert body["previous"]["status"] == "open"
    assert body["previous"]["won_time"] is None
    assert "title" not in body["previous"]
    assert "custom_fields" not in body["previous"]
    expected = f"Basic {base64.b64encode(b'hook:s3cret').decode()}"
    assert receiver.seen[0][0]["Authorization"] == expected
    assert "X-Pipedrive-Signature" not in receiver.seen[0][0]


async def test_own_api_writes_come_back_with_source_api(pipedrive, receiver):
    code = (await pipedrive.play("add_field", kind="organization", field_name="ERP"))["field_code"]
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))
    await pipedrive("POST", "/api/v2/organizations", {"name": "N"})
    await pipedrive("PATCH", "/api/v2/organizations/1", {"custom_fields": {code: "C-1"}})
    await pipedrive("DELETE", "/api/v2/organizations/1")

    created, changed, deleted = sorted(
        await receiver.wait_for(3), key=lambda body: body["meta"]["timestamp"]
    )

    assert created["meta"]["change_source"] == "api"
    assert (created["meta"]["action"], created["previous"]) == ("create", None)
    assert changed["previous"]["custom_fields"] == {code: None}
    assert changed["data"]["custom_fields"] == {code: {"type": "varchar", "value": "C-1"}}
    assert deleted["data"] is None
    assert deleted["previous"]["name"] == "N"


async def test_1_0_is_flat_signed_and_names_the_event(pipedrive, receiver):
    field = await pipedrive.play("add_field", kind="deal", field_name="PO")
    await pipedrive.seed(
        organizations=[{"name": "N"}],
        deals=[{"title": "D", "org_id": "N", "custom_fields": {"PO": "1"}}],
        switches={"webhook_secret": "geheim"},
    )
    await pipedrive(
        "POST", "/v1/webhooks",
        subscription(receiver.url, version="1.0", event_action="updated", event_object="deal"),
    )  # fmt: skip

    await pipedrive.play("win_deal", id=1)

    body = (await receiver.wait_for(1))[0]
    headers, raw = receiver.seen[0]
    digest = hmac.new(b"geheim", raw, hashlib.sha256).hexdigest()
    assert headers["X-Pipedrive-Signature"] == digest
    assert (body["v"], body["event"], body["retry"]) == (1, "updated.deal", 0)
    assert body["meta"]["id"] == 1
    assert body["meta"]["permitted_user_ids"] == [2001, 2002]
    assert (body["current"]["status"], body["previous"]["status"]) == ("won", "open")
    assert body["current"]["org_id"] == 1
    assert body["current"][field["field_code"]] == "1"
    assert body["previous"]["title"] == "D"


async def test_2_0_is_signed_only_by_switch(pipedrive, receiver):
    await pipedrive.switch(webhook_secret="geheim", sign_2_0=True)
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))

    await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    await receiver.wait_for(1)
    headers, raw = receiver.seen[0]
    assert headers["X-Pipedrive-Signature"] == hmac.digest(b"geheim", raw, "sha256").hex()


async def test_merge_tells_both_sides(pipedrive, receiver):
    await pipedrive.seed(organizations=[{"name": "A"}, {"name": "B"}])
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))

    merged = await pipedrive("PUT", "/v1/organizations/1/merge", {"merge_with_id": 2})

    bodies = await receiver.wait_for(2)
    metas = {body["meta"]["action"]: body["meta"] for body in bodies}
    assert merged.json == {"success": True, "data": {"id": 1}}
    assert (metas["delete"]["entity_id"], metas["delete"]["merged_to_id"]) == ("2", "1")
    assert (metas["change"]["entity_id"], metas["change"]["merged_from_id"]) == ("1", "2")
    assert metas["delete"]["correlation_id"] == metas["change"]["correlation_id"]


async def test_lines_send_deal_product_and_deal_events(pipedrive, receiver):
    await pipedrive.seed(products=[{"name": "B"}], deals=[{"title": "D"}])
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))

    await pipedrive.play("add_line", deal_id=1, product_id=1, quantity=2, item_price=5)

    bodies = await receiver.wait_for(2)
    assert {(b["meta"]["action"], b["meta"]["entity"]) for b in bodies} == {
        ("create", "deal_product"),
        ("change", "deal"),
    }


async def test_failed_delivery_is_retried_after_3_30_and_150_seconds(pipedrive, receiver):
    receiver.status = 500
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))
    await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    for number, wait in enumerate((3, 30, 150), start=1):
        await receiver.wait_for(number)

        async def noted(number=number):
            return len((await pipedrive.records("deliveries"))[0]["attempts"]) == number

        await until(noted)
        await pipedrive.advance(wait)
    bodies = await receiver.wait_for(4)

    assert [body["meta"]["attempt"] for body in bodies] == [1, 2, 3, 4]
    assert len({body["meta"]["id"] for body in bodies}) == 1
    await settled(pipedrive, "failed")


async def test_ten_failed_first_attempts_ban_for_half_an_hour_and_lose_events(pipedrive, receiver):
    receiver.status = 500
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))
    for _ in range(10):
        await pipedrive("POST", "/api/v2/deals", {"title": "D"})
    await receiver.wait_for(10)
    await settled(pipedrive, *["pending"] * 10)

    async def banned():
        return (await pipedrive.get("/v1/webhooks")).data[0]["last_http_status"] == 500

    await until(banned)
    receiver.status = 200
    await pipedrive("POST", "/api/v2/deals", {"title": "lost"})
    await pipedrive.advance(1801)
    await pipedrive("POST", "/api/v2/deals", {"title": "sent"})

    async def last_two():
        return (await outcomes(pipedrive))[-2:] == ["banned", "delivered"]

    await until(last_two)


async def test_three_days_without_success_delete_the_webhook(pipedrive, receiver):
    receiver.status = 500
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))
    await pipedrive("POST", "/api/v2/deals", {"title": "D"})
    await receiver.wait_for(1)

    async def failing():
        return (await pipedrive.get("/v1/webhooks")).data[0]["last_http_status"] == 500

    await until(failing)
    await pipedrive.advance(3 * 86_400)

    assert (await pipedrive.get("/v1/webhooks")).data == []


async def test_owner_only_records_reach_only_webhooks_of_who_sees_them(pipedrive, receiver):
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url, user_id=2002))
    await pipedrive("POST", "/api/v2/deals", {"title": "hidden", "visible_to": 1})
    await pipedrive("POST", "/api/v2/deals", {"title": "seen"})

    bodies = await receiver.wait_for(1)

    assert bodies[0]["data"]["title"] == "seen"
    assert len(await pipedrive.records("deliveries")) == 1


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [({"lost_webhooks": 1}, ["lost"]), ({"doubled_webhooks": 1}, ["delivered", "delivered"])],
)
async def test_lost_and_doubled_by_switch(pipedrive, receiver, settings, wanted):
    await pipedrive.switch(**settings)
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))

    await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    await settled(pipedrive, *wanted)
    if len(wanted) == 2:
        first, second = await receiver.wait_for(2)
        assert first == second


async def test_reordered_delivery_is_overtaken(pipedrive, receiver):
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))
    await pipedrive.switch(reordered_webhooks=1)
    await pipedrive("POST", "/api/v2/deals", {"title": "first"})
    await pipedrive.switch(reordered_webhooks=0)
    await pipedrive("POST", "/api/v2/deals", {"title": "second"})

    titles = [body["data"]["title"] for body in await receiver.wait_for(2)]

    assert titles == ["second", "first"]


async def test_kit_fault_rules_touch_deliveries(pipedrive, receiver):
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))
    await pipedrive.control(
        "pipedrive/faults",
        {"match": {"webhook": "create.deal"}, "times": 1, "effect": {"kind": "lose"}},
    )

    await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    await settled(pipedrive, "lost")
    faults = await pipedrive.control("pipedrive/faults")
    assert faults["injected"]["webhook_lose"] == 1


async def test_repeated_webhook_is_the_same_byte_for_byte(pipedrive, receiver):
    await pipedrive.switch(webhook_secret="geheim", sign_2_0=True)
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))
    await pipedrive("POST", "/api/v2/deals", {"title": "D"})
    await receiver.wait_for(1)

    await pipedrive.play("repeat_webhook")

    await receiver.wait_for(2)
    (first_headers, first), (second_headers, second) = receiver.seen
    assert first == second
    assert first_headers["X-Pipedrive-Signature"] == second_headers["X-Pipedrive-Signature"]


async def test_forged_webhook_has_wrong_signature_and_credentials(pipedrive, receiver):
    answered = await pipedrive.play("forge_webhook", url=receiver.url, deal_id=5)

    headers, raw = receiver.seen[0]
    assert answered == {"status": 200}
    assert headers["Authorization"] == f"Basic {base64.b64encode(b'forger:forged').decode()}"
    assert headers["X-Pipedrive-Signature"] != hmac.digest(b"geheim", raw, "sha256").hex()
    assert b'"entity_id":"5"' in raw


async def test_user_deactivation_arrives_as_change(pipedrive, receiver):
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url, event_object="user"))
    await pipedrive(
        "POST", "/v1/webhooks", subscription(receiver.url, event_object="user", version="1.0")
    )

    await pipedrive.play("deactivate_user", id=2002)

    new, old = sorted(await receiver.wait_for(2), key=lambda body: "v" in body)
    assert (new["meta"]["action"], new["meta"]["id"]) == ("change", "2002")
    assert isinstance(new["meta"]["timestamp"], int)
    assert "permitted_user_ids" not in new["meta"]
    assert old["current"][0]["active_flag"] is False
    assert old["previous"][0]["active_flag"] is True


async def test_seeding_is_silent_unless_asked_for(pipedrive, receiver):
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url))

    await pipedrive.seed(deals=[{"title": "quiet"}])
    await pipedrive.seed(deals=[{"title": "loud"}], events=True)

    bodies = await receiver.wait_for(1)
    assert bodies[0]["data"]["title"] == "loud"


async def test_sender_takes_no_more_than_its_share_of_connections(pipedrive, receiver):
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url, event_action="change"))
    await pipedrive.seed(deals=[{"title": "D"} for _ in range(300)])

    await pipedrive.play("win_deal", ids=list(range(1, 301)))

    bodies = await receiver.wait_for(300)
    assert len({body["meta"]["entity_id"] for body in bodies}) == 300


async def test_one_edit_may_send_two_1_0_events(pipedrive, receiver):
    await pipedrive.seed(deals=[{"title": "D"}], switches={"repeated_1_0_events": True})
    await pipedrive("POST", "/v1/webhooks", subscription(receiver.url, version="1.0"))

    await pipedrive.play("win_deal", id=1)

    first, second = await receiver.wait_for(2)
    assert first["current"] == second["current"]
