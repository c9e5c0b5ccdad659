"""`backfill`: records from before a flow's go-live, counted and summed first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from ml_connector.app.cli.confirming import confirmed
from ml_connector.app.cli.exits import Exit, UsageError
from ml_connector.app.cli.options import AsJSON, InstallationName, Workspace, Yes, moment_of
from ml_connector.app.cli.screen import Screen
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.wording import moment, plural
from ml_connector.sync.backfilling import Backfill, Range, Survey
from ml_connector.sync.works import FlowWorks


def backfill(
    *,
    flow: Annotated[str, typer.Argument(help="The flow's name.")],
    begin: Annotated[
        str, typer.Option("--from", help="From this moment on: 2026-01-01, or 30d for 30 days ago.")
    ],
    end: Annotated[
        str | None, typer.Option("--to", help="Before this moment; the present without it.")
    ] = None,
    installation: InstallationName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count and sum up.")] = False,
    yes: Yes = False,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Take up records from before a flow's go-live.

    The source is read and each record weighed first: count and sums are shown, then confirmed.
    What was handed over already is found unchanged. It all runs behind other work.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            one, found = await opened.flow(flow, installation=installation)
            switch = one.flows.get(found.name)
            if switch is None or not switch.is_on:
                raise UsageError(
                    f"the flow {found.name} is switched off in {one.name}; switch it on first"
                )
            task = Backfill(
                installation=one,
                integration=opened.integration(one),
                flow=found,
                range=_range(begin, end, opened.services.clock.now()),
                who=who(),
            )
            survey = await _survey(opened, task)
            _show(screen, task, survey)
            taken = 0
            if survey.records and not dry_run:
                if not confirmed(
                    screen, f"take up {plural(len(survey.records), 'record')}", yes=yes
                ):
                    return Exit.USAGE
                taken = await _take_up(opened, task, survey)
            screen.json(_json(task, survey, taken))
        return Exit.OK

    carry_out(screen, work)


def _range(begin: str, end: str | None, now: datetime) -> Range:
    first = moment_of(begin, now=now)
    last = moment_of(end, now=now) if end is not None else now
    if first >= last:
        raise UsageError(f"the range is empty: {moment(first)} is not before {moment(last)}")
    return Range(begin=first, end=last)


async def _survey(opened: Session, task: Backfill) -> Survey:
    services = opened.services
    works = FlowWorks(services.engine, services.integrations, services.open_side)
    survey = Survey()
    with opened.screen.progress("reading the source") as bar:
        async for survey in task.survey(works, services.open_side):
            bar.describe(f"{plural(survey.seen, 'record')} read, {survey.weighed} weighed")
            bar.to(survey.weighed, total=survey.candidates or None)
    return survey


async def _take_up(opened: Session, task: Backfill, survey: Survey) -> int:
    taken = 0
    with opened.screen.progress("taking up", len(survey.records)) as bar:
        async for taken in task.take_up(
            opened.services.database, survey, now=opened.services.clock.now()
        ):
            bar.to(taken)
    opened.screen.line(f"{plural(taken, 'record')} taken up; `status` shows how that goes", "good")
    return taken


def _show(screen: Screen, task: Backfill, survey: Survey) -> None:
    screen.line(f"{task.flow.title}: {task.installation.name}", "head")
    screen.entry("range", f"{moment(task.range.begin)} to before {moment(task.range.end)}")
    screen.entry("read", plural(survey.seen, "record"))
    screen.entry("take up", plural(len(survey.records), "record"), "good")
    for currency, total in sorted(survey.sums.items()):
        screen.entry("sum", f"{total:,f} {currency}")
    if survey.without_amount:
        screen.entry("no amount", plural(survey.without_amount, "record"))
    if survey.outside:
        screen.entry("outside", f"{plural(survey.outside, 'record')} of another time")
    if survey.refused:
        screen.entry(
            "left out", f"{plural(survey.refused, 'record')}, such as: {survey.refusals[0]}"
        )


def _json(task: Backfill, survey: Survey, taken: int) -> dict[str, Any]:
    return {
        "flow": task.flow.name,
        "installation": task.installation.name,
        "from": task.range.begin,
        "to": task.range.end,
        "read": survey.seen,
        "records": len(survey.records),
        "sums": dict(survey.sums),
        "without_amount": survey.without_amount,
        "outside": survey.outside,
        "left_out": survey.refused,
        "left_out_because": survey.refusals,
        "taken_up": taken,
    }
