"""`run --dry-run`: exactly what a run would create and change, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ml_connector.app.cli.exits import Exit
from ml_connector.app.cli.screen import Cell, Column, Screen
from ml_connector.app.cli.session import Session, who
from ml_connector.app.stories import readable
from ml_connector.app.wording import short
from ml_connector.jobs.dispositions import Disposition
from ml_connector.sync.flow import Flow
from ml_connector.sync.installations import Installation
from ml_connector.sync.plan import PlannedWrite
from ml_connector.sync.rehearsing import Rehearsed, rehearsal, rehearse
from ml_connector.sync.works import FlowWorks

_LONGEST = 200  # characters of a value
_BECOMES = {
    Disposition.HOLD: "it would be held",
    Disposition.DEAD_LETTER: "it would be given up",
    Disposition.RETRY: "it would be tried again",
    Disposition.COME_BACK: "it would come back shortly",
    Disposition.WAIT_FOR_CONNECTION: "the connection would be taken out of service",
}


async def show_rehearsal(opened: Session, one: Installation, flow: Flow, record: str) -> Exit:
    """Play a run through and show it; nothing is written on any side."""
    services = opened.services
    works = FlowWorks(services.engine, services.integrations, services.open_side)
    run = rehearsal(
        one,
        opened.integration(one),
        flow,
        record,
        trigger={"by": "person", "who": who()},
    )
    with opened.screen.progress(f"playing {flow.name} {record} through"):
        found = await rehearse(works, run)
    names = {key: name for name, key in one.own_fields.items()}
    _show(opened.screen, flow, record, found, names)
    opened.screen.json(
        {
            "flow": flow.name,
            "record": record,
            "outcome": found.outcome.kind if found.outcome else None,
            "reason": found.outcome.reason
            if found.outcome
            else found.error and found.error.message,
            "would_be": found.disposition.value if found.disposition else None,
            "writes": found.writes,
            "notes": [{"event": note.event, "detail": note.detail} for note in found.notes],
        }
    )
    return Exit.OK if found.outcome is not None else Exit.WRONG


def _show(
    screen: Screen, flow: Flow, record: str, found: Rehearsed, field_names: Mapping[str, str]
) -> None:
    screen.parts(
        Cell("dry run  ", "warn"),
        Cell(f"{flow.record_kind} {record}", "head"),
        f"  {flow.title}",
    )
    for write in found.writes:
        _show_write(
            screen,
            replace(
                write,
                fields=readable(write.fields, field_names),
                before=readable(write.before, field_names),
            ),
        )
    if found.outcome is not None:
        words = "nothing would be written: " if not found.writes else ""
        screen.line(f"{words}{found.outcome.reason}", "good")
    elif found.error is not None:
        becomes = _BECOMES[found.disposition] if found.disposition else "it would fail"
        screen.line(f"{becomes}: {found.error.message}", "bad")


def _show_write(screen: Screen, write: PlannedWrite) -> None:
    is_new = write.action == "create"
    screen.line()
    screen.parts(
        Cell("+ create " if is_new else "~ change ", "good" if is_new else "warn"),
        Cell(write.kind, "head"),
        f"  from {write.key}" if is_new else f"  {write.key}",
    )
    if is_new:
        rows = [(name, short(value, _LONGEST)) for name, value in _flat(write.fields)]
        screen.table([Column("field"), Column("value", folds=True)], rows, indent=4)
        return
    changes = [
        (name, short(write.before.get(name), _LONGEST), short(value, _LONGEST))
        for name, value in write.fields.items()
    ]
    columns = [Column("field"), Column("is"), Column("would be", folds=True)]
    screen.table(columns, changes, indent=4)


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every field by its path; lines of an order are counted from one."""
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            yield from _flat(item, f"{name}.")
        elif isinstance(item, list | tuple) and any(isinstance(one, Mapping) for one in item):
            for number, one in enumerate(item, start=1):
                yield from _flat(one, f"{name}[{number}].")
        elif item is not None:
            yield name, item
