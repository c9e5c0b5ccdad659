"""Paging through lists that have no cursor, no count and no sorting.

Lists come in the order of their keys. Where the key can be compared, the next page is what lies
behind the last key: rows that come and go elsewhere shift nothing. Where it cannot (the types of
documents are labels outside and codes inside), pages overlap by some rows: as long as one of the
last page's final rows shows up again, nothing slipped through between; if none does, the reading
steps back. The same is done when keys turn out not to be in order.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import msgspec

from ml_connector.core.errors import ContractError
from ml_connector.vendors.acumatica import odata, wire

PAGE = 200
"""Rows; the vendor names no largest page, 100 to 200 is what integrations use."""

OVERLAP = 10
"""Rows that two pages share: so many deletions between two reads do no harm."""

Key = tuple[str | int, ...]


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the next page begins."""

    after: Key | None = None
    """Behind this key."""
    skip: int | None = None
    """So many rows from the start; None while keys are gone by."""
    anchors: tuple[str, ...] = ()
    """Ids of the last page's final rows: one of them must come again."""

    def text(self) -> str:
        """Return the cursor as the opaque text that travels."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Read a cursor back."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as exc:
            raise ContractError(f"{text!r} is not a cursor of this vendor") from exc


def first(*, by_key: bool) -> Cursor:
    """Return the cursor of the first page."""
    return Cursor() if by_key else Cursor(skip=0)


def condition(cursor: Cursor, keys: Sequence[str]) -> str | None:
    """Return the condition for rows behind the cursor; None where it counts rows."""
    if cursor.after is None or cursor.skip is not None:
        return None
    return _behind(list(zip(keys, cursor.after, strict=True)))


def following(
    cursor: Cursor, rows: Sequence[dict[str, Any]], keys: Sequence[str], *, page: int = PAGE
) -> Cursor | None:
    """Return the cursor of the page after ``rows``, or None at the end."""
    if cursor.skip is None:
        return _by_key(cursor, [_key(row, keys) for row in rows], page=page)
    ids = [str(row.get("id")) for row in rows]
    if cursor.anchors and cursor.skip > 0 and not set(cursor.anchors) & set(ids):
        return Cursor(skip=max(0, cursor.skip - page), anchors=cursor.anchors)
    if len(rows) < page:
        return None
    return Cursor(skip=cursor.skip + len(rows) - OVERLAP, anchors=tuple(ids[-OVERLAP:]))


def _by_key(cursor: Cursor, found: list[Key], *, page: int) -> Cursor | None:
    if len(found) < page:
        return None
    if found[-1] == cursor.after or _are_surely_unordered(found):
        return Cursor(skip=0)  # from the start: what was passed over is not known
    return Cursor(after=found[-1])


def _behind(parts: list[tuple[str, str | int]]) -> str:
    """``A gt a``, or ``A gt a or (A eq a and B gt b)``."""
    (name, value), *rest = parts
    greater = odata.compare(name, "gt", value)
    if not rest:
        return greater
    equal = odata.compare(name, "eq", value)
    return odata.any_of(greater, odata.all_of(equal, _behind(rest)))


def _key(row: dict[str, Any], keys: Sequence[str]) -> Key:
    values = tuple(wire.scalar_at(row, name) for name in keys)
    if not all(isinstance(value, (str, int)) for value in values):
        raise ContractError(f"Acumatica's row lacks its key {', '.join(keys)}")
    return tuple(value for value in values if isinstance(value, (str, int)))


def _are_surely_unordered(found: Sequence[Key]) -> bool:
    """Whether two keys stand in the wrong order by any collation.

    Databases disagree on where punctuation belongs; letters and digits they sort alike.
    """
    plain = [key for key in found if all(_is_plain(part) for part in key)]
    folded = [tuple(p.casefold() if isinstance(p, str) else p for p in key) for key in plain]
    return any(earlier > later for earlier, later in itertools.pairwise(folded))


def _is_plain(part: str | int) -> bool:
    return isinstance(part, int) or (part.isascii() and part.isalnum())
