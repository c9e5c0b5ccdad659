"""A worker is killed at every point of a posting: the ledger carries every deal once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.crash import trials
from tests.crash.signals import died
from tests.scenarios.sage_intacct_pipedrive.firm import CATEGORIES, FLOW, Company, lines_of
from tests.world.world import world

DEALS = 6
PATIENCE = 60.0  # seconds until the ledger must say what the deals say
FORMS = ("function_error", "control_error")
"""Both known ways in which Intacct refuses a control id that it has seen."""
FIELDS = {
    "deal": [
        {"field_name": "Entry", "field_type": "varchar"},
        {"field_name": "Entry state", "field_type": "varchar"},
    ]
}
SETTINGS: Mapping[str, Any] = {
    "after": {"changed": "follow"},
    "write_back": {"entry_number": "Entry", "entry_state": "Entry state"},
}
PRICE, CHANGED = Decimal(100), Decimal(80)
IN_SHORT = {
    ("function_error", "effect.sent"),
    ("control_error", "effect.sent"),
    ("function_error", "effect.concluded"),
}
"""Those of every `make test`; `make prove` goes through them all."""
REPOSTED_IN_SHORT = {"effect.sent:8"}


@dataclass(frozen=True)
class Firm:
    """Deals of one firm, and what its ledger has of them."""

    made: Company
    deals: tuple[int, ...]

    async def win(self) -> None:
        """Win every deal."""
        await self.made.play("pipedrive", "win_deal", ids=list(self.deals))
        await self.made.poll_now()

    async def change(self) -> None:
        """Change the price of every deal's line."""
        await self.made.control("clock", {"advance_seconds": 5})
        rows = (await self.made.control("pipedrive/records/deals"))["records"]
        for row in rows:
            line = row["products"][0]["id"]
            changes = {"item_price": float(CHANGED)}
            await self.made.play("pipedrive", "edit_line", id=line, changes=changes)
        await self.made.poll_now()

    async def carries(self, amount: Decimal) -> None:
        """Wait until the ledger carries so much of every deal, and nothing is left to do."""
        end = time.monotonic() + PATIENCE
        while True:
            rows = await self.made.settled(*self.deals, within=PATIENCE, flow=FLOW)
            sums = await self._sums()
            if sums == dict.fromkeys(self.deals, amount):
                break
            assert time.monotonic() < end, (sums, [row.reason for row in rows.values()])
            await asyncio.sleep(0.1)
        assert {row.state for row in rows.values()} == {"done"}, [
            row.reason for row in rows.values()
        ]

    async def references(self) -> Counter[str]:
        """Count the entries by the reference that they carry; finance reverses none here."""
        return Counter(str(one["REFERENCENO"]) for one in await self._entries())

    async def shown(self) -> list[str]:
        """Return what each deal shows as the state of its entry."""
        fields = (await self.made.control("pipedrive/records/fields"))["records"]
        (key,) = [one["field_code"] for one in fields if one["field_name"] == "Entry state"]
        rows = (await self.made.control("pipedrive/records/deals"))["records"]
        return [str((row.get("custom_fields") or {}).get(key)) for row in rows]

    async def _sums(self) -> dict[int, Decimal]:
        sums = dict.fromkeys(self.deals, Decimal(0))
        for one in await self._entries():
            deal = int(str(one["REFERENCENO"]).split("-")[1].rstrip("R"))
            sums[deal] += sum(
                (amount if side == "credit" else -amount)
                for side, account, amount in lines_of(one)
                if account == "4020"
            )
        return sums

    async def _entries(self) -> list[dict[str, Any]]:
        found = await self.made.control("sage_intacct/records/journal_entries")
        return list(found["records"])


@asynccontextmanager
async def firm(database_url: str, folder: Path, *, form: str) -> AsyncIterator[Firm]:
    """Open a firm with deals that are still open; no worker runs."""
    switches = {"duplicate_answer": form}
    async with world(database_url, folder, made_as=Company, sage_intacct=switches) as made:
        assert isinstance(made, Company)
        pump = await made.product("PUMP", category=CATEGORIES["Hardware"])
        await made.control("pipedrive/seed", {"fields": FIELDS})
        line = {"product_id": pump, "quantity": 1, "item_price": float(PRICE)}
        seeded = await made.seed(
            "pipedrive",
            deals=[{"title": f"Deal {n}", "currency": "USD", "products": [line]}
                   for n in range(DEALS)],
        )  # fmt: skip
        await made.apply(settings=SETTINGS)
        yield Firm(made, tuple(int(number) for number in seeded["deals"]))


def _at(form: str, point: str) -> object:
    marks = () if (form, point) in IN_SHORT else (pytest.mark.prove,)
    return pytest.param(form, point, marks=marks, id=f"{form}-{point}")


@pytest.mark.parametrize(
    ("form", "point"), [_at(form, point) for form in FORMS for point in trials.POINTS]
)
async def test_worker_killed_at_a_point_of_a_posting_leaves_every_entry_once(
    form: str, point: str, database_url: str, tmp_path: Path
):
    async with firm(database_url, tmp_path, form=form) as opened:
        await opened.win()
        await died(
            opened.made.start_worker(crash_at=point if point.startswith("poll") else f"{point}:3")
        )
        await opened.made.poll_now()
        opened.made.start_worker()

        await opened.carries(PRICE)
        assert await opened.references() == {f"PD-{deal}": 1 for deal in opened.deals}
        assert await opened.shown() == ["Posted"] * DEALS


REPOSTED_AT = [
    f"{point}:{number}"
    for point in trials.POINTS
    if point.startswith("effect.")
    for number in (2, 8)  # while entries are reversed, and while they are posted anew
] + ["run.started:2", "run.before_settle:2", "run.settled:2"]


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=() if point in REPOSTED_IN_SHORT else (pytest.mark.prove,))
        for point in REPOSTED_AT
    ],
)
async def test_worker_killed_while_it_reverses_and_posts_anew_leaves_the_new_value_once(
    point: str, database_url: str, tmp_path: Path
):
    async with firm(database_url, tmp_path, form="function_error") as opened:
        await opened.win()
        worker = opened.made.start_worker()
        await opened.carries(PRICE)
        worker.kill()
        worker.wait()

        await opened.change()
        await died(opened.made.start_worker(crash_at=point))
        await opened.made.poll_now()
        opened.made.start_worker()

        await opened.carries(CHANGED)
        numbered = [("", 1), ("R", 1), ("-2", 1)]
        assert await opened.references() == {
            f"PD-{deal}{ending}": count for deal in opened.deals for ending, count in numbered
        }
