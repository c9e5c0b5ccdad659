"""Fields as reads name them: an object's own, and others' over dotted paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.definitions import Definition, Field, Relation
from vendor_simulators.sage_intacct.tables import Row
from vendor_simulators.sage_intacct.values import shown


@dataclass(frozen=True)
class Column:
    """A field of a row or of a record that it leads to."""

    path: str
    field: Field
    value: Callable[[Row], Any]
    is_own: bool = True


def column(company: Company, definition: Definition, path: str) -> Column | None:
    """Return the column that a path names, in any case; None when there is none."""
    own = definition.named(path)
    if own is not None:
        name = own.name
        return Column(name, own, lambda row: row[name])
    head, _, rest = path.partition(".")
    relation = definition.relations.get(head.upper())
    if relation is None or not rest:
        return None
    target = company.definitions[relation.target]
    inner = column(company, target, rest)
    if inner is None:
        return None
    return Column(
        f"{relation.path}.{inner.path}",
        inner.field,
        lambda row: _through(company, relation, inner, row),
        is_own=False,
    )


def related(company: Company, relation: Relation, row: Row) -> Row | None:
    """Return the record that a relation leads to."""
    value = row[relation.by]
    if value is None:
        return None
    return company.table(relation.target).first(relation.matches, value)


def text(company: Company, one: Column, row: Row, *, as_stored: bool = False) -> str:
    """Return a row's value as an answer writes it."""
    return shown(one.field, one.value(row), company.zone, as_stored=as_stored)


def _through(company: Company, relation: Relation, inner: Column, row: Row) -> Any:
    other = related(company, relation, row)
    return None if other is None else inner.value(other)
