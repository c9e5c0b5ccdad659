"""Records as the functions ``create``, ``update``, ``delete`` and ``read``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import UNSET, Struct

from ml_connector.vendors.sage_intacct import wire
from ml_connector.vendors.sage_intacct.drafts import Draft, RecordDraft, Scalar
from ml_connector.vendors.sage_intacct.nodes import Node, leaf, parent
from ml_connector.vendors.sage_intacct.requests import Function

_ROWS = "GLENTRY"
"""The element around each line of ENTRIES."""


def create(draft: RecordDraft) -> Function:
    """Return the function that creates a record."""
    return _function("create", draft.OBJECT, parent(draft.OBJECT, *_nodes(draft)))


def update(draft: RecordDraft, *, key: str, value: str) -> Function:
    """Return the function that changes the record whose field ``key`` is ``value``."""
    rest = [each for each in _nodes(draft) if each.name != key]
    return _function("update", draft.OBJECT, parent(draft.OBJECT, leaf(key, value), *rest))


def delete(object_name: str, record_no: int) -> Function:
    """Return the function that deletes one record."""
    content = parent("delete", leaf("object", object_name), leaf("keys", str(record_no)))
    return Function(operation=f"{object_name}.delete", subject=object_name, content=content)


def read(object_name: str, record_no: int) -> Function:
    """Return the function that reads one record with all that is inside it."""
    content = parent(
        "read",
        leaf("object", object_name),
        leaf("keys", str(record_no)),
        leaf("fields", "*"),
    )
    return Function(operation=f"{object_name}.read", subject=object_name, content=content)


def _function(verb: str, object_name: str, record: Node) -> Function:
    return Function(
        operation=f"{object_name}.{verb}", subject=object_name, content=parent(verb, record)
    )


def _nodes(draft: Draft) -> Iterator[Node]:
    names = zip(draft.__struct_fields__, draft.__struct_encode_fields__, strict=True)
    for attribute, name in names:
        value = getattr(draft, attribute)
        if value is UNSET or name == "fields" or value == ():
            continue
        yield _node(name, value)
    yield from _further(draft.fields)


def _node(name: str, value: Any) -> Node:
    if isinstance(value, tuple):
        return parent(name, *(parent(_ROWS, *_nodes(row)) for row in value))
    if isinstance(value, Struct):
        assert isinstance(value, Draft)  # noqa: S101 - drafts nest drafts only
        return parent(name, *_nodes(value))
    return leaf(name, _text(value))


def _further(fields: Mapping[str, Scalar]) -> Iterator[Node]:
    return (leaf(name, _text(value)) for name, value in fields.items())


def _text(value: Scalar) -> str:
    match value:
        case None:
            return ""
        case bool():
            return wire.truth_text(value)
        case Decimal():
            return wire.number_text(value)
        case date():
            return wire.day_text(value)
        case _:
            return str(value)
