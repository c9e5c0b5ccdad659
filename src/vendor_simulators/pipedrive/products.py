"""Products, their prices and variations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.rules import (
    UnfitError,
    born,
    checked_currency,
    checked_references,
    checked_visibility,
    custom_after,
    default_currency,
    owner_of,
)
from vendor_simulators.pipedrive.wire import Row

_COLUMNS = (
    "name", "code", "description", "unit", "tax", "owner_id", "is_linkable",
    "billing_frequency", "billing_frequency_cycles",
)  # fmt: skip


def create_product(company: Company, given: Mapping[str, Any], actor: Actor) -> Row:
    """Add a product from v2's names; codes need not be unique."""
    checked_references(company, given, {"owner_id": "user"})
    owner_id = owner_of(given, actor)
    product_id = given.get("id") or company["product"].take_id()
    row: Row = {
        "id": product_id,
        "name": given["name"],
        "code": given.get("code"),
        "description": given.get("description"),
        "unit": given.get("unit"),
        "tax": given.get("tax") or 0,
        "category": _category(company, given.get("category")),
        "is_linkable": given.get("is_linkable", True),
        "is_deleted": False,
        "visible_to": checked_visibility(company, given),
        "owner_id": owner_id,
        **born(company, given),
        "billing_frequency": given.get("billing_frequency") or "one-time",
        "billing_frequency_cycles": given.get("billing_frequency_cycles"),
        "prices": _first_prices(company, product_id, given.get("prices"), owner_id),
        "custom_fields": custom_after({}, given.get("custom_fields") or {}),
        "delete_time": None,
    }
    return company.insert("product", row, actor)


def update_product(company: Company, row: Row, given: Mapping[str, Any], actor: Actor) -> None:
    """Change what is given; prices are replaced whole."""
    checked_references(company, given, {"owner_id": "user"})
    changes: Row = {name: given[name] for name in _COLUMNS if name in given}
    if "category" in given:
        changes["category"] = _category(company, given["category"])
    if given.get("visible_to"):
        changes["visible_to"] = checked_visibility(company, given)
    if "prices" in given:
        changes["prices"] = product_prices(company, row["id"], given["prices"] or [])
    if "custom_fields" in given:
        changes["custom_fields"] = custom_after(row["custom_fields"], given["custom_fields"] or {})
    company.change("product", row, changes, actor)


def duplicate_product(company: Company, row: Row, actor: Actor) -> Row:
    """Add a copy, as the duplicate call does."""
    copied = {key: value for key, value in row.items() if key not in {"id", "add_time"}}
    return create_product(company, {**copied, "update_time": None}, actor)


def product_prices(
    company: Company, product_id: int, given: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Return prices complete; raise UnfitError for a currency that comes twice."""
    prices: list[Row] = []
    for price in given:
        currency = checked_currency(company, price.get("currency"))
        if any(known["currency"] == currency for known in prices):
            raise UnfitError("prices", f"more than one price in {currency}")
        prices.append(
            {
                "product_id": product_id,
                "price": price.get("price") or 0,
                "currency": currency,
                "cost": price.get("cost") or 0,
                "direct_cost": price.get("direct_cost"),
                "notes": price.get("notes") or "",
            }
        )
    return prices


def create_variation(company: Company, product: Row, given: Mapping[str, Any]) -> Row:
    """Add a variation of a product."""
    variation = {
        "id": company["variation"].take_id(),
        "name": given["name"],
        "product_id": product["id"],
        "prices": given.get("prices") or [],
    }
    company["variation"].add(variation)
    return variation


def _first_prices(
    company: Company,
    product_id: int,
    given: Sequence[Mapping[str, Any]] | None,
    owner_id: int,
) -> list[Row]:
    if given is None:
        given = [{"price": 0, "currency": default_currency(company, owner_id)}]
    return product_prices(company, product_id, given)


def _category(company: Company, given: Any) -> str | None:
    if given is None:
        return None
    field = company.fields.find("product", "category")
    if field is None or field.option(str(given)) is None:
        raise UnfitError("category", f"Category {given} was not found")
    return str(given)
