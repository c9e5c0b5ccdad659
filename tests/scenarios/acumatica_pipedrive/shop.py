"""A shop that sells through Pipedrive and invoices through Acumatica, as a test moves it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from tests.world.world import World, world

from ml_connector.sync.backlog import announce

PATIENCE = 20.0  # seconds; a loaded machine is slow
_FINAL = frozenset({"done", "held", "dead"})
_RECHECK = timedelta(minutes=16)  # longer than held records wait for their next look


@dataclass
class Shop:
    """A deployment at work, with a few things to sell."""

    world: World
    products: dict[str, int] = field(default_factory=dict)

    # --- selling ---------------------------------------------------------------------------

    async def item(self, code: str, **fields: Any) -> int:
        """Put an item into Acumatica and the product of its code into Pipedrive."""
        await self.world.items(code, **fields)
        self.products[code] = await self.world.product(code)
        return self.products[code]

    def line(self, code: str = "PUMP", **line: Any) -> dict[str, Any]:
        return {"product_id": self.products[code], "quantity": 1, "item_price": 100, **line}

    async def deal(
        self, *lines: Mapping[str, Any], organization: str | None = "Nordwerk GmbH", **fields: Any
    ) -> int:
        """Seed an open deal, of a new organization unless ``org_id`` names one."""
        if "org_id" not in fields and organization is not None:
            fields["org_id"] = await self.world.organization(organization)
        return await self.world.deal(lines, **fields)

    async def sold(self, *lines: Mapping[str, Any], **fields: Any) -> int:
        """Win a new deal and wait until it has settled."""
        deal = await self.deal(*(lines or (self.line(),)), **fields)
        await self.win(deal)
        return deal

    async def win(self, *deals: int, **how: Any) -> None:
        """Win deals and wait until nothing more follows from that."""
        for deal in deals:
            await self.world.play("pipedrive", "win_deal", id=deal, **how)
        await self.settled(*deals)

    async def wins(self, *deals: int) -> None:
        """Win deals and wait for nothing."""
        for deal in deals:
            await self.world.play("pipedrive", "win_deal", id=deal)

    async def then(self, deal: int, change: Awaitable[Any]) -> Any:
        """Make a change and return the row of the deal after what followed from it."""
        before = (await self.world.row(deal)).wanted
        await change
        await self._settled(deal, wanted=before + 1)
        return await self.settled(deal)

    async def settled(self, *deals: int) -> Any:
        """Wait until these deals, and all others, have nothing left to do; return the last's row.

        What we write back comes in as an event again: that is waited for too.
        """
        for deal in deals:
            await self._settled(deal, wanted=1)
        await self.quiet()
        return await self.world.row(deals[-1]) if deals else None

    async def quiet(self) -> None:
        """Wait until every event that was sent has been heard and nothing is left to do."""
        end = time.monotonic() + PATIENCE
        calm = 0
        while calm < 2:
            pending = [
                one["event"] for one in await self.deliveries() if one["outcome"] == "pending"
            ]
            await self.hurry()
            rows = await self.world.rows()
            busy = [(row.record, row.state) for row in rows if row.state not in _FINAL]
            calm = 0 if pending or busy else calm + 1
            assert time.monotonic() < end, (pending, busy)
            await asyncio.sleep(0.02)

    async def recheck(self, *deals: int) -> Any:
        """Let so much time pass that held records are looked at again."""
        before = {deal: (await self.world.row(deal)).run_no for deal in deals}
        await self.world.jump(_RECHECK)
        for deal in deals:
            await self._settled(deal, wanted=1, run_no=before[deal] + 1)
        await self.quiet()
        return await self.world.row(deals[-1])

    async def hurry(self) -> None:
        """Let records that rest run at once."""
        async with self.world.services.database.transaction() as db:
            due = await db.execute(
                text(
                    "UPDATE backlog SET due_at = :now WHERE state = 'ready' AND due_at > :now"
                    " AND outcome IS DISTINCT FROM 'waiting' RETURNING id"
                ),
                {"now": self.world.services.clock.now()},
            )
            if due.all():
                await announce(db)

    async def _settled(self, deal: int, *, wanted: int, run_no: int = 0) -> Any:
        end = time.monotonic() + PATIENCE
        while True:
            rows = [row for row in await self.world.rows() if row.record == str(deal)]
            row = rows[0] if rows else None
            if row is not None and row.wanted >= wanted and row.run_no >= run_no:
                if row.state in _FINAL:
                    return row
                await self.hurry()
            assert time.monotonic() < end, f"deal {deal} has not settled: {row}"
            await asyncio.sleep(0.02)

    async def deliveries(self) -> list[dict[str, Any]]:
        return await self.records("pipedrive", "deliveries")

    # --- looking ---------------------------------------------------------------------------

    async def outcomes(self, deal: int) -> list[str]:
        """Return how the deal's runs ended, in order."""
        return [row.outcome for row in await self.runs(deal)]

    async def runs(self, deal: int) -> list[Any]:
        async with self.world.services.database.transaction() as db:
            found = await db.execute(
                text("SELECT * FROM run WHERE record = :record AND flow LIKE :flow"
                     " ORDER BY run_no, attempt"),
                {"record": str(deal), "flow": f"%{self.world.flow}"},
            )  # fmt: skip
            return list(found.all())

    async def noted(self, deal: int, event: str) -> list[dict[str, Any]]:
        """Return what the deal's story says of an event."""
        async with self.world.services.database.transaction() as db:
            found = await db.execute(
                text("SELECT t.detail FROM trail t JOIN backlog b ON b.id = t.backlog_id"
                     " WHERE b.record = :record AND t.event = :event ORDER BY t.id"),
                {"record": str(deal), "event": event},
            )  # fmt: skip
            return list(found.scalars())

    async def order(self, deal: int, *, suffix: str = "") -> dict[str, Any]:
        """Return the only order that carries the deal's reference."""
        reference = f"pd-deal-{deal}{suffix}"
        found = [one for one in await self.orders() if one["ExternalRef"] == reference]
        assert len(found) == 1, f"{len(found)} orders carry {reference}"
        return found[0]

    async def orders(self) -> list[dict[str, Any]]:
        return await self.records("acumatica", "sales_order")

    async def customers(self) -> list[dict[str, Any]]:
        return await self.records("acumatica", "customer")

    async def records(self, vendor: str, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.world.control(f"{vendor}/records/{kind}"))[
            "records"
        ]
        return found

    async def crm_deal(self, deal: int) -> dict[str, Any]:
        (found,) = [one for one in await self.records("pipedrive", "deals") if one["id"] == deal]
        return found

    async def own_fields(self) -> Mapping[str, str]:
        await self.world.services.directory.read()
        return self.world.services.directory.all()[0].own_fields

    async def last_call(self, vendor: str = "acumatica") -> int:
        calls = await self.world.calls(vendor)
        return int(calls[-1]["number"]) if calls else 0

    async def calls(self, vendor: str = "acumatica", *, since: int = 0) -> list[str]:
        """Return the operations that a simulator was asked for, without signing in."""
        found = await self.world.calls(vendor, since=since)
        return [f"{one['operation']}" for one in found if "identity" not in one["target"]]

    async def writes(self, vendor: str, *, since: int = 0) -> list[str]:
        found = await self.world.calls(vendor, since=since)
        return [
            one["operation"]
            for one in found
            if one["method"] != "GET" and "identity" not in one["target"]
        ]

    async def told(self, kind: str = "held") -> list[str]:
        return await self.world.notified(kind)


@asynccontextmanager
async def open_shop(
    database_url: str,
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    pipedrive: Mapping[str, Any] | None = None,
    acumatica: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    works: bool = True,
    flows: Mapping[str, Any] | Sequence[str] = (),
    crm_settings: Mapping[str, Any] | None = None,
    erp_settings: Mapping[str, Any] | None = None,
    **how: Any,
) -> AsyncIterator[Shop]:
    """Open a shop that sells a PUMP: webhooks are served, and unless told otherwise it works.

    ``fields`` are custom fields that Pipedrive has, by the record that they belong to.
    ``flows`` are named to be on beside the one for won deals, or given in full.
    """
    switches: dict[str, Any] = {
        name: given for name, given in (("pipedrive", pipedrive), ("acumatica", acumatica)) if given
    }
    async with world(database_url, folder, serves=True, **how, **switches) as made:
        shop = Shop(made)
        await shop.item("PUMP")
        if fields is not None:
            await made.control("pipedrive/seed", {"fields": fields})
        made.flows = _switched_on(flows, made)
        made.crm_settings = dict(crm_settings or {})
        made.erp_settings = dict(erp_settings or {})
        await made.apply(settings=dict(settings or {}))
        if works:
            await made.work_inside()
        yield shop


def _switched_on(flows: Mapping[str, Any] | Sequence[str], made: World) -> dict[str, Any]:
    if isinstance(flows, Mapping):
        return dict(flows)
    often = {"on": True, "when": {"every": "1m"}}
    return {**made.flows, **dict.fromkeys(flows, often)}


async def until(condition: Callable[[], Awaitable[Any]]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while True:
        if await condition():
            return
        assert time.monotonic() < end, "it never came to hold"
        await asyncio.sleep(0.02)
