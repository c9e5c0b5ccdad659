"""What is to be sent, as a tree that does not change, and its XML.

Every text goes through one place, so none is sent that the gateway could not read; nothing is
put together from pieces of XML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lxml import etree

from ml_connector.core.errors import ConfigurationError
from ml_connector.vendors.sage_intacct.characters import Removed, cleaned

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
"""Names of elements; those of custom fields and dimensions come from users."""

_KEEP_LINES = frozenset({"COMMENTS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One element: text or further elements."""

    name: str
    text: str | None = None
    children: tuple[Node, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    is_exact: bool = False
    """Whether the text is sent as it is: a password may begin with a blank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A request's bytes, and what was taken out of its text."""

    body: bytes = field(repr=False)
    removed: tuple[Removed, ...]


def parent(name: str, *children: Node, **attributes: str) -> Node:
    """Return an element that holds others."""
    return Node(name=name, children=children, attributes=MappingProxyType(attributes))


def leaf(name: str, text: str, *, is_exact: bool = False) -> Node:
    """Return an element that holds text."""
    return Node(name=name, text=text, is_exact=is_exact)


def encoded(root: Node) -> Encoded:
    """Return the XML of a tree in UTF-8.

    Raises ConfigurationError for a name that cannot be one.
    """
    removed: list[Removed] = []
    element = _element(root, path="", removed=removed)
    body = etree.tostring(element, encoding="UTF-8", xml_declaration=True)
    return Encoded(body=body, removed=tuple(removed))


def _element(node: Node, *, path: str, removed: list[Removed]) -> etree._Element:
    if NAME.fullmatch(node.name) is None:
        raise ConfigurationError(
            f"{node.name!r} cannot be the name of a field: letters, digits, _, . and - only",
            waits_for=f"field:{node.name}",
        )
    element = etree.Element(node.name, dict(node.attributes))
    where = f"{path}/{node.name}" if path else node.name
    if node.text is not None:
        element.text = _text(node, where, removed)
    element.extend(_element(child, path=where, removed=removed) for child in node.children)
    return element


def _text(node: Node, where: str, removed: list[Removed]) -> str:
    text = node.text or ""
    if node.is_exact:
        return text
    clean, count = cleaned(text, keeps_lines=node.name in _KEEP_LINES)
    if count:
        removed.append(Removed(field=_field(where), characters=count))
    return clean


def _field(where: str) -> str:
    """Return the path below the function: ``create/VENDOR/NAME`` is ``VENDOR/NAME``."""
    below = where.partition("/function/")[2] or where
    return below.partition("/")[2] or below
