"""Where a value comes from: ``deal.title``, ``organization."Ref. no"``, ``person.emails[primary]``.

A path begins with a source and goes on by field keys or names; a name with a dot, a bracket or
a quote around it stands in double quotes. ``[primary]`` (or the first, where none is), ``[first]``,
``[last]`` or a number pick one of a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ml_connector.sync.mapping.fields import (
    Field,
    FieldCatalogue,
    FieldNotFoundError,
    Kind,
    did_you_mean,
    find_field,
)

LONGEST_TEMPLATE = 1000  # characters
MOST_PLACES = 20  # in one template
_MOST_STEPS = 6

_STEP = re.compile(r'(?:"([^"]+)"|([^."\[\]{}]+))(?:\[(primary|first|last|\d{1,3})\])?')
_PLACE = re.compile(r"\{\{|\}\}|\{((?:[^{}\"]|\"[^\"]*\")*)\}|[{}]")


class PathError(ValueError):
    """A path or a template cannot be read, or leads nowhere."""


@dataclass(frozen=True, slots=True)
class Step:
    """One field on the way, and which of a list."""

    key: str
    index: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A path that leads to a field."""

    text: str
    """As it was written."""
    source: str
    steps: tuple[Step, ...]
    field: Field
    """Where it ends."""
    catalogue: FieldCatalogue


@dataclass(frozen=True, slots=True)
class Template:
    """Text with places for values, in order."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The paths of its places."""
        return tuple(part for part in self.parts if isinstance(part, Reference))


def resolve_path(text: str, catalogues: Mapping[str, FieldCatalogue]) -> Reference:
    """Read a path and find its fields. Raises PathError, which says what would be right."""
    source, *names = _split(text)
    if source[0] not in catalogues or source[1] is not None:
        known = ", ".join(catalogues)
        hint = did_you_mean(source[0], catalogues) or f"; it begins with one of {known}"
        raise PathError(f"{text!r}: there is no source {source[0]!r}{hint}")
    if not names:
        raise PathError(f"{text!r} names a whole record; go on with one of its fields")
    catalogue = catalogues[source[0]]
    steps, last = _walk(text, names, catalogue)
    return Reference(text=text, source=source[0], steps=steps, field=last, catalogue=catalogue)


def read_template(text: str, resolve: Callable[[str], Reference]) -> Template:
    """Read ``"{deal.title} / {organization.name}"``; ``{{`` and ``}}`` are braces themselves.

    ``resolve`` finds the field of each place.
    """
    if len(text) > LONGEST_TEMPLATE:
        raise PathError(f"a template has at most {LONGEST_TEMPLATE} characters")
    parts: list[str | Reference] = []
    end = 0
    for place in _PLACE.finditer(text):
        parts.append(text[end : place.start()])
        end = place.end()
        if place[0] in {"{{", "}}"}:
            parts.append(place[0][0])
        elif place[1] is None:
            raise PathError(f"{text!r} has a brace without its other half; write it twice")
        else:
            parts.append(resolve(place[1].strip()))
    parts.append(text[end:])
    template = Template(tuple(part for part in parts if part != ""))
    if len(template.references) > MOST_PLACES:
        raise PathError(f"a template has at most {MOST_PLACES} places")
    return template


def _split(text: str) -> list[tuple[str, str | None]]:
    """Return the names of a path, each with its index."""
    names: list[tuple[str, str | None]] = []
    at = 0
    while True:
        step = _STEP.match(text, at)
        name = (step[1] or step[2]).strip() if step else ""
        if step is None or not name:
            raise PathError(
                f"{text!r} is no path; write source.field, a name with a dot in double quotes"
            )
        names.append((name, step[3]))
        at = step.end()
        if at == len(text):
            break
        if text[at] != ".":
            raise PathError(f"{text!r} is no path: {text[at:]!r} cannot follow {name!r}")
        at += 1
    if len(names) > _MOST_STEPS + 1:
        raise PathError(f"{text!r} is longer than {_MOST_STEPS} steps")
    return names


def _walk(
    text: str, names: Sequence[tuple[str, str | None]], catalogue: FieldCatalogue
) -> tuple[tuple[Step, ...], Field]:
    steps: list[Step] = []
    current: Field | None = None
    for name, index in names:
        current = _next(text, name, current, catalogue)
        if index is not None and not current.is_list and current.kind is not Kind.ANY:
            raise PathError(f"{text!r}: {current.name!r} is no list, so [{index}] picks nothing")
        steps.append(Step(current.key, index))
    assert current is not None  # noqa: S101 - `resolve_path` gives at least one name
    return tuple(steps), current


def _next(text: str, name: str, current: Field | None, catalogue: FieldCatalogue) -> Field:
    if current is not None and current.kind is Kind.ANY:
        return Field(key=name, name=name, kind=Kind.ANY)
    if current is not None and not current.parts:
        raise PathError(f"{text!r}: {current.name!r} has no parts, so no {name!r}")
    try:
        if current is None:
            return catalogue.find(name)
        return find_field(name, current.parts, of=repr(current.name))
    except FieldNotFoundError as exc:
        raise PathError(f"{text!r}: {exc}") from exc
