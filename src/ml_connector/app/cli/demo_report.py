"""The demo as a person sees it: how it gets on, and what came of it."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from types import TracebackType
from typing import Self

from ml_connector.app.cli.screen import Bar, Cell, Column, Screen
from ml_connector.app.demo.injected import WORDS
from ml_connector.app.demo.report import DemoOptions, DemoReport, Spent
from ml_connector.app.demo.running import Finished
from ml_connector.app.wording import number, plural

_INDENT = 2
_TITLES = {"pipedrive": "Pipedrive", "acumatica": "Acumatica", "sage_intacct": "Sage Intacct"}
_SHOWN_PROBLEMS = 20


class Progress:
    """Shows the parts of the demo as they go by: bars on a terminal, else lines."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._bars = ExitStack()
        self._bar: Bar | None = None
        self._words = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.close()

    def begin(self, words: str, total: int | None = None) -> None:
        """Show that a part begins."""
        self._bars.close()
        self._words = words
        self._bar = self._bars.enter_context(self._screen.progress(words, total))

    def move(self, done: int, words: str = "") -> None:
        """Show how far it has come."""
        if self._bar is None:
            return
        self._bar.to(done)
        if words and self._bar.moving is not None:
            self._bar.say(f"{self._words}: {words}")

    def end(self, words: str) -> None:
        """Show what came of it."""
        self._bars.close()
        self._bar = None
        self._screen.parts(Cell("✓ ", "good"), words)


def show_title(screen: Screen, options: DemoOptions) -> None:
    """Say what is going to happen."""
    weather = "in a storm of faults" if options.faults == "storm" else "without faults"
    pair = f"{_TITLES['pipedrive']} to {_TITLES[options.pair]}"
    deals = plural(options.deals, "deal")
    screen.line(f"{pair}: {deals} {weather}, seed {options.seed}", "head")


def show(screen: Screen, finished: Finished) -> None:
    """Show the whole report."""
    report = finished.report
    _show_moved(screen, report)
    _show_held(screen, report)
    _show_left_alone(screen, report)
    _show_injected(screen, report)
    _show_spent(screen, report)
    _show_verdict(screen, finished)
    screen.json(report.as_json())


def show_the_way(screen: Screen, finished: Finished) -> None:
    """Say where everything runs, and how to look at it."""
    screen.line()
    screen.line("It goes on running; Ctrl-C ends it and removes its data.", "head")
    screen.table(
        [Column(""), Column("", folds=True)],
        [
            ("service", f"{finished.address} (/ready, /metrics)"),
            ("simulators", f"{finished.control_url}/_control (docs/sandbox.md)"),
            ("log", str(finished.log)),
            ("look further", f"export ML_CONNECTOR_HOME={finished.folder}"),
            ("", "ml-connector status; ml-connector held; ml-connector records show 1"),
        ],
        indent=_INDENT,
    )
    screen.out.file.flush()


def _show_moved(screen: Screen, report: DemoReport) -> None:
    _head(screen, "What moved")
    screen.table([Column(""), Column("", folds=True)], report.findings.moved, indent=_INDENT)


def _show_held(screen: Screen, report: DemoReport) -> None:
    if not report.held:
        return
    _head(screen, "What waits for a person")
    screen.table(
        [
            Column("deals", align="right"),
            Column("cause"),
            Column("in the product's words", folds=True),
        ],
        [(number(one.deals), one.cause, one.example) for one in report.held],
        indent=_INDENT,
    )


def _show_left_alone(screen: Screen, report: DemoReport) -> None:
    _head(screen, "What was left alone")
    if report.left_alone:
        _item(
            screen,
            f"{plural(report.left_alone, 'deal')} won before go-live and edited afterwards: "
            "nothing in the ERP",
        )
    _item(screen, f"a forged webhook: refused with {report.forged_answer}")
    _item(
        screen,
        f"{plural(report.injected['webhook_repeated'], 'webhook')} delivered again: no effect",
    )


def _show_injected(screen: Screen, report: DemoReport) -> None:
    if report.options.faults == "none":
        return
    _head(screen, "What went wrong on the way")
    screen.table(
        [Column("times", align="right"), Column("what the simulators injected")],
        [(number(count), WORDS.get(kind, kind)) for kind, count in report.injected.items()],
        indent=_INDENT,
    )
    if report.second_looks:
        _item(
            screen,
            f"{plural(report.second_looks, 'second look')} for twins, after creates whose answer "
            "was lost",
        )


def _show_spent(screen: Screen, report: DemoReport) -> None:
    together = Spent(
        calls=sum(one.calls for one in report.spent.values()),
        least_calls=sum(one.least_calls for one in report.spent.values()),
    )
    _head(screen, "What it cost, beside the least possible (docs/measures.md)")
    screen.table(
        [
            Column(""),
            *(Column(name, align="right") for name in (
                "calls", "least", "ratio", "a deal", "least", "tokens", "least",
            )),
        ],
        [
            *(
                _spent_row(_TITLES[vendor], one, report.options.deals)
                for vendor, one in report.spent.items()
            ),
            _spent_row("together", together, report.options.deals),
        ],
        indent=_INDENT,
    )  # fmt: skip


def _spent_row(title: str, spent: Spent, deals: int) -> tuple[str, ...]:
    tokens = (number(spent.tokens), number(spent.least_tokens)) if spent.least_tokens else ("", "")
    return (
        title,
        number(spent.calls),
        number(spent.least_calls),
        f"{Decimal(spent.calls) / spent.least_calls:.2f}",
        f"{spent.calls / deals:.1f}",
        f"{spent.least_calls / deals:.1f}",
        *tokens,
    )


def _show_verdict(screen: Screen, finished: Finished) -> None:
    report, findings = finished.report, finished.report.findings
    parts = ", ".join(
        f"{part} {took:.1f} s" for part, took in report.seconds.items() if part != "all"
    )
    screen.line()
    screen.line(f"{report.seconds['all']:.1f} s ({parts})", "dim")
    counts = (
        f"{len(findings.lost)} lost, {len(findings.doubled)} doubled, {len(findings.wrong)} wrong"
    )
    if report.is_clean:
        screen.parts(Cell("✓ ", "good"), Cell(f"Both vendors' books agree: {counts}.", "good"))
        return
    screen.line(f"The books do not agree: {counts}.", "bad")
    problems = [*findings.lost, *findings.doubled, *findings.wrong]
    for problem in problems[:_SHOWN_PROBLEMS]:
        _item(screen, problem)
    if len(problems) > _SHOWN_PROBLEMS:
        _item(screen, f"and {len(problems) - _SHOWN_PROBLEMS} more (--json lists all)")
    screen.line(f"What the service logged meanwhile: {finished.log}")


def _head(screen: Screen, words: str) -> None:
    screen.line()
    screen.line(words, "head")


def _item(screen: Screen, words: str) -> None:
    screen.line(f"{' ' * _INDENT}{words}")
