"""`brakes`: flows that were about to change more than is usual, and letting them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from ml_connector.app.cli.confirming import confirmed
from ml_connector.app.cli.exits import EXIT_CODES, Exit
from ml_connector.app.cli.options import AsJSON, FlowName, InstallationName, Workspace, Yes
from ml_connector.app.cli.screen import Cell, Screen, Style
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.wording import ago, plural
from ml_connector.sync.releasing import BrakeFigures, brakes
from ml_connector.sync.releasing import release as let_go

_STYLES: dict[str, Style] = {"stopped": "bad", "released": "warn", "counting": "good", "over": ""}


def commands() -> typer.Typer:
    """Return the commands of `brakes`."""
    group = typer.Typer(
        help="Flows that would change more than is usual: what they wait for, and letting them.",
        no_args_is_help=True,
        epilog=EXIT_CODES,
    )
    group.command("list", epilog=EXIT_CODES)(list_)
    group.command("release", epilog=EXIT_CODES)(release)
    return group


def list_(
    *,
    installation: InstallationName = None,
    flow: FlowName = None,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Show how many records flows have changed lately, how many they may, and what was stopped."""
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            found = await _read(opened, installation, flow, None)
            _show(screen, found, opened.services.clock.now())
            screen.json({"brakes": [_json(opened, brake) for brake in found]})
        return Exit.OK

    carry_out(screen, work)


def release(
    *,
    flow: Annotated[str, typer.Argument(help="The flow's name.")],
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only for this kind of record link.")
    ] = None,
    installation: InstallationName = None,
    yes: Yes = False,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Let a flow make the changes that the brake has stopped.

    What was held runs at once, and for an hour whatever else comes passes too; after that the
    brake is there again.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            services = opened.services
            found = await _read(opened, installation, flow, kind)
            now = services.clock.now()
            stopped = [brake for brake in found if brake.state(now) == "stopped"]
            if not stopped:
                screen.line(f"no brake of {flow} has stopped anything", "good")
                screen.json({"released": 0, "woken": 0, "brakes": []})
                return Exit.OK
            _show(screen, stopped, now)
            held = sum(brake.held for brake in stopped)
            words = f"let {plural(held, 'held record')} and what follows be changed"
            if not confirmed(screen, words, yes=yes):
                return Exit.USAGE
            woken = await _release(opened, stopped)
            screen.line(f"released; {plural(woken, 'record runs', 'records run')} now", "good")
            screen.json(
                {
                    "released": len(stopped),
                    "woken": woken,
                    "brakes": [
                        _json(opened, brake)
                        for brake in await _read(opened, installation, flow, kind)
                    ],
                }
            )
        return Exit.OK

    carry_out(screen, work)


async def _read(
    opened: Session, installation: str | None, flow: str | None, kind: str | None
) -> list[BrakeFigures]:
    chosen = (await opened.installed(installation))[0].id if installation else None
    qualified = await opened.qualified(flow, installation=installation)
    async with opened.services.database.transaction() as db:
        return await brakes(
            db,
            opened.workspace_id,
            installation_id=chosen,
            flow=qualified.rpartition(".")[2] if qualified else None,
            kind=kind,
        )


async def _release(opened: Session, stopped: Sequence[BrakeFigures]) -> int:
    services = opened.services
    woken = 0
    for installation in await opened.installed():
        theirs = [brake for brake in stopped if brake.installation_id == installation.id]
        async with services.database.transaction() as db:
            woken += await let_go(db, installation, theirs, who=who(), now=services.clock.now())
    return woken


def _show(screen: Screen, found: Sequence[BrakeFigures], now: datetime) -> None:
    if not found:
        screen.line("no flow with a brake has changed anything yet", "good")
        return
    for brake in found:
        state = brake.state(now)
        screen.parts(
            Cell(f"{state:<10}", _STYLES[state]),
            Cell(f"{brake.installation}/{brake.flow}", "head"),
            f"  {brake.kind}",
        )
        screen.entry("window", f"opened {ago(brake.opened_at, now)}, lasts an hour")
        screen.entry(
            "changed",
            f"{plural(brake.changed, 'record')}; at most {brake.most:,} may be "
            f"({plural(brake.base, 'was', 'were')} linked when it opened)",
        )
        if state == "stopped":
            more = ", ..." if brake.held > len(brake.examples) else ""
            screen.entry("stopped", ago(brake.stopped_at, now))
            screen.entry("held", plural(brake.held, "record"), "warn" if brake.held else "")
            screen.entry("such as", f"{', '.join(brake.examples)}{more}")
            screen.entry("way out", f"ml-connector brakes release {brake.flow}")
        if brake.released_at is not None:
            screen.entry("released", f"{ago(brake.released_at, now)} by {brake.released_by}")
        screen.line()


def _json(opened: Session, brake: BrakeFigures) -> dict[str, Any]:
    return {
        "installation": brake.installation,
        "flow": brake.flow,
        "kind": brake.kind,
        "state": brake.state(opened.services.clock.now()),
        "opened_at": brake.opened_at,
        "changed": brake.changed,
        "limit": brake.most,
        "linked": brake.base,
        "stopped_at": brake.stopped_at,
        "held": brake.held,
        "examples": brake.examples,
        "released_at": brake.released_at,
        "released_by": brake.released_by,
    }
