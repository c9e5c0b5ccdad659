"""Permission to send a write, bounded in time.

The writing-once primitive opens a permit after its intent is committed; the transport of a
service connection refuses every write without one, and sends none after its end. So a flow
that forgets the primitive cannot write, a plan cannot write, and a worker that slept between
its check and its call sends nothing late.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePermit:
    """One intended write may be sent until ``not_after`` (this process's monotonic clock)."""

    not_after: float
    purpose: str
    """The effect it belongs to, for the audit trail: ``sales_order deal/42 #1``."""


_current: ContextVar[WritePermit | None] = ContextVar("write_permit", default=None)


def current_permit() -> WritePermit | None:
    """Return the permit under which this task runs, if any."""
    return _current.get()


@contextmanager
def writing(permit: WritePermit) -> Iterator[None]:
    """Allow writes in this block, until the permit ends."""
    token = _current.set(permit)
    try:
        yield
    finally:
        _current.reset(token)
