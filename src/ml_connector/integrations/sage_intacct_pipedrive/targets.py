"""What can be mapped to: the fields of a journal entry, and how they map unless told otherwise.

Beside those named here, every user-defined dimension is a target (``GLDIMREGION``), and every
custom field of entries and their lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping

from ml_connector.sync.mapping.fields import Field, FieldCatalogue, FieldNotFoundError, Kind
from ml_connector.sync.mapping.model import MappingConfig
from ml_connector.vendors import sage_intacct
from ml_connector.vendors.sage_intacct.models import FieldDefinition

SIDE = "Sage Intacct"

ACCOUNT, RECURRING_ACCOUNT = "Account", "RecurringAccount"
TITLE, COMMENT = "BATCH_TITLE", "HISTORY_COMMENT"
DESCRIPTION, DOCUMENT = "DESCRIPTION", "DOCUMENT"

LOCATION, DEPARTMENT, CUSTOMER, VENDOR = "LOCATION", "DEPARTMENT", "CUSTOMERID", "VENDORID"
STANDARD_DIMENSIONS: Mapping[str, str] = {
    LOCATION: "location",
    DEPARTMENT: "department",
    CUSTOMER: "customer",
    "PROJECTID": "project",
    "TASKID": "task",
    "CLASSID": "class",
    "ITEMID": "item",
    "EMPLOYEEID": "employee",
    VENDOR: "vendor",
    "CONTRACTID": "contract",
    "WAREHOUSEID": "warehouse",
}
"""By their names on a line; the company may call them otherwise."""
USER_DEFINED = "GLDIM"

_LONGEST_TITLE, _LONGEST_TEXT = 80, 100  # characters; the first reported, the second careful

ACCOUNTS_TABLE, RECURRING_TABLE = "revenue accounts", "recurring accounts"

ENTRY = FieldCatalogue(
    side=SIDE,
    record="journal_entry",
    fields=(
        Field(key=TITLE, name="Title", longest=_LONGEST_TITLE),
        Field(key=COMMENT, name="Comment", longest=_LONGEST_TEXT),
    ),
)

LINE = FieldCatalogue(
    side=SIDE,
    record="journal_entry_line",
    fields=(
        Field(key=ACCOUNT, name=ACCOUNT, title="revenue account"),
        Field(key=RECURRING_ACCOUNT, name=RECURRING_ACCOUNT, title="account of recurring lines"),
        Field(key=DESCRIPTION, name="Description", longest=_LONGEST_TEXT),
        Field(key=DOCUMENT, name="Document", longest=30),
        *(Field(key=key, name=key, title=title) for key, title in STANDARD_DIMENSIONS.items()),
    ),
)

ENTRY_DEFAULTS = MappingConfig.model_validate(
    {
        "fields": {
            TITLE: {
                "template": "Deal {deal.id}: {deal.title}",
                "longest": _LONGEST_TITLE,
                "too_long": "cut",
            }
        }
    }
)

LINE_DEFAULTS = MappingConfig.model_validate(
    {
        "fields": {
            ACCOUNT: {"from": "product.category", "table": ACCOUNTS_TABLE, "required": True},
            RECURRING_ACCOUNT: {
                "from": "line.billing_frequency",
                "table": RECURRING_TABLE,
                "required": True,
            },
            DESCRIPTION: {"from": "line.name", "longest": _LONGEST_TEXT, "too_long": "cut"},
        },
        "tables": {ACCOUNTS_TABLE: {}, RECURRING_TABLE: {}},
    }
)
"""The tables are empty: which account is credited nobody can guess, so a deal is held first."""


VENDOR_RECORD = FieldCatalogue(
    side=SIDE,
    record="vendor",
    fields=(
        Field(key="NAME", name="Name", longest=100),
        Field(key="TAXID", name="Tax ID"),
        Field(key="FIRSTNAME", name="First name"),
        Field(key="LASTNAME", name="Last name"),
        Field(key="EMAIL1", name="E-mail"),
        Field(key="PHONE1", name="Phone"),
        Field(key="URL1", name="Website"),
        Field(key="COMMENTS", name="Comments"),
        Field(key="TERMNAME", name="Terms"),
        Field(key="CURRENCY", name="Currency"),
    ),
)
"""No field of payments, banks, pay-to or return-to: those are finance's."""

VENDOR_DEFAULTS = MappingConfig.model_validate(
    {
        "fields": {
            "NAME": {
                "from": "organization.name",
                "required": True,
                "longest": 100,
                "too_long": "cut",
            },
            "FIRSTNAME": "person.first_name",
            "LASTNAME": "person.last_name",
            "EMAIL1": "person.emails.value",
            "PHONE1": "person.phones.value",
            "URL1": "organization.website",
        }
    }
)

SET_AT_CREATION_ONLY = frozenset({"TERMNAME", "CURRENCY"})
"""The ERP is the record for money: on a vendor that is there these are never written."""


async def vendor_target(config: MappingConfig, client: sage_intacct.Client) -> FieldCatalogue:
    """Return the fields of a vendor that ``config`` may name: these, and custom ones."""
    return await _known(VENDOR_RECORD, "VENDOR", config, client)


def is_dimension(name: str) -> bool:
    """Tell whether a target is a dimension of a line."""
    return name in STANDARD_DIMENSIONS or name.startswith(USER_DEFINED)


async def entry_target(config: MappingConfig, client: sage_intacct.Client) -> FieldCatalogue:
    """Return the fields of an entry that ``config`` may name; the company is asked if need be."""
    return await _known(ENTRY, "GLBATCH", config, client)


async def line_target(config: MappingConfig, client: sage_intacct.Client) -> FieldCatalogue:
    """Return the fields of a line that ``config`` may name; the company is asked if need be."""
    return await _known(LINE, "GLENTRY", config, client)


async def _known(
    catalogue: FieldCatalogue, object_name: str, config: MappingConfig, client: sage_intacct.Client
) -> FieldCatalogue:
    wanted = [name for name, rule in config.fields.items() if rule is not None]
    if not _missing(wanted, catalogue):
        return catalogue
    for is_fresh in (False, True):
        fields, dimensions = await asyncio.gather(
            client.definitions.fields(object_name, fresh=is_fresh),
            client.definitions.dimensions(fresh=is_fresh),
        )
        further = [_custom(each) for each in fields if each.is_custom]
        if object_name == "GLENTRY":
            further += [
                Field(key=each.line_field, name=each.line_field, title=each.term)
                for each in dimensions
                if each.is_user_defined and each.is_enabled_in_gl
            ]
        found = _with(catalogue, further)
        if not _missing(wanted, found):
            break
    return found


def _with(catalogue: FieldCatalogue, further: Iterable[Field]) -> FieldCatalogue:
    fields = {each.key: each for each in (*further, *catalogue.fields)}
    return FieldCatalogue(
        side=catalogue.side, record=catalogue.record, fields=tuple(fields.values())
    )


def _missing(names: Collection[str], catalogue: FieldCatalogue) -> list[str]:
    missing = []
    for name in names:
        try:
            catalogue.find(name)
        except FieldNotFoundError:
            missing.append(name)
    return missing


_KINDS: Mapping[str, Kind] = {
    "INTEGER": Kind.INTEGER,
    "DECIMAL": Kind.DECIMAL,
    "CURRENCY": Kind.DECIMAL,
    "PERCENT": Kind.DECIMAL,
    "BOOLEAN": Kind.BOOLEAN,
    "DATE": Kind.DATE,
}


def _custom(definition: FieldDefinition) -> Field:
    return Field(
        key=definition.name,
        name=definition.label or definition.name,
        kind=_KINDS.get(definition.type, Kind.TEXT),
        is_writable=not definition.is_read_only,
    )
