"""What each operation takes from the limits, and which right it needs.

Tokens are flat per call, whatever its ``limit`` (Pipedrive docs: rate limiting, and
``x-token-cost`` in the published API descriptions). Every call counts in the burst window;
searches also count in a window of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.transport.messages import FREE, Cost

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the client."""

    tokens: int
    scopes: tuple[str, ...]
    """OAuth scopes of which any one is enough; the first asks for least."""
    is_search: bool = False

    @property
    def cost(self) -> Cost:
        """What it takes from the limits."""
        windows = ("burst", "search") if self.is_search else ("burst",)
        return Cost(tokens=self.tokens, windows=windows)


_BASE = ("base",)
_DEALS = ("deals:read", "deals:full")
_CONTACTS = ("contacts:read", "contacts:full")
_PRODUCTS = ("products:read", "products:full")
_ADMIN = ("admin",)


def _entity(name: str, read: tuple[str, ...], **further: Operation) -> dict[str, Operation]:
    """Return the operations that every core entity of API v2 has."""
    write = read[1:]
    plain = {
        "get": Operation(1, read),
        "list": Operation(10, read),
        "create": Operation(5, write),
        "update": Operation(5, write),
        "delete": Operation(3, write),
        "search": Operation(20, (*read, "search:read"), is_search=True),
        "merge": Operation(40, write),
        "changelog": Operation(20, ("recents:read",)),
    }
    return {f"{name}.{verb}": operation for verb, operation in (plain | further).items()}


def _fields(name: str, read: tuple[str, ...], write: tuple[str, ...]) -> dict[str, Operation]:
    return {
        f"{name}.list": Operation(10, read),
        f"{name}.list_v1": Operation(20, read),
        f"{name}.create": Operation(5, write),
        f"{name}.add_options": Operation(5, write),
    }


OPERATIONS: Mapping[str, Operation] = {
    **_entity("deals", _DEALS, archived=Operation(20, _DEALS)),
    **_entity("organizations", _CONTACTS),
    **_entity("persons", _CONTACTS),
    **_entity("products", _PRODUCTS),
    "deal_products.list": Operation(10, ("products:read", "products:full", *_DEALS)),
    "deal_products.create": Operation(5, ("products:full", "deals:full")),
    "deal_products.create_many": Operation(25, ("products:full", "deals:full")),
    "deal_products.update": Operation(5, ("products:full", "deals:full")),
    "deal_products.delete_many": Operation(15, ("products:full", "deals:full")),
    "deal_products.delete": Operation(3, ("products:full", "deals:full")),
    "deal_discounts.list": Operation(10, _DEALS),
    "product_variations.list": Operation(10, _PRODUCTS),
    "installments.list": Operation(10, _DEALS),
    "pipelines.list": Operation(5, _DEALS),
    "stages.list": Operation(5, _DEALS),
    **_fields("deal_fields", (*_DEALS, "deal-fields:full", "admin"), ("deal-fields:full", "admin")),
    **_fields("organization_fields", (*_CONTACTS, "admin"), ("contact-fields:full", "admin")),
    **_fields("person_fields", (*_CONTACTS, "admin"), ("contact-fields:full", "admin")),
    **_fields(
        "product_fields",
        (*_PRODUCTS, "product-fields:full"),
        ("product-fields:full", "products:full"),
    ),
    "notes.get": Operation(2, (*_DEALS, *_CONTACTS)),
    "notes.list": Operation(20, (*_DEALS, *_CONTACTS)),
    "notes.create": Operation(10, ("deals:full", "contacts:full")),
    "notes.update": Operation(10, ("deals:full", "contacts:full")),
    "users.me": Operation(2, _BASE),
    "users.list": Operation(20, ("users:read",)),
    "currencies.list": Operation(20, _BASE),
    "webhooks.list": Operation(10, _ADMIN),
    "webhooks.create": Operation(10, _ADMIN),
    "webhooks.delete": Operation(6, _ADMIN),
}


def cost_of(operation: str) -> Cost:
    """Return what the operation takes; the token endpoints are free."""
    return FREE if operation.startswith("oauth.") else OPERATIONS[operation].cost


def needed_scope(operation: str) -> str | None:
    """Return the least OAuth scope that the operation asks for, or None where it needs none."""
    known = OPERATIONS.get(operation)
    return known.scopes[0] if known and known.scopes != _BASE else None
