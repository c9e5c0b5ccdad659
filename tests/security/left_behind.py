"""No secret stands in anything that the whole test run leaves behind: the plugin that sees to it.

It looks for the mark of `looking.py`, in whatever form it may have travelled, in what each test
shows and logs, in every database before it is dropped, in every span, in the output of commands,
and at the end of each test process in all files of its tests. What it finds fails the run, with
the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from tests.security.looking import LEFT, running_test


class _Spans(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            LEFT.look("spans", f"{span.name}, {running_test()}", span.to_json(indent=None))
        return SpanExportResult.SUCCESS


def pytest_configure() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(_Spans()))
    trace.set_tracer_provider(provider)


@pytest.fixture(scope="session", autouse=True)
def _folder_of_this_process(tmp_path_factory: pytest.TempPathFactory) -> None:
    LEFT.folder = tmp_path_factory.getbasetemp()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Look at what a test showed and logged; its last report has all of it."""
    if hasattr(report, "node"):  # told by a worker, which has looked at it
        return
    if report.when == "teardown":
        for name, content in report.sections:
            LEFT.look("output of tests", f"{name}, {report.nodeid}", content)
    if report.failed:
        LEFT.look("failures", report.nodeid, report.longreprtext)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look into this process's files; a worker hands on what it found, the last one judges."""
    if LEFT.folder is not None:
        LEFT.look_into_files(LEFT.folder)
    handed_on: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if handed_on is not None:
        handed_on["left_behind"] = {"looked": dict(LEFT.looked), "found": LEFT.found}
    elif LEFT.found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker found; one that died was looked at by nobody, and has failed."""
    told = getattr(node, "workeroutput", {}).get("left_behind", {"looked": {}, "found": []})
    LEFT.looked.update(told["looked"])
    LEFT.found += told["found"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    looked = ", ".join(f"{count} {kind}" for kind, count in sorted(LEFT.looked.items()))
    if not LEFT.found:
        terminalreporter.write_line(
            f"no secret is left behind: {looked or 'nothing was looked at'}"
        )
        return
    terminalreporter.section("secrets that were left behind", red=True)
    for found in LEFT.found:
        terminalreporter.write_line(found)
