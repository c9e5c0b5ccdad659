"""What a run leaves behind, whether it ends well or not."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml_connector.audit.trail import Entry
from ml_connector.notifications.notices import Notice
from ml_connector.sync.links import RecordLink
from ml_connector.sync.rows import Wanted
from ml_connector.sync.tape import Tape


@dataclass(slots=True)
class RunProgress:
    """Collected while a run goes on; written with its settlement."""

    tape: Tape = field(default_factory=Tape)
    entries: list[Entry] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """Ids, numbers and names by which the record can be searched."""
    notices: list[Notice] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    """Records of other flows that are to be looked at because of this run."""
    links: list[RecordLink] = field(default_factory=list)
    """What this run learned of its record, for later runs to go by."""
    ended_causes: list[str] = field(default_factory=list)
    """Causes of holds that this run found ended, or ended itself: ``item:PUMP-40``."""
    writes: int = 0
