"""`run`: a flow's polls now, one record now, or what a run would do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from ml_connector.app.cli.exits import Exit, NoWorkerError, UsageError, WrongError
from ml_connector.app.cli.options import AsJSON, InstallationName, Workspace
from ml_connector.app.cli.records import STATE_STYLES, STATE_WORDS, record_json
from ml_connector.app.cli.rehearsal import show_rehearsal
from ml_connector.app.cli.screen import Bar, Cell, Screen
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.stories import readable
from ml_connector.app.wording import short
from ml_connector.audit import reading, trail
from ml_connector.core.lanes import Lane
from ml_connector.sync import backlog, looking
from ml_connector.sync.flow import Flow
from ml_connector.sync.installations import Installation
from ml_connector.sync.looking import RecordRow
from ml_connector.sync.polling import poll_wanted
from ml_connector.sync.rows import Wanted
from ml_connector.sync.states import RowState
from ml_connector.sync.waiting import has_live_worker, why_waiting

_LOOK_EVERY = 0.1  # seconds
_SETTLED = {RowState.DONE, RowState.HELD, RowState.DEAD}


def run(
    *,
    flow: Annotated[str, typer.Argument(help="The flow's name.")],
    record: Annotated[
        str | None, typer.Option("--record", help="Only this record of the source, by its id.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be created and changed; write nothing."),
    ] = False,
    installation: InstallationName = None,
    pair: Annotated[str | None, typer.Option("--pair", help="Only of this pair.")] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for the end; 0 not at all.")
    ] = 120,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Run a flow now: its polls, or one record before all others.

    With --dry-run one record's run is played through without a single write.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        if dry_run and record is None:
            raise UsageError("a dry run is of one record: name it with --record")
        async with session(screen, workspace) as opened:
            one, found = await opened.flow(flow, installation=installation, pair=pair)
            if record is None:
                return await _run_polls(opened, one, found, wait)
            if dry_run:
                return await show_rehearsal(opened, one, found, record)
            return await _run_record(opened, one, found, record, wait)

    carry_out(screen, work)


async def _run_polls(opened: Session, one: Installation, flow: Flow, wait: float) -> Exit:
    now = opened.services.clock.now()
    polls = [
        poll_wanted(
            workspace_id=one.workspace_id,
            connection_id=one.connections[source.role],
            stream=source.stream,
            now=now,
            lane=Lane.URGENT,
            because="person",
        )
        for source in flow.started_by
    ]
    ids = await _want(opened, one, polls, event="poll_requested", flow=flow, now=now)
    rows = await _settled(opened, ids, since=now, wait=wait)
    for row in rows:
        _show_end(opened.screen, f"poll of {row.record}", row)
    opened.screen.json({"polls": [record_json(row) for row in rows]})
    return _code(rows, is_awaited=wait > 0)


async def _run_record(
    opened: Session, one: Installation, flow: Flow, record: str, wait: float
) -> Exit:
    now = opened.services.clock.now()
    wanted = Wanted(
        workspace_id=one.workspace_id,
        owner=one.owner,
        installation_id=one.id,
        flow=opened.integration(one).qualified(flow),
        record=record,
        lane=Lane.URGENT,
        due_at=now,
        wanted_at=now,
        trigger={"by": "person", "who": who()},
    )
    ids = await _want(opened, one, [wanted], event="run_requested", flow=flow, now=now)
    (row,) = await _settled(opened, ids, since=now, wait=wait)
    _show_end(opened.screen, f"{flow.record_kind} {record}", row)
    async with opened.services.database.transaction() as db:
        entries = await reading.entries_of(db, one.workspace_id, row.id)
        waiting = await why_waiting(db, row, now=opened.services.clock.now())
    written = [entry for entry in entries if entry.run_no == row.run_no and entry.at >= now]
    names = {key: name for name, key in one.own_fields.items()}
    for entry in written:
        if entry.event != "run_failed":  # its words are the reason
            opened.screen.entry(entry.event, short(readable(entry.detail, names), 300))
    if waiting is not None:
        opened.screen.entry("way out", waiting.way_out)
    opened.screen.json({"record": record_json(row), "entries": written, "waiting": waiting})
    return _code([row], is_awaited=wait > 0)


async def _want(
    opened: Session,
    one: Installation,
    wanted: Sequence[Wanted],
    *,
    event: str,
    flow: Flow,
    now: datetime,
) -> list[int]:
    """Want the rows and say so in the trail; return their ids."""

    async def work(db: Any) -> list[int]:
        ids = sorted(await backlog.capture(db, wanted))
        entries = [
            trail.Entry(
                at=now,
                workspace_id=one.workspace_id,
                installation_id=one.id,
                backlog_id=number,
                event=event,
                who=who(),
                detail={"flow": flow.name},
            )
            for number in ids
        ]
        await trail.write(db, entries)
        return ids

    return await opened.services.database.run(work)


async def _settled(
    opened: Session, ids: Sequence[int], *, since: datetime, wait: float
) -> list[RecordRow]:
    """Wait until all rows have settled what was wanted of them, and say what they do meanwhile."""
    ends = asyncio.get_running_loop().time() + wait
    goals: dict[int, int] = {}
    with opened.screen.progress("wanted") as bar:
        while True:
            async with opened.services.database.transaction() as db:
                rows = [await looking.row(db, opened.workspace_id, number) for number in ids]
                goals = goals or {row.id: row.wanted for row in rows}
                open_ = [row for row in rows if not _is_settled(row, goals[row.id], since)]
                if not open_ or wait == 0:
                    return rows
                await _say(db, opened, bar, open_[0])
            if asyncio.get_running_loop().time() > ends:
                opened.screen.note(f"still waiting after {wait:g} s; it goes on by itself", "warn")
                return rows
            await asyncio.sleep(_LOOK_EVERY)


def _is_settled(row: RecordRow, goal: int, since: datetime) -> bool:
    if row.state is RowState.DONE:
        return row.done >= goal
    is_new = row.settled_at is not None and row.settled_at >= since
    return row.state in _SETTLED and is_new


async def _say(db: Any, opened: Session, bar: Bar, row: RecordRow) -> None:
    """Say where a record stands; raise if nothing will happen before a person does something."""
    waiting = await why_waiting(db, row, now=opened.services.clock.now())
    if waiting is None or row.state in _SETTLED:
        return
    if not await has_live_worker(db):
        raise NoWorkerError(
            f"no worker runs: {row.record} is wanted and runs once one does; {waiting.way_out}"
        )
    bar.say(f"{row.flow_name} {row.record}: {waiting.words}")
    if waiting.is_blocked:
        raise WrongError(
            f"{row.record} is wanted, but cannot run: {waiting.words}; {waiting.way_out}"
        )


def _show_end(screen: Screen, subject: str, row: RecordRow) -> None:
    outcome = row.outcome if row.state is RowState.DONE else STATE_WORDS[row.state]
    screen.parts(
        Cell(f"{subject}  ", "head"), Cell(outcome or "-", STATE_STYLES.get(row.state, ""))
    )
    if row.reason:
        screen.entry("why" if row.state in {RowState.HELD, RowState.DEAD} else "result", row.reason)


def _code(rows: Sequence[RecordRow], *, is_awaited: bool) -> Exit:
    bad = {RowState.HELD, RowState.DEAD}
    if is_awaited:
        bad |= {RowState.READY, RowState.QUEUED, RowState.RUNNING}  # not settled in time
    return Exit.WRONG if any(row.state in bad for row in rows) else Exit.OK
