"""Numbered points at which a test may stop the process, to show that nothing is lost there.

Outside such a test no hook is installed and a point is one attribute read.
"""

from __future__ import annotations

from collections.abc import Callable

_hook: Callable[[str], None] | None = None


def crash_point(name: str) -> None:
    """Mark a place between two steps of a run. ``name`` is ``part.step``."""
    if _hook is not None:
        _hook(name)


def install(hook: Callable[[str], None] | None) -> None:
    """Install what happens at every point, or remove it with None."""
    global _hook  # noqa: PLW0603 - one per process, set once before work begins
    _hook = hook
