"""The demo from its beginning to its report."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ml_connector.app.demo import storm
from ml_connector.app.demo.acumatica.play import AcumaticaPlay
from ml_connector.app.demo.deployment import LOG, Deployment, deployment
from ml_connector.app.demo.injected import injected
from ml_connector.app.demo.play import Play, Stage
from ml_connector.app.demo.report import DemoOptions, DemoReport, Spent
from ml_connector.app.demo.sage_intacct.play import SageIntacctPlay
from ml_connector.app.demo.simulators import CRM, Simulators, simulators
from ml_connector.app.demo.watching import NotSettledError, Watcher, Watching
from ml_connector.core.clock import SystemClock

_PATIENCE = 60.0  # seconds, and for each deal:
_PATIENCE_PER_DEAL = 1.0
_UNAUTHORIZED = 401


class MakePlay(Protocol):
    """How a play is made; ``now`` is the moment at which it begins."""

    def __call__(self, options: DemoOptions, *, now: datetime) -> Play:
        """Return the play."""


PLAYS: Mapping[str, MakePlay] = {
    AcumaticaPlay.erp: AcumaticaPlay,
    SageIntacctPlay.erp: SageIntacctPlay,
}
"""The pairs that there is a demo of, by the ERP's name."""


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
class _Theatre:
    """Everything that runs, and the play that is given there."""

    play: Play
    deployment: Deployment
    vendors: Simulators


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
    theatre = await _start(options, watcher, folder, stack)
    stopwatch.note("starting")
    await _furnish(theatre, watcher)
    stopwatch.note("furnishing")
    course = await _move(options, theatre, watcher)
    stopwatch.note("moving")
    report = await _report(options, theatre, course, stopwatch)
    return Finished(report, folder, theatre.deployment.address, theatre.vendors.control_url)


async def _start(
    options: DemoOptions, watcher: Watcher, folder: Path, stack: AsyncExitStack
) -> _Theatre:
    """Start everything and fill both vendors' books."""
    watcher.begin("Starting database, service and simulators")
    play = PLAYS[options.pair](options, now=SystemClock().now())
    starting = await stack.enter_async_context(
        simulators(play.erp, seed=options.seed, log=folder / "simulators.log")
    )
    running = await stack.enter_async_context(deployment(folder))
    vendors = await starting.ready()
    watcher.end("Database, web server, worker and both simulators run")
    await play.seed(vendors)
    return _Theatre(play, running, vendors)


async def _furnish(theatre: _Theatre, watcher: Watcher) -> None:
    """Apply the configuration."""
    play, vendors = theatre.play, theatre.vendors
    watcher.end(play.words)
    applied = await theatre.deployment.apply(
        play.configuration(vendors), secrets=play.secrets(vendors)
    )
    watcher.end(f"Configuration applied: {len(applied.changes)} changes")
    for note in applied.notes:
        watcher.end(note[:1].upper() + note[1:])


async def _move(options: DemoOptions, theatre: _Theatre, watcher: Watcher) -> _Course:
    """Let people do what they do and wait until everything has settled."""
    play, vendors = theatre.play, theatre.vendors
    patience = _PATIENCE + _PATIENCE_PER_DEAL * options.deals
    watching = Watching(theatre.deployment, vendors, flow=play.flow, patience=patience)
    await watching.first_poll()
    course = _Course(
        calls_before={vendor: await vendors.calls(vendor) for vendor in vendors.vendors},
        polled_before=await watching.polled(),
    )
    stage = Stage(
        deployment=theatre.deployment,
        vendors=vendors,
        watching=watching,
        watcher=watcher,
        is_stormy=options.faults == "storm",
    )
    watcher.begin("Deals", total=play.deals_to_win)
    try:
        if stage.is_stormy:
            await storm.begin(vendors, play.weather, seed=options.seed)
        course.forged_answer = await play.act(stage)
    except NotSettledError as exc:
        course.unsettled = str(exc)
    standing = await watching.standing()
    watcher.end(f"Settled: {standing.words}")
    course.polls = await watching.polled() - course.polled_before
    return course


async def _report(
    options: DemoOptions, theatre: _Theatre, course: _Course, stopwatch: _Stopwatch
) -> DemoReport:
    """Compare the books and count what it took."""
    play, vendors = theatre.play, theatre.vendors
    findings = await play.compare(vendors)
    held = await play.held(theatre.deployment, findings)
    if course.unsettled is not None:
        findings.wrong.append(f"still under way when the patience ended: {course.unsettled}")
    elif course.forged_answer != _UNAUTHORIZED:
        findings.wrong.append(f"a forged webhook was answered with {course.forged_answer}")
    after = {vendor: await vendors.calls(vendor) for vendor in vendors.vendors}
    deliveries = await vendors.records(CRM, "deliveries")
    looks = await theatre.deployment.rows(
        "SELECT count(*) AS looks FROM run WHERE flow = 'second_look'"
    )
    stopwatch.note("comparing")
    return DemoReport(
        options=options,
        findings=findings,
        held=held,
        left_alone=play.left_alone,
        injected=injected(after, deliveries),
        webhooks=Counter(row["outcome"] for row in deliveries),
        forged_answer=course.forged_answer,
        second_looks=looks[0].looks,
        spent=_spent(play, course, after),
        polls=course.polls,
        seconds={"all": sum(stopwatch.parts.values()), **stopwatch.parts},
    )


def _spent(
    play: Play, course: _Course, after: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Spent]:
    return {
        vendor: Spent(
            calls=after[vendor]["calls"] - course.calls_before[vendor]["calls"],
            least_calls=least.calls,
            tokens=after[vendor]["cost"] - course.calls_before[vendor]["cost"],
            least_tokens=least.tokens,
        )
        for vendor, least in play.least_calls(polls=course.polls).items()
    }
