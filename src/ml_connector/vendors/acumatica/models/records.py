"""What every record, row and group of fields has: the contract's names, an id and a key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, field

Day = date
"""A business day, without time or zone."""

Moment = Annotated[datetime, Meta(tz=True)]
"""A moment with its zone; Acumatica gives UTC (recorded; NOTES.md, "Dates")."""

CustomValue = str | bool | int | Decimal | None
"""A custom field's value; dates stay text, because their meaning is the field's."""

_WORDS = {"id": "ID", "uom": "UOM", "akit": "AKit"}


def contract_name(name: str) -> str:
    """Return the contract's name of a model's field: ``customer_id`` is ``CustomerID``."""
    return "".join(_WORDS.get(word, word.capitalize()) for word in name.split("_"))


class Part(Struct, frozen=True, kw_only=True, rename=contract_name):
    """A group of fields inside a record, such as an address."""


class Row(Part, frozen=True, kw_only=True):
    """One row of a record's details."""

    id: str | None = field(name="id", default=None)
    """Names the row in an update; for rows without a note it lives in the session only."""


class Record(Part, frozen=True, kw_only=True):
    """A top-level record."""

    ENTITY: ClassVar[str]
    KEYS: ClassVar[tuple[str, ...]]
    """The contract's key fields, in the order of the address."""

    id: str = field(name="id")
    """Acumatica's own id (the record's NoteID); it stays when a key is renamed."""
    custom: Mapping[str, CustomValue] = field(name="custom", default_factory=dict)
    """Custom fields that the read asked for, by ``View.Field``."""

    @property
    def key(self) -> str:
        """The record's key as record links and streams carry it: ``SO/SO004211``."""
        return record_key(*(getattr(self, name) for name in self._key_attributes()))

    @classmethod
    def _key_attributes(cls) -> tuple[str, ...]:
        by_name = dict(zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True))
        return tuple(by_name[name] for name in cls.KEYS)


def record_key(*parts: str | int) -> str:
    """Join key fields as record links carry them."""
    return "/".join(str(part).strip() for part in parts)


def document_key(key: str) -> tuple[str, str]:
    """Take ``SO/SO004211`` or ``Invoice/INV000046`` apart.

    Raises ValueError when there are not two parts.
    """
    kind, slash, number = key.partition("/")
    if not (kind and slash and number):
        raise ValueError(f"{key!r} is not a document's key such as SO/SO004211")
    return kind, number
