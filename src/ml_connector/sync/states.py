"""States of the engine's rows, and which may follow which."""

from __future__ import annotations

from enum import Enum


class RowState(Enum):
    """Where a backlog row stands."""

    READY = "ready"
    """Wants a run, at its due time or later."""
    QUEUED = "queued"
    """A run was handed to the run queue."""
    RUNNING = "running"
    HELD = "held"
    """Waits for a named cause and resumes by itself."""
    DEAD = "dead"
    """Ended without success; waits for a person, or for a new event on the record."""
    DONE = "done"
    """Everything wanted is done: written, found unchanged, or skipped with the reason."""


class EffectState(Enum):
    """What is known of one intended write."""

    CLAIMED = "claimed"
    """A run owns it; nothing was sent."""
    INTENDED = "intended"
    """An intent is committed: it may have been sent."""
    UNKNOWN = "unknown"
    """It was sent and no answer came."""
    REFUSED = "refused"
    """The vendor said no; nothing came of it."""
    DONE = "done"


ROW_TRANSITIONS: dict[RowState, frozenset[RowState]] = {
    RowState.READY: frozenset({RowState.QUEUED}),
    RowState.QUEUED: frozenset({RowState.RUNNING, RowState.READY}),
    RowState.RUNNING: frozenset(
        {RowState.RUNNING, RowState.READY, RowState.HELD, RowState.DEAD, RowState.DONE}
    ),
    RowState.HELD: frozenset({RowState.READY}),
    RowState.DEAD: frozenset({RowState.READY}),
    RowState.DONE: frozenset({RowState.READY}),
}
"""Capture, wake, replay and the sweep lead to READY; all else follows a run."""
