"""High-water marks: how far a stream has been read, so that nothing is ever passed over.

A change becomes readable up to ``commits_late_by`` after the time that it carries. Reading
from a page at vendor time p, one can therefore only be sure of what carries a time before
p - commits_late_by. So the mark never passes the reading time of the first page that reached
into that last stretch, and each read begins ``commits_late_by`` (and one tick of the vendor's
clock) below the mark. The property test in `tests/unit/sync/test_marks.py` plays histories of
ties, late commits, page shifts and crashes against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ml_connector.core.changes import ChangePage
from ml_connector.core.profile import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where the reading of one stream stands."""

    mark: datetime
    """Everything that carries a time up to here, less the late commits, was captured."""
    highest: datetime | None = None
    """Highest time seen in this pass; becomes the mark of an unordered stream at its end."""
    live_from: datetime | None = None
    """Vendor time at which this pass first reached into what may still be committed late."""

    def since(self, stream: Stream) -> datetime:
        """Return the time from which the next read has to begin."""
        return self.mark - stream.commits_late_by - stream.precision

    def after(self, page: ChangePage, stream: Stream) -> Position:
        """Return the position once the changes of ``page`` are captured."""
        times = [change.changed_at for change in page.changes]
        highest = max([*times, *([self.highest] if self.highest else [])], default=None)
        live_from = self.live_from
        reaches_live = not stream.is_ordered or (
            highest is not None and highest > page.read_at - stream.commits_late_by
        )
        if live_from is None and reaches_live:
            live_from = page.read_at
        is_last = page.next_page is None
        mark = self.mark
        if highest is not None and (stream.is_ordered or is_last):
            mark = max(mark, min(highest, live_from or highest))
        if is_last:
            return Position(mark=mark)
        return replace(self, mark=mark, highest=highest, live_from=live_from)

    def began_again(self) -> Position:
        """Return the position for a new pass from the mark: after a crash or a lost cursor."""
        return Position(mark=self.mark)

    def to_json_text(self) -> str:
        """Return the position as it is stored."""
        return json.dumps({"mark": self.mark.isoformat()})

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Position:
        """Read a stored position; what belonged to an unfinished pass is read again."""
        return cls(mark=datetime.fromisoformat(stored["mark"]))


def settled_version(
    changed_at: datetime, page_read_at: datetime, stream: Stream, *, guard: timedelta
) -> str | None:
    """Return the time of change as a version, once no other change can carry the same time.

    ``guard`` allows for a vendor whose servers' clocks differ a little.
    """
    if page_read_at - changed_at <= stream.precision + guard:
        return None
    return changed_at.isoformat()
