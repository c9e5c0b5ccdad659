"""What a request, a person or a seed gives for one record: texts by path, and lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vendor_simulators.sage_intacct.elements import Element, children

_LINES, _LINE = "ENTRIES", "GLENTRY"


@dataclass(frozen=True)
class Given:
    """Texts by upper-case path, such as DISPLAYCONTACT.EMAIL1; ``lines`` None: none are given."""

    fields: Mapping[str, str]
    lines: tuple[Mapping[str, str], ...] | None = None

    def below(self, head: str) -> Given:
        """Return what is given inside an element."""
        start = f"{head}."
        return Given(
            {
                path.removeprefix(start): text
                for path, text in self.fields.items()
                if path.startswith(start)
            }
        )

    def has(self, head: str) -> bool:
        """Say whether an element, or one inside it, is given."""
        return any(path == head or path.startswith(f"{head}.") for path in self.fields)

    def without(self, *names: str) -> Given:
        """Return the same without some fields."""
        kept = {path: text for path, text in self.fields.items() if path not in names}
        return Given(kept, self.lines)


def from_element(given: Element) -> Given:
    """Return what an object in `create` or `update` gives."""
    lines: tuple[Mapping[str, str], ...] | None = None
    fields: dict[str, str] = {}
    for one in children(given):
        if str(one.tag).upper() == _LINES:
            lines = tuple(dict(_leaves(line, "")) for line in children(one))
        else:
            fields.update(_leaf_or_leaves(one, ""))
    return Given(fields, lines)


def from_mapping(given: Mapping[str, Any]) -> Given:
    """Return what a seed or a person gives: plain values, nested as the vendor nests them."""
    lines = given.get(_LINES)
    if isinstance(lines, Mapping):
        lines = lines[_LINE]
    fields = {name: value for name, value in given.items() if name != _LINES}
    return Given(
        dict(_texts(fields, "")),
        None if lines is None else tuple(dict(_texts(line, "")) for line in lines),
    )


def _leaves(given: Element, prefix: str) -> Iterator[tuple[str, str]]:
    for one in children(given):
        yield from _leaf_or_leaves(one, prefix)


def _leaf_or_leaves(one: Element, prefix: str) -> Iterator[tuple[str, str]]:
    path = f"{prefix}{str(one.tag).upper()}"
    if len(one):
        yield from _leaves(one, f"{path}.")
    else:
        yield path, (one.text or "").strip()


def _texts(given: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        path = f"{prefix}{name.upper()}"
        if isinstance(value, Mapping):
            yield from _texts(value, f"{path}.")
        else:
            yield path, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
