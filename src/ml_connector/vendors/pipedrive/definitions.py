"""Definitions of fields: read and kept for a while, and the custom fields that we provide.

Definitions carry no moment of change, so they are read again after a while, and at once when
something turns out to be unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from msgspec import structs

from ml_connector.core.clock import Clock
from ml_connector.core.errors import (
    AccessDeniedError,
    ConfigurationError,
    ConnectorError,
    NotFoundError,
)
from ml_connector.transport.kept import Kept
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.api import API
from ml_connector.vendors.pipedrive.custom_fields import FieldSet, is_key
from ml_connector.vendors.pipedrive.drafts import FieldDraft, OptionDraft, OwnField
from ml_connector.vendors.pipedrive.models import Entity, FieldDefinition
from ml_connector.vendors.pipedrive.pages import all_items, all_v1_items

_PATHS: Mapping[Entity, tuple[str, str]] = {
    "deal": ("dealFields", "deal_fields"),
    "organization": ("organizationFields", "organization_fields"),
    "person": ("personFields", "person_fields"),
    "product": ("productFields", "product_fields"),
}


class Fields:
    """The fields of one account's records."""

    def __init__(self, api: API, *, clock: Clock) -> None:
        self._api = api
        self._kept = Kept(clock=clock)

    async def of(self, entity: Entity, *, fresh: bool = False) -> FieldSet:
        """Return the fields of a kind of record, at most 15 minutes old, or read now."""
        return await self._kept.get(entity, lambda: self._field_set(entity), fresh=fresh)

    async def unknown_among(
        self, entity: Entity, keys: Collection[str], *, fresh: bool = False
    ) -> tuple[str, ...]:
        """Return those custom field keys that are not defined.

        Without ``fresh`` a key unknown to what is kept is looked for in what is read now, and
        nothing is read when nothing is kept: then only Pipedrive knows.
        """
        known = cast("FieldSet | None", self._kept.known(entity))
        if not fresh and (known is None or all(key in known for key in keys)):
            return ()
        fields = await self.of(entity, fresh=True)
        return tuple(key for key in keys if key not in fields)

    async def create(self, entity: Entity, draft: FieldDraft) -> FieldDefinition:
        """Create a custom field. Twice makes two: names are not unique."""
        path, operation = _PATHS[entity]
        answer = await self._api.call("POST", path, operation=f"{operation}.create", draft=draft)
        self._kept.forget(entity)
        return wire.record(FieldDefinition, wire.envelope(answer).data)

    async def add_options(self, entity: Entity, key: str, labels: Sequence[str]) -> None:
        """Add choices to an enum or set field."""
        path, operation = _PATHS[entity]
        await self._api.call(
            "POST",
            f"{path}/{key}/options",
            operation=f"{operation}.add_options",
            draft=[OptionDraft(label=label) for label in labels],
        )
        self._kept.forget(entity)

    async def ensure(
        self,
        entity: Entity,
        wanted: Sequence[OwnField],
        *,
        adopt: bool = False,
        taken: Collection[str] = (),
    ) -> dict[str, str]:
        """Make sure that our own fields are there with all their choices; return name to key.

        A field is found again by its key alone, however it was renamed. One that has no key yet,
        or whose key is gone, is created. ``adopt``, after an attempt whose outcome is unknown,
        takes a custom field of that name and type instead if there is exactly one; never one of
        ``taken``, the keys that are others'.
        """
        fields = await self.of(entity, fresh=True)
        keys: dict[str, str] = {}
        for own in wanted:
            held = self._held(fields, own, adopt=adopt, taken=taken)
            if held is None:
                held = await self.create(entity, _draft(entity, own))
            else:
                await self._complete(entity, held, own)
            keys[own.name] = held.field_code
        return keys

    def _held(
        self, fields: FieldSet, own: OwnField, *, adopt: bool, taken: Collection[str]
    ) -> FieldDefinition | None:
        if own.key is not None and own.key in fields:
            held = fields.definition(own.key)
            if held.field_type != own.field_type:
                raise ConfigurationError(
                    f"Pipedrive's {fields.entity} field {held.field_name!r} ({own.key}) is of type "
                    f"{held.field_type}, but {own.field_type} is needed: choose another field"
                )
            return held
        if not adopt:
            return None
        alike = [
            each
            for each in fields.definitions
            if each.is_custom_field
            and (each.field_name, each.field_type) == (own.name, own.field_type)
            and each.field_code not in taken
        ]
        if len(alike) > 1:
            keys = ", ".join(each.field_code for each in alike)
            raise ConfigurationError(
                f"Pipedrive has {len(alike)} {fields.entity} fields called {own.name!r}: name the "
                f"one to use by its key ({keys})"
            )
        return alike[0] if alike else None

    async def _complete(self, entity: Entity, held: FieldDefinition, own: OwnField) -> None:
        there = {option.label for option in held.options}
        missing = [label for label in own.options if label not in there]
        if missing:
            await self.add_options(entity, held.field_code, missing)

    async def _field_set(self, entity: Entity) -> FieldSet:
        return FieldSet(entity, await self._read(entity))

    async def _read(self, entity: Entity) -> list[FieldDefinition]:
        path, operation = _PATHS[entity]
        try:
            items = await all_items(self._api, path, operation=f"{operation}.list")
        except (NotFoundError, ConfigurationError, AccessDeniedError) as exc:
            # An account or gateway without the v2 Fields API (general since December 2025).
            return await self._read_v1(path, f"{operation}.list_v1", instead_of=exc)
        return list(wire.records(FieldDefinition, items))

    async def _read_v1(
        self, path: str, operation: str, *, instead_of: ConnectorError
    ) -> list[FieldDefinition]:
        try:
            items = await all_v1_items(self._api, path, operation=operation)
        except (NotFoundError, ConfigurationError, AccessDeniedError):
            raise instead_of from None  # v2's refusal says what to put right
        return [_from_v1(item) for item in items]


def _from_v1(item: Any) -> FieldDefinition:
    """Return a v1 definition under v2's names; ``edit_flag`` marks the custom ones."""
    if not isinstance(item, dict):
        return wire.record(FieldDefinition, item)
    key = item.get("key")
    renamed = {
        "field_code": key,
        "field_name": item.get("name"),
        "field_type": item.get("field_type"),
        "options": item.get("options"),
        "is_custom_field": bool(item.get("edit_flag")) and is_key(str(key)),
    }
    return wire.record(FieldDefinition, renamed)


def _draft(entity: Entity, own: OwnField) -> FieldDraft:
    draft = FieldDraft(field_name=own.name, field_type=own.field_type)
    if own.options:
        draft = structs.replace(draft, options=[OptionDraft(label=each) for each in own.options])
    if own.description and entity == "deal":  # the other kinds refuse it
        draft = structs.replace(draft, description=own.description)
    return draft
