"""Whole tables for the control API: what a comparison of the books reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from vendor_simulators.kit import ControlError
from vendor_simulators.pipedrive.v2.fields import field_view
from vendor_simulators.pipedrive.wire import Row

if TYPE_CHECKING:
    from vendor_simulators.pipedrive.simulator import PipedriveSimulator

_PLURALS: Mapping[str, str] = {
    "users": "user",
    "pipelines": "pipeline",
    "stages": "stage",
    "deals": "deal",
    "persons": "person",
    "organizations": "organization",
    "products": "product",
    "deal_products": "deal_product",
    "discounts": "discount",
    "installments": "deal_installment",
    "activities": "activity",
    "notes": "note",
    "relationships": "relationship",
    "currencies": "currency",
    "variations": "variation",
    "participants": "participant",
    "filters": "filter",
}
_OF_DEALS = (
    ("products", "deal_product"),
    ("discounts", "discount"),
    ("installments", "deal_installment"),
)


def dump(
    simulator: PipedriveSimulator, kind: str, query: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the records of a kind, deleted ones included, that fit every value of the query."""
    special: Mapping[str, Callable[[], list[Row]]] = {
        "deliveries": lambda: [one.view() for one in simulator.sender.deliveries()],
        "webhooks": lambda: [one.view() for one in simulator.subscriptions.all()],
        "logins": lambda: _logins(simulator),
        "changelog": lambda: _changelog(simulator),
        "fields": lambda: _fields(simulator),
        "budget": lambda: [
            {"limit": simulator.limiter.daily_limit, "left": simulator.limiter.daily_left}
        ],
    }
    if kind in special:
        rows = special[kind]()
    elif (name := _PLURALS.get(kind, kind)) in simulator.company.tables:
        rows = [_complete(simulator, name, row) for row in simulator.company[name]]
    else:
        known = ", ".join([*_PLURALS, *special])
        raise ControlError(f"there are no records called {kind}; there are {known}")
    return [_exact(row) for row in rows if _fits(row, query)]


def _complete(simulator: PipedriveSimulator, kind: str, row: Row) -> Row:
    if kind != "deal":
        return row
    company = simulator.company
    return {
        **row,
        **{name: company[table].where("deal_id", row["id"]) for name, table in _OF_DEALS},
    }


def _logins(simulator: PipedriveSimulator) -> list[Row]:
    tokens = [
        {
            "type": "api",
            "user_id": user["id"],
            "token": simulator.logins.api_token_of(user["id"]),
        }
        for user in simulator.company["user"]
    ]
    return [*tokens, *simulator.logins.grants()]


def _changelog(simulator: PipedriveSimulator) -> list[Row]:
    return [
        {
            "kind": kind,
            "id": row_id,
            "time": entry.time,
            "user_id": entry.actor.user_id,
            "change_source": entry.actor.source,
            "values": {key: list(values) for key, values in entry.values.items()},
        }
        for (kind, row_id), entries in simulator.company.changelog.items()
        for entry in entries
    ]


def _fields(simulator: PipedriveSimulator) -> list[Row]:
    kinds = ("deal", "person", "organization", "product")
    return [
        {"kind": kind, "id": field.id, **field_view(field)}
        for kind in kinds
        for field in simulator.company.fields.of(kind)
    ]


def _fits(row: Row, query: Mapping[str, str]) -> bool:
    return all(name in row and _as_text(row[name]) == wanted for name, wanted in query.items())


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def _exact(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {key: _exact(part) for key, part in value.items()}
    return [_exact(part) for part in value] if isinstance(value, list) else value
