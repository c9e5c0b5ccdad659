"""The shape of the endpoint: entities, their fields and what is known of each field.

A field list is written as words ``Name:kind`` with marks behind the kind:

- kinds: ``s`` text, ``b`` boolean, ``i`` whole number, ``d`` decimal with 4 digits, ``q`` decimal
  with 6 digits, ``t`` moment, ``D`` business date, ``g`` GUID;
- ``!`` set by the server alone (a value sent is ignored), ``*`` must not be empty;
- ``@23`` present from 23.200.001 on, ``~25`` gone from 25.200.001 on;
- ``=name`` one of the labels CHOICES[name], ``>name`` must exist in the list ``name``.

In a list of details, ``!`` marks rows that only the server makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

ANY_VERSION = 999  # has every field
_FOR_EVER = 1_000
ROOT = "PX.Objects.CR.BusinessAccountMaint"  # what a form without a graph of its own is called

CHOICES: Mapping[str, tuple[str, ...]] = {
    "customer_status": ("Active", "On Hold", "Credit Hold", "One-Time", "Inactive"),
    "contact_status": ("Active", "Inactive"),
    "item_status": (
        "Active",
        "No Sales",
        "No Purchases",
        "No Request",
        "Inactive",
        "Marked for Deletion",
    ),
    "stock_item_type": ("Finished Good", "Component Part", "Subassembly"),
    "non_stock_item_type": ("Non-Stock Item", "Labor", "Service", "Charge", "Expense"),
    "document_type": ("Invoice", "Debit Memo", "Credit Memo", "Cash Sale", "Cash Return"),
    "payment_type": (
        "Payment",
        "Prepayment",
        "Refund",
        "Credit Memo",
        "Voided Payment",
        "Voided Refund",
        "Balance WO",
    ),
    "tax_calc_mode": ("Tax Settings", "Gross", "Net"),
    "account_type": ("Asset", "Liability", "Income", "Expense"),
    "ledger_type": ("Actual", "Reporting", "Statistical", "Budget"),
}

# What a list of values is called in "'...' cannot be found in the system."
LISTS: Mapping[str, str] = {
    "account": "Account",
    "branch": "Branch",
    "business_account": "Business Account",
    "cash_account": "Cash Account",
    "country": "Country",
    "currency": "Currency",
    "customer": "Customer",
    "customer_class": "Customer Class",
    "inventory": "Inventory ID",
    "item_class": "Item Class",
    "order_type": "Order Type",
    "payment_method": "Payment Method",
    "price_class": "Price Class",
    "project": "Project",
    "salesperson": "Salesperson ID",
    "ship_via": "Ship Via",
    "shipping_terms": "Shipping Terms",
    "state": "State",
    "statement_cycle": "Statement Cycle ID",
    "tax_category": "Tax Category",
    "tax_zone": "Tax Zone",
    "terms": "Terms",
    "uom": "UOM",
    "warehouse": "Warehouse",
}

_CHANGE_STAMPS = ("LastModifiedDateTime", "LastModified", "LastModifiedDate")
_CREATION_STAMPS = ("CreatedDateTime", "CreatedDate")
_EMPTY: Mapping[str, Any] = {
    "b": False,
    "d": Decimal(0),
    "q": Decimal(0),
}  # what a field of the kind starts as
_WORD = re.compile(
    r"(?P<name>\w+):(?P<kind>[sbidqtDg])"
    r"(?P<marks>[!*]*)(?:@(?P<since>\d+))?(?:~(?P<until>\d+))?"
    r"(?P<more>[!*]*)(?:=(?P<choices>\w+))?(?:>(?P<listed>\w+))?"
)


@dataclass(frozen=True, slots=True)
class Field:
    """One scalar field of an entity."""

    name: str
    kind: str
    is_read_only: bool = False
    is_required: bool = False
    since: int = 0
    until: int = _FOR_EVER
    choices: str | None = None
    listed_in: str | None = None

    def is_in(self, version: int) -> bool:
        """Say whether an endpoint version (its first number) has the field."""
        return self.since <= version < self.until


@dataclass(frozen=True, eq=False)
class Entity:
    """One entity of the contract: a form's record, a linked part of one, or a detail row."""

    name: str
    fields: Mapping[str, Field]
    links: Mapping[str, str]
    details: Mapping[str, str]
    server_rows: frozenset[str]  # the details that only the server makes
    keys: tuple[str, ...]
    row_keys: tuple[str, ...]
    title: str
    screen: str
    graph: str
    view: str

    @cached_property
    def blank(self) -> dict[str, Any]:
        """The values of a new record, to be copied."""
        return {name: _EMPTY.get(field.kind) for name, field in self.fields.items()}

    def scalars(self, version: int) -> frozenset[str]:
        """Return the names of the scalar fields that a version has."""
        return frozenset(name for name, field in self.fields.items() if field.is_in(version))

    @cached_property
    def change_stamps(self) -> tuple[str, ...]:
        """The fields that carry the moment of the last change."""
        return tuple(name for name in _CHANGE_STAMPS if self._is_moment(name))

    @cached_property
    def creation_stamps(self) -> tuple[str, ...]:
        """The fields that carry the moment of creation."""
        return tuple(name for name in _CREATION_STAMPS if self._is_moment(name))

    def _is_moment(self, name: str) -> bool:
        return name in self.fields and self.fields[name].kind == "t"


def define(
    name: str,
    fields: str,
    *,
    keys: str = "",
    links: str = "",
    details: str = "",
    row_keys: str = "",
    title: str = "",
    screen: str = "",
    graph: str = ROOT,
    view: str = "",
) -> Entity:
    """Read one entity from its field lists."""
    return Entity(
        name=name,
        fields={field.name: field for field in map(_field, fields.split())},
        links=_pairs(links),
        details=_pairs(details.replace("!", "")),
        server_rows=frozenset(_pairs(" ".join(_marked(details)))),
        keys=tuple(keys.split()),
        row_keys=tuple(row_keys.split()),
        title=title,
        screen=screen,
        graph=graph,
        view=view or name,
    )


class Contract:
    """All entities by name; a part that is only named in a list is an entity without fields."""

    def __init__(self, entities: Iterable[Entity]) -> None:
        self._entities = {entity.name: entity for entity in entities}
        self.top = {name: entity for name, entity in self._entities.items() if entity.screen}
        self._lowered = {name.lower(): name for name in self.top}

    def __getitem__(self, name: str) -> Entity:
        entity = self._entities.get(name)
        if entity is None:
            entity = self._entities[name] = define(name, "")
        return entity

    def named(self, name: str) -> Entity | None:
        """Return the top-level entity of a name, in whatever case it is written."""
        found = self._lowered.get(name.lower())
        return self.top[found] if found is not None else None


def _field(word: str) -> Field:
    found = _WORD.fullmatch(word)
    if found is None:
        raise ValueError(f"{word} is no field")
    marks = found["marks"] + found["more"]
    return Field(
        name=found["name"],
        kind=found["kind"],
        is_read_only="!" in marks,
        is_required="*" in marks,
        since=int(found["since"] or 0),
        until=int(found["until"] or _FOR_EVER),
        choices=found["choices"],
        listed_in=found["listed"],
    )


def _marked(words: str) -> list[str]:
    return [word for word in words.split() if word.endswith("!")]


def _pairs(words: str) -> dict[str, str]:
    return {name: entity for name, _, entity in (word.partition(":") for word in words.split())}
