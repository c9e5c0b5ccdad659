"""An installation's mappings, scope and named fields, checked against Pipedrive's fields.

A pair says what it has to resolve; here stands how: all faults gathered, names of choices read
only where they are asked for, and everything kept until the fields are read anew.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from ml_connector.core.errors import ConfigurationError
from ml_connector.integrations.from_pipedrive import sources
from ml_connector.integrations.from_pipedrive.rules import Trigger
from ml_connector.integrations.from_pipedrive.sources import Reading
from ml_connector.sync.installations import Installation
from ml_connector.sync.mapping.compiling import (
    CompiledMapping,
    MappingFault,
    MappingFaultsError,
    compile_mapping,
)
from ml_connector.sync.mapping.fields import FieldCatalogue
from ml_connector.sync.mapping.model import MappingConfig
from ml_connector.sync.mapping.waking import woken_by
from ml_connector.sync.scope import Condition, Scope, ScopeConfig, compile_scope
from ml_connector.vendors import pipedrive
from ml_connector.vendors.pipedrive import Fields, ListName
from ml_connector.vendors.pipedrive.models import Entity, FieldDefinition

T = TypeVar("T")

EVERYTHING = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A setting that names one field of Pipedrive."""

    setting: str
    """As in the file: ``write_back.order_number``."""
    record: Entity
    wanted: str | None
    """The field's name or key; None where the setting is left empty."""
    unfit: Callable[[FieldDefinition], str | None] = lambda _: None
    """Says why a field cannot serve; None where it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealMappings(ABC):
    """What of an installation's settings names fields, with every name resolved."""

    scope: Scope
    stages: Scope
    """The stages of the trigger; empty where deals are handed over only when they are won."""
    named_fields: Mapping[str, str]
    """Keys of the fields that settings name, by the setting."""
    lost_fields: tuple[MappingFault, ...] = ()
    """Fields that settings name and that Pipedrive does not have (any more)."""

    @property
    @abstractmethod
    def compiled(self) -> Mapping[str, CompiledMapping]:
        """All mappings by their setting."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """All scopes."""
        return self.scope, self.stages

    @property
    def asked_lists(self) -> frozenset[ListName]:
        """Lists whose names other settings go by than mappings and scopes."""
        return frozenset()

    @property
    def version(self) -> str:
        """Name the content of all mappings."""
        return "-".join(mapping.version for mapping in self.compiled.values())

    @property
    def pins(self) -> dict[str, str]:
        """The key of each field by what names it: kept, so that a renamed field is found again."""
        of_mappings = {
            path: key for mapping in self.compiled.values() for path, key in mapping.pins.items()
        }
        return {**of_mappings, **self.named_fields, **self.further_pins}

    @property
    def further_pins(self) -> Mapping[str, str]:
        """What else names stand for than fields."""
        return {}

    @property
    def notices(self) -> tuple[str, ...]:
        """What should be known though it stops nothing: fields that were renamed."""
        each = (words for mapping in self.compiled.values() for words in mapping.notices)
        return tuple(dict.fromkeys(each))

    def is_named(self, setting: str) -> bool:
        """Tell whether a setting names a field, be it there or lost."""
        lost = {".".join(fault.path) for fault in self.lost_fields}
        return setting in self.named_fields or setting in lost


M = TypeVar("M", bound=DealMappings)

Make = Callable[[Reading], M]
"""How a pair resolves its settings, given the definitions of Pipedrive's fields.

Raises MappingFaultsError that names every fault.
"""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[M]):
    """What came of settings with one reading of the definitions."""

    reading: Reading
    found: M | MappingFaultsError

    @property
    def fits(self) -> bool:
        """Tell whether every name was found."""
        return not isinstance(self.found, MappingFaultsError) and not self.found.lost_fields

    @property
    def lists(self) -> frozenset[ListName]:
        """The lists whose names are asked for."""
        if isinstance(self.found, MappingFaultsError):
            return frozenset()
        return frozenset(_lists(self.found, self.reading))

    def mappings(self) -> M:
        """Return them, or raise the faults."""
        if isinstance(self.found, MappingFaultsError):
            raise MappingFaultsError(self.found.faults)
        return self.found


_MOST_KEPT = 100  # configurations of one connection; older ones are hardly asked for again
_KEPT: WeakKeyDictionary[Fields, dict[tuple[int, int], _Kept[DealMappings]]] = WeakKeyDictionary()
"""By the fields of an open client, and with it they go; then by installation and version."""
_RESOLVING: WeakKeyDictionary[Fields, asyncio.Lock] = WeakKeyDictionary()
"""Held while names are resolved: a hundred deals that begin together resolve them once."""


async def in_force(
    client: pipedrive.Client, making: Callable[[], Awaitable[Make[M]]], installation: Installation
) -> M:
    """Resolve every name in an installation's settings against the fields as they are now.

    Done once for each configuration and each reading of the fields, not for each deal.
    ``making`` reads what the other side offers. Raises MappingFaultsError that names every fault.
    """
    versions: dict[tuple[int, int], _Kept[M]] = _KEPT.setdefault(client.fields, {})  # type: ignore[assignment] # an installation is of one pair
    version = installation.id, installation.configuration_version
    kept = versions.get(version)
    reading = await _same_lists(client, kept)
    if kept is None or not kept.reading.is_same(reading):
        async with _RESOLVING.setdefault(client.fields, asyncio.Lock()):
            kept = versions.get(version)
            reading = await _same_lists(client, kept)
            if kept is None or not kept.reading.is_same(reading):
                kept = await _resolve(client, await making(), reading)
                if len(versions) >= _MOST_KEPT:
                    versions.clear()
                versions[version] = kept
    return kept.mappings()


async def _same_lists(client: pipedrive.Client, kept: _Kept[M] | None) -> Reading:
    return await sources.read(client, tuple(kept.reading.lists) if kept else ())


async def resolve(client: pipedrive.Client, make: Make[M]) -> M:
    """Resolve settings that are not in force; raises MappingFaultsError that names every fault."""
    return (await _resolve(client, make, await sources.read(client))).mappings()


async def _resolve(client: pipedrive.Client, make: Make[M], reading: Reading) -> _Kept[M]:
    """Resolve with what was read before; what is not found there is looked for once in new."""
    kept = await _with_lists(client, make, reading, fresh=False)
    if kept.fits:
        return kept
    # A field, a choice or a stage may have been made since: people apply a file right after that.
    reading = await sources.read(client, tuple(kept.reading.lists), fresh=True)
    return await _with_lists(client, make, reading, fresh=True)


async def _with_lists(
    client: pipedrive.Client, make: Make[M], reading: Reading, *, fresh: bool
) -> _Kept[M]:
    found = _made(make, reading)
    if found.lists <= set(reading.lists):
        return found
    # Only now it is known whose names are asked for: those of stages, say, in a table by stage.
    return _made(make, await sources.read(client, tuple(found.lists), fresh=fresh))


def _made(make: Make[M], reading: Reading) -> _Kept[M]:
    try:
        return _Kept(reading, make(reading))
    except MappingFaultsError as exc:
        return _Kept(reading, exc)


def _lists(mappings: DealMappings, reading: Reading) -> Iterator[ListName]:
    """Yield the lists whose names the mappings and the scopes go by."""
    uses = {
        (use.record, use.key)
        for mapping in mappings.compiled.values()
        for use in mapping.uses
        if use.side == "Pipedrive"
    }
    uses |= {
        (each.reference.catalogue.record, each.reference.steps[0].key)
        for scope in mappings.scopes
        for each in scope.conditions
    }
    yield from mappings.asked_lists
    for record in sources.RECORDS:
        yield from reading.lists_of(record, {key for of, key in uses if of == record})


@dataclass(slots=True, kw_only=True)
class Gathering:
    """One check of everything that names fields; all faults are gathered, and raised at the end."""

    reading: Reading
    pins: Mapping[str, str]
    faults: list[MappingFault] = field(default_factory=list)

    def mapping(
        self,
        setting: str,
        config: MappingConfig,
        *,
        defaults: MappingConfig,
        records: Mapping[str, FieldCatalogue],
        target: FieldCatalogue,
    ) -> CompiledMapping | None:
        """Return a mapping that fits, or note its faults under its setting."""
        return self.gather(
            (setting,),
            lambda: compile_mapping(
                config.over(defaults), sources=records, target=target, pins=self.pins
            ),
        )

    def scope(self, config: ScopeConfig) -> Scope | None:
        """Return a scope that fits, or note its faults."""
        return self.gather((), lambda: compile_scope(config, sources=self.reading.parties))

    def stages(self, trigger: Trigger) -> Scope | None:
        """Return the trigger's stages as a condition, or note its faults."""
        if not trigger.stages:
            return Scope()
        config = ScopeConfig(where=(Condition(field="deal.stage_id", any_of=trigger.stages),))
        known = len(self.faults)
        found = self.scope(config)
        self.faults[known:] = [
            MappingFault(path=("trigger", "stages"), words=fault.words)
            for fault in self.faults[known:]
        ]
        return found

    def named(self, settings: Iterable[Named]) -> tuple[dict[str, str], tuple[MappingFault, ...]]:
        """Return the keys of the fields that settings name, and what names none that serves."""
        found: dict[str, str] = {}
        lost: list[MappingFault] = []
        for each in settings:
            if each.wanted is None:
                continue
            path = tuple(each.setting.split("."))
            pinned = self.pins.get(each.setting)
            known = self.reading.fields[each.record]
            try:
                key = pinned if pinned and pinned in known else known.key(each.wanted)
            except ConfigurationError as exc:
                lost.append(MappingFault(path=path, words=exc.message))
                continue
            unfit = each.unfit(known.definition(key))
            if unfit is None:
                found[each.setting] = key
            else:
                lost.append(MappingFault(path=path, words=unfit))
        return found, tuple(lost)

    def gather(self, at: tuple[str, ...], make: Callable[[], T]) -> T | None:
        """Return what ``make`` makes, or note its faults below ``at``."""
        try:
            return make()
        except MappingFaultsError as exc:
            self.faults += [
                MappingFault(path=(*at, *fault.path), words=fault.words) for fault in exc.faults
            ]
            return None

    def raise_faults(self) -> None:
        """Raise MappingFaultsError for whatever was noted."""
        if self.faults:
            raise MappingFaultsError(self.faults)


def made(found: T | None) -> T:
    """Return what was gathered without a fault: whatever could not be made has left one."""
    assert found is not None  # noqa: S101 - see above
    return found


# What a change of settings lets through ----------------------------------------------------------


def wakes(known: DealMappings | None, found: DealMappings, *, are_alike: bool) -> Iterator[str]:
    """Yield the causes that a change may have ended: all, unless only tables of values grew.

    ``known`` are the settings up to now, if they still fit; ``are_alike`` tells that the two
    settings differ in nothing but their mappings.
    """
    if known is None or not are_alike:
        yield from EVERYTHING
        return
    for setting, is_now in found.compiled.items():
        woken = woken_by(known.compiled.get(setting), is_now)
        if woken.all_held:
            yield from EVERYTHING
        yield from woken.causes
        yield from (f"{prefix}*" for prefix in woken.prefixes)
