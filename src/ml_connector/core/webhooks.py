"""What a vendor's webhook tells, once its guard has let it through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ml_connector.core.secret import Secret


class WebhookRefusedError(Exception):
    """The guard did not let the request through; the answer is 401 and nothing is kept."""


class WebhookUnreadableError(Exception):
    """The guard let it through, but the body is not what the vendor documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """How requests to one address prove that they come from the vendor.

    Every kind that is set must pass. ``previous`` is the guard before the last rotation; it
    passes too until the receiver drops it.
    """

    basic: tuple[Secret, Secret] | None = None
    """User and password of HTTP Basic."""
    signature_key: Secret | None = None
    """Key of the HMAC over the raw body."""
    header: tuple[str, Secret] | None = None
    """A header's name and its fixed value."""
    previous: Guard | None = None

    @property
    def is_open(self) -> bool:
        """Whether this guard would let everything through; such an address is never enabled."""
        return self.basic is None and self.signature_key is None and self.header is None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """One thing that happened to one record."""

    kind: str
    """As in record links and streams: ``deal``, ``organization``."""
    key: str
    action: Literal["created", "changed", "deleted", "merged"]
    delivery_keys: tuple[str, ...]
    """Each names this event among all deliveries; one that is known makes the whole a repeat."""
    changed_at: datetime | None
    """The record's own time of change, comparable with the stream's; None if not told."""
    happened_at: datetime | None
    moment: datetime | None = None
    """The record's own moment (won), by which a go-live is judged; None if not told."""
    merged_into: str | None = None
    """The record that stays, where this one was merged into another."""
    merged_from: str | None = None
    """The record that is gone, where another was merged into this one."""
    correlation_id: str | None = None
    attempt: int = 1


Verify = Callable[[bytes, Mapping[str, str], Guard], None]
"""Check raw body and headers (lower-case keys) against the guard, or raise WebhookRefusedError."""

ReadEvents = Callable[[bytes, Mapping[str, str]], tuple[WebhookEvent, ...]]
"""Name what happened, or raise WebhookUnreadableError."""
