"""The lane in which the present task makes its calls.

A worker enters the lane of the backlog row that it runs; every call made below it, however
deep, queues for its turn with that urgency.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ml_connector.core.lanes import Lane

_current: ContextVar[Lane] = ContextVar("lane", default=Lane.ROUTINE)


def current_lane() -> Lane:
    """Return the lane of this task; ROUTINE unless something else was entered."""
    return _current.get()


@contextmanager
def in_lane(lane: Lane) -> Iterator[None]:
    """Make the calls of this block, and of the tasks that it starts, in ``lane``."""
    token = _current.set(lane)
    try:
        yield
    finally:
        _current.reset(token)
