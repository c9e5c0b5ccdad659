"""What a request body says, read against the contract: known parts kept, unknown ones dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vendor_simulators.acumatica.answers import invalid_request
from vendor_simulators.acumatica.contract import Contract, Entity, Field
from vendor_simulators.acumatica.records import CustomValue
from vendor_simulators.acumatica.values import UnreadableError, converted, unwrapped

_SYSTEM = frozenset(
    {"id", "rowNumber", "note", "custom", "error", "files", "_links", "delete", "_workflowActions"}
)
_CUSTOM_KINDS = {
    "CustomStringField": "s",
    "CustomIntField": "i",
    "CustomShortField": "i",
    "CustomLongField": "i",
    "CustomByteField": "i",
    "CustomDecimalField": "d",
    "CustomDoubleField": "d",
    "CustomBooleanField": "b",
    "CustomDateTimeField": "t",
    "CustomGuidField": "g",
}


class Given:
    """The parts of one record that a body names, converted to the fields' kinds."""

    __slots__ = ("custom", "entity", "id", "is_deleted", "links", "note", "rows", "values")

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.values: dict[str, Any] = {}
        self.links: dict[str, Given] = {}
        self.rows: dict[str, list[Given]] = {}
        self.custom: dict[tuple[str, str], CustomValue] = {}
        self.note: str | None = None
        self.id: str | None = None
        self.is_deleted = False

    def paths(self) -> frozenset[str]:
        """Return the names of the fields given, those of linked parts with their path."""
        found = set(self.values)
        for name, part in self.links.items():
            found.update(f"{name}/{path}" for path in part.paths())
        return frozenset(found)


class BodyReader:
    """Reads bodies for one endpoint version.

    ``takes`` says whether a field is stored at all: a feature that is off hides its fields.
    ``is_wrapped`` is False for the plain values of a seed, which may also set fields that only
    the server sets.
    """

    def __init__(
        self,
        contract: Contract,
        version: int,
        *,
        takes: Callable[[Entity, Field], bool] = lambda _entity, _field: True,
        is_wrapped: bool = True,
        refuses_bare: bool = True,
    ) -> None:
        self._contract = contract
        self._version = version
        self._takes = takes
        self._is_wrapped = is_wrapped
        self._refuses_bare = refuses_bare

    def read(self, entity: Entity, body: Any) -> Given:
        """Return what ``body`` gives for ``entity``; HTTP 400 for what cannot be read."""
        if not isinstance(body, dict):
            raise invalid_request(f"The value of {entity.name} must be an object.", entity.name)
        given = Given(entity)
        for name, part in body.items():
            if name in _SYSTEM:
                self._read_system(given, name, part)
            elif name in entity.fields:
                self._read_field(given, entity.fields[name], part)
            elif name in entity.links:
                if part is not None:
                    linked = self._contract[entity.links[name]]
                    given.links[name] = self.read(linked, part)
            elif name in entity.details:
                self._read_rows(given, name, part)
            elif self._is_wrapped and self._refuses_bare and not isinstance(part, (dict, list)):
                unwrapped(name, part)
        return given

    def _read_system(self, given: Given, name: str, part: Any) -> None:
        if name == "id":
            given.id = str(part) if part else None
        elif name == "delete":
            given.is_deleted = part is True or part == "true"
        elif name == "note":
            held = part.get("value") if isinstance(part, dict) else part
            given.note = None if held is None else str(held)
        elif name == "custom" and isinstance(part, dict):
            given.custom = _read_custom(part)

    def _read_field(self, given: Given, field: Field, part: Any) -> None:
        if not field.is_in(self._version) or not self._takes(given.entity, field):
            return
        if self._is_wrapped:
            if not isinstance(part, dict) and not self._refuses_bare:
                return
            part = unwrapped(field.name, part)
            if field.is_read_only:
                return
        try:
            given.values[field.name] = converted(field.kind, part)
        except UnreadableError as exc:
            raise invalid_request(f"Error converting value: {exc}.", field.name) from exc

    def _read_rows(self, given: Given, name: str, part: Any) -> None:
        if part is None or name in given.entity.server_rows:
            return
        if not isinstance(part, list):
            raise invalid_request(f"The value of {name} must be an array.", name)
        entity = self._contract[given.entity.details[name]]
        given.rows[name] = [self.read(entity, row) for row in part]


def _read_custom(part: Mapping[str, Any]) -> dict[tuple[str, str], CustomValue]:
    found: dict[tuple[str, str], CustomValue] = {}
    for view, fields in part.items():
        for name, wrapped in (fields if isinstance(fields, dict) else {}).items():
            if not isinstance(wrapped, dict):
                raise invalid_request(f"The value of {view}.{name} must be an object.", name)
            wrapper = str(wrapped.get("type", "CustomStringField"))
            try:
                value = converted(_CUSTOM_KINDS.get(wrapper, "s"), wrapped.get("value"))
            except UnreadableError as exc:
                raise invalid_request(f"Error converting value: {exc}.", name) from exc
            found[view, name] = (wrapper, value)
    return found
