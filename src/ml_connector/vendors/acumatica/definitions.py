"""What the site offers to map: its fields, and the permitted values of some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ml_connector.core.clock import Clock
from ml_connector.core.errors import ConfigurationError, ContractError
from ml_connector.transport.kept import Kept
from ml_connector.vendors.acumatica import pages, wire
from ml_connector.vendors.acumatica.endpoint import Endpoint, Query
from ml_connector.vendors.acumatica.models import FieldDefinition, Ledger, LookupValue

Lookup = Literal[
    "currencies", "customer_classes", "customer_price_classes", "item_classes", "payment_methods",
    "salespersons", "ship_vias", "tax_categories", "tax_zones", "units", "warehouses",
]  # fmt: skip
"""Tables whose values can be listed. Terms, order types and branches have no entity in the
endpoint that can be listed, so those are checked by the first write only."""

FieldKind = Literal["text", "number", "integer", "yes_no", "moment", "guid"]

_ACTUAL_LEDGER = "Actual"  # the others are reporting, statistical and budget ledgers

_KINDS: Mapping[str, FieldKind] = {
    "StringValue": "text",
    "DecimalValue": "number",
    "DoubleValue": "number",
    "IntValue": "integer",
    "LongValue": "integer",
    "ShortValue": "integer",
    "ByteValue": "integer",
    "BooleanValue": "yes_no",
    "DateTimeValue": "moment",
    "DateOnlyValue": "moment",
    "GuidValue": "guid",
    "CustomStringField": "text",
    "CustomDecimalField": "number",
    "CustomDoubleField": "number",
    "CustomIntField": "integer",
    "CustomLongField": "integer",
    "CustomShortField": "integer",
    "CustomByteField": "integer",
    "CustomBooleanField": "yes_no",
    "CustomDateTimeField": "moment",
    "CustomGuidField": "guid",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    entity: str
    key: str
    title: str
    active: str | None = None


_TABLES: Mapping[str, _Table] = {
    "currencies": _Table(entity="Currency", key="CurrencyID", title="Description", active="Active"),
    "customer_classes": _Table(entity="CustomerClass", key="ClassID", title="Description"),
    "customer_price_classes": _Table(
        entity="CustomerPriceClass", key="PriceClassID", title="Description"
    ),
    "item_classes": _Table(entity="ItemClass", key="ClassID", title="Description"),
    "payment_methods": _Table(
        entity="PaymentMethod", key="PaymentMethodID", title="Description", active="Active"
    ),
    "salespersons": _Table(
        entity="Salesperson", key="SalespersonID", title="Name", active="IsActive"
    ),
    "ship_vias": _Table(entity="ShipVia", key="CarrierID", title="Description"),
    "tax_categories": _Table(
        entity="TaxCategory", key="TaxCategoryID", title="Description", active="Active"
    ),
    "tax_zones": _Table(entity="TaxZone", key="TaxZoneID", title="Description"),
    "units": _Table(entity="UnitsOfMeasure", key="UnitID", title="Description"),
    "warehouses": _Table(
        entity="Warehouse", key="WarehouseID", title="Description", active="Active"
    ),
}
LOOKUPS: tuple[Lookup, ...] = get_args(Lookup)


class Definitions:
    """Reads definitions. They change seldom and some are long, so they are kept for a while."""

    def __init__(self, endpoint: Endpoint, *, clock: Clock) -> None:
        self._endpoint = endpoint
        self._kept = Kept(clock=clock)

    async def lookup_values(
        self, lookup: Lookup, *, fresh: bool = False
    ) -> tuple[LookupValue, ...]:
        """Return the permitted values of a table, inactive ones marked.

        At most 15 minutes old, or read now: so with all definitions.
        """
        return await self._kept.get(
            ("lookup", lookup), lambda: self._lookup_values(lookup), fresh=fresh
        )

    async def base_currencies(self, *, fresh: bool = False) -> tuple[str, ...]:
        """Return the currencies of the site's actual ledgers: one, unless its companies differ.

        Default prices of items are in it, and the items do not name it.
        """
        return await self._kept.get(("base", "currencies"), self._base_currencies, fresh=fresh)

    async def fields(self, entity: str, *, fresh: bool = False) -> tuple[FieldDefinition, ...]:
        """Return the contract's fields of an entity, of what is linked to it and of its rows.

        They come from the endpoint's own description, so custom endpoints tell theirs.
        """
        return await self._kept.get(("fields", entity), lambda: self._fields(entity), fresh=fresh)

    async def custom_fields(
        self, entity: str, *, fresh: bool = False
    ) -> tuple[FieldDefinition, ...]:
        """Return the custom fields of an entity, user-defined attributes among them."""
        return await self._kept.get(
            ("custom", entity), lambda: self._custom_fields(entity), fresh=fresh
        )

    async def _lookup_values(self, lookup: Lookup) -> tuple[LookupValue, ...]:
        table = _TABLES[lookup]
        select = [table.key, table.title, *([table.active] if table.active else [])]
        rows: list[dict[str, Any]] = []
        cursor: pages.Cursor | None = pages.first(by_key=False)
        while cursor is not None:
            query = Query(select=select, top=pages.PAGE, skip=cursor.skip or 0)
            found = (await self._endpoint.rows(table.entity, query)).rows
            rows += found
            cursor = pages.following(cursor, found, [table.key])
        values = (_lookup_value(row, table) for row in rows)
        return tuple({one.value: one for one in values}.values())

    async def _base_currencies(self) -> tuple[str, ...]:
        query = Query(select=wire.selection(Ledger, self._endpoint.version), top=pages.PAGE)
        found = (await self._endpoint.rows(Ledger.ENTITY, query)).rows
        actual = (one for one in wire.records(Ledger, found) if one.type == _ACTUAL_LEDGER)
        return tuple(sorted({one.currency for one in actual if one.currency}))

    async def _fields(self, entity: str) -> tuple[FieldDefinition, ...]:
        described = await self._endpoint.json("swagger.json", operation="endpoint.describe")
        return tuple(_described(_schemas(described), entity))

    async def _custom_fields(self, entity: str) -> tuple[FieldDefinition, ...]:
        raw = await self._endpoint.json(
            f"{entity}/$adHocSchema", operation=f"{entity}.custom_fields"
        )
        if not isinstance(raw, dict):
            raise ContractError(f"Acumatica's schema of {entity} is not an object")
        return tuple(_custom(raw, prefix=""))


def _lookup_value(row: dict[str, Any], table: _Table) -> LookupValue:
    title = wire.scalar_at(row, table.title)
    return LookupValue(
        value=str(wire.scalar_at(row, table.key) or "").strip(),
        title=None if title is None else str(title),
        is_active=table.active is None or wire.scalar_at(row, table.active) is not False,
    )


def _schemas(described: object) -> Mapping[str, Any]:
    """Return the schemas: OpenAPI 3 from 24.200.001 on, Swagger 2 before."""
    if isinstance(described, dict):
        components = described.get("components")
        found = components.get("schemas") if isinstance(components, dict) else None
        found = found or described.get("definitions")
        if isinstance(found, dict):
            return found
    raise ContractError("Acumatica's description of the endpoint has no schemas")


def _described(schemas: Mapping[str, Any], entity: str) -> Iterator[FieldDefinition]:
    if entity not in schemas:
        raise ConfigurationError(f"The endpoint has no entity {entity}")
    for name, schema in _properties(schemas[entity]):
        kind = _KINDS.get(schema)
        if kind is not None:
            yield FieldDefinition(path=name, type=kind)
            continue
        for below, inner in _properties(schemas.get(schema, {})):
            if inner in _KINDS:
                yield FieldDefinition(path=f"{name}/{below}", type=_KINDS[inner])


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a schema's members with the name of their own schema, the base's left out."""
    for part in (schema, *schema.get("allOf", ())):
        for name, member in part.get("properties", {}).items():
            target = member.get("items", member)
            reference = target.get("$ref") if isinstance(target, dict) else None
            if isinstance(reference, str):
                yield name, reference.rpartition("/")[2]


def _custom(raw: Mapping[str, Any], *, prefix: str) -> Iterator[FieldDefinition]:
    for name, value in raw.items():
        if name == "custom" and isinstance(value, dict):
            yield from _custom_fields(value, prefix=prefix)
        elif isinstance(value, list):
            rows = [row for row in value[:1] if isinstance(row, dict)]
            for row in rows:
                yield from _custom(row, prefix=f"{prefix}{name}/")
        elif isinstance(value, dict) and "custom" in value:
            yield from _custom(value, prefix=f"{prefix}{name}/")


def _custom_fields(views: Mapping[str, Any], *, prefix: str) -> Iterator[FieldDefinition]:
    for view, fields in views.items():
        for name, told in fields.items() if isinstance(fields, dict) else ():
            kind = _KINDS.get(told.get("type", "")) if isinstance(told, dict) else None
            yield FieldDefinition(
                path=f"{prefix}{view}.{name}", type=kind or "text", is_custom=True
            )
