"""Creating and changing records, and what to do when a custom field has disappeared.

A write that names a custom field which somebody deleted is refused whole (NOTES.md, "Custom
fields"). Then the definitions are read again, and if they really lack a key, the rest is written
without it and the caller is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import UNSET, structs

from ml_connector.core.errors import InvalidRecordError
from ml_connector.transport.messages import Method, Response
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.api import API
from ml_connector.vendors.pipedrive.definitions import Fields
from ml_connector.vendors.pipedrive.drafts import (
    DealUpdate,
    OrganizationDraft,
    PersonDraft,
    ProductDraft,
    Written,
)
from ml_connector.vendors.pipedrive.models import Deal, Entity, Organization, Person, Product
from ml_connector.vendors.pipedrive.searching import PATHS

R = TypeVar("R", Deal, Organization, Person, Product)
D = TypeVar("D", bound=DealUpdate | OrganizationDraft | PersonDraft | ProductDraft)


class Writer:
    """Writes the records that carry custom fields."""

    def __init__(self, api: API, fields: Fields) -> None:
        self._api = api
        self._fields = fields

    async def create(self, type_: type[R], entity: Entity, draft: D) -> Written[R]:
        """Create a record; not safe to repeat."""
        path = PATHS[entity]
        return await self._write(
            type_, entity, draft, method="POST", path=path, operation=f"{path}.create"
        )

    async def update(self, type_: type[R], entity: Entity, record_id: int, update: D) -> Written[R]:
        """Set parts of a record; safe to repeat, as it only sets values."""
        path = PATHS[entity]
        return await self._write(
            type_,
            entity,
            update,
            method="PATCH",
            path=f"{path}/{record_id}",
            operation=f"{path}.update",
        )

    async def merge(self, entity: Entity, record_id: int, *, merge_with_id: int) -> int:
        """Merge two records and return the id that the answer names."""
        path = PATHS[entity]
        answer = await self._api.call(
            "PUT",
            f"{path}/{record_id}/merge",
            operation=f"{path}.merge",
            version="v1",
            draft={"merge_with_id": merge_with_id},
        )
        data = wire.envelope(answer).data
        return wire.record(int, data.get("id") if isinstance(data, dict) else data)

    async def _write(
        self,
        type_: type[R],
        entity: Entity,
        draft: D,
        *,
        method: Method,
        path: str,
        operation: str,
    ) -> Written[R]:
        draft, dropped = await self._without_unknown(entity, draft, fresh=False)
        try:
            answer = await self._send(method, path, operation, draft)
        except InvalidRecordError:
            if not _values(draft):
                raise
            draft, gone = await self._without_unknown(entity, draft, fresh=True)
            if not gone:
                raise
            dropped += gone
            answer = await self._send(method, path, operation, draft)
        record = wire.record(type_, wire.envelope(answer).data)
        return Written(record=record, dropped_keys=dropped)

    async def _send(self, method: Method, path: str, operation: str, draft: D) -> Response:
        return await self._api.call(
            method, path, operation=operation, draft=draft, is_safe=method == "PATCH"
        )

    async def _without_unknown(
        self, entity: Entity, draft: D, *, fresh: bool
    ) -> tuple[D, tuple[str, ...]]:
        values = _values(draft)
        if not values:
            return draft, ()
        unknown = await self._fields.unknown_among(entity, list(values), fresh=fresh)
        if not unknown:
            return draft, ()
        kept = {key: value for key, value in values.items() if key not in unknown}
        return structs.replace(draft, custom_fields=kept or UNSET), unknown


def _values(draft: D) -> Mapping[str, Any]:
    return {} if draft.custom_fields is UNSET else draft.custom_fields
