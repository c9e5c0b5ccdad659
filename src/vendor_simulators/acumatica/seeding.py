"""Seeds and dumps: records in plain values, in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from vendor_simulators.acumatica import defaults
from vendor_simulators.acumatica.erp import Erp
from vendor_simulators.acumatica.identity import Identity
from vendor_simulators.acumatica.oauth import ConnectedApp
from vendor_simulators.acumatica.push import Destination, PushQuery, PushSender
from vendor_simulators.acumatica.records import plain
from vendor_simulators.acumatica.sessions import User
from vendor_simulators.acumatica.site import LineDiscount, ListPrice, OrderType
from vendor_simulators.acumatica.values import read_date
from vendor_simulators.kit import ControlError

# What a seed may hold besides records of entities (customers, sales_orders, stock_items, ...).
SEEDS: Mapping[str, str] = {
    "prices": "list prices: inventory_id, price, currency and, optionally, uom, customer, "
    "price_class, break_qty, from_on, until_on",
    "discounts": "automatic discounts: percent and, optionally, level (Line or Document), "
    "customer, inventory_id, least_amount, code",
    "rates": "base currency per unit, by currency",
    "lists": 'further values of a list without entity, such as {"branch": ["WEST"]}',
    "order_types": "code and, optionally, ships, invoice_type, requires_customer_order",
    "custom_fields": "user-defined fields: entity, view, field, type",
    "users": "name and password",
    "connected_apps": "client_id with @tenant, secret, redirect_uris",
    "push_destinations": "url, header_name, header_value, queries (name, entity, columns)",
}


def seed(erp: Erp, identity: Identity, push: PushSender, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take everything in ``body`` over; return id and key of each record by kind."""
    setters: dict[str, Callable[[Any], None]] = {
        "prices": lambda rows: erp.prices.extend(_price(row) for row in rows),
        "discounts": lambda rows: erp.discounts.extend(_discount(row) for row in rows),
        "rates": lambda rates: erp.codes.rates.update(
            {currency: Decimal(str(rate)) for currency, rate in rates.items()}
        ),
        "lists": lambda lists: _extend_lists(erp, lists),
        "order_types": lambda rows: _add_order_types(erp, rows),
        "custom_fields": lambda rows: _add_custom_fields(erp, rows),
        "users": lambda rows: identity.sessions.users.update(
            {row["name"]: User(row["name"], row["password"]) for row in rows}
        ),
        "connected_apps": lambda rows: identity.oauth.apps.update(
            {row["client_id"]: ConnectedApp(**row) for row in rows}
        ),
        "push_destinations": lambda rows: push.destinations.extend(
            _destination(row) for row in rows
        ),
    }
    made: dict[str, Any] = {}
    for kind, content in body.items():
        if kind in setters:
            setters[kind](content)
        else:
            made[kind] = _add_records(erp, kind, content)
    return made


def dump(erp: Erp, identity: Identity, kind: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return records of a kind whose fields equal those of ``query``."""
    if kind in {"session", "sessions"}:
        return [vars(session) for session in identity.sessions.all.values()]
    if kind in {"price", "prices"}:
        return [vars(price) for price in erp.prices]
    entity = entity_of(erp, kind)
    found = [plain(record) for record in erp.table(entity)]
    return [
        record
        for record in found
        if all(str(record.get(name)) == value for name, value in query.items())
    ]


def entity_of(erp: Erp, kind: str) -> str:
    """Return the entity that a kind means: sales_orders, sales_order or SalesOrder."""
    wanted = kind.replace("_", "").replace("-", "").lower()
    for name in (wanted, wanted.removesuffix("s"), f"{wanted.removesuffix('ies')}y"):
        entity = erp.contract.named(name)
        if entity is not None:
            return entity.name
    raise ControlError(f"there are no records of kind {kind}")


def _add_records(erp: Erp, kind: str, rows: Any) -> list[dict[str, Any]]:
    entity = entity_of(erp, kind)
    made = []
    for row in rows:
        record = defaults.add(erp, entity, row)
        made.append({"id": record.id, **{name: record[name] for name in record.entity.keys}})
    return made


def _price(row: Mapping[str, Any]) -> ListPrice:
    given = dict(row)
    for name in ("from_on", "until_on"):
        if given.get(name) is not None:
            given[name] = read_date(given[name])
    given["price"] = Decimal(str(given["price"]))
    given["break_qty"] = Decimal(str(given.get("break_qty", 0)))
    return ListPrice(**given)


def _discount(row: Mapping[str, Any]) -> LineDiscount:
    given = dict(row)
    given["percent"] = Decimal(str(given["percent"]))
    given["least_amount"] = Decimal(str(given.get("least_amount", 0)))
    return LineDiscount(**given)


def _destination(row: Mapping[str, Any]) -> Destination:
    queries = tuple(
        PushQuery(
            name=query["name"],
            entity=query["entity"],
            columns=_columns(query["columns"]),
        )
        for query in row["queries"]
    )
    return Destination(row["url"], row["header_name"], row["header_value"], queries)


def _columns(given: Any) -> dict[str, str]:
    return dict(given) if isinstance(given, dict) else {name: name for name in given}


def _extend_lists(erp: Erp, lists: Mapping[str, list[str]]) -> None:
    for name, values in lists.items():
        known = erp.codes.plain.setdefault(name, {})
        known.update({value.upper(): value for value in values})


def _add_order_types(erp: Erp, rows: list[Mapping[str, Any]]) -> None:
    for row in rows:
        order_type = OrderType(**row)
        erp.codes.order_types[order_type.code] = order_type
        erp.codes.plain["order_type"][order_type.code] = order_type.code


def _add_custom_fields(erp: Erp, rows: list[Mapping[str, Any]]) -> None:
    for row in rows:
        key = (row["entity"], row["view"], row["field"])
        erp.custom_fields[key] = row.get("type", "CustomStringField")
