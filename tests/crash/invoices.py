"""A company whose deals are invoiced, and what each deal must show afterwards.

The comparison asks the two vendors' books alone: what Acumatica has invoiced with a deal's
reference, and what Pipedrive shows on the deal.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.world.world import World

FLOW = "invoice_to_deal"
_FINAL = frozenset({"done", "held", "dead"})
_PATIENCE = 120.0  # seconds until everything must have settled


@dataclass
class Invoiced:
    """Deals, and the sums of their invoices."""

    world: World
    sums: dict[int, tuple[Decimal, Decimal]]
    """By deal: what was billed, and what is open."""

    async def done(self, count: int) -> None:
        """Wait until so many deals have settled."""
        end = time.monotonic() + _PATIENCE
        while sum(row.state == "done" for row in await self.world.rows("deal_billing")) < count:
            assert time.monotonic() < end, f"fewer than {count} deals are done"
            await asyncio.sleep(0.02)

    async def all_right(self) -> None:
        """Wait until nothing is left to do; every deal shows its sums."""
        end = time.monotonic() + _PATIENCE
        while True:
            rows = await self.world.rows("")
            busy = [(row.flow, row.record, row.state) for row in rows if row.state not in _FINAL]
            shown = await self.shown()
            if not busy and shown == self.sums:
                break
            assert time.monotonic() < end, (busy, _differences(shown, self.sums))
            await asyncio.sleep(0.1)
        left = [(row.flow, row.record, row.reason) for row in rows if row.state != "done"]
        assert not left, left

    async def shown(self) -> dict[int, tuple[Decimal, Decimal]]:
        """Return what the deals show."""
        await self.world.services.directory.read()
        keys = self.world.services.directory.all()[0].own_fields
        deals = (await self.world.control("pipedrive/records/deals"))["records"]
        return {
            deal["id"]: (
                _amount(deal, keys["billed_total"]),
                _amount(deal, keys["open_balance"]),
            )
            for deal in deals
            if deal["custom_fields"].get(keys["billed_total"])
        }

    async def written(self) -> int:
        """Return how often deals were written."""
        calls = await self.world.calls("pipedrive")
        return sum(call["method"] == "PATCH" for call in calls)


async def invoiced(world: World, deals: int, *, invoices: int) -> Invoiced:
    """Switch the connector on, then seed deals and released invoices of them."""
    await world.apply(flows={FLOW: {"on": True, "when": {"every": "1m"}}})
    await world.seed(
        "acumatica", customers=[{"CustomerID": "BUYER", "CustomerName": "Nordwerk GmbH"}]
    )
    made = await world.seed(
        "pipedrive", deals=[{"title": f"Deal {n}", "currency": "USD"} for n in range(deals)]
    )
    numbers = [int(number) for number in made["deals"]]
    rng = random.Random(deals)
    sums: dict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    rows = []
    for n in range(invoices):
        deal = numbers[n % deals]
        amount = Decimal(rng.randint(100, 100_000)).scaleb(-2)
        balance = rng.choice([amount, Decimal("0.50"), Decimal(0)])
        billed, left = sums[deal]
        sums[deal] = billed + amount, left + balance
        rows.append(_invoice(deal, amount, balance))
    await world.seed("acumatica", sales_invoices=rows)
    return Invoiced(world, dict(sums))


def _invoice(deal: int, amount: Decimal, balance: Decimal) -> dict[str, Any]:
    line = {"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": str(amount), "ManualPrice": True}
    return {
        "Type": "Invoice",
        "CustomerID": "BUYER",
        "ExternalRef": f"pd-deal-{deal}",
        "Status": "Open" if balance else "Closed",
        "Amount": str(amount),
        "Balance": str(balance),
        "Details": [line],
    }


def _amount(deal: dict[str, Any], key: str) -> Decimal:
    return Decimal(str(deal["custom_fields"][key]["value"]))


def _differences(shown: dict[int, Any], expected: dict[int, Any]) -> list[Any]:
    return [
        (deal, shown.get(deal), wanted)
        for deal, wanted in expected.items()
        if shown.get(deal) != wanted
    ][:5]
