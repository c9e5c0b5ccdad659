"""Typed rows of the engine, as the rest of the code sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ml_connector.core.lanes import Lane
from ml_connector.sync.states import RowState

SECOND_LOOK = "second_look"  # built-in flow; its record is an effect
POLL = "poll"  # built-in flow; its record is a stream
LOOP = "loop:"  # begins the cause of a hold that broke a loop; events do not end such a hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A record to be looked at by one flow."""

    workspace_id: int
    owner: str
    flow: str
    record: str
    lane: Lane
    due_at: datetime
    wanted_at: datetime
    trigger: Mapping[str, Any]
    installation_id: int | None = None
    connection_id: int | None = None
    version: str | None = None
    """The source's time of change, once no further change can carry the same; a record whose
    row has seen it is not wanted again. None: always wanted."""
    spacing: timedelta = timedelta()
    """A settled row rests at least this long before its next run."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What the backlog has one row of; also the order in which rows are locked."""
        return self.owner, self.flow, self.record


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRun:
    """A run that began: the fence is ``(backlog_id, run_no, attempt)``."""

    backlog_id: int
    run_no: int
    attempt: int
    workspace_id: int
    owner: str
    installation_id: int | None
    connection_id: int | None
    flow: str
    record: str
    wanted: int
    wanted_at: datetime
    """Since when it is wanted: its age."""
    lane: Lane
    starts: int
    failures: int
    trigger: Mapping[str, Any]
    seen_version: str | None
    loop_began_at: datetime | None
    loop_writes: int
    is_cancel_wished: bool
    configuration_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a run ended, written under its fence."""

    backlog_id: int
    run_no: int
    attempt: int
    wanted: int
    state: RowState
    due_at: datetime
    settled_at: datetime
    outcome: str
    reason: str | None = None
    waits_for: str | None = None
    failures: int = 0
    keeps_starts: bool = False
    """Whether the count of starts goes on: only where the run did not come to an end."""
    loop_began_at: datetime | None = None
    loop_writes: int = 0
    look_again_at: datetime | None = None
    """When a row that is done wants another run by itself."""
    rests_for: timedelta = field(default=timedelta())
    """How long a row that is wanted again already rests first."""
