"""Which fields a record has, by key and by the names that people know."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"
    CHOICE = "choice"
    """One of ``options``; without options, whatever the vendor takes."""
    CHOICES = "choices"
    PARTS = "parts"
    """Several fields of its own: an address, an amount with its currency, a related record."""
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a record, on either side."""

    key: str
    name: str
    """As people see it; not always unique."""
    kind: Kind = Kind.TEXT
    title: str = ""
    """As messages call it; the name, if empty."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The choices' labels by id."""
    parts: tuple[Field, ...] = ()
    is_list: bool = False
    """Several of this kind: e-mail addresses, telephone numbers."""
    longest: int | None = None
    """Characters that a text may have."""
    digits: int | None = None
    """Digits after the point that a number may have."""
    is_writable: bool = True

    @property
    def called(self) -> str:
        """What messages call it."""
        return self.title or self.name


class FieldNotFoundError(ValueError):
    """No field, or more than one, is meant by a name; the message says what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCatalogue:
    """The fields of one kind of record on one side."""

    side: str
    """As people know it: ``Pipedrive``."""
    record: str
    """The kind of record, as in record links: ``deal``."""
    fields: tuple[Field, ...]

    @property
    def called(self) -> str:
        """What messages call such a record."""
        return f"{self.side} {self.record.replace('_', ' ')}"

    def find(self, name: str) -> Field:
        """Return the field with that key or that name.

        A name that several fields have is refused with their keys, an unknown one with the
        names that come near.
        """
        return find_field(name, self.fields, of=self.called)


def find_field(name: str, fields: Iterable[Field], *, of: str) -> Field:
    """Return the field meant by a key or a name, among the fields ``of`` something."""
    known = tuple(fields)
    for matches in (
        [each for each in known if each.key == name],
        [each for each in known if each.name == name],
        [each for each in known if folded(name) in {folded(each.name), folded(each.key)}],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            keys = ", ".join(each.key for each in matches)
            raise FieldNotFoundError(
                f"{of} has {len(matches)} fields called {name!r}; name one by its key ({keys})"
            )
    names = [text for each in known for text in (each.name, each.key)]
    raise FieldNotFoundError(f"{of} has no field {name!r}{did_you_mean(name, names)}")


def did_you_mean(wanted: str, known: Iterable[str]) -> str:
    """Return the end of a message with what comes near, or nothing."""
    by_folded: dict[str, str] = {}
    for name in known:
        by_folded.setdefault(folded(name), name)
    near = difflib.get_close_matches(folded(wanted), by_folded, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(by_folded[name]) for name in near)}?" if near else ""


def folded(text: str) -> str:
    """Return a name without what people do not mean by it: case, spaces, underscores."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s_]+", " ", plain).strip()
