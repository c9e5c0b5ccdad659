"""A dry run tells what the run then does, field by field, and writes nothing (X-01)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop
from tests.scenarios.cli.conftest import CommandLine, quiet_logs
from tests.world.world import FLOW

NOT_GIVEN_YET = ("(the number", "(the address", "(new ")  # stand for what Acumatica will give


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Any:
    yield from quiet_logs(monkeypatch)


async def test_dry_run_writes_nothing_and_tells_every_field_that_the_run_then_writes(
    opened: OpenShop,
):
    async with opened(works=False) as shop:
        organization = await shop.world.organization(
            address={"value": "Hafenstr. 1, 20457 Hamburg, Germany", "country": "Germany"}
        )
        await shop.item("BOLT")
        deal = await shop.deal(
            shop.line(item_price=19.99, quantity=3, discount=10),
            shop.line("BOLT", item_price=5),
            org_id=organization,
        )
        await shop.wins(deal)
        planned = await rehearsed(shop, deal)
        assert [(one["action"], one["kind"], one["key"]) for one in planned] == [
            ("create", "customer", str(organization)),
            ("change", "organization", str(organization)),
            ("create", "sales_order", str(deal)),
            ("change", "deal", str(deal)),
        ]

        await shop.world.work_inside()
        await shop.settled(deal)

        assert_told(planned, await written(shop, deal))


async def test_dry_run_of_a_changed_deal_tells_both_values_and_writes_nothing(opened: OpenShop):
    settings = {
        "after": {"changed": "follow"},
        "order_mapping": {"fields": {"RequestedOn": "deal.expected_close_date"}},
    }
    async with opened(settings=settings) as shop:
        deal = await shop.sold(shop.line(), expected_close_date="2030-01-31")
        await shop.world.stop_working()
        await shop.world.play(
            "pipedrive", "edit", kind="deal", id=deal,
            changes={"expected_close_date": "2030-03-01"},
        )  # fmt: skip

        planned = await rehearsed(shop, deal)

        (change,) = planned
        assert "2030-03-01" in str(change["fields"])
        assert (await shop.order(deal))["RequestedOn"].startswith("2030-01-31")


async def rehearsed(shop: Shop, deal: int) -> list[dict[str, Any]]:
    """Play the deal's run through twice, as JSON and as text; no unsafe call may be made."""
    last = {vendor: await shop.last_call(vendor) for vendor in ("acumatica", "pipedrive")}
    cli = CommandLine(shop.world)
    found = (await cli("run", FLOW, "--record", str(deal), "--dry-run", "--json")).json
    await cli("run", FLOW, "--record", str(deal), "--dry-run")
    for vendor, since in last.items():
        assert await shop.writes(vendor, since=since) == []
    return list(found["writes"])


async def written(shop: Shop, deal: int) -> list[Mapping[str, Any]]:
    """Return what the deal's runs wrote, from its story, in the plan's order."""
    events = ("customer_created", "fields_written", "sales_order_created")
    notes = {event: await shop.noted(deal, event) for event in events}
    (customer,), (order,) = notes["customer_created"], notes["sales_order_created"]
    by_record = {note["what"]: note for note in notes["fields_written"]}
    return [customer, by_record["organization"], order, by_record["deal"]]


def assert_told(planned: list[dict[str, Any]], made: list[Mapping[str, Any]]) -> None:
    for plan, note in zip(planned, made, strict=True):
        told, wrote = plan["fields"], note["fields"]
        assert told.keys() == wrote.keys()
        known = {name: value for name, value in told.items() if not is_placeholder(value)}
        assert known == {name: wrote[name] for name in known}
        if plan["action"] == "change":
            assert plan["before"] == note["before"]


def is_placeholder(value: object) -> bool:
    return isinstance(value, str) and value.startswith(NOT_GIVEN_YET)
