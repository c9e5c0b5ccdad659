"""`match`: what both sides had before, looked at by a person before a flow writes anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_connector.app.cli.confirming import confirmed as asked
from ml_connector.app.cli.exits import EXIT_CODES, Exit, UsageError
from ml_connector.app.cli.options import AsJSON, InstallationName, Limit, Workspace, Yes
from ml_connector.app.cli.screen import Cell, Column, Screen, Style
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.wording import ago, plural, short
from ml_connector.sync import first_match
from ml_connector.sync.confirming import Confirmed
from ml_connector.sync.deciding import Imported, exported, take_in
from ml_connector.sync.first_match import Listed, Summary
from ml_connector.sync.first_matching import FirstMatch, Surveyed
from ml_connector.sync.flow import Found, MatchVerdict
from ml_connector.sync.works import FlowWorks

_STYLES: dict[str, Style] = {
    "linked": "good", "matched": "good", "proposed": "warn", "ambiguous": "bad", "new": "",
}  # fmt: skip
_MOST_FAULTS = 20
_SHOWN_CANDIDATES = 3
_LONGEST_NAME = 24  # characters; the table has to fit a terminal

FlowArgument = Annotated[str, typer.Argument(help="The flow's name.")]
Verdict = Annotated[
    str | None,
    typer.Option("--verdict", help="Only linked, matched, proposed, ambiguous or new ones."),
]


def commands() -> typer.Typer:
    """Return the commands of `match`."""
    group = typer.Typer(
        help="What both sides had before: matched, corrected and confirmed first.",
        no_args_is_help=True,
        epilog=EXIT_CODES,
    )
    for name, function in (
        ("run", run),
        ("show", show),
        ("export", export),
        ("import", import_),
        ("confirm", confirm),
    ):
        group.command(name, epilog=EXIT_CODES)(function)
    return group


def run(
    *,
    flow: FlowArgument,
    installation: InstallationName = None,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Match the records of both sides and list what belongs together.

    Reads only. Running it again brings the list up to date and keeps what was decided.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            task = await _task(opened, flow, installation)
            await _survey(opened, task)
            summary = await _summary(opened, task)
            _show_summary(opened, task, summary)
            _show_next(screen, task, summary)
            screen.json(_summary_json(task, summary))
        return Exit.OK

    carry_out(screen, work)


def show(
    *,
    flow: FlowArgument,
    verdict: Verdict = None,
    installation: InstallationName = None,
    limit: Limit = 50,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Show the list: every record with its counterpart, or those to choose from."""
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            task = await _task(opened, flow, installation)
            chosen = _verdict_of(verdict)
            summary = await _summary(opened, task)
            async with opened.services.database.transaction() as db:
                rows = await first_match.listed(db, task.key, verdict=chosen, limit=limit)
            _show_summary(opened, task, summary)
            _show_rows(screen, rows)
            total = summary.verdicts.get(chosen, 0) if chosen else summary.records
            if total > len(rows):
                screen.note(f"{total - len(rows):,} more; --limit shows more, `match export` all")
            _show_next(screen, task, summary)
            screen.json(_summary_json(task, summary) | {"list": [_row_json(row) for row in rows]})
        return Exit.OK

    carry_out(screen, work)


def export(
    *,
    flow: FlowArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it to this file.")
    ] = None,
    installation: InstallationName = None,
    workspace: Workspace = "main",
) -> None:
    """Show the list as CSV, to be corrected in a spreadsheet and imported."""
    screen = Screen()

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            task = await _task(opened, flow, installation)
            await _require_survey(opened, task)
            pages = [page async for page in exported(opened.services.database, task)]
        if output is None:
            screen.out.file.write("".join(pages))
            return Exit.OK
        # A spreadsheet takes a file for UTF-8 only if it begins with the mark that says so.
        output.write_text("".join(pages), "utf-8-sig")
        screen.note(f"written to {output}", "")
        return Exit.OK

    carry_out(screen, work)


def import_(
    *,
    flow: FlowArgument,
    file: Annotated[Path, typer.Argument(help="The corrected list as CSV.")],
    installation: InstallationName = None,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Take decisions in from a corrected list.

    In the column decision stands the counterpart's key, or new, or skip; nothing takes back what
    was decided. With yes under share several records may have one counterpart. What is at fault
    is told by line and column, and the rest is taken in.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            task = await _task(opened, flow, installation)
            await _require_survey(opened, task)
            services = opened.services
            with screen.progress("reading the decisions"):
                imported = await take_in(
                    _content(file), task, _works(opened), services.database,
                    now=services.clock.now(),
                )  # fmt: skip
            summary = await _summary(opened, task)
            _show_imported(screen, imported)
            _show_next(screen, task, summary)
            screen.json(_imported_json(imported) | _summary_json(task, summary))
        return Exit.WRONG if imported.faults else Exit.OK

    carry_out(screen, work)


def confirm(
    *,
    flow: FlowArgument,
    installation: InstallationName = None,
    yes: Yes = False,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Link what matched or was decided, and let the flow write.

    Records that nobody has decided about are held by the flow one by one. Where nothing was
    surveyed yet it surveys first: an empty list is confirmed at once, any other is to be looked at.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            task = await _task(opened, flow, installation)
            summary = await _summary(opened, task)
            if summary.surveyed_at is None:
                await _survey(opened, task)
                summary = await _summary(opened, task)
                if summary.records:
                    _show_summary(opened, task, summary)
                    screen.json(_summary_json(task, summary))
                    screen.error(
                        f"{plural(summary.records, 'record')} found that nobody has looked at; see "
                        f"`match show {task.flow.name}`, then confirm"
                    )
                    return Exit.WRONG
            _show_summary(opened, task, summary)
            if not asked(screen, f"link them, and let {task.flow.name} write", yes=yes):
                return Exit.USAGE
            done = await _confirm(opened, task, summary)
            _show_confirmed(screen, task, done, summary)
            screen.json(_confirmed_json(done) | _summary_json(task, await _summary(opened, task)))
        return Exit.WRONG if done.refused else Exit.OK

    carry_out(screen, work)


# Working ------------------------------------------------------------------------------------


async def _task(opened: Session, flow: str, installation: str | None) -> FirstMatch:
    one, found = await opened.flow(flow, installation=installation)
    if found.first_match is None:
        matching = [each.name for each in opened.integration(one).flows if each.first_match]
        there_are = f"; these do: {', '.join(matching)}" if matching else ""
        raise UsageError(f"the flow {found.name} needs no first match{there_are}")
    return FirstMatch(installation=one, integration=opened.integration(one), flow=found, who=who())


def _works(opened: Session) -> FlowWorks:
    services = opened.services
    return FlowWorks(services.engine, services.integrations, services.open_side)


async def _survey(opened: Session, task: FirstMatch) -> None:
    services = opened.services
    surveyed = Surveyed()
    with opened.screen.progress("matching both sides") as bar:
        async for surveyed in task.survey(
            _works(opened), services.database, now=services.clock.now()
        ):
            bar.describe(f"{plural(surveyed.records, 'record')} matched")


async def _summary(opened: Session, task: FirstMatch) -> Summary:
    async with opened.services.database.transaction() as db:
        return await first_match.summary(db, task.key)


async def _require_survey(opened: Session, task: FirstMatch) -> None:
    if (await _summary(opened, task)).surveyed_at is None:
        raise UsageError(
            f"nothing was surveyed for {task.flow.name} yet: `match run {task.flow.name}`"
        )


async def _confirm(opened: Session, task: FirstMatch, summary: Summary) -> Confirmed:
    services = opened.services
    done = Confirmed()
    with opened.screen.progress("linking", summary.records) as bar:
        async for done in task.confirm(services.database, now=services.clock.now()):
            bar.to(done.looked_at)
    return done


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise UsageError(f"{file} cannot be read: {exc.strerror}") from exc


def _verdict_of(words: str | None) -> MatchVerdict | None:
    match words:
        case None:
            return None
        case "linked" | "matched" | "proposed" | "ambiguous" | "new":
            return words
        case _:
            raise UsageError(
                f"{words!r} is no verdict; write linked, matched, proposed, ambiguous or new"
            )


# Showing ------------------------------------------------------------------------------------


def _show_summary(opened: Session, task: FirstMatch, summary: Summary) -> None:
    screen, now = opened.screen, opened.services.clock.now()
    screen.line(f"{task.flow.title}: {task.installation.name}", "head")
    if summary.surveyed_at is None:
        screen.entry("surveyed", "never", "warn")
        return
    screen.entry("surveyed", ago(summary.surveyed_at, now))
    for verdict, meaning in (
        ("linked", "linked already"),
        ("matched", "one counterpart, to be linked"),
        ("proposed", "alike by name, for a person to say"),
        ("ambiguous", "several or contradictory, for a person to say"),
        ("new", "no counterpart, to be made"),
    ):
        records = summary.verdicts.get(verdict, 0)
        if records:
            screen.entry(verdict, f"{plural(records, 'record')}: {meaning}", _STYLES[verdict])
    if not summary.records:
        screen.entry("records", "none: there is nothing to match")
    if summary.decided:
        screen.entry("decided", f"{plural(summary.decided, 'record')} by a person")
    if summary.matched_at is not None:
        by = f" by {summary.confirmed_by}" if summary.confirmed_by else ""
        screen.entry("confirmed", f"{ago(summary.matched_at, now)}{by}", "good")
    else:
        screen.entry("confirmed", "not yet: the flow writes nothing", "warn")


def _show_next(screen: Screen, task: FirstMatch, summary: Summary) -> None:
    name = task.flow.name
    if summary.surveyed_at is None:
        screen.note(f"next: `ml-connector match run {name}`")
    elif summary.open:
        screen.note(
            f"next: {plural(summary.open, 'record is', 'records are')} for a person to say: "
            f"`ml-connector match export {name} -o list.csv`, correct it, "
            f"`ml-connector match import {name} list.csv`"
        )
    elif summary.matched_at is None:
        screen.note(f"next: `ml-connector match confirm {name}`")


def _show_rows(screen: Screen, rows: Sequence[Listed]) -> None:
    if not rows:
        return
    screen.line()
    columns = [
        Column("record"), Column("name"), Column("verdict"), Column("counterpart", folds=True),
    ]  # fmt: skip
    screen.table(
        columns,
        [
            (
                row.source_key,
                short(row.source_name, _LONGEST_NAME),
                Cell(row.verdict, _STYLES[row.verdict]),
                _stand(row),
            )
            for row in rows
        ],
    )


def _stand(row: Listed) -> Cell | str:
    """Say what becomes of a record, and why."""
    shared = ", shared" if row.may_share else ""
    if row.decision is not None:
        chosen = _named(row.target) if row.target is not None else row.decision
        return f"decided: {chosen}{shared}"
    if row.target is not None:
        return f"{_named(row.target)}{shared}: {row.because}"
    shown = " or ".join(_named(one) for one in row.candidates[:_SHOWN_CANDIDATES])
    more = len(row.candidates) - _SHOWN_CANDIDATES
    several = f"{shown} or {more} more" if more > 0 else shown
    words = f"{several}: {row.because}" if several else row.because
    return Cell(f"open: {words}", "warn") if row.is_open else words


def _named(found: Found) -> str:
    return f"{found.key} {found.name}" if found.name else found.key


def _show_imported(screen: Screen, imported: Imported) -> None:
    screen.line(
        f"{plural(imported.lines, 'line')} read: {imported.decided:,} decided, "
        f"{imported.withdrawn:,} taken back, {imported.unchanged:,} as they were",
        "good" if not imported.faults else "",
    )
    for fault in imported.faults[:_MOST_FAULTS]:
        screen.error(str(fault))
    more = len(imported.faults) - _MOST_FAULTS
    if more > 0:
        screen.error(f"and {more:,} more; --json names all")


def _show_confirmed(screen: Screen, task: FirstMatch, done: Confirmed, summary: Summary) -> None:
    words = f"{plural(done.linked, 'record')} linked"
    if done.repointed:
        words += f", {done.repointed:,} linked to another than before"
    if done.as_they_were:
        words += f", {done.as_they_were:,} linked already"
    screen.line(f"{words}; {task.flow.name} writes from now on", "good")
    if done.woken:
        screen.line(f"  {plural(done.woken, 'held record runs', 'held records run')} now")
    if summary.open:
        screen.line(
            f"  {plural(summary.open, 'record')} that nobody has decided about: the flow holds "
            "each of them",
            "warn",
        )
    for refusal in done.refusals:
        screen.error(refusal)
    if done.refused > len(done.refusals):
        screen.error(f"and {done.refused - len(done.refusals):,} more that were not linked")


# For programs -------------------------------------------------------------------------------


def _summary_json(task: FirstMatch, summary: Summary) -> dict[str, Any]:
    return {
        "flow": task.flow.name,
        "installation": task.installation.name,
        "surveyed_at": summary.surveyed_at,
        "records": summary.records,
        "verdicts": summary.verdicts,
        "decided": summary.decided,
        "open": summary.open,
        "confirmed_at": summary.matched_at,
        "confirmed_by": summary.confirmed_by,
    }


def _row_json(row: Listed) -> dict[str, Any]:
    return {
        "record": row.source_key,
        "name": row.source_name,
        "verdict": row.verdict,
        "candidates": list(row.candidates),
        "because": row.because,
        "link": row.link,
        "decision": row.decision,
        "may_share": row.may_share,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
    }


def _imported_json(imported: Imported) -> dict[str, Any]:
    return {
        "lines": imported.lines,
        "taken_in": imported.decided,
        "taken_back": imported.withdrawn,
        "unchanged": imported.unchanged,
        "faults": list(imported.faults),
    }


def _confirmed_json(done: Confirmed) -> dict[str, Any]:
    return {
        "linked": done.linked,
        "repointed": done.repointed,
        "linked_already": done.as_they_were,
        "refused": done.refused,
        "refused_because": done.refusals,
        "woken": done.woken,
    }
