from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer


class Hook:
    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.tokens: list[str | None] = []
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.tokens.append(request.headers.get("X-Connector-Token"))
        return web.Response(status=self.status)


@pytest.fixture
async def hook(site: Any) -> AsyncIterator[Hook]:
    receiver = Hook()
    application = web.Application()
    application.router.add_post("/hook", receiver.answer)
    async with TestServer(application) as server:
        await site.simulator.seed(
            {
                "push_destinations": [
                    {
                        "url": str(server.make_url("/hook")),
                        "header_name": "X-Connector-Token",
                        "header_value": "k8",
                        "queries": [
                            {
                                "name": "Connector Customers",
                                "entity": "Customer",
                                "columns": {
                                    "AcctCD": "CustomerID",
                                    "Name": "CustomerName",
                                    "Customer_lastModifiedDateTime": "LastModifiedDateTime",
                                },
                            }
                        ],
                    }
                ]
            }
        )
        yield receiver


async def test_a_new_record_is_inserted_and_a_change_is_both(site, hook):
    customer_id = await site.customer()
    await site.play("rename_customer", customer=customer_id, name="Renamed")
    await site.simulator.outbox.drain()

    created, renamed = hook.bodies
    assert hook.tokens == ["k8", "k8"]
    assert (len(created["Inserted"]), created["Deleted"]) == (1, [])
    assert renamed["Inserted"][0]["Name"] == "Renamed"
    assert renamed["Deleted"][0]["Name"] == "Northwind Pumps"
    assert created["Inserted"][0]["AcctCD"] == "C001001   "
    assert (created["Query"], created["CompanyId"]) == ("Connector Customers", "Company")
    assert not created["Inserted"][0]["Customer_lastModifiedDateTime"].endswith("+00:00")


async def test_the_time_stamp_counts_ticks_since_the_year_one(site, hook):
    await site.customer()
    await site.simulator.outbox.drain()

    seconds = hook.bodies[0]["TimeStamp"] / 10_000_000 - 62_135_596_800
    assert abs(seconds - site.clock.now().timestamp()) < 60


async def test_a_refused_notification_is_sent_five_times(site, hook, clock):
    hook.status = 500
    await site.customer()
    for _ in range(500):
        if not site.simulator.outbox.outstanding:
            break
        await site.get("Customer", top=0)
        clock.advance(timedelta(minutes=1))

    assert len(hook.bodies) == 5
    assert len({json.dumps(body) for body in hook.bodies}) == 1


async def test_what_the_inquiry_does_not_show_is_not_told(site, hook):
    await site.order(await site.customer())
    await site.simulator.outbox.drain()

    assert [body["Query"] for body in hook.bodies] == ["Connector Customers"]


async def test_a_deletion_is_told(site, hook):
    customer_id = await site.customer()
    await site.play("delete", entity="customer", key=[customer_id])
    await site.simulator.outbox.drain()

    assert (hook.bodies[1]["Inserted"], len(hook.bodies[1]["Deleted"])) == ([], 1)
