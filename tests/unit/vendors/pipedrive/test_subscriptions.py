from __future__ import annotations

from typing import Any

from ml_connector.core.secret import Secret
from ml_connector.vendors.pipedrive.drafts import WebhookDraft
from ml_connector.vendors.pipedrive.models import WebhookSubscription
from ml_connector.vendors.pipedrive.subscriptions import serves

HOOKS = "/api/v1/webhooks"
OURS = "https://connector.example/webhooks/"
URL = f"{OURS}a-token"


def subscription(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "company_id": 54235233, "owner_id": 2001, "user_id": 2001,
        "event_action": "change", "event_object": "deal", "subscription_url": URL,
        "version": "2.0", "is_active": 1, "add_time": "2026-10-01T08:25:27.000Z",
        "remove_time": None, "type": "general", "http_auth_user": None,
        "http_auth_password": None, "remove_reason": None, "last_delivery_time": None,
        "last_http_status": None, "admin_id": 2001, "name": "ml-connector deal change",
    } | more  # fmt: skip


def draft(**more: Any) -> WebhookDraft:
    given: dict[str, Any] = {
        "subscription_url": URL,
        "event_action": "change",
        "event_object": "deal",
        "name": "ml-connector deal change",
        "version": "2.0",
        "http_auth_user": "hook",
        "http_auth_password": Secret("s3cret"),
    }
    return WebhookDraft(**given | more)


def listed(pipedrive: Any, *subscriptions: Any) -> None:
    pipedrive.on("GET", HOOKS, (200, {"success": True, "data": list(subscriptions)}))


async def test_subscribing_names_the_format_and_the_password(client, pipedrive):
    pipedrive.on("POST", HOOKS, (201, {"success": True, "data": subscription(9001)}))

    made = await client.subscriptions.create(draft())

    assert made.id == 9001
    assert pipedrive.calls[0].json == {
        "subscription_url": URL,
        "event_action": "change",
        "event_object": "deal",
        "name": "ml-connector deal change",
        "version": "2.0",
        "http_auth_user": "hook",
        "http_auth_password": "s3cret",
    }


async def test_good_subscription_is_kept(client, pipedrive):
    listed(pipedrive, subscription(1))

    repaired = await client.subscriptions.repair([draft()], own_prefix=OURS)

    assert [each.id for each in repaired.kept] == [1]
    assert (repaired.created, repaired.removed) == ((), ())
    assert len(pipedrive.calls) == 1


async def test_missing_one_is_created_before_surplus_ones_are_removed(client, pipedrive):
    listed(
        pipedrive,
        subscription(1, is_active=0),
        subscription(2, event_action="delete"),
        subscription(3, subscription_url="https://others.example/webhooks/x"),
    )
    pipedrive.on("POST", HOOKS, (201, {"success": True, "data": subscription(4)}))
    for number in (1, 2):
        pipedrive.on("DELETE", f"{HOOKS}/{number}", (200, {"success": True}))

    repaired = await client.subscriptions.repair([draft()], own_prefix=OURS)

    assert [each.id for each in repaired.created] == [4]
    assert [each.id for each in repaired.removed] == [1, 2]
    assert [call.method for call in pipedrive.calls] == ["GET", "POST", "DELETE", "DELETE"]


async def test_twin_is_removed(client, pipedrive):
    listed(pipedrive, subscription(1), subscription(2))
    pipedrive.on("DELETE", f"{HOOKS}/2", (200, {"success": True}))

    repaired = await client.subscriptions.repair([draft()], own_prefix=OURS)

    assert [each.id for each in repaired.kept] == [1]
    assert [each.id for each in repaired.removed] == [2]


async def test_renewing_replaces_a_good_one(client, pipedrive):
    listed(pipedrive, subscription(1))
    pipedrive.on("POST", HOOKS, (201, {"success": True, "data": subscription(2)}))
    pipedrive.on("DELETE", f"{HOOKS}/1", (200, {"success": True}))

    repaired = await client.subscriptions.repair([draft()], own_prefix=OURS, renew=True)

    assert [each.id for each in repaired.created] == [2]
    assert [each.id for each in repaired.removed] == [1]


async def test_unsubscribing_what_is_gone_is_done(client, pipedrive):
    gone = {"status": "error", "success": False, "errors": {"id": ["not found"]}}
    pipedrive.on("DELETE", f"{HOOKS}/1", (404, gone))

    await client.subscriptions.delete(1)


def test_words_of_either_format_name_the_same_action():
    asked = draft(version="1.0", event_action="updated")
    stored = WebhookSubscription(
        id=1,
        subscription_url=URL,
        event_action="change",
        event_object="deal",
        version="1.0",
        is_active=1,
    )

    assert serves(stored, asked)
    assert not serves(stored, draft(version="2.0"))
