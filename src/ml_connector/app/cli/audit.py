"""`audit`: the trail, newest last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from ml_connector.app.cli.exits import Exit, WrongError
from ml_connector.app.cli.options import AsJSON, InstallationName, Limit, Workspace, moment_of
from ml_connector.app.cli.screen import Cell, Column, Screen, by_day
from ml_connector.app.cli.session import Session, carry_out, session
from ml_connector.app.stories import readable
from ml_connector.app.wording import short
from ml_connector.audit.reading import TrailRow, entries
from ml_connector.sync import looking

_LONGEST = 400  # characters of a detail


def audit(
    *,
    record: Annotated[
        str | None, typer.Option("--record", help="Id, number or name of a record, on any side.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="2h, 2026-11-20, or 2026-11-20T15:30+01:00.")
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", help="A name, or its beginning: sales_order*.")
    ] = None,
    installation: InstallationName = None,
    limit: Limit = 100,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Show what happened, to which record, and by whom.

    The latest stands last.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            found = await _read(
                opened,
                record=record,
                since=since,
                event=event,
                installation=installation,
                limit=limit,
            )
            names = {
                key: name
                for one in await opened.installed()
                for name, key in one.own_fields.items()
            }
        _show(screen, found, names)
        if len(found) == limit:
            screen.note(f"the latest {limit}; --limit shows more")
        screen.json(
            {
                "entries": [
                    {
                        "at": entry.at,
                        "event": entry.event,
                        "who": entry.who,
                        "flow": entry.flow.rpartition(".")[2] if entry.flow else None,
                        "record": entry.record,
                        "run": entry.run_no,
                        "detail": entry.detail,
                    }
                    for entry in found
                ]
            }
        )
        return Exit.OK

    carry_out(screen, work)


async def _read(
    opened: Session,
    *,
    record: str | None,
    since: str | None,
    event: str | None,
    installation: str | None,
    limit: int,
) -> list[TrailRow]:
    chosen = (await opened.installed(installation))[0].id if installation else None
    begin = moment_of(since, now=opened.services.clock.now()) if since else None
    async with opened.services.database.transaction() as db:
        ids = None
        if record is not None:
            rows = await looking.find(db, opened.workspace_id, record, installation_id=chosen)
            if not rows:
                raise WrongError(f"no record is known by {record!r}")
            ids = [row.id for row in rows]
        return await entries(
            db,
            opened.workspace_id,
            since=begin,
            event=event,
            backlog_ids=ids,
            installation_id=chosen,
            limit=limit,
        )


def _show(screen: Screen, found: Sequence[TrailRow], field_names: Mapping[str, str]) -> None:
    if not found:
        screen.line("the trail has nothing of that")
        return
    lines = (
        (entry.at, (Cell(entry.event, "head"), _about(entry), _words(entry, field_names)))
        for entry in found
    )
    columns = [Column("UTC"), Column("event"), Column("record#run"), Column("", folds=True)]
    screen.table(columns, by_day(lines, len(columns)))


def _about(entry: TrailRow) -> str:
    if entry.record is None:
        return "-"
    return f"{entry.record}#{entry.run_no}" if entry.run_no else entry.record


def _words(entry: TrailRow, field_names: Mapping[str, str]) -> str:
    who = "" if entry.who == "ml-connector" else f"by {entry.who}"
    detail = short(readable(entry.detail, field_names), _LONGEST) if entry.detail else ""
    return "; ".join(part for part in (who, detail) if part)
