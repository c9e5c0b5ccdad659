"""`report`: lists that a pair draws up from both sides, for people to act on."""

from __future__ import annotations

from typing import Annotated

import typer

from ml_connector.app.cli.exits import Exit, UsageError
from ml_connector.app.cli.options import AsJSON, InstallationName, Workspace
from ml_connector.app.cli.screen import Column, Screen
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.wording import plural
from ml_connector.core.lanes import Lane
from ml_connector.sync.flow import Report
from ml_connector.sync.installations import Installation
from ml_connector.sync.rehearsing import rehearsal
from ml_connector.sync.works import FlowWorks
from ml_connector.transport.lanes import in_lane

_ALL = "*"  # a report is of no one record


def report(
    *,
    name: Annotated[str, typer.Argument(help="The report's name; `list` names all.")],
    installation: InstallationName = None,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Draw up a list from both sides, such as `products-without-item`.

    Both sides are read behind all other work, and nothing is written anywhere.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            known = [
                (one, each)
                for one in await opened.installed(installation)
                for each in opened.integration(one).reports
            ]
            if name == "list":
                _show_known(screen, known)
                return Exit.OK
            one, found = _chosen(name, known)
            rows = await _drawn_up(opened, one, found)
            _show(screen, one, found, rows)
        return Exit.OK

    carry_out(screen, work)


def _chosen(name: str, known: list[tuple[Installation, Report]]) -> tuple[Installation, Report]:
    found = [(one, each) for one, each in known if each.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.name for one, _ in found)
        raise UsageError(f"several installations have it: {names}; choose one with --installation")
    there_are = ", ".join(sorted({each.name for _, each in known})) or "none"
    raise UsageError(f"there is no report {name!r}; there are: {there_are}")


async def _drawn_up(opened: Session, one: Installation, found: Report) -> list[dict[str, str]]:
    services, integration = opened.services, opened.integration(one)
    works = FlowWorks(services.engine, services.integrations, services.open_side)
    run = rehearsal(
        one, integration, integration.flow(found.flow), _ALL, trigger={"by": "person", "who": who()}
    )
    with in_lane(Lane.BULK), opened.screen.progress("reading both sides"):
        return [dict(row) async for row in works.report(run, found)]


def _show(screen: Screen, one: Installation, found: Report, rows: list[dict[str, str]]) -> None:
    screen.line(f"{found.title}: {one.name}", "head")
    columns = [Column(name, folds=name == found.columns[-1]) for name in found.columns]
    screen.table(columns, [[row.get(name, "") for name in found.columns] for row in rows])
    screen.line(plural(len(rows), "row"), "warn" if rows else "good")
    screen.json({"report": found.name, "installation": one.name, "rows": rows})


def _show_known(screen: Screen, known: list[tuple[Installation, Report]]) -> None:
    columns = [Column("report"), Column("installation"), Column("what it lists", folds=True)]
    screen.table(columns, [[each.name, one.name, each.title] for one, each in known])
    screen.json(
        {
            "reports": [
                {"report": each.name, "installation": one.name, "title": each.title}
                for one, each in known
            ]
        }
    )
