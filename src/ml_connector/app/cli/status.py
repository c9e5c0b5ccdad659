"""`status`: how everything stands, what is due next, and what needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

import typer

from ml_connector.app.cli.connections import connection_json, show_connections
from ml_connector.app.cli.exits import Exit
from ml_connector.app.cli.options import AsJSON, Workspace
from ml_connector.app.cli.screen import Cell, Column, Screen
from ml_connector.app.cli.session import Session, carry_out, session
from ml_connector.app.wording import ago, due, duration, number, plural
from ml_connector.connections.budgets import Budget, budgets_of
from ml_connector.connections.counts import tokens_spent
from ml_connector.connections.rows import ConnectionRow
from ml_connector.jobs.queue import Depth, depth
from ml_connector.sync.figures import (
    FlowFigures,
    StreamFigures,
    flow_figures,
    next_event_at,
    stream_figures,
)
from ml_connector.sync.installations import Installation
from ml_connector.sync.states import RowState
from ml_connector.sync.waiting import CONNECTION_WORDS, WORKING_KINDS
from ml_connector.vault.processes import LiveProcess, live_processes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status:
    now: datetime
    connections: Sequence[ConnectionRow]
    budgets: dict[int, Budget]
    spent_today: dict[int, int]
    installed: Sequence[Installation]
    flows: dict[int, list[FlowFigures]]
    streams: Sequence[StreamFigures]
    queue: Depth
    processes: Sequence[LiveProcess]
    next_due_at: datetime | None
    unmatched: Sequence[str]
    """Which flows write nothing before their first match is confirmed, in words."""

    def needs(self) -> list[str]:
        """Return what needs a person, in plain words."""
        needs = [
            f"connection {row.name} {CONNECTION_WORDS[row.state]}"
            for row in self.connections
            if not row.is_ready
        ]
        needs += [
            f"installation {one.name} is paused: `installations resume {one.name}` ends it"
            for one in self.installed
            if one.is_paused
        ]
        figures = [flow for flows in self.flows.values() for flow in flows]
        held = sum(flow.counts.get(RowState.HELD, 0) for flow in figures)
        dead = sum(flow.counts.get(RowState.DEAD, 0) for flow in figures)
        late = sum(flow.late for flow in figures)
        needs += [
            f"the first match of {flow} is to be confirmed: see `match run`"
            for flow in self.unmatched
        ]
        if held:
            needs.append(f"{plural(held, 'record is', 'records are')} held: see `held`")
        if dead:
            needs.append(f"{plural(dead, 'record has', 'records have')} given up: see `held`")
        if late:
            needs.append(
                f"{plural(late, 'record is', 'records are')} late: see `records list --late`"
            )
        if self.installed and not self.has_worker:
            needs.append("no worker runs: start `ml-connector up`")
        return needs

    @property
    def has_worker(self) -> bool:
        return any(process.kind in WORKING_KINDS for process in self.processes)


def status(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 if anything needs a person.")
    ] = False,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Show how everything stands, and what needs you.

    Connections with their budgets, flows with their counts, streams, the run queue, live
    processes, and when the next thing is due by the clock.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            found = await _read(opened)
            _show(opened, found)
            screen.json(_json(opened, found))
        return Exit.WRONG if check and found.needs() else Exit.OK

    carry_out(screen, work)


async def _read(opened: Session) -> _Status:
    now = opened.services.clock.now()
    connections = await opened.connections()
    installed = await opened.installed()
    ids = [row.id for row in connections]
    async with opened.services.database.transaction() as db:
        today: date = now.date()
        return _Status(
            now=now,
            connections=connections,
            budgets=await budgets_of(db, ids, now=now),
            spent_today={number_: await tokens_spent(db, number_, on_day=today) for number_ in ids},
            installed=installed,
            flows=await flow_figures(db, installed, now=now),
            streams=await stream_figures(db, opened.workspace_id),
            queue=await depth(db),
            processes=await live_processes(db),
            next_due_at=await next_event_at(db, opened.workspace_id, now=now),
            unmatched=_unmatched(opened, installed),
        )


def _unmatched(opened: Session, installed: Sequence[Installation]) -> list[str]:
    return [
        f"{one.name}/{flow.name}"
        for one in installed
        for flow in opened.integration(one).flows
        if flow.first_match is not None
        and (switch := one.flows.get(flow.name)) is not None
        and switch.is_on
        and switch.matched_at is None
    ]


def _show(opened: Session, found: _Status) -> None:
    screen = opened.screen
    if not found.connections and not found.installed:
        screen.line(f"workspace {opened.workspace}: nothing is configured yet")
        screen.line("write a configuration file, then: ml-connector apply FILE")
        return
    show_connections(opened, found.connections, found.budgets)
    for installation in found.installed:
        screen.line()
        paused = Cell("  paused", "warn") if installation.is_paused else ""
        screen.parts(Cell(installation.name, "head"), f"  {installation.pair}", paused)
        _show_flows(screen, found.flows.get(installation.id, []), found.now)
    if found.streams:
        screen.line()
        _show_streams(screen, found)
    screen.line()
    _show_processes(screen, found)
    _show_needs(screen, found)


def _show_flows(screen: Screen, flows: Sequence[FlowFigures], now: datetime) -> None:
    rows = [
        (
            flow.flow,
            Cell("on", "good") if flow.is_on else Cell("off", "dim"),
            number(flow.waiting),
            _waits(flow, now),
            _counted(flow.late, "bad"),
            _counted(flow.counts.get(RowState.HELD, 0), "warn"),
            _counted(flow.counts.get(RowState.DEAD, 0), "bad"),
            number(flow.counts.get(RowState.DONE, 0)),
            due(flow.next_due_at, now) if flow.next_due_at else "on events",
        )
        for flow in flows
    ]
    columns = [
        Column("flow"),
        Column(""),
        Column("waiting", "right"),
        Column("oldest", "right"),
        Column("late", "right"),
        Column("held", "right"),
        Column("given up", "right"),
        Column("done", "right"),
        Column("next poll"),
    ]
    screen.table(columns, rows, indent=2)


def _show_streams(screen: Screen, found: _Status) -> None:
    names: dict[int, str] = {row.id: row.name for row in found.connections}
    rows = [
        (
            f"{names.get(stream.connection_id, '?')}/{stream.stream}",
            stream.state.value,
            ago(stream.settled_at, found.now),
            Cell(
                stream.reason or "-",
                "" if stream.state not in {RowState.HELD, RowState.DEAD} else "bad",
            ),
        )
        for stream in found.streams
    ]
    columns = [
        Column("stream"),
        Column("state"),
        Column("last read", "right"),
        Column("result", folds=True),
    ]
    screen.table(columns, rows)


def _show_processes(screen: Screen, found: _Status) -> None:
    rows = [
        (process.kind, process.host, str(process.pid), process.release,
         duration(found.now - process.started_at))
        for process in found.processes
    ]  # fmt: skip
    if rows:
        columns = [
            Column("process"),
            Column("host"),
            Column("pid", "right"),
            Column("release"),
            Column("up", "right"),
        ]
        screen.table(columns, rows)
    screen.line(
        f"run queue: {number(found.queue.queued)} handed over, "
        f"{number(found.queue.claimed)} under way; next by the clock: "
        f"{due(found.next_due_at, found.now) if found.next_due_at else 'nothing'}"
    )


def _show_needs(screen: Screen, found: _Status) -> None:
    screen.line()
    needs = found.needs()
    if not needs:
        screen.line("nothing needs you", "good")
    for need in needs:
        screen.parts(Cell("! ", "bad"), need)


def _counted(count: int, style: Any) -> Cell:
    return Cell(number(count), style if count else "")


def _waits(flow: FlowFigures, now: datetime) -> str:
    return "-" if flow.oldest_waiting_at is None else duration(now - flow.oldest_waiting_at)


def _json(opened: Session, found: _Status) -> dict[str, Any]:
    names: dict[int, str] = {row.id: row.name for row in found.connections}
    return {
        "workspace": opened.workspace,
        "at": found.now,
        "next_due_at": found.next_due_at,
        "connections": [
            connection_json(row, found.budgets.get(row.id))
            | {"tokens_today": found.spent_today.get(row.id, 0)}
            for row in found.connections
        ],
        "installations": [
            {
                "name": one.name,
                "pair": one.pair,
                "is_paused": one.is_paused,
                "flows": [_flow_json(flow, found.now) for flow in found.flows.get(one.id, [])],
            }
            for one in found.installed
        ],
        "streams": [
            {
                "connection": names.get(stream.connection_id),
                "stream": stream.stream,
                "state": stream.state.value,
                "due_at": stream.due_at,
                "last_read_at": stream.settled_at,
                "outcome": stream.outcome,
                "reason": stream.reason,
                "read_up_to": stream.read_up_to,
            }
            for stream in found.streams
        ],
        "run_queue": {"queued": found.queue.queued, "under_way": found.queue.claimed},
        "processes": [
            {
                "kind": process.kind,
                "host": process.host,
                "pid": process.pid,
                "release": process.release,
                "started_at": process.started_at,
                "heartbeat_at": process.heartbeat_at,
            }
            for process in found.processes
        ],
        "needs": found.needs(),
    }


def _flow_json(flow: FlowFigures, now: datetime) -> dict[str, Any]:
    oldest = flow.oldest_waiting_at
    return {
        "flow": flow.flow,
        "is_on": flow.is_on,
        "go_live_at": flow.go_live_at,
        "when": flow.when,
        "next_due_at": flow.next_due_at,
        "counts": {state.value: flow.counts.get(state, 0) for state in RowState},
        "waiting": flow.waiting,
        "oldest_waiting_at": oldest,
        "oldest_waiting_seconds": (now - oldest).total_seconds() if oldest else 0.0,
        "late": flow.late,
    }
