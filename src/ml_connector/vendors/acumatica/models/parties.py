"""Customers, people and business accounts, and how they are addressed."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from ml_connector.vendors.acumatica.models.records import Moment, Part, Record, Row
from ml_connector.vendors.acumatica.versions import since


class Address(Part, frozen=True, kw_only=True):
    """A postal address; ``country`` and ``state`` are codes of the site's own tables."""

    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class AccountContact(Part, frozen=True, kw_only=True):
    """A customer's main, billing or shipping contact."""

    attention: str | None = None
    company_name: str | None = None
    email: str | None = None
    phone1: str | None = None
    phone1_type: str | None = None
    phone2: str | None = None
    phone2_type: str | None = None
    web_site: str | None = None
    address: Address | None = None


class DocumentContact(Part, frozen=True, kw_only=True):
    """Whom an order or invoice is addressed to."""

    attention: str | None = None
    business_name: str | None = None
    email: str | None = None
    phone1: str | None = None


class Attribute(Row, frozen=True, kw_only=True):
    """A user-defined attribute's value."""

    attribute_id: str
    value: str | None = None


CustomerStatus = Literal["Active", "On Hold", "Credit Hold", "One-Time", "Inactive"]
"""Labels; only "Active" is recorded, the rest is from the form (NOTES.md, "Labels")."""


class Customer(Record, frozen=True, kw_only=True):
    """A customer (AR303000)."""

    ENTITY = "Customer"
    KEYS = ("CustomerID",)

    customer_id: str
    customer_name: str | None = None
    customer_class: str | None = None
    status: str | None = None
    """One of CustomerStatus, or a label of the site's own."""
    account_ref: str | None = None
    """External reference: free text, not unique."""
    email: Annotated[str | None, since("23.200.001")] = None
    primary_contact_id: Annotated[int | None, since("23.200.001")] = None
    currency_id: str | None = None
    enable_currency_override: bool | None = None
    """Whether documents may be in another currency than the customer's."""
    terms: str | None = None
    tax_zone: str | None = None
    tax_registration_id: str | None = None
    statement_cycle_id: str | None = None
    parent_record: str | None = None
    price_class_id: str | None = None
    credit_limit: Decimal | None = None
    ship_via: str | None = None
    shipping_branch: str | None = None
    warehouse_id: str | None = None
    location_name: str | None = None
    created_date_time: Moment | None = None
    last_modified_date_time: Moment | None = None

    main_contact: AccountContact | None = None
    billing_contact: AccountContact | None = None
    billing_contact_override: bool | None = None
    billing_address_override: bool | None = None
    shipping_contact: AccountContact | None = None
    shipping_contact_override: bool | None = None
    shipping_address_override: bool | None = None
    attributes: tuple[Attribute, ...] = ()


class Contact(Record, frozen=True, kw_only=True):
    """A person (CR302000)."""

    ENTITY = "Contact"
    KEYS = ("ContactID",)

    contact_id: int
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    email: str | None = None
    phone1: str | None = None
    phone1_type: str | None = None
    phone2: str | None = None
    phone2_type: str | None = None
    job_title: str | None = None
    business_account: str | None = None
    """The customer or business account that the person belongs to."""
    company_name: str | None = None
    contact_class: str | None = None
    active: bool | None = None
    status: str | None = None
    type: str | None = None
    ext_ref_nbr: Annotated[str | None, since("24.200.001")] = None
    override_account_address: bool | None = None
    last_modified_date_time: Moment | None = None

    address: Address | None = None
    attributes: tuple[Attribute, ...] = ()


class BusinessAccountContact(Part, frozen=True, kw_only=True):
    """A business account's main contact."""

    attention: str | None = None
    company_name: str | None = None
    email: str | None = None
    phone1: str | None = None
    phone2: str | None = None
    web: str | None = None


class BusinessAccount(Record, frozen=True, kw_only=True):
    """A party in its CRM role: prospect, customer or vendor (CR303000).

    Its ids are the customers' ids: one number space for both.
    """

    ENTITY = "BusinessAccount"
    KEYS = ("BusinessAccountID",)

    business_account_id: str
    name: str | None = None
    status: str | None = None
    type: str | None = None
    class_id: str | None = None
    account_ref: str | None = None
    currency_id: str | None = None
    owner: str | None = None
    parent_account: str | None = None
    last_modified_date_time: Moment | None = None

    main_contact: BusinessAccountContact | None = None
    main_address: Address | None = None
    attributes: tuple[Attribute, ...] = ()
