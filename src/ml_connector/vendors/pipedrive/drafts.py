"""What is written to Pipedrive. A part that is UNSET is not sent and stays as it is.

API v2 refuses keys that it does not know, so a draft has exactly the documented ones. Values in
``custom_fields`` are in the API v2 encoding (`custom_fields.py` makes them), None clears one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

from msgspec import UNSET, Struct, UnsetType

from ml_connector.core.secret import Secret
from ml_connector.vendors.pipedrive.models import (
    BillingFrequency,
    DiscountType,
    FieldType,
    TaxMethod,
    WebhookAction,
    WebhookFormat,
)

T = TypeVar("T")


class AddressDraft(Struct, frozen=True, kw_only=True):
    """An address to write. Parts that are not sent become null, also in an update."""

    value: str
    country: str | UnsetType | None = UNSET
    admin_area_level_1: str | UnsetType | None = UNSET
    admin_area_level_2: str | UnsetType | None = UNSET
    locality: str | UnsetType | None = UNSET
    sublocality: str | UnsetType | None = UNSET
    route: str | UnsetType | None = UNSET
    street_number: str | UnsetType | None = UNSET
    subpremise: str | UnsetType | None = UNSET
    postal_code: str | UnsetType | None = UNSET


class ContactPointDraft(Struct, frozen=True, kw_only=True):
    """One e-mail address or telephone number to write."""

    value: str
    label: str | UnsetType = UNSET
    primary: bool | UnsetType = UNSET


class PriceDraft(Struct, frozen=True, kw_only=True):
    """A product's price in one currency, to write."""

    currency: str
    price: Decimal
    cost: Decimal | UnsetType = UNSET
    direct_cost: Decimal | UnsetType | None = UNSET
    notes: str | UnsetType = UNSET
    """Not among the documented parts; without it the note of a price that stays is lost."""


class DealUpdate(Struct, frozen=True, kw_only=True):
    """Changes to a deal.

    There is no ``value`` on purpose: Pipedrive keeps it from the lines, and writing it was seen
    to reset custom fields (NOTES.md, "Never write value back").
    """

    title: str | UnsetType = UNSET
    owner_id: int | UnsetType = UNSET
    person_id: int | UnsetType | None = UNSET
    org_id: int | UnsetType | None = UNSET
    pipeline_id: int | UnsetType = UNSET
    stage_id: int | UnsetType = UNSET
    status: Literal["open", "won", "lost"] | UnsetType = UNSET
    lost_reason: str | UnsetType | None = UNSET
    expected_close_date: date | UnsetType | None = UNSET
    label_ids: Sequence[int] | UnsetType = UNSET
    visible_to: int | UnsetType = UNSET
    custom_fields: Mapping[str, Any] | UnsetType = UNSET


class DealDraft(DealUpdate, frozen=True, kw_only=True):
    """A deal to create; ``title`` is required."""

    title: str
    value: Decimal | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    won_time: datetime | UnsetType = UNSET


class OrganizationDraft(Struct, frozen=True, kw_only=True):
    """An organization to create (``name`` is required), or changes to one."""

    name: str | UnsetType = UNSET
    owner_id: int | UnsetType = UNSET
    visible_to: int | UnsetType = UNSET
    label_ids: Sequence[int] | UnsetType = UNSET
    address: AddressDraft | UnsetType | None = UNSET
    custom_fields: Mapping[str, Any] | UnsetType = UNSET


class PersonDraft(Struct, frozen=True, kw_only=True):
    """A person to create (``name`` is required), or changes to one.

    ``emails`` and ``phones`` replace the whole list: send the ones that are to stay too.
    """

    name: str | UnsetType = UNSET
    owner_id: int | UnsetType = UNSET
    org_id: int | UnsetType | None = UNSET
    emails: Sequence[ContactPointDraft] | UnsetType = UNSET
    phones: Sequence[ContactPointDraft] | UnsetType = UNSET
    visible_to: int | UnsetType = UNSET
    label_ids: Sequence[int] | UnsetType = UNSET
    custom_fields: Mapping[str, Any] | UnsetType = UNSET


class ProductDraft(Struct, frozen=True, kw_only=True):
    """A product to create (``name`` is required), or changes to one.

    ``prices`` replaces the whole list: send the other currencies' prices too.
    """

    name: str | UnsetType = UNSET
    code: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    unit: str | UnsetType | None = UNSET
    tax: Decimal | UnsetType = UNSET
    category: int | UnsetType | None = UNSET
    owner_id: int | UnsetType = UNSET
    is_linkable: bool | UnsetType = UNSET
    visible_to: int | UnsetType = UNSET
    prices: Sequence[PriceDraft] | UnsetType = UNSET
    custom_fields: Mapping[str, Any] | UnsetType = UNSET


class DealProductUpdate(Struct, frozen=True, kw_only=True):
    """Changes to one product line. ``tax_method`` changes all lines of the deal."""

    item_price: Decimal | UnsetType = UNSET
    quantity: Decimal | UnsetType = UNSET
    tax: Decimal | UnsetType = UNSET
    comments: str | UnsetType = UNSET
    discount: Decimal | UnsetType = UNSET
    discount_type: DiscountType | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET
    tax_method: TaxMethod | UnsetType = UNSET
    product_variation_id: int | UnsetType | None = UNSET
    billing_frequency: BillingFrequency | UnsetType = UNSET
    billing_frequency_cycles: int | UnsetType | None = UNSET
    billing_start_date: date | UnsetType | None = UNSET


class DealProductDraft(DealProductUpdate, frozen=True, kw_only=True):
    """A product line to add."""

    product_id: int
    item_price: Decimal
    quantity: Decimal


class NoteDraft(Struct, frozen=True, kw_only=True):
    """A note to add (on a deal, say), or changes to one."""

    content: str | UnsetType = UNSET
    """HTML."""
    deal_id: int | UnsetType = UNSET
    org_id: int | UnsetType = UNSET
    person_id: int | UnsetType = UNSET


class OptionDraft(Struct, frozen=True, kw_only=True):
    """A choice of an enum or set field, to add."""

    label: str


class FieldDraft(Struct, frozen=True, kw_only=True):
    """A custom field to create."""

    field_name: str
    field_type: FieldType
    options: Sequence[OptionDraft] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    """Taken for deal fields only."""


class WebhookDraft(Struct, frozen=True, kw_only=True):
    """A webhook subscription to create; the format is always named."""

    subscription_url: str
    event_action: WebhookAction | Literal["added", "updated", "deleted", "merged"]
    event_object: str
    name: str
    version: WebhookFormat
    user_id: int | UnsetType = UNSET
    http_auth_user: str | UnsetType = UNSET
    http_auth_password: Secret | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnField:
    """A custom field that this service provides and finds again by its key."""

    name: str
    field_type: FieldType
    options: tuple[str, ...] = ()
    """Labels, for enum and set."""
    description: str | None = None
    key: str | None = None
    """The key under which it was made before; None if it never was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Generic[T]):
    """A record as Pipedrive answered a write."""

    record: T
    dropped_keys: tuple[str, ...] = ()
    """Custom fields that no longer exist and were left out so that the rest could be written."""
