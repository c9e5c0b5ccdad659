"""Takes secrets out of everything that is kept, logged or shown."""

from __future__ import annotations


class Redactor:
    """Knows one connection's secrets and replaces them by ``***``."""

    def add(self, *secrets: object) -> None:
        """Learn secrets."""
        raise NotImplementedError
