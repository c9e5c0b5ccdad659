"""What changes on a deal though nothing happens in Acumatica: overdue, ageing, the slow look."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.ledger import FLOW, Ledger, open_ledger
from tests.world.world import FLOW as WON

ZONE = "Pacific/Auckland"  # its midnight is noon in UTC, so that no other day can be meant


async def without_polls(ledger: Ledger) -> None:
    """Let everything rest on events from now on: what happens then, happens by time alone."""
    await ledger.shop.world.apply(
        erp_settings={"time_zone": ZONE},
        flows={name: {"on": True, "when": "events"} for name in (WON, FLOW)},
    )


def dated(ledger: Ledger) -> dict[str, str]:
    """Return the company's own day as an invoice's and as its due date."""
    today = ledger.today(ZONE).isoformat()
    return {"Date": today, "DueDate": today}


def until_midnight(ledger: Ledger) -> timedelta:
    now = ledger.shop.world.services.clock.now().astimezone(ZoneInfo(ZONE))
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=ZoneInfo(ZONE))
    return tomorrow - now


async def test_invoice_is_overdue_from_the_companys_own_midnight_without_any_change(
    opened: OpenShop,
):
    async with open_ledger(opened, erp_settings={"time_zone": ZONE}) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order, release=False)
        today = ledger.today(ZONE)
        await ledger.changed(number, **dated(ledger))
        await ledger.play("release_invoice", invoice=number)
        await ledger.polled()
        await without_polls(ledger)
        due = await ledger.shown(deal)
        since = [await ledger.shop.last_call(vendor) for vendor in ("pipedrive", "acumatica")]

        await ledger.jumped(until_midnight(ledger) - timedelta(minutes=5))
        before = await ledger.shown(deal)
        await ledger.jumped(timedelta(minutes=6))
        overdue = await ledger.shown(deal)

        assert due == before
        assert (due["ageing"], due.get("overdue_since")) == ("Not due", None)
        assert (overdue["ageing"], overdue["overdue_since"]) == ("1 to 30 days", today.isoformat())
        assert len(await ledger.shop.writes("pipedrive", since=since[0])) == 1
        assert await ledger.shop.writes("acumatica", since=since[1]) == []


async def test_only_a_change_of_bucket_is_written(opened: OpenShop):
    settings = {"billing": {"reread_open_every_hours": 24 * 31}}
    async with open_ledger(opened, settings=settings, erp_settings={"time_zone": ZONE}) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order, release=False)
        await ledger.changed(number, **dated(ledger))
        await ledger.play("release_invoice", invoice=number)
        await ledger.polled()
        await ledger.shop.world.apply(
            settings=settings,
            erp_settings={"time_zone": ZONE},
            flows={name: {"on": True, "when": "events"} for name in (WON, FLOW)},
        )
        writes, buckets = [], []

        for days in (10, 10, 15, 20, 10, 30, 100):
            since = await ledger.shop.last_call("pipedrive")
            await ledger.jumped(timedelta(days=days))
            writes.append(len(await ledger.shop.writes("pipedrive", since=since)))
            buckets.append((await ledger.shown(deal))["ageing"])

        assert buckets == [
            "1 to 30 days", "1 to 30 days", "31 to 60 days", "31 to 60 days", "61 to 90 days",
            "Over 90 days", "Over 90 days",
        ]  # fmt: skip
        assert writes == [1, 0, 1, 0, 1, 1, 0]


async def test_payment_that_nothing_told_of_is_seen_at_the_slow_look(opened: OpenShop):
    switches = {"payment_moves_invoice_timestamp": False}
    async with open_ledger(opened, acumatica=switches) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order)
        await ledger.polled()
        await without_polls(ledger)

        await ledger.play("pay", invoice=number)
        early = await ledger.shown(deal)
        await ledger.jumped(timedelta(hours=25))

        assert early["invoice_status"] == "Open"
        assert (await ledger.shown(deal))["invoice_status"] == "Paid"


async def test_slow_look_at_an_unchanged_invoice_asks_for_its_header_and_for_no_deal(
    opened: OpenShop,
):
    async with open_ledger(opened) as ledger:
        _, order = await ledger.sold(1000)
        await ledger.invoiced(order)
        await ledger.polled()
        await without_polls(ledger)
        since = [await ledger.shop.last_call(vendor) for vendor in ("pipedrive", "acumatica")]

        await ledger.jumped(timedelta(hours=25))

        assert await ledger.shop.calls("acumatica", since=since[1]) == ["GET SalesInvoice"]
        assert await ledger.shop.calls("pipedrive", since=since[0]) == []
