"""An outage of one side costs delay only (P-15), also when it is the day's budget (P-09, PD-04)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until

from vendor_simulators.kit.sandbox import Sandbox

NEW_PASSWORD = "another password"
CONNECTIONS = {"acumatica": "erp", "pipedrive": "crm"}
LONGEST_PAUSE = timedelta(minutes=5, seconds=1)  # between two probes of a vendor that is down

Outage = Callable[[Shop, str], AbstractAsyncContextManager[None]]


def refusing(shop: Shop, vendor: str) -> AbstractAsyncContextManager[None]:
    return shop.world.sandbox.refusing(vendor)


@asynccontextmanager
async def answering_503(shop: Shop, vendor: str) -> AsyncIterator[None]:
    await shop.world.control(f"{vendor}/faults", {"effect": {"kind": "status", "status": 503}})
    yield
    await shop.world.control(f"{vendor}/faults", {"clear": True})


OUTAGES = [(refusing, "acumatica"), (answering_503, "acumatica"), (refusing, "pipedrive"),
           (answering_503, "pipedrive")]  # fmt: skip


@pytest.mark.parametrize(
    ("outage", "vendor"), OUTAGES, ids=[f"{vendor} {how.__name__}" for how, vendor in OUTAGES]
)
async def test_vendor_that_is_down_costs_delay_only_and_the_oldest_deal_goes_first(
    opened: OpenShop, outage: Outage, vendor: str
):
    async with opened() as shop:
        await shop.sold()
        deals = await open_deals(shop, 6)
        began = shop.world.services.clock.now()
        async with outage(shop, vendor):
            await shop.wins(*deals[:2])
            row = await out_of_service(shop, vendor, "unreachable")
            # Until it has failed often enough a connection is asked again after a second: so long
            # the oldest of all may stand behind the next.
            await shop.world.jump(timedelta(seconds=3))
            await shop.wins(*deals[2:])
            assert row.state_since >= began
            assert row.look_at > row.state_since
            await heard(shop, deals)
            await failed_probe(shop, vendor)
            await nothing_burnt(shop, deals)

        await shop.world.jump(LONGEST_PAUSE)
        await shop.settled(*deals)

        assert (await shop.world.connection(CONNECTIONS[vendor])).state == "ready"
        order = await in_order_of_first_success(shop, deals)
        assert (set(order[:2]), order[2:]) == (set(deals[:2]), deals[2:])
        for deal in deals:
            assert await shop.order(deal)
            assert set(await shop.outcomes(deal)) <= {"skipped", "waiting", "written", "unchanged"}


async def test_refused_login_of_acumatica_stops_the_connection_until_its_password_is_applied(
    shop: Shop,
):
    user = shop.world.sandbox.describe()["acumatica"]["username"]
    await shop.sold()
    await shop.world.play("acumatica", "change_password", username=user, password=NEW_PASSWORD)
    await shop.world.play("acumatica", "revoke_tokens")
    await shop.world.play("acumatica", "expire_tokens")
    deals = await open_deals(shop, 3)

    await shop.wins(*deals)
    row = await out_of_service(shop, "acumatica", "needs_login")
    assert row.look_at is None  # a refused password is not tried again and again
    await nothing_burnt(shop, deals)
    asked = await shop.last_call()
    await shop.world.jump(timedelta(hours=1))
    assert await shop.last_call() == asked

    await shop.world.apply(erp_password=NEW_PASSWORD)
    await shop.settled(*deals)

    assert len(await shop.orders()) == 4


async def test_token_that_pipedrive_refuses_stops_the_connection_until_a_new_one_is_applied(
    shop: Shop,
):
    await shop.sold()
    token = (await shop.world.play("pipedrive", "rotate_token"))["api_token"]
    (deal,) = await open_deals(shop, 1)

    await shop.wins(deal)
    await out_of_service(shop, "pipedrive", "needs_login")
    await nothing_burnt(shop, [deal])

    await shop.world.apply(crm_token=token)
    assert (await shop.settled(deal)).outcome in {"written", "unchanged"}


async def test_spent_daily_budget_pauses_until_the_reset_and_goes_on_there(shop: Shop):
    await shop.sold()
    await shop.world.play("pipedrive", "exhaust_budget")
    deals = await open_deals(shop, 3)

    await shop.wins(*deals)
    row = await out_of_service(shop, "pipedrive", "exhausted")
    midnight = next_midnight(shop.world.services.clock.now())
    assert midnight <= row.look_at <= midnight + timedelta(minutes=1)
    await nothing_burnt(shop, deals)
    asked = await shop.last_call("pipedrive")
    await shop.world.jump(timedelta(minutes=10))
    assert await shop.last_call("pipedrive") == asked

    await shop.world.jump(row.look_at - shop.world.services.clock.now() + timedelta(seconds=1))
    await shop.settled(*deals)

    assert len(await shop.orders()) == 4


async def test_pause_of_one_connection_delays_no_other_installation(opened: OpenShop):
    async with opened() as shop, Sandbox.start(seed=2) as sandbox:
        west = replace(shop, world=replace(shop.world, sandbox=sandbox), products={})
        await west.item("PUMP")
        await shop.world.apply(others={"west": sandbox})
        await shop.sold()
        stuck = await open_deals(shop, 3)
        async with refusing(shop, "acumatica"):
            await shop.wins(*stuck)
            await out_of_service(shop, "acumatica", "unreachable")
            deal = await west.deal(west.line())
            await west.wins(deal)

            async def is_ordered() -> bool:
                return bool(await west.orders())

            await until(is_ordered)
            assert (await shop.world.connection("erp")).state == "unreachable"
            assert (await shop.world.connection("west_erp")).state == "ready"
            await nothing_burnt(shop, stuck)


async def open_deals(shop: Shop, count: int) -> list[int]:
    """Seed deals of organizations that no name brings together."""
    return [
        await shop.deal(shop.line(), organization=f"{name} AG")
        for name in ("Ahorn", "Birke", "Cassia", "Douglasie", "Eiche", "Fichte")[:count]
    ]


async def out_of_service(shop: Shop, vendor: str, state: str) -> Any:
    """Wait until a connection is in a state; it says why, and people were told."""
    name = CONNECTIONS[vendor]

    async def is_out() -> bool:
        found = (await shop.world.connection(name)).state
        assert found in {"ready", state}
        return bool(found == state)

    await until(is_out)
    row = await shop.world.connection(name)
    assert row.state_reason

    async def is_told() -> bool:
        told = await shop.told("connection")
        return len(told) == 1 and told[0].startswith(f"Connection {name}: ")

    await until(is_told)
    return row


async def failed_probe(shop: Shop, vendor: str) -> None:
    """Let a probe find that the vendor is still down."""

    async def has_failed() -> bool:
        await shop.world.jump(timedelta(seconds=5))
        return bool((await shop.world.connection(CONNECTIONS[vendor])).failed_probes)

    await until(has_failed)


async def heard(shop: Shop, deals: list[int]) -> None:
    """Wait until every deal is known."""

    async def are_known() -> bool:
        return {str(deal) for deal in deals} <= {row.record for row in await shop.world.rows()}

    await until(are_known)


async def nothing_burnt(shop: Shop, deals: list[int]) -> None:
    """Check that these deals wait, and that no attempt was counted against any of them."""
    await heard(shop, deals)

    async def wait_all() -> bool:
        rows = {row.record: row for row in await shop.world.rows() if row.owner == "installation:1"}
        mine = [rows[str(deal)] for deal in deals]
        assert [row.failures for row in mine] == [0] * len(deals)
        return all(row.state == "ready" and row.starts == 0 for row in mine)

    await until(wait_all)


async def in_order_of_first_success(shop: Shop, deals: list[int]) -> list[int]:
    first = {}
    for deal in deals:
        first[deal] = min(
            (run.started_at, run.backlog_id)
            for run in await shop.runs(deal)
            if run.outcome in {"written", "unchanged"}
        )
    return sorted(deals, key=first.__getitem__)


def next_midnight(now: datetime) -> datetime:
    return datetime.combine(
        now.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC
    )
