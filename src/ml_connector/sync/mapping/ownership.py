"""What changes on a record that was there before: the smallest difference that is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_connector.sync.mapping.model import OnExisting
from ml_connector.sync.values import same

_WORDS: Mapping[OnExisting, str] = {
    OnExisting.FILL_BLANK: "only blanks are filled",
    OnExisting.ERP_OWNS: "the ERP owns it",
    OnExisting.NEVER: "it is set at creation only",
}
_CHANGED_THERE = "it was changed there since we wrote it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A field that stays as it is, though the mapping would have another value."""

    field: str
    present: Any
    wanted: Any
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingChanges:
    """What to write, and what was left alone."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    kept: tuple[Kept, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)


def changes_for_existing(
    wanted: Mapping[str, Any],
    present: Mapping[str, Any],
    rules: Mapping[str, OnExisting],
    *,
    otherwise: OnExisting = OnExisting.FILL_BLANK,
    ours: Mapping[str, Any] | None = None,
) -> ExistingChanges:
    """Compare what the mapping wants with what the record has, field by field.

    A field that ``wanted`` does not name is left alone, and so is one whose wanted value is
    blank: nothing is ever cleared by an empty field of the CRM. ``ours`` is what we last wrote
    to a record of our own making: a field that still says so is no more than ours, and follows.
    """
    changes: dict[str, Any] = {}
    kept: list[Kept] = []
    for name, value in wanted.items():
        now = present.get(name)
        if is_blank(value) or is_same(value, now):
            continue
        rule = rules.get(name, otherwise)
        is_ours = ours is not None and name in ours and same(now, ours[name])
        if rule is OnExisting.CRM_OWNS or (
            rule is OnExisting.FILL_BLANK and (is_blank(now) or is_ours)
        ):
            changes[name] = value
        else:
            was_ours = rule is OnExisting.FILL_BLANK and ours is not None and name in ours
            words = _CHANGED_THERE if was_ours else _WORDS[rule]
            kept.append(Kept(field=name, present=now, wanted=value, words=words))
    return ExistingChanges(changes=changes, kept=tuple(kept))


def is_blank(value: Any) -> bool:
    """Whether a value says nothing: none, an empty text or an empty list. Zero says something."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, tuple | list | Mapping) and not value)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values say the same: 10 and 10.00, with and without spaces at the ends."""
    if is_blank(one) and is_blank(other):
        return True
    if isinstance(one, str) and isinstance(other, str):
        return one.strip() == other.strip()
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)
