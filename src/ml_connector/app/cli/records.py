"""`records`: lists, and the whole story of one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from ml_connector.app.cli.exits import EXIT_CODES, Exit, WrongError
from ml_connector.app.cli.options import AsJSON, FlowName, InstallationName, Limit, Workspace
from ml_connector.app.cli.screen import Cell, Column, Screen, Style
from ml_connector.app.cli.session import Session, carry_out, session
from ml_connector.app.cli.timeline import show_timeline
from ml_connector.app.stories import Story, story_of
from ml_connector.app.wording import ago, due, duration, moment, plural
from ml_connector.sync import looking
from ml_connector.sync.figures import WAITING, late_before
from ml_connector.sync.looking import RecordRow
from ml_connector.sync.states import RowState

STATE_STYLES: dict[RowState, Style] = {
    RowState.DONE: "good",
    RowState.HELD: "warn",
    RowState.DEAD: "bad",
}
STATE_WORDS = {
    RowState.READY: "waiting",
    RowState.QUEUED: "handed over",
    RowState.RUNNING: "running",
    RowState.HELD: "held",
    RowState.DEAD: "given up",
    RowState.DONE: "done",
}


def commands() -> typer.Typer:
    """Return the group."""
    group = typer.Typer(
        no_args_is_help=True, help="Records: list them, show the story of one.", epilog=EXIT_CODES
    )
    group.command("list", epilog=EXIT_CODES)(list_)
    group.command("show", epilog=EXIT_CODES)(show)
    return group


def list_(
    *,
    state: Annotated[
        list[RowState] | None, typer.Option("--state", help="Only in this state; may be repeated.")
    ] = None,
    late: Annotated[
        bool, typer.Option("--late", help="Only those that wait for longer than their cadence.")
    ] = False,
    installation: InstallationName = None,
    flow: FlowName = None,
    limit: Limit = 50,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """List records that are not done (or in the given states), the longest waiting first."""
    screen = Screen(as_json)

    async def work() -> Exit:
        states = (
            tuple(state) if state else tuple(one for one in RowState if one is not RowState.DONE)
        )
        async with session(screen, workspace) as opened:
            found = (
                await _late(opened, installation, flow, limit)
                if late
                else await _rows(opened, states, installation, flow, limit)
            )
            _show_rows(screen, found, opened.services.clock.now())
        screen.json({"records": [record_json(row) for row in found]})
        return Exit.OK

    carry_out(screen, work)


def show(
    *,
    key: Annotated[str, typer.Argument(help="Id, number or name, of either side.")],
    installation: InstallationName = None,
    flow: FlowName = None,
    calls: Annotated[bool, typer.Option(help="Show the calls that were made.")] = True,
    runs: Annotated[int, typer.Option("--runs", min=1, max=500, help="The latest so many.")] = 20,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Show a record's whole story: what arrived, ran and was written, and why it waits."""
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            rows = await _find(opened, key, installation, flow)
            stories = [await story_of(opened.services, row, runs=runs) for row in rows[:_MOST]]
            now = opened.services.clock.now()
            if len(rows) > _MOST:
                _show_rows(screen, rows, now)
                screen.line()
                screen.line(f"{len(rows)} records are known by {key!r}: choose one by its id")
            else:
                for number, story in enumerate(stories):
                    if number:
                        screen.line()
                    show_story(screen, story, now, with_calls=calls)
        screen.json(
            {
                "key": key,
                "matches": [record_json(row) for row in rows],
                "stories": [story_json(story) for story in stories],
            }
        )
        return Exit.OK

    carry_out(screen, work)


_SKIPPED = (
    "a change that ends this is noticed by itself; what lies before go-live moves with `backfill`"
)
_MOST = 3  # stories on one screen; more records are listed


async def _find(
    opened: Session, key: str, installation: str | None, flow: str | None
) -> list[RecordRow]:
    chosen = (await opened.installed(installation))[0].id if installation else None
    qualified = await opened.qualified(flow, installation=installation)
    async with opened.services.database.transaction() as db:
        found = await looking.find(
            db, opened.workspace_id, key, installation_id=chosen, flow=qualified
        )
    rows = [row for row in found if row.installation_id is not None]
    if rows:
        return rows
    raise WrongError(await _why_unknown(opened, key))


async def _why_unknown(opened: Session, key: str) -> str:
    """Say why a record may not be known, and how to find out."""
    installed = await opened.installed()
    on = [
        (switch.next_due_at, name)
        for one in installed
        for name, switch in one.flows.items()
        if switch.is_on
    ]
    if not on:
        return f"no record is known by {key!r}, and no flow is switched on"
    due = min((at for at, _ in on if at is not None), default=None)
    poll = f"; the next poll is {ago(due, opened.services.clock.now())}" if due else ""
    return (
        f"no record is known by {key!r}: no event or poll has named it since go-live{poll}. "
        f"`ml-connector run {on[0][1]} --record ID --dry-run` says what a run would do, and "
        "which rule stops it"
    )


async def _rows(
    opened: Session,
    states: Sequence[RowState],
    installation: str | None,
    flow: str | None,
    limit: int,
) -> list[RecordRow]:
    chosen = (await opened.installed(installation))[0].id if installation else None
    qualified = await opened.qualified(flow, installation=installation)
    async with opened.services.database.transaction() as db:
        return await looking.rows(
            db,
            opened.workspace_id,
            states=states,
            installation_id=chosen,
            flow=qualified,
            limit=limit,
        )


async def _late(
    opened: Session, installation: str | None, flow: str | None, limit: int
) -> list[RecordRow]:
    now = opened.services.clock.now()
    wanted = await opened.qualified(flow, installation=installation)
    found: list[RecordRow] = []
    async with opened.services.database.transaction() as db:
        for one in await opened.installed(installation):
            for name, switch in one.flows.items():
                qualified = f"{one.pair}.{name}"
                if wanted in {None, qualified}:
                    found += await looking.rows(
                        db,
                        opened.workspace_id,
                        states=WAITING,
                        installation_id=one.id,
                        flow=qualified,
                        wanted_before=late_before(switch, now),
                        limit=limit,
                    )
    return sorted(found, key=lambda row: row.wanted_at)[:limit]


def _show_rows(screen: Screen, found: Sequence[RecordRow], now: datetime) -> None:
    if not found:
        screen.line("no such records")
        return
    rows = [
        (
            row.record,
            f"{row.installation}/{row.flow_name}",
            Cell(STATE_WORDS[row.state], STATE_STYLES.get(row.state, "")),
            duration(now - row.wanted_at),
            row.reason or "",
        )
        for row in found
    ]
    columns = [
        Column("record"),
        Column("flow"),
        Column("state"),
        Column("wanted for", "right"),
        Column("reason", folds=True),
    ]
    screen.table(columns, rows)


def show_story(screen: Screen, story: Story, now: datetime, *, with_calls: bool) -> None:
    """Show everything that happened to a record, and last, next to the prompt, how it stands."""
    record = story.record
    screen.line(f"{story.kind} {record.record}  {record.installation}/{record.flow_name}", "head")
    show_timeline(screen, story, with_calls=with_calls)
    screen.line()
    screen.parts(
        Cell(f"{story.kind} {record.record}  ", "head"),
        Cell(STATE_WORDS[record.state], STATE_STYLES.get(record.state, "")),
    )
    if record.state is RowState.DONE and record.outcome == "skipped":
        screen.entry("why not", record.reason or "-", "warn")
        screen.entry("way out", _SKIPPED)
    elif record.outcome and record.state not in {RowState.HELD, RowState.DEAD}:
        screen.entry("last run", f"{record.outcome}: {record.reason or '-'}")
    _show_other_side(screen, story)
    if story.waiting is not None:
        screen.entry("why", story.waiting.words, "warn")
        screen.entry("way out", story.waiting.way_out)
        if story.waiting.until is not None:
            screen.entry("next", due(story.waiting.until, now))


def _show_other_side(screen: Screen, story: Story) -> None:
    other = [name for name in story.names if name != story.record.record.casefold()]
    if other:
        screen.entry("names", ", ".join(other))
    for link in story.links:
        where = f"  {link.target_url}" if link.target_url else ""
        screen.entry(
            "link",
            f"{link.kind.replace(':', ' -> ')}: {link.target_name or link.target_key} "
            f"({link.origin} {moment(link.created_at)}){where}",
        )
    for effect in story.effects:
        if effect.state != "done":
            screen.entry(
                "open",
                f"{effect.kind} {effect.reference}: {effect.state}, "
                f"sent {plural(effect.sendings, 'time')}",
                "warn",
            )


def record_json(row: RecordRow) -> dict[str, Any]:
    """Return a record for programs."""
    return {
        "id": row.id,
        "installation": row.installation,
        "flow": row.flow_name,
        "record": row.record,
        "state": row.state.value,
        "lane": row.lane.name.lower(),
        "outcome": row.outcome,
        "reason": row.reason,
        "waits_for": row.waits_for,
        "trigger": row.trigger,
        "wanted": row.wanted,
        "done": row.done,
        "runs": row.run_no,
        "failures": row.failures,
        "wanted_at": row.wanted_at,
        "due_at": row.due_at,
        "started_at": row.started_at,
        "settled_at": row.settled_at,
    }


def story_json(story: Story) -> dict[str, Any]:
    """Return a story for programs."""
    return {
        "record": record_json(story.record),
        "kind": story.kind,
        "waiting": asdict(story.waiting) if story.waiting else None,
        "names": story.names,
        "links": story.links,
        "effects": story.effects,
        "deliveries": story.deliveries,
        "runs": story.runs,
        "entries": story.entries,
        "calls": story.calls,
    }
