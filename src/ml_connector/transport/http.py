"""One connection's outbound HTTP."""

from __future__ import annotations


class Transport:
    """Placeholder of the interface; the transport's owner replaces this file first thing."""
