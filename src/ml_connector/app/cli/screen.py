"""What commands show: aligned tables and plain words for people, one JSON object for programs.

On a terminal there are colours and moving progress bars; otherwise plain lines, never wrapped,
so that they can be searched and cut. Whatever comes from a vendor is shown as it is, except
for control characters: they could move the cursor of whoever reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_UNBOUNDED = 10_000  # columns, where no terminal bounds them
_NAME_WIDTH = 10
_LINE_EVERY = 10  # per cent of a long work, where no bar can move

Align = Literal["left", "right"]
Style = Literal["good", "bad", "warn", "dim", "head", ""]

_STYLES = {
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
    "dim": "dim",
    "head": "bold",
    "": "",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    align: Align = "left"
    folds: bool = False
    """Whether its text goes on in the next line; other columns are as wide as their content."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a style."""

    text: str
    style: Style = ""


@dataclass(slots=True)
class Screen:
    """Where a command writes: results to standard output, the rest to standard error."""

    as_json: bool = False
    out: Console = field(default_factory=lambda: _console(stderr=False))
    err: Console = field(default_factory=lambda: _console(stderr=True))

    @property
    def is_interactive(self) -> bool:
        """Tell whether a person can be asked."""
        return self.err.is_terminal and not self.as_json

    def line(self, words: str = "", style: Style = "") -> None:
        """Show one line of the result; nothing with `--json`."""
        if not self.as_json:
            self.out.print(_text(words, style), soft_wrap=not self.out.is_terminal)

    def parts(self, *cells: Cell | str) -> None:
        """Show one line made of parts."""
        if not self.as_json:
            line = Text()
            for cell in cells:
                line.append_text(_cell(cell))
            self.out.print(line, soft_wrap=not self.out.is_terminal)

    def entry(self, name: str, words: str, style: Style = "", *, indent: int = 2) -> None:
        """Show one named value below a heading; a long one goes on below itself."""
        if self.as_json:
            return
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(min_width=indent + _NAME_WIDTH, no_wrap=True)
        grid.add_column(overflow="fold", ratio=1 if self.out.is_terminal else None)
        grid.add_row(_text(f"{' ' * indent}{name}", "dim"), _text(words, style))
        self._print(grid)

    def note(self, words: str, style: Style = "dim") -> None:
        """Tell something beside the result, on standard error."""
        self.err.print(_text(words, style), soft_wrap=True)

    def error(self, words: str) -> None:
        """Tell what went wrong, one line for each fault."""
        for line in words.splitlines() or [""]:
            text = _text("error: ", "bad")
            text.append_text(_text(line, ""))
            self.err.print(text, soft_wrap=True)

    def json(self, value: Any) -> None:
        """Show the result for programs: one object on one line."""
        if self.as_json:
            encoded = msgspec.json.encode(value, enc_hook=str).decode()
            self.out.file.write(f"{encoded}\n")
            self.out.file.flush()

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell | str]],
        *,
        indent: int = 0,
    ) -> None:
        """Show a table; nothing with `--json`."""
        if self.as_json:
            return
        table = Table(
            box=None,
            pad_edge=False,
            padding=(0, 2, 0, 0),
            show_edge=False,
            show_header=any(column.name for column in columns),
            header_style="dim",
        )
        for column in columns:
            table.add_column(
                column.name,
                justify=column.align,
                no_wrap=not column.folds,
                overflow="fold" if column.folds else "ellipsis",
                ratio=1 if column.folds and self.out.is_terminal else None,
            )
        for row in rows:
            table.add_row(*(_cell(cell) for cell in row))
        self._print(Padding(table, (0, 0, 0, indent)))

    def _print(self, what: RenderableType) -> None:
        """Print a table; where nobody looks at it, without the spaces that fill its last column."""
        if self.out.is_terminal:
            self.out.print(what)
            return
        with self.out.capture() as captured:
            self.out.print(what)
        for line in captured.get().splitlines():
            self.out.file.write(f"{line.rstrip()}\n")

    @contextmanager
    def progress(self, words: str, total: int | None = None) -> Iterator[Bar]:
        """Show how far a long work has come: a bar on a terminal, else a line now and then."""
        if self.as_json or not self.err.is_terminal:
            yield Bar(screen=self, words=words, total=total)
            return
        columns = [TextColumn("{task.description}"), BarColumn(bar_width=30)]
        columns += [MofNCompleteColumn()] if total is not None else []
        with Progress(*columns, TimeElapsedColumn(), console=self.err, transient=True) as progress:
            task = progress.add_task(_clean(words), total=total)
            yield Bar(screen=self, words=words, total=total, moving=(progress, task))


@dataclass(slots=True)
class Bar:
    """How far a long work has come."""

    screen: Screen
    words: str
    total: int | None
    moving: tuple[Progress, Any] | None = None
    _told: int = -1
    _last: str = ""

    def to(self, done: int, *, total: int | None = None) -> None:
        """Say that ``done`` are done."""
        self.total = total if total is not None else self.total
        if self.moving is not None:
            progress, task = self.moving
            progress.update(task, completed=done, total=self.total)
            return
        if self.screen.as_json or not self.total:
            return
        step = done * 100 // self.total // _LINE_EVERY
        if step > self._told:
            self._told = step
            self.screen.note(f"{self.words}: {done} of {self.total}", "")

    def describe(self, words: str) -> None:
        """Say what is going on, where that costs no line."""
        if self.moving is not None:
            self.say(words)

    def say(self, words: str) -> None:
        """Say what is going on."""
        if words == self._last:
            return
        self._last = words
        if self.moving is not None:
            progress, task = self.moving
            progress.update(task, description=_clean(words))
        elif not self.screen.as_json:
            self.screen.note(words, "")


def by_day(
    lines: Iterable[tuple[datetime, Sequence[Cell | str]]], columns: int
) -> list[list[Cell | str]]:
    """Return rows that begin with the time of day, each day under its date."""
    rows: list[list[Cell | str]] = []
    day: date | None = None
    for at, cells in lines:
        if at.date() != day:
            day = at.date()
            rows.append([Cell(f"{day:%Y-%m-%d}", "dim"), *[""] * (columns - 1)])
        rows.append([Cell(f"{at:%H:%M:%S}", "dim"), *cells])
    return rows


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(
            stderr=stderr,
            highlight=False,
            markup=False,
            emoji=False,
            color_system=None,
            width=_UNBOUNDED,
        )
    return console


def _cell(cell: Cell | str) -> Text:
    return _text(cell, "") if isinstance(cell, str) else _text(cell.text, cell.style)


def _text(words: str, style: Style) -> Text:
    return Text(_clean(words), style=_STYLES[style])


def _clean(words: str) -> str:
    return _CONTROL.sub("·", words)
