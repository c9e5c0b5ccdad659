"""The demo from its beginning to its report."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_connector.app.demo import books, storm
from ml_connector.app.demo.company import Company, Fate
from ml_connector.app.demo.deployment import LOG, Deployment, deployment
from ml_connector.app.demo.founding import found
from ml_connector.app.demo.held import held_deals
from ml_connector.app.demo.injected import injected
from ml_connector.app.demo.least_calls import least_calls
from ml_connector.app.demo.report import DemoOptions, DemoReport, Findings, Spent
from ml_connector.app.demo.seeding import Ids, seed
from ml_connector.app.demo.simulators import VENDORS, Simulators, simulators
from ml_connector.app.demo.watching import NotSettledError, Watcher, Watching
from ml_connector.app.demo.winning import People

_PATIENCE = 60.0  # seconds, and for each deal:
_PATIENCE_PER_DEAL = 1.0
_UNAUTHORIZED = 401

PAIRS = ("acumatica",)
"""The pairs that there is a demo of."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The demo after its report, with everything still running."""

    report: DemoReport
    folder: Path
    """Home of the deployment."""
    address: str
    control_url: str

    @property
    def log(self) -> Path:
        """What the service logged."""
        return self.folder / LOG


@dataclass(slots=True)
class _Stopwatch:
    """How long each part took."""

    began: float = field(default_factory=time.monotonic)
    parts: dict[str, float] = field(default_factory=dict)

    def note(self, part: str) -> None:
        """Say that ``part`` is over, and the next one begins."""
        before = sum(self.parts.values())
        self.parts[part] = time.monotonic() - self.began - before


@dataclass(frozen=True, slots=True)
class _Stage:
    """Everything that runs, and what was put into it."""

    deployment: Deployment
    vendors: Simulators
    company: Company
    ids: Ids


@dataclass(slots=True)
class _Course:
    """What happened between the first won deal and the last settled one."""

    calls_before: Mapping[str, Mapping[str, Any]]
    polled_before: int
    polls: int = 0
    forged_answer: int = 0
    unsettled: str | None = None


@asynccontextmanager
async def demo(options: DemoOptions, watcher: Watcher) -> AsyncIterator[Finished]:
    """Run the demo; yields its report while everything still runs, and then stops it all.

    The folder with what was logged stays behind only where the books do not agree.
    """
    folder = Path(tempfile.mkdtemp(prefix="ml-connector-demo-"))
    is_clean = False
    try:
        async with AsyncExitStack() as stack:
            finished = await _run(options, watcher, folder, stack)
            is_clean = finished.report.is_clean
            yield finished
    finally:
        if is_clean:
            shutil.rmtree(folder, ignore_errors=True)


async def _run(
    options: DemoOptions, watcher: Watcher, folder: Path, stack: AsyncExitStack
) -> Finished:
    stopwatch = _Stopwatch()
    stage = await _start(options, watcher, folder, stack)
    stopwatch.note("starting")
    await _furnish(stage, watcher)
    stopwatch.note("furnishing")
    patience = _PATIENCE + _PATIENCE_PER_DEAL * options.deals
    watching = Watching(stage.deployment, stage.vendors, patience=patience)
    course = await _move(options, stage, watching, watcher)
    stopwatch.note("moving")
    report = await _report(options, stage, course, stopwatch)
    return Finished(report, folder, stage.deployment.address, stage.vendors.control_url)


async def _start(
    options: DemoOptions, watcher: Watcher, folder: Path, stack: AsyncExitStack
) -> _Stage:
    """Start everything and fill both vendors' books."""
    watcher.begin("Starting database, service and simulators")
    starting = await stack.enter_async_context(
        simulators(seed=options.seed, log=folder / "simulators.log")
    )
    running = await stack.enter_async_context(deployment(folder))
    vendors = await starting.ready()
    watcher.end("Database, web server, worker and both simulators run")
    company = found(options.deals, seed=options.seed)
    return _Stage(running, vendors, company, await seed(company, vendors))


async def _furnish(stage: _Stage, watcher: Watcher) -> None:
    """Apply the configuration."""
    company = stage.company
    watcher.end(
        f"A company with {len(company.organizations)} organizations, {len(company.persons)} people "
        f"and {len(company.deals)} deals"
    )
    applied = await stage.deployment.apply(stage.vendors)
    watcher.end(f"Configuration applied: {len(applied.changes)} changes")
    for note in applied.notes:
        watcher.end(note[:1].upper() + note[1:])


async def _move(
    options: DemoOptions, stage: _Stage, watching: Watching, watcher: Watcher
) -> _Course:
    """Win the deals and wait until everything has settled."""
    await watching.first_poll()
    course = _Course(
        calls_before={vendor: await stage.vendors.calls(vendor) for vendor in VENDORS},
        polled_before=await watching.polled(),
    )
    people = People(stage.company, stage.ids, stage.vendors)
    watcher.begin("Deals", total=people.deals_to_win)
    try:
        if options.faults == "storm":
            await storm.begin(stage.vendors, seed=options.seed)
            await people.win_in_waves(watching, watcher)
        else:
            await people.win_all()
        await people.edit_those_won_before()
        course.forged_answer = await people.forge_a_webhook()
        await watching.settled(watcher)
        await people.repeat_a_webhook()
        await watching.settled(watcher)
        if options.faults == "storm":
            await watching.let_time_pass(watcher)
    except NotSettledError as exc:
        course.unsettled = str(exc)
    standing = await watching.standing()
    watcher.end(f"Settled: {standing.words}")
    course.polls = await watching.polled() - course.polled_before
    return course


async def _report(
    options: DemoOptions, stage: _Stage, course: _Course, stopwatch: _Stopwatch
) -> DemoReport:
    """Compare the books and count what it took."""
    vendors, company = stage.vendors, stage.company
    findings = books.compare(company, stage.ids, await books.read(vendors))
    held = await held_deals(stage.deployment, company, stage.ids, findings)
    _note_course(course, findings)
    after = {vendor: await vendors.calls(vendor) for vendor in VENDORS}
    deliveries = await vendors.records("pipedrive", "deliveries")
    looks = await stage.deployment.rows(
        "SELECT count(*) AS looks FROM run WHERE flow = 'second_look'"
    )
    stopwatch.note("comparing")
    return DemoReport(
        options=options,
        findings=findings,
        held=held,
        left_alone=len(company.of_fate(Fate.LEFT_ALONE)),
        injected=injected(after, deliveries),
        webhooks=Counter(row["outcome"] for row in deliveries),
        forged_answer=course.forged_answer,
        second_looks=looks[0].looks,
        spent=_spent(company, course, after),
        polls=course.polls,
        seconds={"all": sum(stopwatch.parts.values()), **stopwatch.parts},
    )


def _note_course(course: _Course, findings: Findings) -> None:
    if course.unsettled is not None:
        findings.wrong.append(f"still under way when the patience ended: {course.unsettled}")
    elif course.forged_answer != _UNAUTHORIZED:
        findings.wrong.append(f"a forged webhook was answered with {course.forged_answer}")


def _spent(
    company: Company, course: _Course, after: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Spent]:
    least = least_calls(company, polls=course.polls)
    return {
        vendor: Spent(
            calls=after[vendor]["calls"] - course.calls_before[vendor]["calls"],
            least_calls=least[vendor].calls,
            tokens=after[vendor]["cost"] - course.calls_before[vendor]["cost"],
            least_tokens=least[vendor].tokens,
        )
        for vendor in VENDORS
    }
