"""What can be mapped from: the fields of Pipedrive's records, by the names that people know."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from ml_connector.sync.mapping.fields import Field, FieldCatalogue, Kind
from ml_connector.sync.mapping.views import fields_of
from ml_connector.vendors import pipedrive
from ml_connector.vendors.pipedrive import FieldSet, ListName, Names
from ml_connector.vendors.pipedrive.models import (
    Deal,
    DealProduct,
    Entity,
    FieldDefinition,
    Organization,
    Person,
    Product,
)

RECORDS: Mapping[Entity, type[msgspec.Struct]] = {
    "deal": Deal,
    "organization": Organization,
    "person": Person,
    "product": Product,
}
PARTIES: tuple[Entity, ...] = ("deal", "organization", "person")

_KINDS: Mapping[str, Kind] = {
    "double": Kind.DECIMAL,
    "monetary": Kind.PARTS,
    "date": Kind.DATE,
    "enum": Kind.CHOICE,
    "set": Kind.CHOICES,
    "daterange": Kind.ANY,
    "time": Kind.ANY,
    "timerange": Kind.ANY,
    "address": Kind.ANY,
    "user": Kind.CHOICE,
    "org": Kind.INTEGER,
    "people": Kind.INTEGER,
}
_MONETARY = (
    Field(key="value", name="value", kind=Kind.DECIMAL),
    Field(key="currency", name="currency"),
)
_LISTED: Mapping[str, ListName] = {
    "pipeline_id": "pipelines",
    "stage_id": "stages",
    "owner_id": "users",
    "creator_user_id": "users",
}
_CALLED = {"pipeline_id": "Pipeline", "stage_id": "Stage", "creator_user_id": "Creator"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The definitions of Pipedrive's fields as they were read at one moment."""

    fields: Mapping[Entity, FieldSet]
    lists: Mapping[ListName, Names] = field(default_factory=dict)
    """Names by id, of those lists whose fields are mapped."""

    def is_same(self, other: Reading) -> bool:
        """Tell whether nothing was read anew since."""
        return all(
            mine.get(name) is theirs.get(name)
            for mine, theirs in ((self.fields, other.fields), (self.lists, other.lists))
            for name in {*mine, *theirs}
        )

    @property
    def parties(self) -> dict[str, FieldCatalogue]:
        """The records that every mapping may read."""
        return {record: self.catalogue(record) for record in PARTIES}

    @property
    def goods(self) -> dict[str, FieldCatalogue]:
        """The records that the mapping of a line may read."""
        line = FieldCatalogue(side="Pipedrive", record="line", fields=fields_of(DealProduct))
        return {**self.parties, "line": line, "product": self.catalogue("product")}

    def catalogue(self, record: Entity) -> FieldCatalogue:
        """Return a record's own fields and its custom fields."""
        definitions = self.fields[record].definitions
        named = {each.field_code: each for each in definitions}
        own = fields_of(RECORDS[record], without=("custom_fields",))
        custom = (self._custom(each) for each in definitions if each.is_custom_field)
        return FieldCatalogue(
            side="Pipedrive",
            record=record,
            fields=(*(self._own(each, named.get(each.key)) for each in own), *custom),
        )

    def lists_of(self, record: Entity, keys: Collection[str]) -> Iterator[ListName]:
        """Yield the lists that tell the names of these fields' values."""
        for definition in self.fields[record].definitions:
            if definition.field_code in keys and definition.field_type == "user":
                yield "users"
        yield from (_LISTED[key] for key in keys if key in _LISTED)

    def _own(self, own: Field, definition: FieldDefinition | None) -> Field:
        """Give a record's own field the name and the choices that people see in Pipedrive."""
        name = definition.field_name if definition else _CALLED.get(own.key, own.name)
        if own.key in _LISTED:
            options = self.lists.get(_LISTED[own.key], {})
            return replace(own, name=name, title=name, kind=Kind.CHOICE, options=options)
        options = _options(definition)
        if own.key == "label_ids":
            return replace(own, name=name, title=name, kind=Kind.CHOICES, options=options)
        may_be_choice = own.kind in {Kind.TEXT, Kind.ANY}  # status, category, industry
        return replace(own, name=name, title=name, options=options if may_be_choice else {})

    def _custom(self, definition: FieldDefinition) -> Field:
        is_user = definition.field_type == "user"
        options = self.lists.get("users", {}) if is_user else _options(definition)
        return Field(
            key=definition.field_code,
            name=definition.field_name,
            kind=_KINDS.get(definition.field_type, Kind.TEXT),
            options=options,
            parts=_MONETARY if definition.field_type == "monetary" else (),
        )


async def read(
    client: pipedrive.Client, lists: Collection[ListName] = (), *, fresh: bool = False
) -> Reading:
    """Return the definitions and the lists asked for, at most 15 minutes old, or read now."""
    # One after the other: nearly always all is kept, and each deal asks.
    return Reading(
        fields={record: await client.fields.of(record, fresh=fresh) for record in RECORDS},
        lists={name: await client.lists.names(name, fresh=fresh) for name in sorted(lists)},
    )


def _options(definition: FieldDefinition | None) -> dict[str, str]:
    return {str(option.id): option.label for option in definition.options} if definition else {}
