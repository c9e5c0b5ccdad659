"""Sage Intacct's records: the fields we use, with exact numbers and aware moments.

Names are the vendor's in snake_case (``VENDORID`` is ``vendor_id``). None means that the field
is empty. The gateway says ``active`` and ``inactive`` where a query asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import ClassVar, Literal

from msgspec import Struct, field

ACTIVE = "active"


def vendor_name(name: str) -> str:
    """Return the vendor's name of a field: ``vendor_id`` is ``VENDORID``."""
    return name.replace("_", "").upper()


class Part(Struct, frozen=True, kw_only=True, rename=vendor_name):
    """A group of fields inside a record, such as an address."""


class Record(Part, frozen=True, kw_only=True):
    """A record of its own."""

    OBJECT: ClassVar[str]
    KEY: ClassVar[str]
    """The field by which links and streams name the record."""

    record_no: int

    @property
    def key(self) -> str:
        """The record's key as record links and streams carry it."""
        by_name = dict(zip(self.__struct_encode_fields__, self.__struct_fields__, strict=True))
        return str(getattr(self, by_name[self.KEY]))


class Kept(Record, frozen=True, kw_only=True):
    """A record that can be set aside, and tells who owns it."""

    status: str | None = None
    """``active`` or ``inactive``."""

    @property
    def is_active(self) -> bool:
        """Whether it may be used."""
        return self.status == ACTIVE


class MailAddress(Part, frozen=True, kw_only=True):
    """A postal address; the country is Intacct's English name of it."""

    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    country_code: str | None = None


class Contact(Part, frozen=True, kw_only=True):
    """The contact that a vendor or customer shows."""

    contact_name: str | None = None
    print_as: str | None = None
    company_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone1: str | None = None
    email1: str | None = None
    url1: str | None = None
    mail_address: MailAddress = MailAddress()


class Vendor(Kept, frozen=True, kw_only=True):
    """A vendor (Accounts Payable)."""

    OBJECT = "VENDOR"
    KEY = "VENDORID"

    vendor_id: str
    name: str | None = None
    vend_type: str | None = None
    term_name: str | None = None
    tax_id: str | None = None
    currency: str | None = None
    one_time: bool | None = None
    on_hold: bool | None = None
    """Payment hold."""
    comments: str | None = None
    when_modified: datetime | None = None
    display_contact: Contact = Contact()


class Customer(Kept, frozen=True, kw_only=True):
    """A customer (Accounts Receivable): the value of the customer dimension."""

    OBJECT = "CUSTOMER"
    KEY = "CUSTOMERID"

    customer_id: str
    name: str | None = None
    cust_type: str | None = None
    term_name: str | None = None
    currency: str | None = None
    on_hold: bool | None = None
    when_modified: datetime | None = None
    display_contact: Contact = Contact()


class GLAccount(Kept, frozen=True, kw_only=True):
    """An account of the general ledger."""

    OBJECT = "GLACCOUNT"
    KEY = "ACCOUNTNO"

    account_no: str
    title: str | None = None
    category: str | None = None
    account_type: str | None = None
    """``balancesheet`` or ``incomestatement``."""
    normal_balance: str | None = None
    """``debit`` or ``credit``."""
    closing_type: str | None = None
    """How the year's end treats it; ``closing account`` does not mean that it is closed."""
    alternative_account: str | None = None
    """``Payables account`` or ``Receivables account`` of a control account."""
    requires: frozenset[str] = field(name="requires", default=frozenset())
    """The dimensions that every line on it must carry, by their names on a line."""

    @property
    def is_income_statement(self) -> bool:
        """Whether its balance is income or expense."""
        return self.account_type == "incomestatement"

    @property
    def is_control_account(self) -> bool:
        """Whether it is the sub-ledger's, for payables or receivables."""
        return self.alternative_account not in {None, "None"}


class Department(Kept, frozen=True, kw_only=True):
    """A department."""

    OBJECT = "DEPARTMENT"
    KEY = "DEPARTMENTID"

    department_id: str
    title: str | None = None
    parent_id: str | None = None


class Location(Kept, frozen=True, kw_only=True):
    """A location: an entity, or one below it."""

    OBJECT = "LOCATION"
    KEY = "LOCATIONID"

    location_id: str
    name: str | None = None
    parent_id: str | None = None
    currency: str | None = None
    entity: str | None = None


class Entity(Kept, frozen=True, kw_only=True):
    """A legal entity, with books of its own."""

    OBJECT = "LOCATIONENTITY"
    KEY = "LOCATIONID"

    location_id: str
    name: str | None = None
    currency: str | None = None


class Class(Kept, frozen=True, kw_only=True):
    """A class."""

    OBJECT = "CLASS"
    KEY = "CLASSID"

    class_id: str
    name: str | None = None


class Project(Kept, frozen=True, kw_only=True):
    """A project."""

    OBJECT = "PROJECT"
    KEY = "PROJECTID"

    project_id: str
    name: str | None = None
    customer_id: str | None = None


class Item(Kept, frozen=True, kw_only=True):
    """An item."""

    OBJECT = "ITEM"
    KEY = "ITEMID"

    item_id: str
    name: str | None = None


class Employee(Kept, frozen=True, kw_only=True):
    """An employee."""

    OBJECT = "EMPLOYEE"
    KEY = "EMPLOYEEID"

    employee_id: str
    contact_name: str | None = field(name="CONTACT.CONTACTNAME", default=None)


class Journal(Kept, frozen=True, kw_only=True):
    """A journal of the general ledger."""

    OBJECT = "JOURNAL"
    KEY = "SYMBOL"

    symbol: str
    title: str | None = None


class ReportingPeriod(Kept, frozen=True, kw_only=True):
    """A named span of days for reports. Whether its books are open it does not tell."""

    OBJECT = "REPORTINGPERIOD"
    KEY = "NAME"

    name: str
    start_on: date | None = field(name="START_DATE", default=None)
    end_on: date | None = field(name="END_DATE", default=None)
    is_for_budgets: bool | None = field(name="BUDGETING", default=None)


BatchState = Literal[
    "Draft",
    "Submitted",
    "Partially Approved",
    "Approved",
    "Posted",
    "Declined",
    "Reversal pending",
    "Reversed",
]


class GLBatch(Record, frozen=True, kw_only=True):
    """A journal entry, without its lines."""

    OBJECT = "GLBATCH"
    KEY = "RECORDNO"

    batch_no: int | None = None
    """Its number within the journal."""
    batch_title: str | None = field(name="BATCH_TITLE", default=None)
    batch_on: date | None = field(name="BATCH_DATE", default=None)
    """The day of posting."""
    journal: str | None = None
    """The journal's symbol."""
    state: str | None = None
    """One of BatchState, or another word of the gateway's."""
    reference_no: str | None = None
    module: str | None = None
    """``2.GL`` for entries made in the general ledger."""
    base_location_no: str | None = field(name="BASELOCATION_NO", default=None)
    reversed: str | None = None
    """What reversed it, as the gateway words it."""
    reversed_from: str | None = None
    """What it reverses."""
    reversed_key: str | None = None
    when_modified: datetime | None = None


class GLEntry(Record, frozen=True, kw_only=True):
    """One line of a journal entry."""

    OBJECT = "GLENTRY"
    KEY = "RECORDNO"

    batch: int = field(name="BATCHNO")
    """The GLBATCH's *record number*, whatever the name says."""
    line_no: int | None = field(name="LINE_NO", default=None)
    side: int | None = field(name="TR_TYPE", default=None)
    """1 debit, -1 credit."""
    account_no: str | None = None
    trx_amount: Decimal | None = field(name="TRX_AMOUNT", default=None)
    amount: Decimal | None = None
    """In the entity's base currency."""
    currency: str | None = None
    description: str | None = None
    document: str | None = None
    dimensions: Mapping[str, str] = field(
        name="dimensions", default_factory=lambda: MappingProxyType({})
    )
    """By their names on a line: ``LOCATION``, ``CUSTOMERID``, ``GLDIMREGION``."""


class AccountLabel(Kept, frozen=True, kw_only=True):
    """A label that stands for an account where bills are entered."""

    OBJECT = "APACCOUNTLABEL"
    KEY = "ACCOUNTLABEL"

    account_label: str
    description: str | None = None
    gl_account_no: str | None = None


class CheckingAccount(Kept, frozen=True, kw_only=True):
    """A bank account for payments; its account of the general ledger takes no entries."""

    OBJECT = "CHECKINGACCOUNT"
    KEY = "BANKACCOUNTID"

    bank_account_id: str
    gl_account_no: str | None = None


class SavingsAccount(CheckingAccount, frozen=True, kw_only=True):
    """A bank account for savings."""

    OBJECT = "SAVINGSACCOUNT"


class GLBatchInFull(Struct, frozen=True, kw_only=True):
    """A journal entry with its lines in their order."""

    batch: GLBatch
    lines: tuple[GLEntry, ...]


# --- what is not kept as records -------------------------------------------------------------


class Dimension(Struct, frozen=True, kw_only=True):
    """A dimension of the company, by the company's own term."""

    object_name: str
    """What its values are: ``DEPARTMENT``, or a user-defined object."""
    label: str
    term: str
    """What the company calls it; messages of the gateway use this."""
    is_user_defined: bool
    is_enabled_in_gl: bool

    @property
    def line_field(self) -> str:
        """Its name on a line of a journal entry."""
        if self.is_user_defined:
            return f"GLDIM{self.object_name.upper()}"
        return LINE_FIELDS.get(self.object_name.upper(), f"{self.object_name.upper()}ID")


LINE_FIELDS: Mapping[str, str] = MappingProxyType(
    {"DEPARTMENT": "DEPARTMENT", "LOCATION": "LOCATION"}
)
"""Dimensions whose name on a line is not ``...ID``."""


class DimensionValue(Struct, frozen=True, kw_only=True):
    """One value of a dimension."""

    value: str
    """What a line carries: the ID, of a user-defined dimension the record's number."""
    title: str | None
    is_active: bool


class FieldDefinition(Struct, frozen=True, kw_only=True):
    """One field of an object, as the gateway describes it."""

    name: str
    label: str
    type: str
    is_required: bool
    is_read_only: bool
    is_custom: bool
    valid_values: tuple[str, ...] = ()


class Company(Struct, frozen=True, kw_only=True):
    """How the company keeps its books."""

    base_currency: str | None
    """None where entities have base currencies of their own."""
    has_multi_currency: bool
    has_multi_base_currency: bool
    has_multi_entity: bool


class Policy(Struct, frozen=True, kw_only=True):
    """What a user may do to one kind of record."""

    application: str
    name: str
    rights: frozenset[str]
