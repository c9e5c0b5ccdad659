"""The demo as people start it: a company's deals through the whole service, books compared."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

FEW = 24  # deals: every odd kind that there is a deal of, and as many ordinary ones
WITHIN = 180.0  # seconds


async def demo(*options: str) -> tuple[int | None, str]:
    """Run the command, and return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("ml-connector")),
        "demo",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(WITHIN):
        printed, _ = await process.communicate()
    return process.returncode, printed.decode()


async def told(*options: str) -> dict[str, Any]:
    """Run it for a program; both vendors' books must agree."""
    code, printed = await demo("--json", "--deals", str(FEW), *options)
    found: dict[str, Any] = json.loads(printed)
    assert found["problems"] == []
    assert (code, found["lost"], found["doubled"], found["wrong"]) == (0, 0, 0, 0)
    assert found["deals"] == FEW
    return found


async def test_won_deals_become_orders_in_acumatica():
    found = await told("--pair", "acumatica")

    assert found["orders"] > 0
    assert {one["cause"] for one in found["held"]} >= {"a product that is no item of the ERP"}
    assert found["forged_webhook_answer"] == 401


async def test_won_deals_become_entries_in_sage_intacct_those_mapped_later_too():
    found = await told("--pair", "sage_intacct")

    assert found["posted_after_mapping"] > 0
    assert found["vendors"] > 0
    causes = {one["cause"] for one in found["held"]}
    assert causes >= {"an inactive account", "a day on which the books are closed"}


async def test_entries_stand_once_after_a_storm():
    found = await told("--pair", "sage_intacct", "--faults", "storm")

    assert {"429", "cut_after", "expired_login"} <= found["injected"].keys()


@pytest.mark.parametrize("pair", ["acumatica", "sage_intacct"])
async def test_a_person_is_told_what_moved_and_what_waits(pair: str):
    code, printed = await demo("--pair", pair, "--deals", "12")

    assert code == 0
    for words in ("What moved", "What waits for a person", "What it cost", "Both vendors' books"):
        assert words in printed


async def test_a_pair_that_there_is_no_demo_of_is_refused_naming_those_there_are():
    code, _ = await demo("--pair", "abacus")

    assert code == 2
