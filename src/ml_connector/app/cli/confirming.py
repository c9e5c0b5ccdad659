"""Asking before something is done."""

from __future__ import annotations

import sys

from ml_connector.app.cli.screen import Screen


def confirmed(screen: Screen, words: str, *, yes: bool) -> bool:
    """Tell whether to do it; without a terminal, and without `--yes`, the answer is no."""
    if yes:
        return True
    if not screen.is_interactive or not sys.stdin.isatty():
        screen.error(f"nothing was done; to {words} without being asked, add --yes")
        return False
    screen.err.print(f"{words}? [y/N] ", end="")
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        return True
    screen.note("nothing was done", "warn")
    return False
