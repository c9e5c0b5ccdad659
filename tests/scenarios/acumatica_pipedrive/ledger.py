"""A shop whose finance people invoice in Acumatica, and what its deals show of that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from tests.scenarios.acumatica_pipedrive.shop import Shop

FLOW = "invoice_to_deal"
STREAMS = frozenset({"sales_invoices", "invoices", "payments", "sales_orders"})
PATIENCE = 60.0  # seconds; four streams and what follows from them, on a loaded machine
_FINAL = frozenset({"done", "held", "dead"})


class OpenShop(Protocol):
    def __call__(self, **how: Any) -> AbstractAsyncContextManager[Shop]: ...


@dataclass
class Ledger:
    """What finance does, and what is seen of it in Pipedrive."""

    shop: Shop

    # --- what finance does ---------------------------------------------------------------------

    async def play(self, action: str, **body: Any) -> dict[str, Any]:
        done: dict[str, Any] = await self.shop.world.play("acumatica", action, **body)
        return done

    async def sold(self, price: int, **fields: Any) -> tuple[int, str]:
        """Win a deal of one pump; return it and its order's number."""
        deal = await self.shop.sold(self.shop.line(item_price=price), **fields)
        order = await self.shop.order(deal)
        if order["Status"] == "On Hold":
            await self.play("release_order", order=order["OrderNbr"])
        return deal, order["OrderNbr"]

    async def invoiced(self, *orders: str, release: bool = True) -> str:
        """Invoice orders together; return the invoice's number."""
        order = await self._order(orders[0])
        lines = [
            {"OrderType": "SO", "OrderNbr": number, "OrderLineNbr": line["LineNbr"]}
            for number in orders
            for line in (await self._order(number))["Details"]
        ]
        return await self.entered(order["CustomerID"], Details=lines, release=release)

    async def entered(self, customer: str, *, release: bool = True, **fields: Any) -> str:
        """Enter an invoice; return its number."""
        made = await self.shop.world.seed(
            "acumatica",
            sales_invoices=[{"Type": "Invoice", "CustomerID": customer, **fields}],
        )
        number = str(made["sales_invoices"][0]["ReferenceNbr"])
        if release:
            await self.play("release_invoice", invoice=number)
        return number

    async def changed(self, number: str, **values: Any) -> None:
        """Change a document that is not released."""
        await self.play("edit", entity="SalesInvoice", key=["Invoice", number], values=values)

    async def has_status(self, number: str, status: str) -> None:
        """Give an invoice a status, as workflows of a site do."""
        await self.play("set_status", entity="SalesInvoice", key=["Invoice", number], status=status)

    async def customer_of(self, order: str) -> str:
        return str((await self._order(order))["CustomerID"])

    async def _order(self, number: str) -> dict[str, Any]:
        (order,) = [one for one in await self.shop.orders() if one["OrderNbr"] == number]
        return order

    # --- our side ------------------------------------------------------------------------------

    async def polled(self) -> None:
        """Let every stream be polled, and wait until nothing follows from that any more."""
        before = await self._polls()
        await self.shop.world.poll_now()
        await self._until(lambda runs: all(runs[name] > before.get(name, 0) for name in STREAMS))
        await self.quiet()

    async def jumped(self, by: timedelta) -> None:
        """Let time pass without any poll, and wait until what was due by then is done."""
        rows = await self.shop.world.rows("")
        due = self.shop.world.services.clock.now() + by
        waiting = {
            row.id: row.run_no for row in rows if row.look_again_at and row.look_again_at <= due
        }
        await self.shop.world.jump(by)
        end = time.monotonic() + PATIENCE
        while True:
            rows = await self.shop.world.rows("")
            left = [row.record for row in rows if waiting.get(row.id) == row.run_no]
            if not left:
                break
            assert time.monotonic() < end, f"not looked at again: {left}"
            await asyncio.sleep(0.02)
        await self.quiet()

    async def quiet(self) -> None:
        """Wait until no row of any flow has anything to do."""
        end = time.monotonic() + PATIENCE
        calm = 0
        while calm < 2:
            await self.shop.hurry()
            rows = await self.shop.world.rows("")
            busy = [(row.flow, row.record, row.state) for row in rows if row.state not in _FINAL]
            calm = 0 if busy else calm + 1
            assert time.monotonic() < end, busy
            await asyncio.sleep(0.02)
        await self.shop.quiet()

    async def row(self, record: object, flow: str = FLOW) -> Any:
        (row,) = [row for row in await self.shop.world.rows(flow) if row.record == str(record)]
        return row

    async def _polls(self) -> dict[str, int]:
        return {
            row.record: row.run_no
            for row in await self.shop.world.rows("poll")
            if row.state in _FINAL
        }

    async def _until(self, holds: Any) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            runs = await self._polls()
            if runs.keys() >= STREAMS and holds(runs):
                return
            assert time.monotonic() < end, f"not polled: {runs}"
            await asyncio.sleep(0.02)

    # --- looking -------------------------------------------------------------------------------

    async def shown(self, deal: int) -> dict[str, Any]:
        """Return what a deal shows, by our names: amounts as ``300.00 USD``, choices by label."""
        keys = await self.shop.own_fields()
        custom = (await self.shop.crm_deal(deal))["custom_fields"]
        labels = {
            option["id"]: option["label"]
            for field in await self.shop.records("pipedrive", "fields")
            for option in field["options"] or ()
            if field["is_custom_field"]
        }
        values = {name: custom.get(key) for name, key in keys.items()}
        return {name: _plain(value, labels) for name, value in values.items() if value is not None}

    async def notes(self, deal: int) -> list[dict[str, Any]]:
        notes = await self.shop.records("pipedrive", "notes")
        return [note for note in notes if note["deal_id"] == deal]

    async def crm_writes(self, *, since: int) -> list[str]:
        return await self.shop.writes("pipedrive", since=since)

    def today(self, zone: str = "UTC") -> date:
        """Return the company's own day."""
        return self.shop.world.services.clock.now().astimezone(ZoneInfo(zone)).date()


def _plain(value: Any, labels: Mapping[Any, str]) -> Any:
    if isinstance(value, Mapping):
        return f"{Decimal(str(value['value'])):.2f} {value['currency']}"
    return labels.get(value, value)


@asynccontextmanager
async def open_ledger(
    opened: OpenShop, *, flows: Sequence[str] = (FLOW,), **how: Any
) -> AsyncIterator[Ledger]:
    async with opened(flows=flows, **how) as shop:
        yield Ledger(shop)
