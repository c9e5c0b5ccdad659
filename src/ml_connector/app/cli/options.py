"""Options that several commands share."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from ml_connector.app.cli.exits import UsageError

_AGE = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

AsJSON = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
Workspace = Annotated[
    str,
    typer.Option("--workspace", envvar="ML_CONNECTOR_WORKSPACE", help="The workspace's name."),
]
InstallationName = Annotated[
    str | None, typer.Option("--installation", help="Only this installation.")
]
FlowName = Annotated[str | None, typer.Option("--flow", help="Only this flow.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")]


def moment_of(words: str, *, now: datetime) -> datetime:
    """Read a moment: ``2h`` ago, a day, or a day with its time; without a zone it is UTC.

    Raises UsageError that says what would be right.
    """
    age = _AGE.fullmatch(words.strip().lower())
    if age is not None:
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        raise UsageError(
            f"{words!r} is no moment; write 2h, 2026-11-20 or 2026-11-20T15:30+01:00"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
