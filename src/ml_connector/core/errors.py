"""What can go wrong, sorted by who can put it right.

The class decides what happens to the record (`jobs/dispositions.py`); nobody compares
message texts. A message names the thing, the value and the way out, and never carries a
secret or a whole payload.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class ConnectorError(Exception):
    """Anything that this service raises on purpose."""

    def __init__(self, message: str, *, correlation_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.correlation_id = correlation_id
        """The vendor's own id of the failed call, where it gives one: their support asks for it."""


class TransientError(ConnectorError):
    """Time puts it right: try again with backoff."""


class QuotaScope(Enum):
    """Which limit a vendor's 429 is about."""

    BURST = "burst"
    DAILY = "daily"
    SEATS = "seats"
    BLOCKED = "blocked"


class RateLimitedError(TransientError):
    """The vendor (or our pacing, before it) declined the call; it was not carried out."""

    def __init__(
        self,
        message: str,
        *,
        scope: QuotaScope = QuotaScope.BURST,
        retry_after: timedelta | None = None,
        renews_at: datetime | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.scope = scope
        self.retry_after = retry_after
        self.renews_at = renews_at


class UnavailableError(TransientError):
    """The other side is down or unreachable. On a write, see OutcomeUnknownError."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        is_connection_wide: bool = True,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.retry_after = retry_after
        self.is_connection_wide = is_connection_wide
        """Whether every record would meet the same: then none of them loses an attempt."""


class OutcomeUnknownError(TransientError):
    """A write was sent and no answer came back: search before sending it again."""


class WriteWindowClosedError(TransientError):
    """The moment up to which this write could be sent has passed; nothing was sent."""


class AttentionError(ConnectorError):
    """A person puts it right: hold, notify, resume by itself once it is done.

    ``waits_for`` names what would let the record through, as ``kind:key`` (for example
    ``mapping:warehouse:3`` or ``item:PUMP-40``); when that changes, every record that waits
    for it becomes ready again.
    """

    def __init__(
        self,
        message: str,
        *,
        waits_for: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.waits_for = waits_for


class AuthenticationError(AttentionError):
    """The login was refused or revoked: the connection needs a person."""


class AccessDeniedError(AttentionError):
    """The login is good, but lacks a right. ``right`` names it in the vendor's words."""

    def __init__(
        self,
        message: str,
        *,
        right: str | None = None,
        waits_for: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, waits_for=waits_for, correlation_id=correlation_id)
        self.right = right


class ConfigurationError(AttentionError):
    """A setting of ours or of the vendor's is wrong: the address, the version, a feature."""


class MissingMappingError(AttentionError):
    """A value of one side has no counterpart named yet."""


class HeldError(AttentionError):
    """A rule asks for a person first: an ambiguity, a conflict, a sum that differs."""


class RejectedError(ConnectorError):
    """Nothing puts this request right as it is: dead-letter the record."""


class InvalidRecordError(RejectedError):
    """The vendor refuses the record's content. ``fields`` maps the vendor's field to its words."""

    def __init__(
        self,
        message: str,
        *,
        fields: dict[str, str] | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.fields = fields or {}


class DuplicateRecordError(RejectedError):
    """The vendor says that the record exists: find it and go on with it."""


class NotFoundError(RejectedError):
    """The vendor has no such record (any more)."""


class ContractError(ConnectorError):
    """The answer is not as documented: a developer puts it right."""
