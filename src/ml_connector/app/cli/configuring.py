"""`apply` and `export`: the configuration as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_connector.app.applying import Applied, Applying, Change, PartlyAppliedError
from ml_connector.app.cli.confirming import confirmed
from ml_connector.app.cli.exits import Exit, exit_code_of
from ml_connector.app.cli.options import AsJSON, Workspace, Yes
from ml_connector.app.cli.screen import Cell, Screen
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.configuration import load
from ml_connector.app.exporting import exported
from ml_connector.app.wording import plural

File = Annotated[Path, typer.Argument(help="A configuration file in YAML.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]


def apply(
    *, file: File, yes: Yes = False, dry_run: DryRun = False, as_json: AsJSON = False
) -> None:
    """Make the deployment what FILE says; shows the difference first.

    Secrets stand in the file as ${env:NAME} or ${file:PATH}. What the file does not name stays
    as it is. Applying the same file again changes nothing.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        loaded = load(file)
        async with session(screen, "main") as opened:
            applying = Applying(opened.services)
            changes = await applying.differences(loaded)
            _show(screen, changes)
            if dry_run:
                screen.json(_report(Applied(changes=tuple(changes)), is_applied=False))
                return Exit.OK
            if changes and not confirmed(
                screen, f"apply {plural(len(changes), 'change')}", yes=yes
            ):
                return Exit.USAGE
            try:
                with screen.progress("applying"):
                    applied = await applying.apply(loaded, who=who())
            except PartlyAppliedError as exc:
                _done(screen, exc.applied)
                screen.json(_report(exc.applied, is_applied=True, problems=exc.message))
                screen.error(exc.message)
                return exit_code_of(exc.__cause__ or exc)
            _done(screen, applied)
            screen.json(_report(applied, is_applied=True))
            await _hint(opened, loaded.file.workspace)
            return Exit.OK

    carry_out(screen, work)


def export(
    *,
    workspace: Workspace = "main",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it to this file.")
    ] = None,
) -> None:
    """Show the configuration as a file that `apply` takes.

    Secrets stand as ${env:NAME}, and the names to set are told.
    """
    screen = Screen()

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            found = await exported(opened.services, workspace)
        if output is None:
            screen.out.file.write(found.text)
        else:
            output.write_text(found.text, "utf-8")
            screen.note(f"written to {output}", "")
        if found.variables:
            screen.note(f"to apply it, set: {', '.join(found.variables)}")
        return Exit.OK

    carry_out(screen, work)


def _show(screen: Screen, changes: Sequence[Change]) -> None:
    subject = None
    for change in changes:
        if change.subject != subject:
            subject = change.subject
            screen.line(subject, "head")
        sign = Cell("+", "good") if change.action == "add" else Cell("~", "warn")
        words = str(change).removeprefix(f"{sign.text} {change.subject} ")
        screen.parts("  ", sign, f" {words}")


def _done(screen: Screen, applied: Applied) -> None:
    if applied.changes:
        screen.line(f"{plural(len(applied.changes), 'change')} applied", "good")
    else:
        screen.line("nothing to change: the deployment is as the file says", "good")
    for note in applied.notes:
        screen.line(f"  {note}")


def _report(applied: Applied, *, is_applied: bool, problems: str | None = None) -> dict[str, Any]:
    return {
        "applied": is_applied,
        "changes": list(applied.changes),
        "notes": applied.notes,
        "problems": problems.splitlines() if problems else [],
    }


async def _hint(opened: Session, workspace: str) -> None:
    """Say what comes next, the first time."""
    if workspace != opened.workspace or opened.workspace_id:
        return
    opened.screen.note("next: `ml-connector connections ping --all`, then `ml-connector up`")
