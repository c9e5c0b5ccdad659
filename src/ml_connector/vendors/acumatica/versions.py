"""Endpoint versions: comparing them, and which field exists since which.

An instance serves several versions at once, so a version is chosen, not discovered; numbers
decide, never text (`GET /entity` sorts by version, and "9" comes after "24").
"""

from __future__ import annotations

import re

from msgspec import Meta

Version = tuple[int, int, int]
"""``24.200.001`` as (24, 200, 1)."""

OLDEST: Version = (20, 200, 1)
"""Older ones answer 404 since 2023 R2 (Acumatica docs: contract version)."""

NEWEST_TRIED: Version = (24, 200, 1)
"""Newer ones are used as they are: what the vendor added since is not asked for."""

_PATTERN = re.compile(r"(\d{2})\.(\d{3})\.(\d{3})")
_SINCE = "acumatica_since"


def parse(version: str) -> Version:
    """Return ``version`` as numbers.

    Raises ValueError for a text of another form than ``24.200.001``.
    """
    found = _PATTERN.fullmatch(version.strip())
    if found is None:
        raise ValueError(f"{version!r} is not an endpoint version such as 24.200.001")
    release, line, build = found.groups()
    return int(release), int(line), int(build)


def since(version: str) -> Meta:
    """Mark a model's field as absent from endpoint versions before ``version``."""
    return Meta(extra={_SINCE: parse(version)})


def first_version(hint: object) -> Version:
    """Return the version from which a field with this type hint exists."""
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, Meta) and meta.extra and _SINCE in meta.extra:
            found: Version = meta.extra[_SINCE]
            return found
    return OLDEST
