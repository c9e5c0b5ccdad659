"""An installation's mappings, scope and fields, checked against what both sides have now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ml_connector.integrations.from_pipedrive.resolving import (
    DealMappings,
    Gathering,
    Make,
    Named,
    made,
)
from ml_connector.integrations.from_pipedrive.sources import Reading
from ml_connector.integrations.sage_intacct_pipedrive import targets
from ml_connector.integrations.sage_intacct_pipedrive.settings import Settings
from ml_connector.sync.mapping.compiling import CompiledMapping, MappingFault
from ml_connector.sync.scope import Scope, ScopeConfig, ScopePaths, compile_scope
from ml_connector.vendors import sage_intacct


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappings(DealMappings):
    """What of an installation's settings names fields, with every name resolved."""

    entry: CompiledMapping
    line: CompiledMapping
    vendor: CompiledMapping
    labelled: Scope
    """Of organizations that become vendors without a won deal; empty where no label says so."""
    organizations: Scope

    @property
    def compiled(self) -> Mapping[str, CompiledMapping]:
        """All mappings by their setting."""
        return {
            "entry_mapping": self.entry,
            "line_mapping": self.line,
            "vendor_mapping": self.vendor,
        }

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """All scopes."""
        return self.scope, self.stages, self.labelled, self.organizations


async def making(
    settings: Settings, erp: sage_intacct.Client, pins: Mapping[str, str]
) -> Make[Mappings]:
    """Return how these settings are resolved, with what Intacct offers to map to."""
    entry_target, line_target, vendor_target = await asyncio.gather(
        targets.entry_target(settings.entry_mapping, erp),
        targets.line_target(settings.line_mapping, erp),
        targets.vendor_target(settings.vendor_mapping, erp),
    )

    def make(reading: Reading) -> Mappings:
        gathering = Gathering(reading=reading, pins=pins)
        entry = gathering.mapping(
            "entry_mapping",
            settings.entry_mapping,
            defaults=targets.ENTRY_DEFAULTS,
            records=reading.parties,
            target=entry_target,
        )
        line = gathering.mapping(
            "line_mapping",
            settings.line_mapping,
            defaults=targets.LINE_DEFAULTS,
            records=reading.goods,
            target=line_target,
        )
        vendor = gathering.mapping(
            "vendor_mapping",
            settings.vendor_mapping,
            defaults=targets.VENDOR_DEFAULTS,
            records=reading.parties,
            target=vendor_target,
        )
        scope, stages = gathering.scope(settings.scope), gathering.stages(settings.trigger)
        rules = settings.vendors
        labelled = _of_organizations(gathering, ScopeConfig(labels=rules.labels))
        organizations = _of_organizations(
            gathering, ScopeConfig(without_labels=rules.without_labels, where=rules.where)
        )
        named, lost = gathering.named(_named(settings))
        gathering.raise_faults()
        return Mappings(
            entry=made(entry),
            line=made(line),
            vendor=made(vendor),
            labelled=made(labelled),
            organizations=made(organizations),
            scope=made(scope),
            stages=made(stages),
            named_fields=named,
            lost_fields=lost,
        )

    return make


def _of_organizations(gathering: Gathering, config: ScopeConfig) -> Scope | None:
    """Return a scope of organizations, or note its faults where the setting stands."""
    known = len(gathering.faults)
    found = gathering.gather(
        (),
        lambda: compile_scope(
            config,
            sources=gathering.reading.parties,
            paths=ScopePaths(labels="organization.label_ids"),
        ),
    )
    gathering.faults[known:] = [
        MappingFault(path=("vendors", *fault.path[1:]), words=fault.words)
        for fault in gathering.faults[known:]
    ]
    return found


def _named(settings: Settings) -> tuple[Named, ...]:
    shown = settings.write_back
    return (
        Named(
            setting="write_back.vendor_number", record="organization", wanted=shown.vendor_number
        ),
        Named(
            setting="vendors.tax_number_field",
            record="organization",
            wanted=settings.vendors.tax_number_field,
        ),
        Named(setting="write_back.entry_number", record="deal", wanted=shown.entry_number),
        Named(setting="write_back.entry_state", record="deal", wanted=shown.entry_state),
    )
