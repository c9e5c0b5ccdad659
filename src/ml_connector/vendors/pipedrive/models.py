"""Pipedrive's records, as its API v2 shapes them.

A null and an absent key mean the same and become the field's default, because the published
types are wrong about which can be null (NOTES.md, "Nulls"). Amounts and quantities are Decimals
taken from the digits on the wire; moments are aware and in UTC. ``custom_fields`` keeps the
values as they came (numbers exact, nulls kept), by the field's 40-hex key: what a value *means*
needs the field's definition, see `custom_fields.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Moment = Annotated[datetime, Meta(tz=True)]
"""A moment with its zone; one without is an error, never guessed."""

CustomFields = Mapping[str, Any]
"""Values by key in the API v2 encoding; see `custom_fields.py` for their meaning."""

Entity = Literal["deal", "organization", "person", "product"]
"""The kinds of record that carry custom fields and that we link, by their names in links."""

FieldType = Literal[
    "address", "date", "daterange", "double", "enum", "monetary", "org", "people", "phone",
    "set", "text", "time", "timerange", "user", "varchar", "varchar_auto",
]  # fmt: skip
"""What a custom field can be. Built-in fields have further types of their own."""

DealStatus = Literal["open", "won", "lost", "deleted"]
TaxMethod = Literal["exclusive", "inclusive", "none"]
DiscountType = Literal["percentage", "amount"]
BillingFrequency = Literal[
    "one-time", "annually", "semi-annually", "quarterly", "monthly", "weekly"
]


class Address(Struct, frozen=True, kw_only=True):
    """A place: the text as typed, and the parts that the map service found in it."""

    value: str | None = None
    country: str | None = None
    admin_area_level_1: str | None = None
    """State, province or region."""
    admin_area_level_2: str | None = None
    locality: str | None = None
    """Town."""
    sublocality: str | None = None
    route: str | None = None
    """Street."""
    street_number: str | None = None
    subpremise: str | None = None
    postal_code: str | None = None
    formatted_address: str | None = None


class Monetary(Struct, frozen=True, kw_only=True):
    """An amount with its currency: the value of a custom field of that type."""

    value: Decimal
    currency: str


class DateRange(Struct, frozen=True, kw_only=True):
    """Two days: the value of a custom field of that type."""

    value: date
    until: date | None = None


class TimeOfDay(Struct, frozen=True, kw_only=True):
    """A time of day: the value of a custom field of that type."""

    value: time
    timezone_id: int | None = None
    timezone_name: str | None = None


class TimeRange(Struct, frozen=True, kw_only=True):
    """Two times of day: the value of a custom field of that type."""

    value: time
    until: time | None = None
    timezone_id: int | None = None
    timezone_name: str | None = None


class RecordRef(Struct, frozen=True, kw_only=True):
    """Points at another record: the value of a custom field of type org, people or user."""

    kind: Literal["organization", "person", "user"]
    id: int


class Label(Struct, frozen=True, kw_only=True):
    """A coloured mark on a deal, person or organization, as ``include_labels`` shows it."""

    id: int
    label: str


class Deal(Struct, frozen=True, kw_only=True):
    """A deal. Won is its ``status``; there is no won stage."""

    id: int
    title: str = ""
    status: DealStatus
    value: Decimal = Decimal(0)
    """Kept by Pipedrive from the enabled lines and the deal discounts where there are lines."""
    currency: str | None = None
    creator_user_id: int | None = None
    owner_id: int | None = None
    person_id: int | None = None
    org_id: int | None = None
    pipeline_id: int | None = None
    stage_id: int | None = None
    add_time: Moment | None = None
    update_time: Moment | None = None
    stage_change_time: Moment | None = None
    close_time: Moment | None = None
    won_time: Moment | None = None
    first_won_time: Moment | None = None
    """Only where asked for with ``include_fields``."""
    lost_time: Moment | None = None
    lost_reason: str | None = None
    local_won_date: date | None = None
    local_lost_date: date | None = None
    local_close_date: date | None = None
    expected_close_date: date | None = None
    is_archived: bool = False
    archive_time: Moment | None = None
    is_deleted: bool = False
    probability: Decimal | None = None
    visible_to: int | None = None
    label_ids: tuple[int, ...] = ()
    origin: str | None = None
    origin_id: str | int | None = None
    channel: int | None = None
    channel_id: str | int | None = None
    acv: Decimal | None = None
    arr: Decimal | None = None
    mrr: Decimal | None = None
    custom_fields: CustomFields = {}

    @property
    def is_gone(self) -> bool:
        """Whether it is in the bin: deleted, and purged after 30 days."""
        return self.is_deleted or self.status == "deleted"


class DealProduct(Struct, frozen=True, kw_only=True):
    """One product line of a deal. ``id`` is the line's own, never the product's."""

    id: int
    deal_id: int
    product_id: int | None = None
    """None when the product was deleted more than 30 days ago."""
    name: str | None = None
    product_variation_id: int | None = None
    order_nr: int | None = None
    quantity: Decimal
    item_price: Decimal
    sum: Decimal | None = None
    """Never to be used for an order: whether it holds exclusive tax is not documented."""
    tax: Decimal = Decimal(0)
    """Percent."""
    tax_method: TaxMethod | None = None
    discount: Decimal = Decimal(0)
    discount_type: DiscountType = "percentage"
    currency: str | None = None
    comments: str = ""
    is_enabled: bool = True
    """A disabled line does not count in the deal's value."""
    billing_frequency: BillingFrequency | None = None
    billing_frequency_cycles: int | None = None
    billing_start_date: date | None = None
    add_time: Moment | None = None
    update_time: Moment | None = None


class DealDiscount(Struct, frozen=True, kw_only=True):
    """A discount on a whole deal."""

    id: str
    deal_id: int
    description: str = ""
    amount: Decimal
    type: DiscountType
    created_at: Moment | None = None
    created_by: int | None = None
    updated_at: Moment | None = None
    updated_by: int | None = None


class Installment(Struct, frozen=True, kw_only=True):
    """One part of a deal's value, billed on its own day."""

    id: int
    deal_id: int
    amount: Decimal
    billing_date: date | None = None
    description: str = ""


class Organization(Struct, frozen=True, kw_only=True):
    """A company."""

    id: int
    name: str = ""
    owner_id: int | None = None
    add_time: Moment | None = None
    update_time: Moment | None = None
    address: Address | None = None
    is_deleted: bool = False
    visible_to: int | None = None
    label_ids: tuple[int, ...] = ()
    picture_id: int | None = None
    website: str | None = None
    linkedin: str | None = None
    industry: str | int | None = None
    annual_revenue: Decimal | None = None
    employee_count: int | None = None
    won_deals_count: int | None = None
    """Told where it was asked for; the stream of changes does not."""
    custom_fields: CustomFields = {}


class ContactPoint(Struct, frozen=True, kw_only=True):
    """One e-mail address or telephone number."""

    value: str = ""
    label: str | None = None
    primary: bool = False


class Person(Struct, frozen=True, kw_only=True):
    """A contact, at an organization or on their own."""

    id: int
    name: str = ""
    first_name: str | None = None
    last_name: str | None = None
    owner_id: int | None = None
    org_id: int | None = None
    add_time: Moment | None = None
    update_time: Moment | None = None
    emails: tuple[ContactPoint, ...] = ()
    phones: tuple[ContactPoint, ...] = ()
    is_deleted: bool = False
    visible_to: int | None = None
    label_ids: tuple[int, ...] = ()
    picture_id: int | None = None
    job_title: str | None = None
    postal_address: Address | None = None
    won_deals_count: int | None = None
    """Told where it was asked for; the stream of changes does not."""
    custom_fields: CustomFields = {}


class Price(Struct, frozen=True, kw_only=True):
    """A product's price in one currency."""

    product_id: int | None = None
    currency: str
    price: Decimal
    cost: Decimal | None = None
    direct_cost: Decimal | None = None
    notes: str | None = None


class Product(Struct, frozen=True, kw_only=True):
    """Something sold. ``code`` is not unique in Pipedrive."""

    id: int
    name: str = ""
    code: str | None = None
    description: str | None = None
    unit: str | None = None
    tax: Decimal = Decimal(0)
    category: str | int | None = None
    """An option's id, or its label."""
    is_linkable: bool = True
    is_deleted: bool = False
    visible_to: int | None = None
    owner_id: int | None = None
    add_time: Moment | None = None
    update_time: Moment | None = None
    billing_frequency: BillingFrequency | None = None
    billing_frequency_cycles: int | None = None
    prices: tuple[Price, ...] = ()
    custom_fields: CustomFields = {}


class Variation(Struct, frozen=True, kw_only=True):
    """One of the forms in which a product is sold, at prices of its own."""

    id: int
    name: str = ""
    product_id: int | None = None


class Pipeline(Struct, frozen=True, kw_only=True):
    """A way that deals take."""

    id: int
    name: str
    order_nr: int | None = None
    is_deleted: bool = False
    is_deal_probability_enabled: bool = False
    add_time: Moment | None = None
    update_time: Moment | None = None


class Stage(Struct, frozen=True, kw_only=True):
    """One step of a pipeline."""

    id: int
    name: str
    pipeline_id: int
    order_nr: int | None = None
    deal_probability: Decimal | None = None
    is_deal_rot_enabled: bool = False
    days_to_rotten: int | None = None
    is_deleted: bool = False
    add_time: Moment | None = None
    update_time: Moment | None = None


class FieldOption(Struct, frozen=True, kw_only=True):
    """One choice of an enum or set field. Ids are numbers in custom fields, texts in others."""

    id: int | str
    label: str = ""
    """Empty for a choice that the definition no longer lists."""
    color: str | None = None


class Subfield(Struct, frozen=True, kw_only=True):
    """One part of a field with several, such as a monetary field's currency."""

    field_code: str
    field_name: str
    field_type: str


class FieldDefinition(Struct, frozen=True, kw_only=True):
    """A field of one kind of record. ``field_code`` is its key; names are not unique."""

    field_code: str
    field_name: str
    field_type: str
    """A FieldType for custom fields; built-in fields know further ones."""
    options: tuple[FieldOption, ...] = ()
    subfields: tuple[Subfield, ...] = ()
    description: str | None = None
    is_custom_field: bool = False
    is_optional_response_field: bool = False


class User(Struct, frozen=True, kw_only=True):
    """A colleague with a seat."""

    id: int
    name: str = ""
    email: str | None = None
    active_flag: bool = True
    default_currency: str | None = None
    timezone_name: str | None = None
    is_admin: bool | int = False


class Access(Struct, frozen=True, kw_only=True):
    """What a user may do in one part of Pipedrive."""

    app: str
    admin: bool = False


class Me(User, frozen=True, kw_only=True):
    """The user whose login this is, and the company."""

    company_id: int
    company_name: str = ""
    company_domain: str
    company_country: str | None = None
    access: tuple[Access, ...] = ()

    @property
    def is_account_admin(self) -> bool:
        """Whether the account's settings, and with them fields and webhooks, are theirs."""
        return any(
            right.admin and right.app in {"global", "account_settings"} for right in self.access
        )


class Currency(Struct, frozen=True, kw_only=True):
    """A currency as this account knows it; companies can add their own."""

    id: int
    code: str
    name: str = ""
    decimal_points: int = 2
    symbol: str | None = None
    active_flag: bool = True
    is_custom_flag: bool = False


WebhookAction = Literal["create", "change", "delete", "*"]
WebhookFormat = Literal["1.0", "2.0"]


class WebhookSubscription(Struct, frozen=True, kw_only=True):
    """One address to which Pipedrive sends one kind of event."""

    id: int
    subscription_url: str
    event_action: str
    event_object: str
    version: str = "1.0"
    is_active: bool | int = False
    name: str | None = None
    user_id: int | None = None
    owner_id: int | None = None
    company_id: int | None = None
    type: str | None = None
    add_time: Moment | None = None
    remove_time: str | None = None
    remove_reason: str | None = None
    last_delivery_time: str | None = None
    last_http_status: int | str | None = None


class Note(Struct, frozen=True, kw_only=True):
    """A note, in API v1's shape."""

    id: int
    content: str = ""
    """HTML, as Pipedrive keeps it."""
    deal_id: int | None = None
    org_id: int | None = None
    person_id: int | None = None
    active_flag: bool = True
    """False for one that was deleted: it stays readable."""


class LogEntry(Struct, frozen=True, kw_only=True):
    """One field of a record changed once."""

    field_key: str
    old_value: str | int | bool | None = None
    new_value: str | int | bool | None = None
    actor_user_id: int | None = None
    time: Moment
    change_source: str | None = None
    is_bulk_update_flag: bool = False


class SearchHit(Struct, frozen=True, kw_only=True):
    """What a search found: neither which field matched, nor that it is the only one."""

    id: int
    type: str
    result_score: Decimal = Decimal(0)
    name: str = ""
    """A deal's title, another record's name."""
    code: str | None = None
