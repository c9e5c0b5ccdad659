"""A backlog of changed invoices, drained onto their deals while the worker is killed twice.

The invoices are found by polling, as in production, and each deal has two or three of them. The
simulator enforces Pipedrive's burst window, so that what is declined shows too. Afterwards every
deal must show the sums of its invoices to the cent, or the figures say nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from benchmarks.backlog import until_settled
from benchmarks.children import running
from benchmarks.control import Control
from benchmarks.deployment import Deployment, Server, deployed
from benchmarks.figures import Figure
from benchmarks.pacing import AIM_DECLINED, WINDOW_CALLS
from ml_connector.storage.database import Database
from ml_connector.sync import backlog
from ml_connector.sync.polling import poll_wanted

AIM = 1.15
INVOICES_OF_TWO_DEALS = 5
_FLOW = "invoice_to_deal"
_SHOWN = "acumatica_pipedrive.deal_billing"
_KILLED_AT = (0.25, 0.6)  # of the deals
_STREAMS = ("sales_invoices", "invoices", "payments", "sales_orders")
_SWITCHES = {"pipedrive": {"burst_limit": WINDOW_CALLS, "daily_budget": 10**9}}
_SEEDED_AT_ONCE = 500
_BATCH = 100  # deals that one call reads
_PATIENCE = 120.0  # seconds until so many deals must be done
_DUE_IN = timedelta(days=30)
_DECLINED = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What was invoiced."""

    sums: Mapping[int, tuple[Decimal, Decimal]]
    """By deal: what was billed, and what is open."""
    invoices: int


async def measure(server: Server, *, deals: int) -> list[Figure]:
    """Measure one drain."""
    async with deployed(server, switches=_SWITCHES, flows=(_FLOW,)) as deployment:
        books = await _seeded(deployment.control, deals)
        before = await deployment.control.calls()
        began = time.monotonic()
        await _drained(deployment, deals)
        seconds = time.monotonic() - began
        made = _since(before, await deployment.control.calls())
        declined = await _declined(deployment.control)
        await _check(deployment, books)
    least = least_calls(deals)
    details = {
        "invoices": books.invoices, "deals": deals, "made": made, "least": least,
        "kills": len(_KILLED_AT), "seconds": round(seconds, 1),
    }  # fmt: skip
    return [
        Figure(
            name="billing",
            value=made / least,
            unit="of the least calls",
            aim=AIM,
            better="lower",
            details=details,
        ),
        Figure(
            name="429s, billing",
            value=1000 * declined / made,
            unit="per 1,000 calls",
            aim=AIM_DECLINED,
            better="lower",
            details={"declined": declined, "calls": made},
        ),
    ]


def least_calls(deals: int) -> int:
    """Return the least calls to Pipedrive: the deals' fields once, each deal read and written."""
    return 1 + -(-deals // _BATCH) + deals


async def _seeded(control: Control, deals: int) -> _Books:
    rng = random.Random(deals)
    customer = {"CustomerID": "BUYER", "CustomerName": "Nordwerk GmbH"}
    await control.post("acumatica/seed", {"customers": [customer]})
    ids: list[int] = []
    for first in range(0, deals, _SEEDED_AT_ONCE):
        numbers = range(first, min(deals, first + _SEEDED_AT_ONCE))
        body = {"deals": [{"title": f"Delivery {n}", "currency": "USD"} for n in numbers]}
        ids += (await control.post("pipedrive/seed", body))["deals"]
    sums: dict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    count = deals * INVOICES_OF_TWO_DEALS // 2
    for first in range(0, count, _SEEDED_AT_ONCE):
        rows = []
        for number in range(first, min(count, first + _SEEDED_AT_ONCE)):
            deal = ids[number % deals]
            amount = Decimal(rng.randint(10_00, 9_999_99)).scaleb(-2)
            balance = rng.choice([amount, amount / 2, Decimal(0)]).quantize(Decimal("0.01"))
            billed, left = sums[deal]
            sums[deal] = billed + amount, left + balance
            rows.append(_invoice(deal, amount, balance))
        await control.post("acumatica/seed", {"sales_invoices": rows})
    return _Books(sums=sums, invoices=count)


def _invoice(deal: int, amount: Decimal, balance: Decimal) -> Mapping[str, Any]:
    due_on = datetime.now(UTC).date() + _DUE_IN
    return {
        "Type": "Invoice",
        "CustomerID": "BUYER",
        "ExternalRef": f"pd-deal-{deal}",
        "Status": "Open" if balance else "Closed",
        "Amount": str(amount),
        "Balance": str(balance),
        "Date": date.today().isoformat(),  # noqa: DTZ011 - the simulated company's own day
        "DueDate": due_on.isoformat(),
        "Details": [
            {"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": str(amount), "ManualPrice": True}
        ],
    }


async def _drained(deployment: Deployment, deals: int) -> None:
    """Let everything be polled, and kill the worker twice before it is through."""
    await _want_polls(deployment)
    db = await deployment.database()
    try:
        for share in _KILLED_AT:
            async with running("service", kind="work", settings=deployment.settings) as worker:
                await worker.told()
                await _until_shown(db, int(deals * share))
                worker.kill()
        async with running("service", kind="work", settings=deployment.settings) as worker:
            await worker.told()
            await until_settled(db)
        failed = await db.fetch(
            "SELECT flow, record, state, reason FROM backlog WHERE state <> 'done' LIMIT 3"
        )
    finally:
        await db.close()
    if failed:
        raise RuntimeError(f"not everything was done: {[tuple(row) for row in failed]}")


async def _want_polls(deployment: Deployment) -> None:
    database = await Database.connect(deployment.url, pool_size=1)
    looking = await deployment.database()
    try:
        erp = await looking.fetchval("SELECT (connections->>'erp')::bigint FROM installation")
        async with database.transaction() as db:
            now = datetime.now(UTC)
            await backlog.capture(
                db,
                [
                    poll_wanted(workspace_id=1, connection_id=erp, stream=stream, now=now)
                    for stream in _STREAMS
                ],
            )
    finally:
        await looking.close()
        await database.close()


async def _until_shown(db: Any, count: int) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        done = await db.fetchval(
            "SELECT count(*) FROM backlog WHERE flow = $1 AND state = 'done'", _SHOWN
        )
        if done >= count:
            return
        if time.monotonic() > end:
            raise RuntimeError(f"only {done} of {count} deals show their billing")
        await asyncio.sleep(0.1)


def _since(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> int:
    return sum(after["pipedrive"].values()) - sum(before["pipedrive"].values())


async def _declined(control: Control) -> int:
    summary = await control.get("pipedrive/calls?summary=1")
    return sum(row["count"] for row in summary["by"] if row.get("status") == _DECLINED)


async def _check(deployment: Deployment, books: _Books) -> None:
    db = await deployment.database()
    try:
        stored: str = await db.fetchval("SELECT own_fields::text FROM installation")
    finally:
        await db.close()
    keys = msgspec.json.decode(stored, type=dict[str, str])
    found = await deployment.control.get("pipedrive/records/deals")
    for deal in found["records"]:
        shown = tuple(
            Decimal(str(deal["custom_fields"][keys[name]]["value"]))
            for name in ("billed_total", "open_balance")
        )
        if shown != books.sums[deal["id"]]:
            raise RuntimeError(f"deal {deal['id']} shows {shown}, not {books.sums[deal['id']]}")
