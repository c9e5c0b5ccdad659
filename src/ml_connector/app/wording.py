"""Moments, lengths, numbers and values as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def moment(at: datetime | None) -> str:
    """Return a moment for people: in UTC, to the second."""
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago it was, or in how long it will be."""
    if at is None:
        return "-"
    return f"{duration(now - at)} ago" if at <= now else f"in {duration(at - now)}"


def due(at: datetime | None, now: datetime) -> str:
    """Return when something is due."""
    if at is None:
        return "-"
    return "due now" if at <= now else ago(at, now)


def duration(length: timedelta) -> str:
    """Return a length of time in its largest units: ``3 min``, ``2 h 05 min``."""
    seconds = int(length.total_seconds())
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60:02} min"
    return f"{days} d {hours % 24} h"


def number(value: int | None) -> str:
    """Return a number with its thousands apart."""
    return "-" if value is None else f"{value:,}"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return ``1 record``, ``2 records``."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def short(value: Any, longest: int = 60) -> str:
    """Return a value in one line of at most so many characters."""
    text = " ".join(_in_words(value).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _in_words(value: Any, *, is_inside: bool = False) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            shown = {
                key: _in_words(item, is_inside=True)
                for key, item in value.items()
                if item is not None
            }
            words = ", ".join(f"{key}: {item}" for key, item in shown.items() if item)
            return f"{{{words}}}" if is_inside and words else words
        case list() | tuple():
            words = ", ".join(_in_words(item, is_inside=True) for item in value)
            return f"[{words}]" if is_inside and words else words
        case _:
            return str(value)
