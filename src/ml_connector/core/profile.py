"""What a vendor is like, declared as data.

The engine never asks *which* vendor it is talking to; it reads the vendor's Profile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most ``calls`` calls that count in the window ``name`` within any ``seconds``."""

    name: str
    calls: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a connection may ask of the vendor. Settings and answers may lower or raise it."""

    windows: tuple[Window, ...] = ()
    concurrency: int = 8
    """Calls under way at once."""
    daily_tokens: int | None = None
    """The day's budget in the vendor's own tokens; None where the vendor has none."""
    call_deadline: timedelta = timedelta(seconds=60)
    """How long one call may take, connection included."""
    largest_answer: int = 64 * 1024 * 1024
    """Bytes; a longer answer is refused while it is read."""
    throttles_by_delay: bool = False
    """Whether the vendor slows calls down before it declines any: then fewer go at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The changes of one kind of record, readable in order of change."""

    name: str
    kind: str
    """The kind of record, as it is called in record links: ``deal``, ``sales_invoice``."""
    commits_late_by: timedelta = timedelta(minutes=2)
    """How long after its own timestamp a change may first become readable."""
    precision: timedelta = timedelta(seconds=1)
    """Two changes closer together than this can carry the same timestamp."""
    is_ordered: bool = True
    """Whether pages come in order of change. If not, the mark moves at the end of a pass only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A vendor's facts; each has its source in the vendor's NOTES.md."""

    name: str
    title: str
    limits: Limits = field(default_factory=Limits)
    streams: tuple[Stream, ...] = ()
    search_lag: timedelta = timedelta()
    """How long after a create its record may be missing from a search. A find before a second
    create waits at least this long after the first could last have arrived."""
    idempotency: Literal["none", "key"] = "none"
    """Whether a create may carry a key by which the vendor refuses a second one."""
    webhook_formats: tuple[str, ...] = ()
    absent_files: tuple[str, ...] = ()
    """Files of the common folder shape for which this vendor has no use."""

    def stream(self, name: str) -> Stream:
        """Return the stream called ``name``."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(f"{self.name} has no stream {name!r}")
