"""`installations`: the pairs that are switched on; pausing and resuming them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.cli.exits import EXIT_CODES, Exit
from ml_connector.app.cli.options import AsJSON, Workspace
from ml_connector.app.cli.screen import Cell, Column, Screen
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.wording import ago
from ml_connector.audit import reading
from ml_connector.audit.reading import TrailRow
from ml_connector.sync import pausing
from ml_connector.sync.installations import Installation

Name = Annotated[str, typer.Argument(help="The installation's name.")]


def commands() -> typer.Typer:
    """Return the group."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Pairs that are switched on: list, pause, resume.",
        epilog=EXIT_CODES,
    )
    for name, function in (("list", list_), ("pause", pause), ("resume", resume)):
        group.command(name, epilog=EXIT_CODES)(function)
    return group


def list_(*, workspace: Workspace = "main", as_json: AsJSON = False) -> None:
    """List the installations with their connections and flows; a pause with who, when and why."""
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            installed = await opened.installed()
            pauses = {one.id: await _pause_of(opened, one) for one in installed}
            names = await _connection_names(opened)
            _show(opened, installed, pauses, names)
            if not installed:
                screen.line("no installations yet: apply a configuration file")
            listed = [_as_json(one, pauses[one.id], names) for one in installed]
            screen.json({"installations": listed})
        return Exit.OK

    carry_out(screen, work)


def pause(
    *,
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is shown.")] = "paused",
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Stop all runs of an installation.

    Webhooks are stored and answered as ever, runs under way come to their end, and everything
    else waits and loses no attempt.
    """

    async def work(db: AsyncConnection, opened: Session, one: Installation) -> None:
        now = opened.services.clock.now()
        changed = await pausing.pause(db, one, reason=reason, who=who(), now=now)
        words = f"is paused; `installations resume {name}` ends it"
        opened.screen.line(f"{name} {words if changed else 'was paused already'}", "warn")

    _change(name, workspace, work, as_json=as_json)


def resume(*, name: Name, workspace: Workspace = "main", as_json: AsJSON = False) -> None:
    """End a pause: what waits runs, the oldest first, and polls that fell due are due at once."""

    async def work(db: AsyncConnection, opened: Session, one: Installation) -> None:
        changed = await pausing.resume(db, one, who=who(), now=opened.services.clock.now())
        opened.screen.line(f"{name} {'works again' if changed else 'was not paused'}", "good")

    _change(name, workspace, work, as_json=as_json)


def _change(
    name: str,
    workspace: str,
    work: Callable[[AsyncConnection, Session, Installation], Awaitable[None]],
    *,
    as_json: bool,
) -> None:
    """Change an installation in one transaction, and show it as it stands then."""
    screen = Screen(as_json)

    async def whole() -> Exit:
        async with session(screen, workspace) as opened:
            (one,) = await opened.installed(name)
            async with opened.services.database.transaction() as db:
                await work(db, opened, one)
            (after,) = await opened.installed(name)
            names = await _connection_names(opened)
            screen.json(_as_json(after, await _pause_of(opened, after), names))
        return Exit.OK

    carry_out(screen, whole)


async def _connection_names(opened: Session) -> dict[int, str]:
    return {row.id: row.name for row in await opened.connections()}


async def _pause_of(opened: Session, one: Installation) -> TrailRow | None:
    """Return the entry that tells of a pause; None while there is none, or once it has aged out."""
    if not one.is_paused:
        return None
    async with opened.services.database.transaction() as db:
        found = await reading.entries(
            db, one.workspace_id, event="installation_paused", installation_id=one.id, limit=1
        )
    return found[0] if found else None


def _show(
    opened: Session,
    installed: list[Installation],
    pauses: Mapping[int, TrailRow | None],
    names: Mapping[int, str],
) -> None:
    if not installed:
        return
    now = opened.services.clock.now()
    rows = [
        (
            one.name,
            one.pair,
            Cell("paused", "warn") if one.is_paused else Cell("working", "good"),
            ", ".join(names.get(number, "?") for number in one.connections.values()),
            ", ".join(flow.flow for flow in one.flows.values() if flow.is_on) or "-",
            Cell(_words(pauses[one.id], now), "warn"),
        )
        for one in installed
    ]
    columns = [
        Column("installation"),
        Column("pair"),
        Column("state"),
        Column("connections", folds=True),
        Column("flows", folds=True),
        Column("pause", folds=True),
    ]
    opened.screen.table(columns, rows)


def _words(pause_: TrailRow | None, now: datetime) -> str:
    if pause_ is None:
        return ""
    return f"{pause_.detail.get('reason')}, {ago(pause_.at, now)}, by {pause_.who}"


def _as_json(
    one: Installation, pause_: TrailRow | None, names: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "name": one.name,
        "pair": one.pair,
        "is_paused": one.is_paused,
        "reason": pause_.detail.get("reason") if pause_ else None,
        "since": pause_.at if pause_ else None,
        "by": pause_.who if pause_ else None,
        "connections": {role: names.get(number) for role, number in one.connections.items()},
        "flows": {name: flow.is_on for name, flow in one.flows.items()},
    }
