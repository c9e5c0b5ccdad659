"""How urgent a piece of work is. Lower goes first."""

from __future__ import annotations

from enum import IntEnum


class Lane(IntEnum):
    """Urgency class of a backlog row and of the calls made for it."""

    URGENT = 0
    """A person waits: a run or replay on demand, a ping."""
    EVENT = 1
    """Something happened that the other side should show: a won deal, a paid invoice."""
    ROUTINE = 2
    """Found by a poll or due by a schedule."""
    BULK = 3
    """Backfill, first load, mass replay."""
