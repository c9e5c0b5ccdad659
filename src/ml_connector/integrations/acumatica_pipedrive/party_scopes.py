"""Which organizations and persons are an installation's own, as the settings name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.sync.mapping.compiling import MappingFault, MappingFaultsError
from ml_connector.sync.mapping.fields import FieldCatalogue
from ml_connector.sync.scope import Scope, ScopeConfig, ScopePaths, compile_scope


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyScopes:
    """The scopes of organizations and persons, with every name resolved."""

    labelled: Scope
    """Of organizations that become customers without a won deal; empty where no label says so."""
    organizations: Scope
    persons: Scope

    @property
    def each(self) -> tuple[Scope, ...]:
        """All of them."""
        return self.labelled, self.organizations, self.persons


def party_scopes(settings: Settings, records: Mapping[str, FieldCatalogue]) -> PartyScopes:
    """Resolve the names in the scopes. Raises MappingFaultsError that names every fault."""
    organizations, persons = settings.organizations, settings.persons
    faults: list[MappingFault] = []

    def scope(record: str, setting: str, config: ScopeConfig) -> Scope:
        try:
            paths = ScopePaths(labels=f"{record}.label_ids")
            return compile_scope(config, sources=records, paths=paths)
        except MappingFaultsError as exc:
            faults.extend(
                MappingFault(path=(setting, *fault.path[1:]), words=fault.words)
                for fault in exc.faults
            )
            return Scope()

    found = PartyScopes(
        labelled=scope("organization", "organizations", ScopeConfig(labels=organizations.labels)),
        organizations=scope(
            "organization",
            "organizations",
            ScopeConfig(without_labels=organizations.without_labels, where=organizations.where),
        ),
        persons=scope(
            "person",
            "persons",
            ScopeConfig(
                labels=persons.labels, without_labels=persons.without_labels, where=persons.where
            ),
        ),
    )
    if faults:
        raise MappingFaultsError(faults)
    return found
