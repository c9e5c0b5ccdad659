"""Where in Pipedrive a value is shown that Acumatica owns: the field that the mapping reads.

A rule with ``on_existing: erp_owns`` is read backwards, so it has to name a plain field that
Pipedrive lets be written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ml_connector.sync.mapping.compiling import CompiledMapping, CompiledRule, MappingFault
from ml_connector.sync.mapping.fields import Kind
from ml_connector.sync.mapping.model import OnExisting
from ml_connector.sync.mapping.paths import Reference

Shape = Literal["text", "custom", "points", "address", "person_name"]
"""A field of its own, a custom field, a list of e-mail addresses or numbers, an address, or a
person's name: its parts cannot be written, the whole can (API v2's body of a person)."""

_OWN: Mapping[str, Mapping[str, Shape]] = {
    "organization": {"name": "text", "address": "address"},
    "person": {
        "name": "person_name",
        "first_name": "person_name",
        "last_name": "person_name",
        "emails": "points",
        "phones": "points",
    },
}
_CUSTOM_KEY = 40  # hex digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A field of an organization or a person."""

    record: str
    key: str
    shape: Shape


def places_of(mapping: CompiledMapping, record: str) -> dict[str, Place]:
    """Return where the fields that the ERP owns are shown on a kind of record, by target."""
    found = {rule.target.key: _place(rule, (record,)) for rule in _owned(mapping)}
    return {target: place for target, place in found.items() if place is not None}


def owned_faults(mapping: CompiledMapping, records: Collection[str]) -> Iterator[MappingFault]:
    """Yield the fields that the ERP should own and that cannot be shown in Pipedrive."""
    for rule in _owned(mapping):
        if _place(rule, records) is None:
            yield MappingFault(
                path=("fields", rule.target.key, "on_existing"),
                words="erp_owns writes what Acumatica has into Pipedrive, and this rule names no "
                f"field of {' or '.join(records)} that can be written: give from with its name, "
                "address, e-mail or telephone, or a custom field of type text, without a table",
            )


def _owned(mapping: CompiledMapping) -> Iterator[CompiledRule]:
    yield from (rule for rule in mapping.rules if rule.on_existing is OnExisting.ERP_OWNS)


def _place(rule: CompiledRule, records: Collection[str]) -> Place | None:
    if rule.table is not None or rule.template is not None:
        return None
    places = (_named(each) for each in rule.sources if each.source in records)
    return next((place for place in places if place is not None), None)


def _named(reference: Reference) -> Place | None:
    first, *further = reference.steps
    shape = _OWN.get(reference.source, {}).get(first.key)
    if shape is None and len(first.key) == _CUSTOM_KEY and reference.field.kind is Kind.TEXT:
        shape = "custom"
    has_parts = [step.key for step in further] == ["value"]
    if shape is None or bool(further) != (shape == "points" and has_parts):
        return None
    if first.index not in {None, "primary"}:
        return None  # only the primary one is put in its place
    key = "name" if shape == "person_name" else first.key
    return Place(record=reference.source, key=key, shape=shape)
