"""Making and reading elements."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree
from lxml.etree import _Element as Element

__all__ = ["Element", "child", "children", "element", "leaf", "text_of"]


def element(tag: str, *inner: Element, **attributes: str) -> Element:
    """Return an element with children and attributes."""
    made = etree.Element(tag, attributes)
    made.extend(inner)
    return made


def leaf(tag: str, text: str = "") -> Element:
    """Return an element with text."""
    made = etree.Element(tag)
    made.text = text
    return made


def children(parent: Element) -> Iterator[Element]:
    """Yield the elements inside, in order."""
    yield from parent.iterchildren("*")


def child(parent: Element, tag: str) -> Element | None:
    """Return the first element of a name inside, None when there is none."""
    return parent.find(tag)


def text_of(parent: Element, tag: str, default: str = "") -> str:
    """Return the trimmed text of an element inside, ``default`` when it is not there."""
    found = parent.find(tag)
    return default if found is None else (found.text or "").strip()
