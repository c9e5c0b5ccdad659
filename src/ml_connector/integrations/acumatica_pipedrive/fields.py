"""An installation's mappings, scope and fields, checked against what both sides have now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import TypeVar
from weakref import WeakKeyDictionary

from ml_connector.core.errors import ConfigurationError
from ml_connector.integrations.acumatica_pipedrive import billing_fields, sources, targets
from ml_connector.integrations.acumatica_pipedrive.crm_places import owned_faults
from ml_connector.integrations.acumatica_pipedrive.order_states import StateTable, state_table
from ml_connector.integrations.acumatica_pipedrive.party_scopes import PartyScopes, party_scopes
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.integrations.acumatica_pipedrive.sources import Reading
from ml_connector.integrations.acumatica_pipedrive.targets import Target
from ml_connector.sync.mapping.compiling import (
    CompiledMapping,
    MappingFault,
    MappingFaultsError,
    compile_mapping,
)
from ml_connector.sync.mapping.fields import FieldCatalogue
from ml_connector.sync.mapping.model import MappingConfig
from ml_connector.sync.scope import Condition, Scope, ScopeConfig, compile_scope
from ml_connector.vendors import acumatica, pipedrive
from ml_connector.vendors.pipedrive import Fields, ListName
from ml_connector.vendors.pipedrive.models import Entity

T = TypeVar("T")

_NAMED: Mapping[str, tuple[Entity, str]] = {
    **dict.fromkeys(billing_fields.FIELDS, ("deal", "billing.fields")),
    "order_number": ("deal", "write_back"),
    "order_link": ("deal", "write_back"),
    "customer_number": ("organization", "write_back"),
    "tax_number_field": ("organization", "customers"),
}
"""Settings that name a field of Pipedrive: whose field it is, and where the setting stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappings:
    """What of an installation's settings names fields, with every name resolved."""

    customer: CompiledMapping
    contact: CompiledMapping
    order: CompiledMapping
    """Of the order, or of the invoice where deals become invoices."""
    line: CompiledMapping
    scope: Scope
    stages: Scope
    """The stages of the trigger; empty where deals are handed over when they are won."""
    order_states: StateTable
    parties: PartyScopes
    named_fields: Mapping[str, str]
    """Keys of the fields that settings name, by the setting."""
    lost_fields: tuple[MappingFault, ...] = ()
    """Fields that settings name and that Pipedrive does not have (any more)."""

    @property
    def version(self) -> str:
        """Name the content of all mappings."""
        return "-".join(each.version for each in self.each)

    @property
    def each(self) -> tuple[CompiledMapping, ...]:
        """All mappings."""
        return self.customer, self.contact, self.order, self.line

    @property
    def pins(self) -> dict[str, str]:
        """The key of each field by what names it: kept, so that a renamed field is found again."""
        named = {f"{_NAMED[name][1]}.{name}": key for name, key in self.named_fields.items()}
        of_mappings = {path: key for each in self.each for path, key in each.pins.items()}
        return {**of_mappings, **named, **self.order_states.pins}

    @property
    def notices(self) -> tuple[str, ...]:
        """What should be known though it stops nothing: fields that were renamed."""
        return tuple(dict.fromkeys(words for each in self.each for words in each.notices))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Targets:
    customer: FieldCatalogue
    contact: FieldCatalogue
    order: FieldCatalogue
    line: FieldCatalogue


@dataclass(frozen=True, slots=True)
class _Kept:
    """What came of settings with one reading of the definitions."""

    reading: Reading
    found: Mappings | MappingFaultsError

    @property
    def fits(self) -> bool:
        """Tell whether every name was found."""
        return isinstance(self.found, Mappings) and not self.found.lost_fields

    def mappings(self) -> Mappings:
        """Return them, or raise the faults."""
        if isinstance(self.found, MappingFaultsError):
            raise MappingFaultsError(self.found.faults)
        return self.found


_MOST_KEPT = 100  # configurations of one connection; older ones are hardly asked for again
_KEPT: WeakKeyDictionary[Fields, dict[int, _Kept]] = WeakKeyDictionary()
"""By the fields of an open client, and with it they go; then by configuration version."""


async def compiled(
    settings: Settings,
    client: pipedrive.Client,
    *,
    configuration_version: int,
    erp: acumatica.Client | None = None,
    pins: Mapping[str, str] | None = None,
) -> Mappings:
    """Resolve every name in the settings against the fields as they are now.

    Done once for each configuration and each reading of the fields, not for each deal.
    Raises MappingFaultsError that names every fault.
    """
    versions = _KEPT.setdefault(client.fields, {})
    kept = versions.get(configuration_version)
    reading = await sources.read(client, tuple(kept.reading.lists) if kept else ())
    if kept is None or not kept.reading.is_same(reading):
        kept = await _resolve(settings, client, erp, reading, pins or {})
        if len(versions) >= _MOST_KEPT:
            versions.clear()
        versions[configuration_version] = kept
    return kept.mappings()


async def resolved(
    settings: Settings,
    client: pipedrive.Client,
    *,
    erp: acumatica.Client | None,
    pins: Mapping[str, str],
) -> Mappings:
    """Resolve settings that are not in force; raises MappingFaultsError that names every fault."""
    reading = await sources.read(client)
    return (await _resolve(settings, client, erp, reading, pins)).mappings()


async def _resolve(
    settings: Settings,
    client: pipedrive.Client,
    erp: acumatica.Client | None,
    reading: Reading,
    pins: Mapping[str, str],
) -> _Kept:
    """Resolve with what was read before; what is not found there is looked for once in new."""
    known = await _targets(settings, erp)

    async def resolve(reading: Reading, *, fresh: bool) -> _Kept:
        found = _checked(settings, reading, known, pins)
        lists = set(_lists(found.found, reading)) if isinstance(found.found, Mappings) else set()
        if settings.order_states.by_stage:
            lists.add("stages")
        if lists <= set(reading.lists):
            return found
        # Only now it is known whose names are asked for: those of stages, say, in a table by stage.
        reading = await sources.read(client, tuple(lists), fresh=fresh)
        return _checked(settings, reading, known, pins)

    kept = await resolve(reading, fresh=False)
    if kept.fits:
        return kept
    # A field, a choice or a stage may have been made since: people apply a file right after that.
    reading = await sources.read(client, tuple(kept.reading.lists), fresh=True)
    return await resolve(reading, fresh=True)


def _checked(
    settings: Settings, reading: Reading, known: _Targets, pins: Mapping[str, str]
) -> _Kept:
    try:
        return _Kept(reading, _Checking(settings, reading, known, pins).mappings())
    except MappingFaultsError as exc:
        return _Kept(reading, exc)


async def _targets(settings: Settings, erp: acumatica.Client | None) -> _Targets:
    is_order = settings.orders.document == "sales_order"
    order = targets.ORDER_TARGET if is_order else targets.INVOICE_TARGET
    line = targets.ORDER_LINE_TARGET if is_order else targets.INVOICE_LINE_TARGET

    async def known(target: Target, config: MappingConfig) -> FieldCatalogue:
        return target.catalogue if erp is None else await target.known(config, erp)

    customer, contact, of_order, of_line = await asyncio.gather(
        known(targets.CUSTOMER_TARGET, settings.customer_mapping),
        known(targets.CONTACT_TARGET, settings.contact_mapping),
        known(order, settings.order_mapping),
        known(line, settings.line_mapping),
    )
    return _Targets(customer=customer, contact=contact, order=of_order, line=of_line)


def _lists(mappings: Mappings, reading: Reading) -> Iterator[ListName]:
    """Yield the lists whose names the mappings and the scope go by."""
    uses = {
        (use.record, use.key)
        for mapping in mappings.each
        for use in mapping.uses
        if use.side == "Pipedrive"
    }
    uses |= {
        (each.reference.catalogue.record, each.reference.steps[0].key)
        for scope in (mappings.scope, mappings.stages, *mappings.parties.each)
        for each in scope.conditions
    }
    for record in sources.RECORDS:
        yield from reading.lists_of(record, {key for of, key in uses if of == record})


@dataclass(slots=True)
class _Checking:
    """One check of everything that names fields; all faults are gathered."""

    settings: Settings
    reading: Reading
    targets: _Targets
    pins: Mapping[str, str]
    faults: list[MappingFault] = field(default_factory=list)

    def mappings(self) -> Mappings:
        """Return everything resolved. Raises MappingFaultsError."""
        settings, known, parties = self.settings, self.targets, self.reading.parties
        customer = self._gather("customer_mapping", lambda: self._mapping(
            settings.customer_mapping, targets.CUSTOMER_DEFAULTS, parties, known.customer
        ))  # fmt: skip
        contact = self._gather("contact_mapping", lambda: self._mapping(
            settings.contact_mapping, targets.CONTACT_DEFAULTS, parties, known.contact
        ))  # fmt: skip
        self._check_owned("customer_mapping", customer, ("organization", "person"))
        self._check_owned("contact_mapping", contact, ("person",))
        order = self._gather("order_mapping", lambda: self._mapping(
            settings.order_mapping, targets.ORDER_DEFAULTS, parties, known.order
        ))  # fmt: skip
        line = self._gather("line_mapping", lambda: self._mapping(
            settings.line_mapping, targets.LINE_DEFAULTS, self.reading.goods, known.line
        ))  # fmt: skip
        scope = self._gather(None, lambda: compile_scope(settings.scope, sources=parties))
        stages = self._gather(None, lambda: _stages(settings, parties))
        scopes = self._gather(None, lambda: party_scopes(settings, parties))
        states = self._gather(None, lambda: state_table(
            settings.order_states, self.reading.lists.get("stages"), self.pins
        ))  # fmt: skip
        named, lost = self._named_fields()
        if self.faults:
            raise MappingFaultsError(self.faults)
        return Mappings(
            customer=_made(customer),
            contact=_made(contact),
            order=_made(order),
            line=_made(line),
            scope=_made(scope),
            stages=_made(stages),
            order_states=_made(states),
            parties=_made(scopes),
            named_fields=named,
            lost_fields=lost,
        )

    def _mapping(
        self,
        config: MappingConfig,
        defaults: MappingConfig,
        records: Mapping[str, FieldCatalogue],
        target: FieldCatalogue,
    ) -> CompiledMapping:
        return compile_mapping(
            config.over(defaults), sources=records, target=target, pins=self.pins
        )

    def _check_owned(
        self, setting: str, mapping: CompiledMapping | None, records: tuple[str, ...]
    ) -> None:
        """Note fields that the ERP should own and that cannot be shown in Pipedrive."""
        self.faults += [
            MappingFault(path=(setting, *fault.path), words=fault.words)
            for fault in (owned_faults(mapping, records) if mapping else ())
        ]

    def _gather(self, setting: str | None, make: Callable[[], T]) -> T | None:
        """Return what ``make`` makes, or note its faults under their setting."""
        try:
            return make()
        except MappingFaultsError as exc:
            prefix = () if setting is None else (setting,)
            self.faults += [
                MappingFault(path=(*prefix, *fault.path), words=fault.words) for fault in exc.faults
            ]
            return None

    def _named_fields(self) -> tuple[dict[str, str], tuple[MappingFault, ...]]:
        found: dict[str, str] = {}
        lost: list[MappingFault] = []
        for name, (record, group) in _NAMED.items():
            path = (*group.split("."), name)
            wanted = reduce(getattr, path, self.settings)
            if not isinstance(wanted, str):  # named nowhere, or the one that is provided
                continue
            pinned = self.pins.get(f"{group}.{name}")
            known = self.reading.fields[record]
            try:
                key = pinned if pinned and pinned in known else known.key(wanted)
            except ConfigurationError as exc:
                lost.append(MappingFault(path=path, words=exc.message))
                continue
            unfit = billing_fields.unfit(name, known.definition(key))
            if unfit is None:
                found[name] = key
            else:
                lost.append(MappingFault(path=path, words=unfit))
        return found, tuple(lost)


def _made(found: T | None) -> T:
    """Return what was made: whatever could not be has left a fault."""
    assert found is not None  # noqa: S101 - see above
    return found


def _stages(settings: Settings, records: Mapping[str, FieldCatalogue]) -> Scope:
    """Return the trigger's stages as a condition. Raises MappingFaultsError."""
    stages = settings.trigger.stages
    if not stages:
        return Scope()
    condition = Condition(field="deal.stage_id", any_of=stages)
    try:
        return compile_scope(ScopeConfig(where=(condition,)), sources=records)
    except MappingFaultsError as exc:
        raise MappingFaultsError(
            MappingFault(path=("trigger", "stages"), words=fault.words) for fault in exc.faults
        ) from exc
