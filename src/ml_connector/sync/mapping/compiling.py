"""A configured mapping, checked against the fields of both sides and ready to be evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from ml_connector.core.errors import ConfigurationError
from ml_connector.sync.mapping.fields import (
    Field,
    FieldCatalogue,
    FieldNotFoundError,
    did_you_mean,
    folded,
)
from ml_connector.sync.mapping.model import FieldRule, MappingConfig, OnExisting, ValueTable
from ml_connector.sync.mapping.paths import (
    PathError,
    Reference,
    Template,
    read_template,
    resolve_path,
)
from ml_connector.sync.mapping.values import ConversionError, Form, convert


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFault:
    """One thing that is wrong in a mapping, and where."""

    path: tuple[str, ...]
    """As in the file: ``("fields", "OrderType", "from")``."""
    words: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.words}"


class MappingFaultsError(ConfigurationError):
    """A mapping does not fit the fields of both sides; all faults together."""

    def __init__(self, faults: Iterable[MappingFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, self.faults)), waits_for="mapping")


@dataclass(frozen=True, slots=True, order=True)
class FieldUse:
    """One field that a mapping depends on: ``deal``, its key, and the field it goes to."""

    side: str
    record: str
    key: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTable:
    """A value table for one field: by the ids of its source, with values of its target."""

    name: str
    entries: Mapping[str, Any]
    """None for an entry that was left empty on purpose: then there is no value."""
    fallback: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """How one field of the target gets its value."""

    target: Field
    sources: tuple[Reference, ...] = ()
    template: Template | None = None
    constant: Any = None
    default: Any = None
    table: CompiledTable | None = None
    is_required: bool = False
    form: Form = field(default_factory=Form)
    on_existing: OnExisting = OnExisting.FILL_BLANK

    @property
    def references(self) -> tuple[Reference, ...]:
        """All paths that it reads."""
        return self.sources + (self.template.references if self.template else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledMapping:
    """A mapping that fits the fields of both sides, in one version."""

    version: str
    target: FieldCatalogue
    rules: tuple[CompiledRule, ...]
    config: MappingConfig
    pins: Mapping[str, str]
    """Key by path, for every path: keep it, so that a field renamed later is still found."""
    notices: tuple[str, ...] = ()
    """What does not stop it, but should be known: fields that have been renamed."""

    @property
    def ownership(self) -> Mapping[str, OnExisting]:
        """What an update may do, by the target's key."""
        return {rule.target.key: rule.on_existing for rule in self.rules}

    @property
    def uses(self) -> frozenset[FieldUse]:
        """The fields of both sides on which it depends, for the drift guard."""
        return frozenset(self._uses())

    def _uses(self) -> Iterator[FieldUse]:
        for rule in self.rules:
            to = rule.target.key
            yield FieldUse(self.target.side, self.target.record, to, to)
            for reference in rule.references:
                catalogue = reference.catalogue
                yield FieldUse(catalogue.side, catalogue.record, reference.steps[0].key, to)


def compile_mapping(
    config: MappingConfig,
    *,
    sources: Mapping[str, FieldCatalogue],
    target: FieldCatalogue,
    pins: Mapping[str, str] | None = None,
) -> CompiledMapping:
    """Resolve every name and check every value of a mapping.

    ``sources`` are the records that paths begin with, by name (``deal``, ``organization``).
    ``pins`` are those of the version before: a path whose name is gone is found by its key, and
    that it was renamed becomes a notice. Raises MappingFaultsError with all faults.
    """
    work = _Compiling(config=config, sources=sources, target=target, pins=pins or {})
    rules = [
        compiled
        for name, rule in config.fields.items()
        if rule is not None and (compiled := work.rule(name, rule)) is not None
    ]
    if work.faults:
        raise MappingFaultsError(work.faults)
    return CompiledMapping(
        version=config.version,
        target=target,
        rules=tuple(rules),
        config=config,
        pins=work.found,
        notices=tuple(work.notices),
    )


@dataclass(slots=True, kw_only=True)
class _Compiling:
    config: MappingConfig
    sources: Mapping[str, FieldCatalogue]
    target: FieldCatalogue
    pins: Mapping[str, str]
    found: dict[str, str] = field(default_factory=dict)
    faults: list[MappingFault] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)

    def fault(self, words: str, *path: str) -> None:
        self.faults.append(MappingFault(path=path, words=words))

    def rule(self, name: str, rule: FieldRule) -> CompiledRule | None:
        at = ("fields", name)
        target = self._target(name)
        if target is None:
            return None
        form = self._form(rule, target, at)
        sources = tuple(
            found for text in rule.source if (found := self._path(text, *at, "from")) is not None
        )
        return CompiledRule(
            target=target,
            sources=sources,
            template=self._template(rule.template, *at, "template"),
            constant=self._value(rule.constant, target, form, *at, "constant"),
            default=self._value(rule.default, target, form, *at, "default"),
            table=self._table(rule.table, sources, target, form, at),
            is_required=rule.required,
            form=form,
            on_existing=rule.on_existing,
        )

    def _target(self, name: str) -> Field | None:
        try:
            target = self.target.find(name)
        except FieldNotFoundError as exc:
            self.fault(str(exc), "fields", name)
            return None
        if not target.is_writable:
            self.fault(
                f"{self.target.side} does not let {target.called} be written", "fields", name
            )
        if target.key in self.targets:
            self.fault(f"is the same field as {self.targets[target.key]!r}", "fields", name)
        self.targets.setdefault(target.key, name)
        return target

    def _form(self, rule: FieldRule, target: Field, at: tuple[str, ...]) -> Form:
        zone = None
        if rule.zone is not None and rule.zone not in available_timezones():
            self.fault(f"{rule.zone!r} is no time zone; name it as Europe/Oslo", *at, "zone")
        elif rule.zone is not None:
            zone = ZoneInfo(rule.zone)
        if (
            rule.longest is not None
            and target.longest is not None
            and rule.longest > target.longest
        ):
            self.fault(f"{self.target.side} takes {target.longest} characters", *at, "longest")
        return Form(
            trim=rule.trim,
            longest=rule.longest,
            may_cut=rule.too_long == "cut",
            digits=rule.digits,
            zone=zone,
        )

    def _value(self, value: Any, target: Field, form: Form, *path: str) -> Any:
        if value is None:
            return None
        try:
            return convert(value, target, form=form)
        except ConversionError as exc:
            self.fault(str(exc), *path)
            return None

    # Paths ----------------------------------------------------------------------------------

    def _path(self, text: str, *path: str) -> Reference | None:
        try:
            reference = self._resolved(text)
        except PathError as exc:
            self.fault(str(exc), *path)
            return None
        self.found[text] = _by_keys(reference)
        return reference

    def _resolved(self, text: str) -> Reference:
        """Find a path by the keys it led to before, where they still are, or else by its names.

        So a renamed field is followed, and a new one that takes its old name is not mistaken
        for it.
        """
        pinned = self._pinned(text)
        if pinned is None:
            return resolve_path(text, self.sources)
        if not self._leads_to(text, pinned):
            catalogue = pinned.catalogue
            self.notices.append(
                f"{text!r} is now called {pinned.field.name!r} in {catalogue.side}; it is still "
                f"read by its key {pinned.field.key}"
            )
        return pinned

    def _pinned(self, text: str) -> Reference | None:
        try:
            return resolve_path(self.pins[text], self.sources)
        except (KeyError, PathError):
            return None

    def _leads_to(self, text: str, pinned: Reference) -> bool:
        try:
            return resolve_path(text, self.sources).steps == pinned.steps
        except PathError:
            return False

    def _template(self, text: str | None, *path: str) -> Template | None:
        if text is None:
            return None
        try:
            template = read_template(text, self._resolved)
        except PathError as exc:
            self.fault(str(exc), *path)
            return None
        for reference in template.references:
            self.found[reference.text] = _by_keys(reference)
        return template

    # Tables ---------------------------------------------------------------------------------

    def _table(
        self,
        name: str | None,
        sources: tuple[Reference, ...],
        target: Field,
        form: Form,
        at: tuple[str, ...],
    ) -> CompiledTable | None:
        if name is None:
            return None
        table = self.config.tables.get(name)
        if table is None:
            near = did_you_mean(name, self.config.tables)
            self.fault(f"there is no table {name!r}{near}", *at, "table")
            return None
        return CompiledTable(
            name=name,
            entries=dict(self._entries(name, table, sources, target, form)),
            fallback=self._value(table.fallback, target, form, "tables", name, "fallback"),
        )

    def _entries(
        self,
        name: str,
        table: ValueTable,
        sources: tuple[Reference, ...],
        target: Field,
        form: Form,
    ) -> Iterator[tuple[str, Any]]:
        options = [each.field.options for each in sources if each.field.options]
        is_open = len(options) < len(sources) or not sources  # unknown paths are told already
        # Labels first: an entry by id is meant for that one of several with the same label.
        entries = sorted(
            table.entries.items(), key=lambda entry: any(entry[0] in o for o in options)
        )
        for key, value in entries:
            converted = self._value(value, target, form, "tables", name, "entries", key)
            ids = [each for known in options for each in _ids(key, known)]
            if not ids and not is_open:
                labels = [label for known in options for label in known.values()]
                self.fault(
                    f"{key!r} is no choice of {sources[0].field.called}{did_you_mean(key, labels)}",
                    *("tables", name, "entries", key),
                )
            if is_open:
                ids.append(folded(key))
            yield from ((each, converted) for each in ids)


def _ids(key: str, options: Mapping[str, str]) -> list[str]:
    """Return the choice of that id, or those of that label."""
    if key in options:
        return [key]
    return [each for each, label in options.items() if folded(label) == folded(key)]


def _by_keys(reference: Reference) -> str:
    """Return a path in keys alone, which no renaming changes."""
    steps = (f'"{step.key}"{f"[{step.index}]" if step.index else ""}' for step in reference.steps)
    return ".".join((reference.source, *steps))
