"""`match` and `brakes`, as a person uses them, on a flow that matches real organizations."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.scenarios.cli.conftest import CommandLine
from tests.world.world import World

from ml_connector.app.pairs import INTEGRATIONS
from ml_connector.core.errors import NotFoundError
from ml_connector.core.lanes import Lane
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.sync import backlog
from ml_connector.sync.brake import BrakeRules
from ml_connector.sync.flow import Flow, Found, Match, Outcome
from ml_connector.sync.rows import Wanted

PAIR = "acumatica_pipedrive"
FLOW = "name_customers"
LINK = "organization:named_customer"
RULES = BrakeRules(count=2)


async def matches(ctx: Context) -> AsyncIterator[Match]:
    """Match by exact name: one customer of it is proposed, several are ambiguous."""
    async for organization in ctx.pipedrive.organizations():
        found = [
            Found(key=one.customer_id, name=one.customer_name)
            for one in await ctx.acumatica.customers_by_name(organization.name)
        ]
        link = await ctx.link(LINK, organization.id)
        sure = organization.name.endswith("AG")
        yield Match(
            source_key=str(organization.id),
            source_name=organization.name,
            verdict="linked" if link else "new" if not found
            else "ambiguous" if len(found) > 1 else "matched" if sure else "proposed",
            candidates=tuple(found),
            because=f"{len(found)} customer(s) are called so",
            link=LINK,
        )  # fmt: skip


async def look_up(key: str, ctx: Context) -> Found | None:
    try:
        customer = await ctx.acumatica.customer(key)
    except NotFoundError:
        return None
    return Found(key=customer.customer_id, name=customer.customer_name)


async def name_customers(key: str, ctx: Context) -> Outcome:
    """Write the organization's name to nobody, but count and remember it as if."""
    decided = await ctx.decided(key)
    link = await ctx.link(LINK, key)
    if decided == "skip" or link is None:
        return Outcome.skipped("it is to be left alone" if decided == "skip" else "no customer")

    async def apply(_: Mapping[str, Any]) -> None:
        return None

    await ctx.write_fields(
        side="erp", link=link, what="customer", present={"seen": None}, wanted={"seen": "yes"},
        apply=apply, on_conflict="overwrite", brake=RULES,
    )  # fmt: skip
    return Outcome.written(f"{link.target_key} named")


@pytest.fixture
def matching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pair have a flow that matches first."""
    known = INTEGRATIONS[PAIR]
    flow = Flow(
        name=FLOW,
        title="Organizations name customers",
        record_kind="organization",
        source="crm",
        started_by=(),
        run=name_customers,
        first_match=matches,
        look_up=look_up,
        spacing=timedelta(0),
    )
    with_flow = replace(known, flows=(*known.flows, flow))
    monkeypatch.setitem(INTEGRATIONS, PAIR, with_flow)


@pytest.fixture
async def company(matching: None, made: World) -> dict[str, int]:
    """Organizations that there are on both sides, by name."""
    del matching
    names = ("Nordwerk GmbH", "Südwerk AG", "Ostwerk KG", "Westwerk OHG")
    await made.apply(flows={FLOW: {"on": True, "when": "events"}})
    for name in ("Nordwerk GmbH", "Südwerk AG", "Ostwerk KG", "Ostwerk KG"):
        await made.seed("acumatica", customers=[{"CustomerName": name}])
    return {name: await made.organization(name) for name in names}


async def want(made: World, *records: int) -> None:
    async with made.services.database.transaction() as db:
        row = (await db.execute(text("SELECT id, workspace_id FROM installation"))).one()
        now = made.services.clock.now()
        await backlog.capture(
            db,
            [
                Wanted(
                    workspace_id=row.workspace_id,
                    owner=f"installation:{row.id}",
                    installation_id=row.id,
                    flow=f"{PAIR}.{FLOW}",
                    record=str(record),
                    lane=Lane.EVENT,
                    due_at=now,
                    wanted_at=now,
                    trigger={"by": "test"},
                )
                for record in records
            ],
        )


async def settled(made: World, *records: int) -> dict[int, Any]:
    return await made.settled(*records, flow=FLOW)


async def links_of(made: World) -> Any:
    async with made.services.database.transaction() as db:
        return (await db.execute(text("SELECT count(*) FROM record_link"))).scalar_one()


async def test_a_list_is_matched_corrected_and_confirmed_and_only_then_anything_moves(
    made: World, cli: CommandLine, company: dict[str, int], tmp_path: Path
):
    await want(made, *company.values())
    await made.work_inside()
    held = await settled(made, *company.values())
    assert {row.state for row in held.values()} == {"held"}

    status = await cli("status")
    assert f"the first match of acme/{FLOW} is to be confirmed" in status.out
    shown = await cli("held")
    assert f"first_match:{FLOW}" in shown.out
    assert "match confirm" in shown.out
    assert "replay" not in shown.out

    ran = (await cli("match", "run", FLOW, "--json")).json
    assert ran["verdicts"] == {"matched": 1, "proposed": 1, "ambiguous": 1, "new": 1}
    assert (ran["open"], ran["confirmed_at"]) == (2, None)
    listed = (await cli("match", "show", FLOW, "--json")).json["list"]
    rows = {row["name"]: row for row in listed}
    assert len(rows["Ostwerk KG"]["candidates"]) == 2
    people = await cli("match", "show", FLOW, "--verdict", "ambiguous")
    assert "Ostwerk KG" in people.out
    assert "Nordwerk" not in people.out

    path = tmp_path / "list.csv"
    await cli("match", "export", FLOW, "-o", str(path))
    lines = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    choice = rows["Ostwerk KG"]["candidates"][0]["key"]
    for line in lines:
        line["decision"] = {
            "Nordwerk GmbH": "skip", "Ostwerk KG": choice, "Westwerk OHG": "NONE",
        }.get(line["name"], "")  # fmt: skip
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    imported = await cli("match", "import", FLOW, str(path), code=1)
    assert "there is no 'NONE' on the other side" in imported.err
    assert "2 decided" in imported.out

    refused = await cli("match", "confirm", FLOW, code=2)
    assert "add --yes" in refused.err
    assert await links_of(made) == 0

    confirmed = (await cli("match", "confirm", FLOW, "--yes", "--json")).json
    assert (confirmed["linked"], confirmed["refused"], confirmed["woken"]) == (2, 0, 4)
    done = await settled(made, *company.values())
    outcomes = {name: done[number].reason for name, number in company.items()}
    assert outcomes["Nordwerk GmbH"] == "it is to be left alone"
    assert outcomes["Ostwerk KG"] == f"{choice} named"
    assert outcomes["Westwerk OHG"] == "no customer"
    status = await cli("status")
    assert "first match" not in status.out
    events = (await cli("audit", "--event", "first_match_confirmed", "--json")).json["entries"]
    assert events[0]["who"].endswith("(command line)")


async def test_what_nobody_has_looked_at_is_not_confirmed_unseen(
    made: World, cli: CommandLine, company: dict[str, int]
):
    ended = await cli("match", "confirm", FLOW, "--yes", code=1)

    assert f"{len(company)} records found that nobody has looked at" in ended.err
    assert await links_of(made) == 0
    assert "not yet: the flow writes nothing" in ended.out


async def test_where_nothing_is_to_be_matched_confirming_is_one_command(
    matching: None, made: World, cli: CommandLine
):
    del matching
    await made.apply(flows={FLOW: {"on": True, "when": "events"}})

    confirmed = (await cli("match", "confirm", FLOW, "--yes", "--json")).json

    assert (confirmed["records"], confirmed["linked"]) == (0, 0)
    assert confirmed["confirmed_at"] is not None


async def test_what_cannot_be_done_says_what_can(
    company: dict[str, int], cli: CommandLine, tmp_path: Path
):
    assert company
    for arguments, words in (
        (
            ("run", "won_deal_to_sales_order"),
            "needs no first match; these do: organization_to_customer",
        ),
        (("export", FLOW), f"match run {FLOW}"),
        (("import", FLOW, str(tmp_path / "none.csv")), f"match run {FLOW}"),
        (("show", FLOW, "--verdict", "maybe"), "is no verdict"),
    ):
        ended = await cli("match", *arguments, code=2)
        assert words in ended.err
    assert "never" in (await cli("match", "show", FLOW)).out
    assert "no flow with a brake has changed anything yet" in (await cli("brakes", "list")).out


async def test_a_brake_that_stopped_is_listed_and_released(
    made: World, cli: CommandLine, company: dict[str, int]
):
    names = [f"Werk {number} AG" for number in range(6)]
    for name in names:
        await made.seed("acumatica", customers=[{"CustomerName": name}])
    records = [await made.organization(name) for name in names]
    await cli("match", "run", FLOW)
    await cli("match", "confirm", FLOW, "--yes")
    await want(made, *records)
    await made.work_inside()
    await settled(made, *records)

    listed = await cli("brakes", "list")
    (brake,) = (await cli("brakes", "list", "--json")).json["brakes"]
    assert (brake["state"], brake["changed"], brake["limit"], brake["held"]) == (
        "stopped", 2, 2, 4,
    )  # fmt: skip
    assert f"ml-connector brakes release {FLOW}" in listed.out
    assert any(example.startswith("Werk ") for example in brake["examples"])
    assert f"brake:{FLOW}:{LINK}" in (await cli("held")).out
    refused = await cli("brakes", "release", FLOW, code=2)
    assert "let 4 held records and what follows be changed" in refused.err

    released = (await cli("brakes", "release", FLOW, "--yes", "--json")).json
    done = await settled(made, *records)

    assert (released["released"], released["woken"]) == (1, 4)
    assert {row.state for row in done.values()} == {"done"}
    (brake,) = (await cli("brakes", "list", "--json")).json["brakes"]
    assert (brake["state"], brake["changed"], brake["held"]) == ("released", 6, 0)
    assert brake["released_by"].endswith("(command line)")
    assert "no brake of" in (await cli("brakes", "release", FLOW)).out
    assert company
