"""What can be mapped to: the fields of Acumatica's records, and how they map unless told otherwise.

Beside those named here, every field of the contract is a target by its path
(``ShippingSettings/ShippingRule``), and every custom field by view and name
(``Document.UsrRegion``); a customer's attributes are ``Attributes/REGION``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ml_connector.sync.mapping.fields import Field, FieldCatalogue, FieldNotFoundError, Kind
from ml_connector.sync.mapping.model import MappingConfig
from ml_connector.vendors import acumatica
from ml_connector.vendors.acumatica.models import FieldDefinition

ATTRIBUTE = "Attributes/"

CUSTOMER_DEFAULTS = MappingConfig.model_validate(
    {
        "fields": {
            "CustomerName": {
                "from": ["organization.name", "person.name"],
                "required": True,
                "longest": 255,
            },
            "Email": "person.emails.value",
            "Phone": "person.phones.value",
            "Attention": "person.name",
            "WebSite": "organization.website",
            "Address": "organization.address",
            "CurrencyID": {"from": "deal.currency", "on_existing": "never"},
        }
    }
)

CONTACT_DEFAULTS = MappingConfig.model_validate(
    {
        "fields": {
            "FirstName": {"from": "person.first_name", "longest": 50, "too_long": "cut"},
            "LastName": {
                "from": ["person.last_name", "person.name"],
                "required": True,
                "longest": 100,
            },
            "Email": "person.emails.value",
            "Phone1": "person.phones.value",
            "JobTitle": "person.job_title",
            "Address": "person.postal_address",
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
                # a title is edited often and for many reasons; the order keeps the one it had
                "on_existing": "never",
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


def _days(*names: str) -> tuple[Field, ...]:
    return tuple(Field(key=name, name=name, kind=Kind.DATE) for name in names)


ADDRESS = "Address"
"""An address goes over as a whole: the parts of two are never mixed."""

CUSTOMER = FieldCatalogue(
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
        Field(key=ADDRESS, name=ADDRESS, kind=Kind.PARTS),
    ),
)

CONTACT = FieldCatalogue(
    side="Acumatica",
    record="contact",
    fields=(
        *_texts(
            "FirstName",
            "LastName",
            "Email",
            "Phone1",
            "Phone1Type",
            "Phone2",
            "Phone2Type",
            "JobTitle",
            "ContactClass",
        ),
        Field(key=ADDRESS, name=ADDRESS, kind=Kind.PARTS),
    ),
)

SET_AT_CREATION_ONLY = frozenset(
    {
        "CustomerClass",
        "CurrencyID",
        "EnableCurrencyOverride",
        "Terms",
        "TaxZone",
        "StatementCycleID",
        "PriceClassID",
        "CreditLimit",
        "CreditVerificationRules/CreditLimit",
        "CreditVerificationRules/CreditVerification",
        "Status",
    }
)
"""The ERP is the record for money: on a customer that is there these are never written."""

ORDER = FieldCatalogue(
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
        ),
        Field(key="ShipToAddress", name="ShipToAddress", kind=Kind.PARTS),
        *_days("RequestedOn", "Date"),
    ),
)

INVOICE = FieldCatalogue(
    side="Acumatica",
    record="sales_invoice",
    fields=(*_texts("Description", "CustomerOrder", "Project"), *_days("Date", "DueDate")),
)

ORDER_LINE = FieldCatalogue(
    side="Acumatica",
    record="sales_order_line",
    fields=(
        *_texts(
            "LineDescription",
            "UOM",
            "WarehouseID",
            "TaxCategory",
            "Branch",
            "Salesperson",
            "ProjectTask",
        ),
        *_days("RequestedOn", "ShipOn"),
    ),
)

INVOICE_LINE = FieldCatalogue(
    side="Acumatica",
    record="sales_invoice_line",
    fields=_texts("LineDescription", "UOM", "WarehouseID", "Location", "TaxCategory", "Branch"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Fields that are always offered, and where all others of that record are found."""

    catalogue: FieldCatalogue
    entity: str
    """Acumatica's name of the record."""
    rows: str = ""
    """The name of the record's rows, where they are the target: ``Details``."""

    async def known(self, config: MappingConfig, client: acumatica.Client) -> FieldCatalogue:
        """Return the fields that ``config`` may name; the site is asked only for further ones."""
        wanted = [name for name, rule in config.fields.items() if rule is not None]
        attributes = [name for name in wanted if self.is_attribute(name)]
        further = self._further(wanted, attributes)
        if not further:
            return self._with(_attribute_fields(attributes))
        found = self._with(
            await self._from_site(client, is_fresh=False), _attribute_fields(attributes)
        )
        if _missing(further, found):
            found = self._with(
                await self._from_site(client, is_fresh=True), _attribute_fields(attributes)
            )
        return found

    def is_attribute(self, name: str) -> bool:
        """Tell whether a target is a user-defined attribute of a customer or contact."""
        return self.entity in {"Customer", "Contact"} and name.startswith(ATTRIBUTE)

    def _further(self, wanted: Collection[str], attributes: Collection[str]) -> list[str]:
        return _missing([name for name in wanted if name not in attributes], self.catalogue)

    async def _from_site(self, client: acumatica.Client, *, is_fresh: bool) -> tuple[Field, ...]:
        definitions = client.definitions
        found = (
            *await definitions.fields(self.entity, fresh=is_fresh),
            *await definitions.custom_fields(self.entity, fresh=is_fresh),
        )
        prefix = f"{self.rows}/" if self.rows else ""
        own = (
            replace(_field(each), key=each.path.removeprefix(prefix))
            for each in found
            if each.path.startswith(prefix) and (self.rows or not each.path.startswith("Details/"))
        )
        taken = {each.key for each in self.catalogue.fields}
        return tuple(each for each in own if each.key not in taken)

    def _with(self, *further: Collection[Field]) -> FieldCatalogue:
        return replace(
            self.catalogue,
            fields=(*self.catalogue.fields, *(each for group in further for each in group)),
        )


CUSTOMER_TARGET = Target(catalogue=CUSTOMER, entity="Customer")
CONTACT_TARGET = Target(catalogue=CONTACT, entity="Contact")
ORDER_TARGET = Target(catalogue=ORDER, entity="SalesOrder")
INVOICE_TARGET = Target(catalogue=INVOICE, entity="SalesInvoice")
ORDER_LINE_TARGET = Target(catalogue=ORDER_LINE, entity="SalesOrder", rows="Details")
INVOICE_LINE_TARGET = Target(catalogue=INVOICE_LINE, entity="SalesInvoice", rows="Details")

_KINDS: Mapping[str, Kind] = {
    "text": Kind.TEXT,
    "number": Kind.DECIMAL,
    "integer": Kind.INTEGER,
    "yes_no": Kind.BOOLEAN,
    "moment": Kind.DATE,
    "guid": Kind.TEXT,
}


def _field(definition: FieldDefinition) -> Field:
    """Name a custom field without its view, too: people know it as UsrRegion."""
    last = definition.path.rpartition("/")[2]
    name = last.rpartition(".")[2] if definition.is_custom else definition.path
    return Field(key=definition.path, name=name, kind=_KINDS[definition.type])


def _attribute_fields(names: Collection[str]) -> tuple[Field, ...]:
    """Take attributes on trust: the endpoint does not list them; the first write checks them."""
    return tuple(Field(key=name, name=name) for name in names)


def _missing(names: Collection[str], catalogue: FieldCatalogue) -> list[str]:
    missing = []
    for name in names:
        try:
            catalogue.find(name)
        except FieldNotFoundError:
            missing.append(name)
    return missing
