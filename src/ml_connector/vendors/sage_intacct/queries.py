"""The function ``query``: what it asks for, as data, and its element.

There is no ``*``, a filter has one operator at its top, ``and`` and ``or`` hold at least two,
and without an order rows come in none (NOTES.md, "Queries").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ml_connector.vendors.sage_intacct.nodes import Node, leaf, parent
from ml_connector.vendors.sage_intacct.requests import Function

RECORD_NO = "RECORDNO"
LARGEST_PAGE = 1000
"""Rows; the gateway gives up to 2,000, and slows down."""
MOST_VALUES = 1000
"""Of the operator ``in``."""

Operator = Literal["equalto", "greaterthan", "greaterthanorequalto", "lessthanorequalto", "like"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on rows."""

    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Rows of one object, in the order of their record numbers."""

    object_name: str
    select: Sequence[str]
    where: Condition | None = None
    ignores_case: bool = False
    shows_private: bool = False
    """At the top level: also rows that entities own."""
    page_size: int = LARGEST_PAGE
    order_by: str = RECORD_NO
    """The field with the record's number: pages go by it."""

    def function(self) -> Function:
        """Return the function that asks for the first page."""
        options = [
            leaf(name, "true")
            for name, is_set in (
                ("caseinsensitive", self.ignores_case),
                ("showprivate", self.shows_private),
            )
            if is_set
        ]
        where = [parent("filter", self.where.node)] if self.where else []
        content = parent(
            "query",
            leaf("object", self.object_name),
            parent("select", *(leaf("field", name) for name in self.select)),
            *where,
            parent(
                "orderby", parent("order", leaf("field", self.order_by), Node(name="ascending"))
            ),
            *([parent("options", *options)] if options else []),
            leaf("pagesize", str(self.page_size)),
        )
        return Function(
            operation=f"{self.object_name}.query", subject=self.object_name, content=content
        )


def compare(field: str, operator: Operator, value: str) -> Condition:
    """Return a condition on one field."""
    return Condition(parent(operator, leaf("field", field), leaf("value", value)))


def one_of(field: str, values: Iterable[str]) -> Condition:
    """Return the condition that a field has one of up to 1,000 values."""
    listed = [leaf("value", value) for value in values]
    if not 1 <= len(listed) <= MOST_VALUES:
        raise ValueError(f"a condition names 1 to {MOST_VALUES} values, not {len(listed)}")
    return Condition(parent("in", leaf("field", field), *listed))


def all_of(*conditions: Condition) -> Condition:
    """Return the condition that all of these hold."""
    if len(conditions) == 1:
        return conditions[0]
    return Condition(parent("and", *(each.node for each in conditions)))


def after(field: str, number: int) -> Condition:
    """Return the condition for rows behind a record number."""
    return compare(field, "greaterthan", str(number))
