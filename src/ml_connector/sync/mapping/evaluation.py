"""Working out the fields of a target from the records of the other side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_connector.core.errors import HeldError, MissingMappingError
from ml_connector.sync.mapping.compiling import CompiledMapping, CompiledRule, CompiledTable
from ml_connector.sync.mapping.fields import Kind, folded
from ml_connector.sync.mapping.ownership import is_blank
from ml_connector.sync.mapping.paths import Reference, Step
from ml_connector.sync.mapping.values import ConversionError, convert, key_of, shown

Sources = Mapping[str, Mapping[str, Any] | None]
"""The records by their names in paths; None (or absent) where the deal has no such record."""


@dataclass(frozen=True, slots=True)
class Used:
    """Where one value came from, for the question 'why this?'."""

    target: str
    value: Any
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Values by the target's keys. A field without a value is not among them."""

    values: Mapping[str, Any] = field(default_factory=dict)
    used: tuple[Used, ...] = ()
    version: str = ""
    """Of the mapping that made it."""


def evaluate(mapping: CompiledMapping, sources: Sources) -> Mapped:
    """Return the target's values.

    Raises MissingMappingError where a table has no entry, HeldError where a required value is
    missing or a value does not fit; both name the field, the record and the way out.
    """
    values: dict[str, Any] = {}
    used: list[Used] = []
    for rule in mapping.rules:
        value, words = _Evaluating(mapping=mapping, rule=rule, sources=sources).value()
        if value is not None:
            values[rule.target.key] = value
            used.append(Used(rule.target.key, value, words))
    return Mapped(values=values, used=tuple(used), version=mapping.version)


def read(reference: Reference, sources: Sources) -> Any:
    """Return what a path leads to, or None where there is nothing."""
    value: Any = sources.get(reference.source)
    for step in reference.steps:
        if isinstance(value, tuple | list):
            value = _picked(value, "primary")
        if not isinstance(value, Mapping):
            return None
        value = _step(value, step)
    if isinstance(value, str) and not value.strip():
        return None
    return value


def _step(record: Mapping[str, Any], step: Step) -> Any:
    value = record.get(step.key)
    if step.index is not None and isinstance(value, tuple | list):
        return _picked(value, step.index)
    return value


def _picked(items: Sequence[Any], index: str) -> Any:
    """Return one of a list; the primary one is the first where none is marked."""
    if not items:
        return None
    match index:
        case "primary":
            marked = (i for i in items if isinstance(i, Mapping) and i.get("primary"))
            return next(marked, items[0])
        case "first":
            return items[0]
        case "last":
            return items[-1]
        case _:
            return items[int(index)] if int(index) < len(items) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evaluating:
    """One rule on one set of records."""

    mapping: CompiledMapping
    rule: CompiledRule
    sources: Sources

    def value(self) -> tuple[Any, str]:
        rule = self.rule
        if rule.constant is not None:
            return rule.constant, "constant"
        value, words = self._from_template() if rule.template else self._from_sources()
        if value is not None:
            return value, words
        if rule.default is not None:
            return rule.default, "default"
        if rule.is_required:
            raise self._missing()
        return None, ""

    def _from_sources(self) -> tuple[Any, str]:
        for reference in self.rule.sources:
            value = read(reference, self.sources)
            if self.rule.target.kind is not Kind.CHOICES:
                value = self._single(value, reference)
            if is_blank(value):
                continue
            if self.rule.table is not None:
                return self._looked_up(self.rule.table, value, reference)
            converted = self._converted(value, reference)
            if converted is not None:
                return converted, f"{reference.text} is {_told(value, reference)}"
        return None, ""

    def _single(self, value: Any, reference: Reference) -> Any:
        """Return the one item that counts of a list of records; choices stay together."""
        if isinstance(value, tuple | list) and any(isinstance(item, Mapping) for item in value):
            return _picked(value, "primary")
        return value

    def _from_template(self) -> tuple[Any, str]:
        template = self.rule.template
        if template is None:
            return None, ""
        pieces: list[str] = []
        has_any = not template.references
        for part in template.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            value = self._single(read(part, self.sources), part)
            piece = "" if is_blank(value) else shown(self._as_text(value, part))
            has_any = has_any or bool(piece)
            pieces.append(piece)
        if not has_any:
            return None, ""
        return self._converted("".join(pieces), None), "template"

    def _as_text(self, value: Any, reference: Reference) -> Any:
        items = value if isinstance(value, tuple | list) else (value,)
        return ", ".join(_label(item, reference) for item in items)

    # Tables and types -----------------------------------------------------------------------

    def _looked_up(self, table: CompiledTable, value: Any, reference: Reference) -> tuple[Any, str]:
        items = value if isinstance(value, tuple | list) else (value,)
        keys = [_key(item, reference) for item in items]
        found = {key: table.entries[key] for key in keys if key in table.entries}
        if len({repr(entry) for entry in found.values()}) > 1:
            raise HeldError(
                f"{reference.catalogue.called} {self._id(reference)} has several "
                f"{reference.field.called} with an entry in {table.name!r}: "
                f"{', '.join(found)}; leave one",
                waits_for=self._waits_for(reference),
            )
        for key, entry in found.items():
            return entry, f"{reference.text} {_with_label(key, reference)} by table {table.name!r}"
        if table.fallback is not None:
            told = _with_label(", ".join(keys), reference)
            return table.fallback, f"{reference.text} {told} by the fallback of {table.name!r}"
        raise MissingMappingError(
            f"{reference.catalogue.side} {reference.field.called} "
            f"{_with_label(keys[0], reference)} has no {self.mapping.target.side} "
            f"{self.rule.target.called}; add one under Mappings",
            waits_for=f"mapping:{table.name}:{keys[0]}",
        )

    def _converted(self, value: Any, reference: Reference | None) -> Any:
        rule = self.rule
        source = reference.field if reference else None
        try:
            return convert(value, rule.target, form=rule.form, source=source)
        except ConversionError as exc:
            what = (
                f"{reference.field.called} of {reference.catalogue.called} {self._id(reference)}"
                if reference
                else "the text made by its template"
            )
            raise HeldError(
                f"{self.mapping.target.called}, {rule.target.called}: {what} {exc}",
                waits_for=self._waits_for(reference),
            ) from exc

    # Words ----------------------------------------------------------------------------------

    def _missing(self) -> HeldError:
        rule, target = self.rule, self.mapping.target
        needed = f"{rule.target.called}, which the {target.called} must have"
        reference = next(iter(rule.references), None)
        if reference is None:
            return HeldError(f"There is no {needed}", waits_for=self._waits_for(None))
        absent = sorted(
            {each.source for each in rule.references if self.sources.get(each.source) is None}
        )
        names = " or ".join(dict.fromkeys(each.field.called for each in rule.references))
        if len(absent) == len({each.source for each in rule.references}):
            whose = f"There is no {' and no '.join(absent)}, and so no {names}"
        else:
            present = next(each for each in rule.references if each.source not in absent)
            whose = f"{present.catalogue.called} {self._id(present)} has no {names}"
            reference = present
        return HeldError(
            f"{whose} for {needed}; fill it in, or give the mapping a default",
            waits_for=self._waits_for(reference),
        )

    def _id(self, reference: Reference) -> str:
        record = self.sources.get(reference.source) or {}
        return shown(record.get("id", "?"))

    def _waits_for(self, reference: Reference | None) -> str | None:
        """Name the record whose change lets the run through: the one read, or the first."""
        if reference is not None and self.sources.get(reference.source) is not None:
            return f"{reference.catalogue.record}:{self._id(reference)}"
        for rule in self.mapping.rules:
            for each in rule.references:
                if self.sources.get(each.source) is not None:
                    return f"{each.catalogue.record}:{self._id(each)}"
        return None


def _key(item: Any, reference: Reference) -> str:
    """Return the key under which a table has a value: a choice's id, or the text as meant."""
    key = key_of(item)
    return key if key in reference.field.options else folded(key)


def _label(item: Any, reference: Reference) -> str:
    key = key_of(item)
    return reference.field.options.get(key, key)


def _with_label(key: str, reference: Reference) -> str:
    label = reference.field.options.get(key)
    return f"{key} ({label})" if label and label != key else key


def _told(value: Any, reference: Reference) -> str:
    items = value if isinstance(value, tuple | list) else (value,)
    return ", ".join(_with_label(key_of(item), reference) for item in items)
