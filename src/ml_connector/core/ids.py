"""Ids that must not be mixed up, and random ones."""

from __future__ import annotations

import secrets
import uuid
from typing import NewType

WorkspaceId = NewType("WorkspaceId", int)
ConnectionId = NewType("ConnectionId", int)
InstallationId = NewType("InstallationId", int)
BacklogId = NewType("BacklogId", int)

_TOKEN_BYTES = 32  # 256 bits: a webhook address cannot be guessed


def new_token() -> str:
    """Return an unguessable text that is safe in a URL."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def new_trace_id() -> str:
    """Return a W3C trace id: 32 hex characters."""
    return uuid.uuid4().hex
