"""Records as the mapping engine reads them: values by key, custom fields among the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from ml_connector.sync.mapping.fields import Field, Kind


class RecordView(Mapping[str, Any]):
    """A vendor's typed record as values by key; nested records are views too."""

    def __init__(
        self,
        record: msgspec.Struct,
        *,
        custom: str = "custom_fields",
        **related: msgspec.Struct | Mapping[str, Any] | None,
    ) -> None:
        """Show ``record``; ``custom`` names its mapping of custom fields, whose keys join in.

        ``related`` records are shown under their names: ``RecordView(deal, owner=user)``.
        """
        own = {name: getattr(record, name) for name in record.__struct_fields__}
        extra = own.pop(custom, None) or {}
        self._values: dict[str, Any] = {**own, **extra, **related}

    def __getitem__(self, key: str) -> Any:
        return _shown(self._values[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _shown(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return RecordView(value)
    if value is msgspec.UNSET:
        return None
    if isinstance(value, list | tuple):
        return tuple(_shown(item) for item in value)
    return value


@cache
def fields_of(record: type[msgspec.Struct], *, without: tuple[str, ...] = ()) -> tuple[Field, ...]:
    """Return the fields that a vendor's typed record has by itself, from its types.

    Mappings (custom fields) are left out: their definitions come from the vendor.
    """
    described = inspect.type_info(record)
    assert isinstance(described, inspect.StructType)  # noqa: S101 - it was given a Struct
    return _fields(described, without)


def _fields(record: inspect.StructType, without: Sequence[str] = ()) -> tuple[Field, ...]:
    found = (_field(each.name, each.type) for each in record.fields if each.name not in without)
    return tuple(each for each in found if each is not None)


def _field(name: str, described: inspect.Type) -> Field | None:
    plain = _without_none(described)
    item = plain
    if isinstance(plain, inspect.CollectionType | inspect.VarTupleType):
        item = _without_none(plain.item_type)
    if isinstance(item, inspect.DictType):
        return None
    words = name.replace("_", " ")
    return Field(
        key=name,
        name=words,
        title=words.removesuffix(" id"),
        kind=_KINDS.get(type(item), Kind.ANY),
        parts=_fields(item) if isinstance(item, inspect.StructType) else (),
        is_list=item is not plain,
    )


def _without_none(described: inspect.Type) -> inspect.Type:
    """Return a type without what only says that it can be absent."""
    while isinstance(described, inspect.Metadata):
        described = described.type
    if not isinstance(described, inspect.UnionType):
        return described
    present = [each for each in described.types if not isinstance(each, inspect.NoneType)]
    return _without_none(present[0]) if len(present) == 1 else inspect.AnyType()


_KINDS: Mapping[type[inspect.Type], Kind] = {
    inspect.StrType: Kind.TEXT,
    inspect.LiteralType: Kind.TEXT,
    inspect.EnumType: Kind.TEXT,
    inspect.IntType: Kind.INTEGER,
    inspect.DecimalType: Kind.DECIMAL,
    inspect.BoolType: Kind.BOOLEAN,
    inspect.DateType: Kind.DATE,
    inspect.DateTimeType: Kind.MOMENT,
    inspect.StructType: Kind.PARTS,
}
