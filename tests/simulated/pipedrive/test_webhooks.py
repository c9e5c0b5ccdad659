from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import Guard, WebhookEvent, WebhookRefusedError
from ml_connector.vendors.pipedrive import VENDOR, DealUpdate, WebhookDraft

DEADLINE = 10.0  # seconds
BASIC = Guard(basic=(Secret("hook"), Secret("s3cret")))
SIGNED = Guard(signature_key=Secret("a shared secret"))


class Receiver:
    """Takes deliveries as the service does: raw bytes and lower-case headers."""

    def __init__(self) -> None:
        self.url = ""
        self.arrived: asyncio.Queue[tuple[bytes, dict[str, str]]] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        await self.arrived.put((await request.read(), headers))
        return web.Response()

    async def next(self) -> tuple[bytes, dict[str, str]]:
        return await asyncio.wait_for(self.arrived.get(), DEADLINE)

    async def event(self, guard: Guard) -> WebhookEvent:
        body, headers = await self.next()
        assert VENDOR.webhooks is not None
        VENDOR.webhooks.verify(body, headers, guard)
        (event,) = VENDOR.webhooks.read(body, headers)
        return event


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    opened = Receiver()
    application = web.Application()
    application.router.add_post("/webhooks/{token}", opened.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    opened.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/"
    yield opened
    await runner.cleanup()


def draft(receiver: Receiver, **more: Any) -> WebhookDraft:
    given: dict[str, Any] = {
        "subscription_url": f"{receiver.url}a-token",
        "event_action": "*",
        "event_object": "*",
        "name": "ml-connector",
        "version": "2.0",
        "http_auth_user": "hook",
        "http_auth_password": Secret("s3cret"),
    }
    return WebhookDraft(**given | more)


async def test_won_deal_arrives_guarded_and_is_read(client, hand, receiver):
    (number,) = (await hand.seed(deals=[{"title": "a"}]))["deals"]
    await client.subscriptions.create(draft(receiver))

    await hand.play("win_deal", id=number)

    event = await receiver.event(BASIC)
    deal = await client.deal(number)
    assert (event.kind, event.key, event.action) == ("deal", str(number), "changed")
    assert (event.changed_at, event.moment) == (deal.update_time, deal.won_time)
    assert len(event.delivery_keys) == 2


async def test_wrong_password_is_refused(client, hand, receiver):
    await client.subscriptions.create(draft(receiver, http_auth_password=Secret("another")))

    await hand.play("create", kind="organization", name="Nordwerk GmbH")

    with pytest.raises(WebhookRefusedError):
        await receiver.event(BASIC)


async def test_format_1_arrives_signed_and_is_read(client, hand, receiver):
    await hand.switch(webhook_secret="a shared secret")
    (number,) = (await hand.seed(deals=[{"title": "a"}]))["deals"]
    await client.subscriptions.create(draft(receiver, version="1.0"))

    await hand.play("win_deal", id=number)

    event = await receiver.event(SIGNED)
    deal = await client.deal(number)
    assert (event.kind, event.key, event.action) == ("deal", str(number), "changed")
    assert (event.changed_at, event.moment) == (deal.update_time, deal.won_time)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_repeated_delivery_has_the_keys_of_the_first(client, hand, receiver, version):
    await client.subscriptions.create(draft(receiver, version=version))
    await hand.play("create", kind="organization", name="Nordwerk GmbH")
    first = await receiver.event(BASIC)

    await hand.play("repeat_webhook")

    assert (await receiver.event(BASIC)).delivery_keys == first.delivery_keys


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_every_kind_of_event_is_named(client, hand, receiver, version):
    await client.subscriptions.create(draft(receiver, version=version))

    number = (await hand.play("create", kind="person", name="Jana Voss"))["id"]
    created = await receiver.event(BASIC)
    await hand.play("edit", kind="person", id=number, changes={"name": "Jana Vossen"})
    changed = await receiver.event(BASIC)
    await hand.play("delete", kind="person", id=number)
    deleted = await receiver.event(BASIC)

    assert [event.action for event in (created, changed, deleted)] == [
        "created",
        "changed",
        "deleted",
    ]
    assert {(event.kind, event.key) for event in (created, changed, deleted)} == {
        ("person", str(number))
    }


async def test_merge_names_loser_and_survivor(client, hand, receiver):
    one, two = (await hand.seed(organizations=[{"name": "One"}, {"name": "Two"}]))["organizations"]
    await client.subscriptions.create(draft(receiver))

    await hand.play("merge", kind="organization", id=one, merge_with_id=two)

    events = [await receiver.event(BASIC), await receiver.event(BASIC)]
    by_key = {event.key: event for event in events}
    assert (by_key[str(two)].action, by_key[str(two)].merged_into) == ("merged", str(one))
    assert by_key[str(one)].action == "changed"


async def test_our_own_change_comes_back_with_the_moment_that_the_write_answered(
    client, hand, receiver
):
    (number,) = (await hand.seed(deals=[{"title": "a"}]))["deals"]
    await client.subscriptions.create(draft(receiver))

    written = await client.update_deal(number, DealUpdate(title="b"))

    assert (await receiver.event(BASIC)).changed_at == written.record.update_time


async def test_subscriptions_are_repaired_and_others_left_alone(client, receiver):
    mine = draft(receiver, event_action="change", event_object="deal")
    other = await client.subscriptions.create(
        draft(receiver, subscription_url=f"{receiver.url.replace('webhooks', 'others')}x")
    )
    wrong = await client.subscriptions.create(
        draft(receiver, event_action="delete", event_object="deal")
    )

    first = await client.subscriptions.repair([mine], own_prefix=receiver.url)
    second = await client.subscriptions.repair([mine], own_prefix=receiver.url)

    assert [each.id for each in first.removed] == [wrong.id]
    assert [each.id for each in second.kept] == [each.id for each in first.created]
    assert {each.id for each in await client.subscriptions.list()} == {
        other.id,
        first.created[0].id,
    }


async def test_address_that_pipedrive_does_not_reach_is_a_matter_of_configuration(
    client, hand, receiver
):
    await hand.switch(webhook_public_only=True)

    with pytest.raises(ConfigurationError, match="webhook address"):
        await client.subscriptions.create(draft(receiver))


async def test_one_subscription_too_many_is_a_matter_of_configuration(client, hand, receiver):
    await hand.switch(webhooks_per_user=1)
    await client.subscriptions.create(draft(receiver))

    with pytest.raises(ConfigurationError, match="40"):
        await client.subscriptions.create(draft(receiver))
