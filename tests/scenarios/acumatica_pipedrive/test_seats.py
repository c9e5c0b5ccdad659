"""The licence's seats: waited for by the connection alone, and never taken twice (ACU-11)."""

from __future__ import annotations

from datetime import timedelta

from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until


async def state_of(shop: Shop, name: str) -> str:
    rows = await shop.world.services.connections.accounts.list(1)
    (found,) = [row for row in rows if row.name == name]
    return str(found.state.value)


async def becomes(shop: Shop, name: str, state: str) -> None:
    async def has_become() -> bool:
        return await state_of(shop, name) == state

    await until(has_become)


async def test_no_free_seat_is_the_connections_own_matter_and_work_goes_on_once_one_is_free(
    opened: OpenShop,
):
    async with opened(works=False) as shop:
        described = shop.world.sandbox.describe()["acumatica"]
        await shop.world.control("acumatica/switches", {"api_users": 1})
        login = {
            "name": described["username"],
            **{name: described[name] for name in ("password", "tenant")},
        }
        url = f"{described['instance_url']}/entity/auth/login"
        async with shop.world.http.post(url, json=login) as answer:
            assert answer.status == 204  # somebody else has the only seat
        deal = await shop.deal(shop.line())
        await shop.wins(deal)
        await shop.world.work_inside()
        await becomes(shop, "erp", "seats_taken")
        (erp,) = [
            row for row in await shop.world.services.connections.accounts.list(1)
            if row.name == "erp"
        ]  # fmt: skip
        assert "API Login Limit" in (erp.state_reason or "")
        assert await state_of(shop, "crm") == "ready"

        await shop.world.play("acumatica", "end_sessions")
        await shop.world.jump(timedelta(minutes=6))
        await shop.settled(deal)

        assert await state_of(shop, "erp") == "ready"
        assert (await shop.world.row(deal)).failures == 0
        assert await shop.order(deal)


async def test_two_restarts_take_no_further_seat(opened: OpenShop):
    async with opened() as shop:
        await shop.sold()
        for _ in range(2):
            await shop.world.restart_inside()
            await shop.sold(organization="Kupfermann AG")

        signed_in = [
            call
            for call in await shop.world.calls("acumatica")
            if "connect/token" in call["target"]
        ]
        assert len(signed_in) == 1
        assert (
            len([one for one in await shop.records("acumatica", "sessions") if one["has_seat"]])
            == 1
        )
