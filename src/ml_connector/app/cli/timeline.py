"""A record's timeline: deliveries, runs with what they noted and called, and what people did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ml_connector.app.cli.screen import Cell, Column, Screen, Style, by_day
from ml_connector.app.stories import Story, readable
from ml_connector.app.wording import plural, short
from ml_connector.audit.reading import CallRow, RunRow, TrailRow

_LONGEST = 300  # characters of a detail
_GOOD_STATUS = range(200, 400)
_OUTCOMES: Mapping[str, Style] = {
    "written": "good",
    "unchanged": "good",
    "held": "warn",
    "waiting": "warn",
    "retrying": "warn",
    "dead letter": "bad",
}


@dataclass(frozen=True, slots=True)
class _Line:
    at: datetime
    what: Cell
    words: Cell


def show_timeline(screen: Screen, story: Story, *, with_calls: bool) -> None:
    """Show everything that happened to a record, in order, each day under its date."""
    lines = ((line.at, (line.what, line.words)) for line in _lines(story, with_calls=with_calls))
    rows = by_day(lines, 3)
    if not rows:
        screen.line("  nothing has happened yet", "dim")
        return
    screen.table([Column("UTC"), Column("what"), Column("", folds=True)], rows)


def _lines(story: Story, *, with_calls: bool) -> Iterator[_Line]:
    """Yield the lines by time; what belongs to a run stands between its begin and its end."""
    blocks: list[tuple[datetime, list[_Line]]] = []
    for delivery in story.deliveries:
        words = ", ".join(f"{each.get('kind')} {each.get('action')}" for each in delivery.events)
        line = _Line(delivery.received_at, Cell("webhook"), Cell(words))
        blocks.append((delivery.received_at, [line]))
    calls = {call.id: call for call in story.calls} if with_calls else {}
    left = {
        entry.id: replace(entry, detail=readable(entry.detail, story.field_names))
        for entry in story.entries
    }
    for run in story.runs:
        own = [entry for entry in left.values() if _is_of(entry, run)]
        for entry in own:
            del left[entry.id]
        blocks.append((run.started_at, list(_run_lines(run, own, calls))))
    blocks += [(entry.at, [_entry_line(entry, indent="")]) for entry in left.values()]
    for _, block in sorted(blocks, key=lambda item: item[0]):
        yield from block


def _is_of(entry: TrailRow, run: RunRow) -> bool:
    return entry.run_no == run.run_no and run.started_at <= entry.at <= run.ended_at


def _run_lines(
    run: RunRow, entries: Sequence[TrailRow], calls: Mapping[int, CallRow]
) -> Iterator[_Line]:
    made = [calls[number] for number in run.call_ids if number in calls]
    attempt = f".{run.attempt}" if run.attempt > 1 else ""
    yield _Line(
        run.started_at,
        Cell(f"run {run.run_no}{attempt}", "head"),
        Cell(f"started by {_trigger(run.trigger)}"),
    )
    inside = [
        _entry_line(entry, indent="  ")
        for entry in entries
        if entry.event != "run_failed" or entry.detail.get("message") != run.reason
    ]
    inside += [_call_line(call) for call in made]
    yield from sorted(inside, key=lambda line: line.at)
    length = int((run.ended_at - run.started_at).total_seconds() * 1000)
    cost = f", {plural(run.tokens, 'token')}" if run.tokens else ""
    yield _Line(
        run.ended_at,
        Cell(f"  {run.outcome}", _OUTCOMES.get(run.outcome, "")),
        Cell(f"{run.reason or '-'} ({plural(len(run.call_ids), 'call')}{cost}, {length} ms)"),
    )


def _trigger(trigger: Mapping[str, Any]) -> str:
    by = str(trigger.get("by", "something"))
    if trigger.get("replayed_by"):
        return f"a replay: {trigger['replayed_by']} (first by {by})"
    details = [str(trigger[name]) for name in ("action", "stream") if trigger.get(name)]
    words = " ".join([by, *details])
    return f"{words}: {trigger['who']}" if trigger.get("who") else words


def _entry_line(entry: TrailRow, *, indent: str) -> _Line:
    who = "" if entry.who == "ml-connector" else f" by {entry.who}"
    style: Style = "bad" if entry.event.endswith(("_failed", "_refused", "twins_found")) else ""
    return _Line(
        entry.at,
        Cell(f"{indent}{entry.event}", style),
        Cell(f"{short(entry.detail, _LONGEST) if entry.detail else ''}{who}".strip()),
    )


def _call_line(call: CallRow) -> _Line:
    is_good = call.error is None and call.status is not None and call.status in _GOOD_STATUS
    answer = str(call.status) if call.status is not None else "no answer"
    tokens = f", {plural(call.tokens, 'token')}" if call.tokens else ""
    shared = f", shared by {plural(call.runs, 'run')}" if call.runs > 1 else ""
    words = f"{call.method} {call.operation} -> {answer} ({call.elapsed_ms} ms{tokens}{shared})"
    if call.error:
        words += f" {call.error}"
    return _Line(call.started_at, Cell("  call", "dim"), Cell(words, "dim" if is_good else "bad"))
