"""Which fields map, and how they map unless the user says otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.sync.mapping.compiling import CompiledMapping, compile_mapping
from ml_connector.sync.mapping.fields import Field, FieldCatalogue, Kind
from ml_connector.sync.mapping.model import MappingConfig
from ml_connector.sync.mapping.views import fields_of
from ml_connector.vendors import pipedrive
from ml_connector.vendors.pipedrive.custom_fields import FieldSet
from ml_connector.vendors.pipedrive.definitions import Fields
from ml_connector.vendors.pipedrive.models import (
    Deal,
    DealProduct,
    FieldDefinition,
    Organization,
    Person,
    Product,
)

CUSTOMER_DEFAULTS = MappingConfig.model_validate(
    {
        "fields": {
            "CustomerName": {"from": "organization.name", "required": True, "longest": 255},
            "Email": "person.emails.value",
            "Phone": "person.phones.value",
            "Attention": "person.name",
            "WebSite": "organization.website",
            "CurrencyID": {"from": "deal.currency", "on_existing": "never"},
        }
    }
)

ORDER_DEFAULTS = MappingConfig.model_validate(
    {
        "fields": {
            "Description": {
                "template": "{deal.title}",
                "longest": 256,
                "too_long": "cut",
            },
        }
    }
)

LINE_DEFAULTS = MappingConfig.model_validate(
    {
        "fields": {
            "LineDescription": {"from": "line.name", "longest": 256, "too_long": "cut"},
            "UOM": {"from": "product.unit"},
        }
    }
)


def _texts(*names: str) -> tuple[Field, ...]:
    return tuple(Field(key=name, name=name) for name in names)


CUSTOMER_TARGET = FieldCatalogue(
    side="Acumatica",
    record="customer",
    fields=(
        *_texts(
            "CustomerName",
            "CustomerClass",
            "Email",
            "Phone",
            "Attention",
            "WebSite",
            "CurrencyID",
            "Terms",
            "TaxZone",
            "TaxRegistrationID",
            "StatementCycleID",
            "PriceClassID",
            "ShipVia",
            "WarehouseID",
        ),
    ),
)

SET_AT_CREATION_ONLY = frozenset(
    {"CustomerClass", "CurrencyID", "Terms", "TaxZone", "StatementCycleID", "PriceClassID"}
)
"""The ERP is the record for money: on a customer that is there these are never written."""

ORDER_TARGET = FieldCatalogue(
    side="Acumatica",
    record="sales_order",
    fields=(
        *_texts(
            "Description",
            "CustomerOrder",
            "Owner",
            "Salesperson",
            "Branch",
            "PreferredWarehouseID",
            "ShipVia",
            "Terms",
            "TaxZone",
            "LocationID",
            "Project",
            "ShipToAttention",
            "ShipToAddress",
        ),
        Field(key="RequestedOn", name="RequestedOn", kind=Kind.DATE),
        Field(key="Date", name="Date", kind=Kind.DATE),
    ),
)

LINE_TARGET = FieldCatalogue(
    side="Acumatica",
    record="sales_order_line",
    fields=(
        *_texts("LineDescription", "UOM", "WarehouseID", "TaxCategory", "Branch", "ProjectTask"),
        Field(key="RequestedOn", name="RequestedOn", kind=Kind.DATE),
        Field(key="ShipOn", name="ShipOn", kind=Kind.DATE),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappings:
    """An installation's mappings, checked against the fields that both sides have."""

    customer: CompiledMapping
    order: CompiledMapping
    line: CompiledMapping

    @property
    def version(self) -> str:
        """Name the content of all three."""
        return f"{self.customer.version}-{self.order.version}-{self.line.version}"


async def compiled(
    settings: Settings, client: pipedrive.Client, *, configuration_version: int
) -> Mappings:
    """Check the mappings against Pipedrive's fields as they are now.

    Checked once for each configuration and each reading of the fields, not for each deal.
    Raises MappingFaultsError that names every fault.
    """
    fields = await asyncio.gather(
        client.fields.of("deal"),
        client.fields.of("organization"),
        client.fields.of("person"),
        client.fields.of("product"),
    )
    kept = _KEPT.setdefault(client.fields, {})
    checked, mappings = kept.get(configuration_version, (None, None))
    if mappings is None or checked is None or not _are_the_same(checked, fields):
        mappings = _checked(settings, *fields)
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[configuration_version] = fields, mappings
    return mappings


_FieldSets = Sequence[FieldSet]
_MOST_KEPT = 100  # configurations of one connection; older ones are hardly asked for again
_KEPT: WeakKeyDictionary[Fields, dict[int, tuple[_FieldSets, Mappings]]] = WeakKeyDictionary()
"""By the fields of an open client, and with it they go; then by configuration version."""


def _are_the_same(checked: _FieldSets, fields: _FieldSets) -> bool:
    """Tell whether the fields were not read again since."""
    return all(one is other for one, other in zip(checked, fields, strict=True))


def _checked(
    settings: Settings, deal: FieldSet, organization: FieldSet, person: FieldSet, product: FieldSet
) -> Mappings:
    parties = {
        "deal": _catalogue("deal", Deal, deal.definitions),
        "organization": _catalogue("organization", Organization, organization.definitions),
        "person": _catalogue("person", Person, person.definitions),
    }
    goods = {
        **parties,
        "line": FieldCatalogue(side="Pipedrive", record="line", fields=fields_of(DealProduct)),
        "product": _catalogue("product", Product, product.definitions),
    }
    return Mappings(
        customer=_compiled(settings.customer_mapping, CUSTOMER_DEFAULTS, parties, CUSTOMER_TARGET),
        order=_compiled(settings.order_mapping, ORDER_DEFAULTS, parties, ORDER_TARGET),
        line=_compiled(settings.line_mapping, LINE_DEFAULTS, goods, LINE_TARGET),
    )


def _compiled(
    config: MappingConfig,
    defaults: MappingConfig,
    sources: Mapping[str, FieldCatalogue],
    target: FieldCatalogue,
) -> CompiledMapping:
    return compile_mapping(config.over(defaults), sources=sources, target=target)


_KINDS: Mapping[str, Kind] = {
    "double": Kind.DECIMAL,
    "monetary": Kind.PARTS,
    "date": Kind.DATE,
    "enum": Kind.CHOICE,
    "set": Kind.CHOICES,
    "daterange": Kind.ANY,
    "time": Kind.ANY,
    "timerange": Kind.ANY,
    "address": Kind.PARTS,
    "user": Kind.INTEGER,
    "org": Kind.INTEGER,
    "people": Kind.INTEGER,
}
_MONETARY = (
    Field(key="value", name="value", kind=Kind.DECIMAL),
    Field(key="currency", name="currency"),
)


def _catalogue(
    record: str, model: type[Deal | Organization | Person | Product],
    definitions: tuple[FieldDefinition, ...],
) -> FieldCatalogue:  # fmt: skip
    """Return a record's own fields and its custom fields, by the names that people know."""
    own = fields_of(model, without=("custom_fields",))
    return FieldCatalogue(
        side="Pipedrive",
        record=record,
        fields=own + tuple(_custom(each) for each in definitions if each.is_custom_field),
    )


def _custom(definition: FieldDefinition) -> Field:
    return Field(
        key=definition.field_code,
        name=definition.field_name,
        kind=_KINDS.get(definition.field_type, Kind.TEXT),
        options={str(option.id): option.label for option in definition.options or ()},
        parts=_MONETARY if definition.field_type == "monetary" else (),
    )
