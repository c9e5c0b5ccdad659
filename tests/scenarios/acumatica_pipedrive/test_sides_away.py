"""One side is away, refuses the login, or has no budget left: its connection waits, nobody else."""

from __future__ import annotations

from datetime import timedelta

from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop, until

_NEW_PASSWORD = "another password"


async def state_of(shop: Shop, name: str) -> str:
    rows = await shop.world.services.connections.accounts.list(1)
    (found,) = [row for row in rows if row.name == name]
    return str(found.state.value)


async def becomes(shop: Shop, name: str, state: str) -> None:
    async def has_become() -> bool:
        return await state_of(shop, name) == state

    await until(has_become)


async def test_outage_of_the_erp_costs_delay_and_no_attempt(shop: Shop):
    deals = [await shop.deal(shop.line()) for _ in range(3)]
    await shop.world.control(
        "acumatica/faults", {"match": {}, "times": 10_000, "effect": {"kind": "status"}}
    )
    await shop.wins(deals[0])
    await becomes(shop, "erp", "unreachable")
    await shop.wins(*deals[1:])

    await shop.world.control("acumatica/faults", {"clear": True})
    await shop.world.jump(timedelta(minutes=6))  # longer than a connection waits for its probe
    await shop.settled(*deals)

    rows = {int(row.record): row for row in await shop.world.rows()}
    assert [(rows[deal].state, rows[deal].failures) for deal in deals] == [("done", 0)] * 3
    assert len(await shop.orders()) == 3
    assert (await state_of(shop, "erp"), await state_of(shop, "crm")) == ("ready", "ready")


async def test_refused_login_stops_its_connection_alone_and_a_new_one_lets_work_go_on(shop: Shop):
    username = shop.world.sandbox.describe()["acumatica"]["username"]
    await shop.sold()
    await shop.world.play("acumatica", "change_password", username=username, password=_NEW_PASSWORD)
    await shop.world.play("acumatica", "revoke_tokens")
    deal = await shop.deal(shop.line(), organization="Kupfermann AG")
    await shop.wins(deal)
    await becomes(shop, "erp", "needs_login")
    assert await state_of(shop, "crm") == "ready"
    assert (await shop.world.row(deal)).state not in {"held", "dead"}

    await shop.world.apply(erp_password=_NEW_PASSWORD)
    await shop.settled(deal)

    assert await state_of(shop, "erp") == "ready"
    assert (await shop.world.row(deal)).failures == 0
    assert await shop.order(deal)


async def test_used_up_budget_pauses_the_connection_until_it_renews_and_work_goes_on(
    opened: OpenShop,
):
    async with opened() as shop:
        deal = await shop.deal(shop.line())
        await shop.world.play("pipedrive", "exhaust_budget")
        await shop.wins(deal)
        await becomes(shop, "crm", "exhausted")
        assert await state_of(shop, "erp") == "ready"
        assert await shop.orders() == []

        await shop.world.jump(timedelta(days=1, hours=1))
        await shop.settled(deal)

        assert (await shop.world.row(deal)).failures == 0
        assert await shop.order(deal)
