"""An installation's mappings, scopes and fields, checked against what both sides have now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from ml_connector.integrations.acumatica_pipedrive import billing_fields, targets
from ml_connector.integrations.acumatica_pipedrive.crm_places import owned_faults
from ml_connector.integrations.acumatica_pipedrive.order_states import StateTable, state_table
from ml_connector.integrations.acumatica_pipedrive.party_scopes import PartyScopes, party_scopes
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.integrations.acumatica_pipedrive.targets import Target
from ml_connector.integrations.from_pipedrive.resolving import (
    DealMappings,
    Gathering,
    Make,
    Named,
    made,
)
from ml_connector.integrations.from_pipedrive.sources import Reading
from ml_connector.sync.mapping.compiling import CompiledMapping, MappingFault
from ml_connector.sync.mapping.fields import FieldCatalogue
from ml_connector.sync.mapping.model import MappingConfig
from ml_connector.sync.scope import Scope
from ml_connector.vendors import acumatica
from ml_connector.vendors.pipedrive import ListName


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappings(DealMappings):
    """What of an installation's settings names fields, with every name resolved."""

    customer: CompiledMapping
    contact: CompiledMapping
    order: CompiledMapping
    """Of the order, or of the invoice where deals become invoices."""
    line: CompiledMapping
    order_states: StateTable
    parties: PartyScopes

    @property
    def compiled(self) -> Mapping[str, CompiledMapping]:
        """All mappings by their setting."""
        return {
            "customer_mapping": self.customer,
            "contact_mapping": self.contact,
            "order_mapping": self.order,
            "line_mapping": self.line,
        }

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """All scopes."""
        return self.scope, self.stages, *self.parties.each

    @property
    def asked_lists(self) -> frozenset[ListName]:
        """A table by stage goes by the stages' names."""
        return frozenset({"stages"}) if self.order_states.goes_by_stage else frozenset()

    @property
    def further_pins(self) -> Mapping[str, str]:
        """The id of each stage by what names it."""
        return self.order_states.pins


@dataclass(frozen=True, slots=True, kw_only=True)
class _Targets:
    customer: FieldCatalogue
    contact: FieldCatalogue
    order: FieldCatalogue
    line: FieldCatalogue


async def making(
    settings: Settings, erp: acumatica.Client, pins: Mapping[str, str]
) -> Make[Mappings]:
    """Return how these settings are resolved, with what Acumatica offers to map to."""
    known = await _targets(settings, erp)

    def make(reading: Reading) -> Mappings:
        return _mappings(settings, known, Gathering(reading=reading, pins=pins))

    return make


async def _targets(settings: Settings, erp: acumatica.Client) -> _Targets:
    is_order = settings.orders.document == "sales_order"
    order = targets.ORDER_TARGET if is_order else targets.INVOICE_TARGET
    line = targets.ORDER_LINE_TARGET if is_order else targets.INVOICE_LINE_TARGET

    async def known(target: Target, config: MappingConfig) -> FieldCatalogue:
        return await target.known(config, erp)

    customer, contact, of_order, of_line = await asyncio.gather(
        known(targets.CUSTOMER_TARGET, settings.customer_mapping),
        known(targets.CONTACT_TARGET, settings.contact_mapping),
        known(order, settings.order_mapping),
        known(line, settings.line_mapping),
    )
    return _Targets(customer=customer, contact=contact, order=of_order, line=of_line)


def _mappings(settings: Settings, known: _Targets, gathering: Gathering) -> Mappings:
    """Return everything resolved. Raises MappingFaultsError."""
    parties, goods = gathering.reading.parties, gathering.reading.goods
    customer = gathering.mapping(
        "customer_mapping",
        settings.customer_mapping,
        defaults=targets.CUSTOMER_DEFAULTS,
        records=parties,
        target=known.customer,
    )
    contact = gathering.mapping(
        "contact_mapping",
        settings.contact_mapping,
        defaults=targets.CONTACT_DEFAULTS,
        records=parties,
        target=known.contact,
    )
    _check_owned(gathering, "customer_mapping", customer, ("organization", "person"))
    _check_owned(gathering, "contact_mapping", contact, ("person",))
    order = gathering.mapping(
        "order_mapping",
        settings.order_mapping,
        defaults=targets.ORDER_DEFAULTS,
        records=parties,
        target=known.order,
    )
    line = gathering.mapping(
        "line_mapping",
        settings.line_mapping,
        defaults=targets.LINE_DEFAULTS,
        records=goods,
        target=known.line,
    )
    scope, stages = gathering.scope(settings.scope), gathering.stages(settings.trigger)
    scopes = gathering.gather((), lambda: party_scopes(settings, parties))
    stage_names = gathering.reading.lists.get("stages")
    states = gathering.gather(
        (), lambda: state_table(settings.order_states, stage_names, gathering.pins)
    )
    named, lost = gathering.named(_named(settings))
    gathering.raise_faults()
    return Mappings(
        customer=made(customer),
        contact=made(contact),
        order=made(order),
        line=made(line),
        scope=made(scope),
        stages=made(stages),
        order_states=made(states),
        parties=made(scopes),
        named_fields=named,
        lost_fields=lost,
    )


def _check_owned(
    gathering: Gathering,
    setting: str,
    mapping: CompiledMapping | None,
    records: tuple[str, ...],
) -> None:
    """Note fields that the ERP should own and that cannot be shown in Pipedrive."""
    gathering.faults += [
        MappingFault(path=(setting, *fault.path), words=fault.words)
        for fault in (owned_faults(mapping, records) if mapping else ())
    ]


def _named(settings: Settings) -> Iterator[Named]:
    """Yield the settings that name a field of Pipedrive."""
    for name in billing_fields.FIELDS:
        wanted = getattr(settings.billing.fields, name)
        yield Named(
            setting=billing_fields.setting_of(name),
            record="deal",
            wanted=wanted if isinstance(wanted, str) else None,  # or the one that is provided
            unfit=partial(billing_fields.unfit, name),
        )
    shown = settings.write_back
    yield Named(setting="write_back.order_number", record="deal", wanted=shown.order_number)
    yield Named(setting="write_back.order_link", record="deal", wanted=shown.order_link)
    yield Named(
        setting="write_back.customer_number", record="organization", wanted=shown.customer_number
    )
    yield Named(
        setting="customers.tax_number_field",
        record="organization",
        wanted=settings.customers.tax_number_field,
    )
