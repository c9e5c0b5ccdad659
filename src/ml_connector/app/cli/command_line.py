"""The program `ml-connector`: its commands, in the order in which a person meets them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import typer

from ml_connector.app.cli import (
    audit,
    backfill,
    brakes,
    configuring,
    connections,
    demo,
    first_match,
    held,
    installations,
    keys,
    records,
    replay,
    report,
    restored,
    run,
    running,
    sandbox,
    status,
)
from ml_connector.app.cli.exits import EXIT_CODES
from ml_connector.app.logs import never_show_variables

_RUNNING, _SETTING_UP = "Run it", "Set it up"
_LOOKING, _ACTING = "Look at it", "Act on records"


def _show_version(value: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if value:
        typer.echo(f"ml-connector {version('ml-connector')}")
        raise typer.Exit


def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Moves records between Pipedrive and ERPs: nothing lost, nothing doubled, nothing guessed."""


def program() -> typer.Typer:
    """Return the whole command line."""
    root = typer.Typer(
        name="ml-connector",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=EXIT_CODES,
    )
    root.callback(epilog=EXIT_CODES)(_root)
    for panel, name, function in (
        (_RUNNING, "up", running.up),
        (_RUNNING, "serve", running.serve),
        (_RUNNING, "work", running.work),
        (_RUNNING, "migrate", running.migrate),
        (_RUNNING, "restored", restored.restored),
        (_RUNNING, "sandbox", sandbox.sandbox),
        (_RUNNING, "demo", demo.demo),
        (_SETTING_UP, "apply", configuring.apply),
        (_SETTING_UP, "export", configuring.export),
        (_LOOKING, "status", status.status),
        (_LOOKING, "held", held.held),
        (_LOOKING, "audit", audit.audit),
        (_LOOKING, "report", report.report),
        (_ACTING, "run", run.run),
        (_ACTING, "replay", replay.replay),
        (_ACTING, "backfill", backfill.backfill),
    ):
        root.command(name, rich_help_panel=panel, epilog=EXIT_CODES)(function)
    root.add_typer(connections.commands(), name="connections", rich_help_panel=_SETTING_UP)
    root.add_typer(installations.commands(), name="installations", rich_help_panel=_SETTING_UP)
    root.add_typer(keys.commands(), name="keys", rich_help_panel=_SETTING_UP)
    root.add_typer(records.commands(), name="records", rich_help_panel=_LOOKING)
    root.add_typer(first_match.commands(), name="match", rich_help_panel=_ACTING)
    root.add_typer(brakes.commands(), name="brakes", rich_help_panel=_ACTING)
    return root


def main() -> None:
    """Run the command line; the console script's entry."""
    never_show_variables()
    command = typer.main.get_command(program())
    _say_nothing_of_flags(command)
    command()


def _say_nothing_of_flags(command: Any) -> None:
    """Leave the type out of the help of flags: `--json <bool>` reads as if it took a value."""
    for parameter in command.params:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    for inner in getattr(command, "commands", {}).values():
        _say_nothing_of_flags(inner)
