"""What both sides had before is matched, corrected and confirmed before a flow writes (P-17)."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text
from tests.engine_support.pair import START, Toy, ToyContext, toy

from ml_connector.core.errors import ConfigurationError, UnavailableError
from ml_connector.storage.database import Database
from ml_connector.sync import first_match, links
from ml_connector.sync.confirming import Confirmed
from ml_connector.sync.deciding import Imported, exported, take_in
from ml_connector.sync.first_match import Listed, Summary
from ml_connector.sync.first_matching import FirstMatch
from ml_connector.sync.flow import Flow, Found, Match, MatchVerdict, Outcome
from ml_connector.sync.links import LinkKey, RecordLink
from ml_connector.sync.rehearsing import rehearsal, rehearse

PARTIES = "toy_pair.parties"
LINK = "organization:customer"
NORD = Found(key="C1", name="Nordwerk GmbH")
SUED = Found(key="C2", name="Südwerk AG")


@dataclass
class Market:
    """What both sides have, and what the flow made of it."""

    matches: dict[str, Match] = field(default_factory=dict)
    customers: dict[str, Found] = field(default_factory=lambda: {"C1": NORD, "C2": SUED})
    written: list[str] = field(default_factory=list)
    decided: dict[str, str | None] = field(default_factory=dict)
    failing_after: int | None = None

    def has(self, key: str, verdict: MatchVerdict, *candidates: Found, **fields: Any) -> None:
        self.matches[key] = Match(
            source_key=key,
            source_name=f"Organization {key}",
            verdict=verdict,
            candidates=candidates,
            because=f"{key} is {verdict}",
            link=LINK,
            **fields,
        )


def parties_flow(market: Market) -> Flow:
    async def parties(key: str, ctx: ToyContext) -> Outcome:
        market.decided[key] = await ctx.decided(key)
        link = await ctx.link(LINK, key)
        if ctx.plan is None:
            market.written.append(key)
        return Outcome.written("made" if link is None else f"linked to {link.target_key}")

    async def matched(_: ToyContext) -> AsyncIterator[Match]:
        for number, match in enumerate(market.matches.values()):
            if number == market.failing_after:
                raise UnavailableError("the other side is away")
            yield match

    async def look_up(key: str, _: ToyContext) -> Found | None:
        return market.customers.get(key)

    return Flow(
        name="parties",
        title="Organizations and customers",
        record_kind="organization",
        source="crm",
        started_by=(),
        run=parties,
        first_match=matched,
        look_up=look_up,
    )


@dataclass
class Matching:
    """One installation whose organizations are matched."""

    pair: Toy
    market: Market

    async def task(self) -> FirstMatch:
        return FirstMatch(
            installation=await self.pair.installation(),
            integration=self.pair.integration,
            flow=self.pair.integration.flow("parties"),
            who="ann",
        )

    async def survey(self) -> Summary:
        task = await self.task()
        async for _ in task.survey(self.pair.works, self.pair.database, now=self.pair.clock.now()):
            pass
        return await self.summary()

    async def summary(self) -> Summary:
        async with self.pair.database.transaction() as db:
            return await first_match.summary(db, (await self.task()).key)

    async def listed(self) -> dict[str, Listed]:
        key = (await self.task()).key
        async with self.pair.database.transaction() as db:
            rows = await first_match.listed(db, key, limit=1000)
        return {row.source_key: row for row in rows}

    async def confirm(self) -> Confirmed:
        task = await self.task()
        steps = task.confirm(self.pair.database, now=self.pair.clock.now())
        return [step async for step in steps][-1]

    async def take_in(self, content: str | bytes) -> Imported:
        return await take_in(
            content.encode() if isinstance(content, str) else content,
            await self.task(),
            self.pair.works,
            self.pair.database,
            now=self.pair.clock.now(),
        )

    async def exported(self) -> str:
        return "".join([page async for page in exported(self.pair.database, await self.task())])

    async def decide(self, **decisions: str) -> Imported:
        lines = [f"{record[1:]},{decision}" for record, decision in decisions.items()]
        return await self.take_in("\n".join(["record,decision", *lines]))

    async def link(self, key: str, target: Found) -> None:
        async with self.pair.database.transaction() as db:
            await links.write(db, [RecordLink(key=self._key(key), target_key=target.key)],
                              now=START)  # fmt: skip

    async def links(self) -> dict[str, tuple[str, str]]:
        async with self.pair.database.transaction() as db:
            found = await db.execute(
                text("SELECT source_key, target_key, origin FROM record_link ORDER BY source_key")
            )
            return {row.source_key: (row.target_key, row.origin) for row in found}

    def _key(self, key: str) -> LinkKey:
        return LinkKey(installation_id=self.pair.installation_id, kind=LINK, source_key=key)


@pytest.fixture
async def matching(database: Database) -> Matching:
    market = Market()
    return Matching(await toy(database, more=[parties_flow(market)]), market)


# Before the confirmation --------------------------------------------------------------------


async def test_nothing_is_read_or_written_for_a_record_before_the_list_is_confirmed(
    matching: Matching,
):
    pair = matching.pair
    await pair.want(1, 2, 3, flow=PARTIES)

    await pair.work_off()

    rows = await pair.rows()
    assert {(row.state, row.waits_for) for row in rows} == {("held", "first_match:parties")}
    assert all("`match run parties`" in row.reason for row in rows)
    assert matching.market.written == []
    assert pair.openings == []
    assert await pair.scalar("SELECT count(*) FROM notification") == 1


async def test_a_survey_alone_lets_nothing_through(matching: Matching):
    matching.market.has("1", "matched", NORD)
    await matching.survey()
    await matching.pair.want(1, flow=PARTIES)

    await matching.pair.work_off()

    assert (await matching.pair.row()).state == "held"
    assert await matching.links() == {}
    assert all(matching.pair.openings)  # for reading only


async def test_a_dry_run_shows_what_would_be_before_anything_is_confirmed(matching: Matching):
    pair = matching.pair
    flow = pair.integration.flow("parties")
    run = rehearsal(await pair.installation(), pair.integration, flow, "1", trigger={})

    rehearsed = await rehearse(pair.works, run)

    assert rehearsed.error is None
    assert rehearsed.outcome is not None
    assert rehearsed.outcome.reason == "made"


async def test_flows_without_a_first_match_are_not_held(matching: Matching):
    await matching.pair.want(42)

    await matching.pair.work_off()

    assert (await matching.pair.row()).state == "done"


# The survey -----------------------------------------------------------------------------------


async def test_the_list_says_of_each_record_how_it_stands(matching: Matching):
    market = matching.market
    market.has("1", "matched", NORD)
    market.has("2", "proposed", SUED)
    market.has("3", "ambiguous", NORD, SUED)
    market.has("4", "new")

    summary = await matching.survey()

    assert summary.verdicts == {"matched": 1, "proposed": 1, "ambiguous": 1, "new": 1}
    assert (summary.records, summary.open, summary.decided) == (4, 2, 0)
    assert (summary.surveyed_at, summary.matched_at) == (START, None)
    assert (await matching.listed())["3"].candidates == (NORD, SUED)


async def test_of_two_that_match_one_customer_the_second_is_for_a_person_to_say(
    matching: Matching,
):
    matching.market.has("7", "matched", NORD)
    matching.market.has("3", "matched", NORD)

    await matching.survey()
    rows = await matching.listed()

    first, second = sorted(rows.values(), key=lambda row: row.id)
    assert (first.verdict, second.verdict) == ("matched", "ambiguous")
    assert f"but {first.source_key} ({first.source_name}) has it already" in second.because


async def test_a_customer_that_another_record_is_linked_to_is_taken(matching: Matching):
    await matching.link("99", NORD)
    matching.market.has("1", "matched", NORD)

    await matching.survey()

    row = (await matching.listed())["1"]
    assert row.verdict == "ambiguous"
    assert "but 99 has it already" in row.because


async def test_records_share_a_customer_where_the_settings_say_so(matching: Matching):
    matching.market.has("1", "matched", NORD, may_share=True)
    matching.market.has("2", "matched", NORD, may_share=True)
    await matching.survey()

    done = await matching.confirm()

    assert done.linked == 2
    assert await matching.links() == {"1": ("C1", "found"), "2": ("C1", "found")}


async def test_surveying_again_keeps_decisions_and_drops_what_is_gone(matching: Matching):
    market = matching.market
    market.has("1", "proposed", NORD)
    market.has("2", "proposed", SUED)
    market.has("3", "new")
    await matching.survey()
    await matching.decide(_1="C1")
    del market.matches["2"], market.matches["3"]
    market.has("1", "ambiguous", NORD, SUED)
    market.has("4", "new")

    await matching.survey()
    rows = await matching.listed()

    assert set(rows) == {"1", "4"}
    assert (rows["1"].decision, rows["1"].verdict) == ("C1", "ambiguous")


async def test_a_decision_about_a_record_that_left_the_list_makes_no_link(matching: Matching):
    matching.market.has("1", "proposed", NORD)
    await matching.survey()
    await matching.decide(_1="C1")
    matching.market.matches.clear()
    await matching.survey()

    await matching.confirm()

    assert await matching.links() == {}


async def test_a_survey_that_is_broken_off_leaves_the_list_as_it_was(matching: Matching):
    market = matching.market
    market.has("1", "matched", NORD)
    market.has("2", "new")
    await matching.survey()
    market.failing_after = 1

    with pytest.raises(UnavailableError):
        await matching.survey()

    assert set(await matching.listed()) == {"1", "2"}


async def test_a_first_survey_that_is_broken_off_cannot_be_confirmed(matching: Matching):
    matching.market.has("1", "matched", NORD)
    matching.market.failing_after = 0

    with pytest.raises(UnavailableError):
        await matching.survey()
    with pytest.raises(ConfigurationError, match="match run parties"):
        await matching.confirm()


def test_a_match_without_its_one_counterpart_is_refused():
    with pytest.raises(ValueError, match="one record has one counterpart"):
        Market().has("1", "matched", NORD, SUED)


# The confirmation ---------------------------------------------------------------------------


async def test_confirming_links_what_matched_or_was_decided_and_wakes_what_waited(
    matching: Matching,
):
    market, pair = matching.market, matching.pair
    market.has("1", "matched", NORD)
    market.has("2", "proposed", SUED)
    market.has("3", "ambiguous", NORD, SUED)
    market.has("4", "new")
    market.has("5", "proposed", SUED)
    await pair.want(1, 2, 3, 4, 5, flow=PARTIES)
    await pair.work_off()
    await matching.survey()
    await matching.decide(_2="C2", _3="new", _5="skip")

    done = await matching.confirm()
    await pair.work_off()

    assert (done.linked, done.refused, done.woken) == (2, 0, 5)
    assert await matching.links() == {"1": ("C1", "found"), "2": ("C2", "chosen")}
    assert sorted(market.written) == ["1", "2", "3", "4", "5"]
    assert market.decided == {"1": None, "2": "C2", "3": "new", "4": None, "5": "skip"}
    assert {row.state for row in await pair.rows()} == {"done"}
    assert await pair.scalar("SELECT resolved_at FROM notification") == START


async def test_who_confirmed_what_stands_in_the_trail(matching: Matching):
    matching.market.has("1", "matched", NORD)
    await matching.survey()

    await matching.confirm()

    async with matching.pair.database.transaction() as db:
        entries = (await db.execute(text("SELECT event, who, detail FROM trail ORDER BY id"))).all()
    assert [(entry.event, entry.who) for entry in entries] == [
        ("first_match_surveyed", "ann"),
        ("counterpart_found", "ann"),
        ("first_match_confirmed", "ann"),
    ]
    summary = await matching.summary()
    assert (summary.matched_at, summary.confirmed_by) == (START, "ann")


async def test_an_empty_list_is_confirmed_too(matching: Matching):
    await matching.survey()

    done = await matching.confirm()
    await matching.pair.want(1, flow=PARTIES)
    await matching.pair.work_off()

    assert done.linked == 0
    assert matching.market.written == ["1"]


async def test_confirming_again_links_what_was_decided_since(matching: Matching):
    matching.market.has("1", "matched", NORD)
    matching.market.has("2", "proposed", SUED)
    await matching.survey()
    await matching.confirm()
    matching.pair.clock.advance(hours=1)
    await matching.decide(_2="C2")

    done = await matching.confirm()

    assert (done.linked, done.as_they_were) == (1, 1)
    assert (await matching.summary()).matched_at == START


async def test_a_decision_leads_an_existing_link_elsewhere_and_a_mere_match_does_not(
    matching: Matching,
):
    await matching.link("1", NORD)
    await matching.link("2", Found(key="C3"))
    matching.market.has("1", "linked", NORD)
    matching.market.has("2", "matched", Found(key="C4"))
    await matching.survey()
    await matching.decide(_1="C2")

    done = await matching.confirm()

    assert (done.repointed, done.as_they_were) == (1, 1)
    assert await matching.links() == {"1": ("C2", "chosen"), "2": ("C3", "created")}


async def test_two_links_that_were_crossed_can_be_put_right(matching: Matching):
    await matching.link("1", NORD)
    await matching.link("2", SUED)
    matching.market.has("1", "linked", NORD)
    matching.market.has("2", "linked", SUED)
    await matching.survey()
    imported = await matching.decide(_1="C2", _2="C1")

    done = await matching.confirm()

    assert (imported.faults, done.repointed, done.refused) == ([], 2, 0)
    assert await matching.links() == {"1": ("C2", "chosen"), "2": ("C1", "chosen")}


async def test_a_customer_that_was_taken_since_the_survey_is_refused_naming_who_has_it(
    matching: Matching,
):
    matching.market.has("1", "matched", NORD)
    await matching.survey()
    await matching.link("99", NORD)

    done = await matching.confirm()

    assert (done.linked, done.refused) == (0, 1)
    assert "C1 belongs to 99 already" in done.refusals[0]


async def test_two_people_who_confirm_at_once_link_each_record_once(matching: Matching):
    for number in range(250):
        matching.market.has(str(number), "matched", Found(key=f"C{number}"))
    await matching.survey()

    one, other = await asyncio.gather(matching.confirm(), matching.confirm())

    assert one.linked + other.linked == 250
    assert one.refused == other.refused == 0
    assert await matching.pair.scalar(
        "SELECT count(*) FROM trail WHERE event = 'counterpart_found'"
    ) == 250  # fmt: skip


# The table ------------------------------------------------------------------------------------


async def test_an_exported_list_that_is_imported_unchanged_changes_nothing(matching: Matching):
    market = matching.market
    market.has("1", "matched", NORD)
    market.has("2", "proposed", SUED)
    market.has("-3", "new")
    market.matches["-3"] = Match(
        source_key="-3", source_name='=cmd|"x", Ltd;\n"', verdict="new", because="", link=LINK
    )
    await matching.survey()
    await matching.decide(_2="C2")

    imported = await matching.take_in(await matching.exported())

    assert imported.faults == []
    assert (imported.lines, imported.decided, imported.unchanged) == (3, 0, 3)


async def test_no_cell_of_the_table_is_a_formula(matching: Matching):
    matching.market.has("+1", "proposed", Found(key="=1+1", name="@SUM(A1)"))
    await matching.survey()

    lines = list(csv.reader(io.StringIO(await matching.exported())))

    assert [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@"))] == []
    assert lines[1][0] == "'+1"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
async def test_a_table_may_be_saved_by_any_spreadsheet(matching: Matching, separator: str):
    matching.market.has("1", "proposed", NORD)
    await matching.survey()
    written = "Decision;Name;Record\r\n C1 ;Müller;1\r\n\r\n;;\r\n".replace(";", separator)

    imported = await matching.take_in(written.encode("utf-8-sig"))

    assert (imported.decided, imported.faults) == (1, [])
    assert (await matching.listed())["1"].decision == "C1"


async def test_faults_name_line_and_column_and_stop_nothing_else(matching: Matching):
    for key in ("0012", "2", "3", "4", "5"):
        matching.market.has(key, "proposed", NORD)
    await matching.survey()

    imported = await matching.take_in(
        "record,decision,share\n"
        "12,C1,\n"  # a spreadsheet took the zeros
        "2,C9,\n"
        "3,C1,maybe\n"
        "4,C2,\n"
        "4,C1,\n"
        "5,Skip,\n"
    )

    assert [(fault.line, fault.column) for fault in imported.faults] == [
        (2, "record"), (3, "decision"), (4, "share"), (6, "record"),
    ]  # fmt: skip
    assert "is it 0012?" in str(imported.faults[0])
    assert "there is no 'C9' on the other side" in str(imported.faults[1])
    rows = await matching.listed()
    assert {key: row.decision for key, row in rows.items() if row.decision} == {
        "4": "C2", "5": "skip",
    }  # fmt: skip


async def test_a_counterpart_that_was_no_candidate_is_looked_up(matching: Matching):
    matching.market.has("1", "new")
    matching.market.customers["C77"] = Found(key="C77", name="Westwerk KG")
    await matching.survey()

    imported = await matching.decide(_1="C77")

    row = (await matching.listed())["1"]
    assert imported.faults == []
    assert (row.decision, row.decided_name, row.decided_by) == ("C77", "Westwerk KG", "ann")


async def test_the_second_that_is_decided_for_one_customer_is_refused_unless_they_share_it(
    matching: Matching,
):
    for key in ("1", "2", "3"):
        matching.market.has(key, "proposed", NORD)
    await matching.survey()

    imported = await matching.take_in("record,decision,share\n1,C1,\n2,C1,\n3,C1,yes\n")
    done = await matching.confirm()

    (fault,) = imported.faults
    assert (fault.line, fault.column) == (3, "decision")
    assert "C1 belongs to 1 (Organization 1) already" in fault.words
    assert done.linked == 2
    assert set(await matching.links()) == {"1", "3"}


async def test_a_customer_that_another_matched_is_refused_until_that_one_is_decided_otherwise(
    matching: Matching,
):
    matching.market.has("1", "matched", NORD)
    matching.market.has("2", "proposed", NORD)
    await matching.survey()

    refused = await matching.decide(_2="C1")
    taken_in = await matching.decide(_2="C1", _1="new")

    assert len(refused.faults) == 1
    assert (taken_in.decided, taken_in.faults) == (2, [])


async def test_an_empty_decision_takes_back_what_was_said(matching: Matching):
    matching.market.has("1", "proposed", NORD)
    await matching.survey()
    await matching.decide(_1="C1")

    imported = await matching.decide(_1="")

    row = (await matching.listed())["1"]
    assert imported.withdrawn == 1
    assert (row.decision, row.decided_by, row.is_open) == (None, None, True)


async def test_a_linked_record_cannot_be_new(matching: Matching):
    await matching.link("1", NORD)
    matching.market.has("1", "linked", NORD)
    await matching.survey()

    imported = await matching.decide(_1="new")

    assert "is linked to C1" in imported.faults[0].words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column record"),
        (b"record,name\n1,x\n", "no column decision"),
        ("record,decision\n1,Müller\n".encode("latin-1"), "not UTF-8"),
    ],
)
async def test_what_is_no_such_table_is_refused_as_a_whole(
    matching: Matching, content: bytes, words: str
):
    matching.market.has("1", "proposed", NORD)
    await matching.survey()

    with pytest.raises(ConfigurationError, match=words):
        await matching.take_in(content)


async def test_every_record_of_a_long_list_is_exported_surveyed_and_linked_once(
    matching: Matching,
):
    wanted: Mapping[str, str] = {f"{number}": f"C{number:05}" for number in range(1203)}
    for key, target in wanted.items():
        matching.market.has(key, "matched", Found(key=target))

    summary = await matching.survey()
    lines = (await matching.exported()).splitlines()
    done = await matching.confirm()

    assert (summary.records, len(lines) - 1, done.linked) == (1203, 1203, 1203)
    assert {key: target for key, (target, _) in (await matching.links()).items()} == wanted
