"""For whom a call is made: for whoever makes it, or for all whose keys it carries.

Known by their contexts, because the parts above keep there what they count for a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar

_askers: ContextVar[tuple[Context, ...]] = ContextVar("askers", default=())


def current_askers() -> tuple[Context, ...]:
    """Return the contexts of all for whom a call is made now; none: it is the caller's alone."""
    return _askers.get()


@contextmanager
def asking_for(contexts: Iterable[Context]) -> Iterator[None]:
    """Make the calls of this block for others."""
    token = _askers.set(tuple(contexts))
    try:
        yield
    finally:
        _askers.reset(token)
