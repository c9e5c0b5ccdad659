"""What is to be written: the fields of a record that a write names, and no others.

A field left UNSET is not sent and stays as it is; None empties it. Whatever the contract has
beyond these goes into ``fields`` by its path (``FinancialSettings/Owner``), and custom fields
into ``custom`` by ``View.Field``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, ClassVar

from msgspec import UNSET, Struct, UnsetType, field

from ml_connector.vendors.acumatica.models import contract_name
from ml_connector.vendors.acumatica.versions import since

Scalar = str | bool | int | Decimal | date | None
Text = str | None | UnsetType
YesNo = bool | None | UnsetType
Number = Decimal | None | UnsetType
Whole = int | None | UnsetType
Day = date | None | UnsetType


class Draft(Struct, frozen=True, kw_only=True, rename=contract_name, omit_defaults=True):
    """Fields to write."""

    OVERRIDES: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The flag that must be true for a linked record to be kept, by its path."""

    fields: Mapping[str, Scalar] = field(name="fields", default_factory=dict)
    """Further fields of the contract by their path."""
    custom: Mapping[str, Scalar] = field(name="custom", default_factory=dict)
    """Custom fields by ``View.Field``, such as ``Document.AttributeREGION``."""


class RecordDraft(Draft, frozen=True, kw_only=True):
    """A top-level record to write."""

    ENTITY: ClassVar[str]


class RowDraft(Draft, frozen=True, kw_only=True):
    """A row of details: added without ``id``, changed with it, removed by ``delete``."""

    id: str | UnsetType = field(name="id", default=UNSET)
    delete: bool = field(name="delete", default=False)


class AddressDraft(Draft, frozen=True, kw_only=True):
    """A postal address in the site's own codes of country and state."""

    address_line1: Text = UNSET
    address_line2: Text = UNSET
    city: Text = UNSET
    state: Text = UNSET
    postal_code: Text = UNSET
    country: Text = UNSET


class AccountContactDraft(Draft, frozen=True, kw_only=True):
    """A customer's main, billing or shipping contact."""

    attention: Text = UNSET
    company_name: Text = UNSET
    email: Text = UNSET
    phone1: Text = UNSET
    phone1_type: Text = UNSET
    phone2: Text = UNSET
    phone2_type: Text = UNSET
    web_site: Text = UNSET
    address: AddressDraft | UnsetType = UNSET


class DocumentContactDraft(Draft, frozen=True, kw_only=True):
    """Whom an order or invoice is addressed to."""

    attention: Text = UNSET
    business_name: Text = UNSET
    email: Text = UNSET
    phone1: Text = UNSET


class AttributeDraft(RowDraft, frozen=True, kw_only=True):
    """A user-defined attribute's value; of a multi-select list the codes, comma-separated."""

    attribute_id: str
    value: Text = UNSET


class CustomerDraft(RecordDraft, frozen=True, kw_only=True):
    """A customer to create or change.

    ``customer_id`` stays unset where the site numbers customers: it would not be used.
    Billing and shipping contacts are kept only with their override flags, which are set here
    by themselves when such a contact is given.
    """

    ENTITY = "Customer"
    OVERRIDES = MappingProxyType(
        {
            "BillingContact": "BillingContactOverride",
            "BillingContact/Address": "BillingAddressOverride",
            "ShippingContact": "ShippingContactOverride",
            "ShippingContact/Address": "ShippingAddressOverride",
        }
    )

    customer_id: str | UnsetType = UNSET
    customer_name: Text = UNSET
    customer_class: Text = UNSET
    status: Text = UNSET
    account_ref: Text = UNSET
    currency_id: Text = UNSET
    enable_currency_override: YesNo = UNSET
    terms: Text = UNSET
    tax_zone: Text = UNSET
    tax_registration_id: Text = UNSET
    statement_cycle_id: Text = UNSET
    parent_record: Text = UNSET
    price_class_id: Text = UNSET
    ship_via: Text = UNSET
    shipping_branch: Text = UNSET
    warehouse_id: Text = UNSET
    credit_limit: Number = UNSET
    main_contact: AccountContactDraft | UnsetType = UNSET
    billing_contact: AccountContactDraft | UnsetType = UNSET
    shipping_contact: AccountContactDraft | UnsetType = UNSET
    attributes: tuple[AttributeDraft, ...] = ()


class ContactDraft(RecordDraft, frozen=True, kw_only=True):
    """A person to create or change. ``last_name`` is required by Acumatica."""

    ENTITY = "Contact"
    OVERRIDES = MappingProxyType({"Address": "OverrideAccountAddress"})

    first_name: Text = UNSET
    last_name: Text = UNSET
    email: Text = UNSET
    phone1: Text = UNSET
    phone1_type: Text = UNSET
    phone2: Text = UNSET
    phone2_type: Text = UNSET
    job_title: Text = UNSET
    business_account: Text = UNSET
    company_name: Text = UNSET
    contact_class: Text = UNSET
    active: YesNo = UNSET
    ext_ref_nbr: Annotated[Text, since("24.200.001")] = UNSET
    """From endpoint version 24.200.001 on; left out before."""
    address: AddressDraft | UnsetType = UNSET
    attributes: tuple[AttributeDraft, ...] = ()


class BusinessAccountContactDraft(Draft, frozen=True, kw_only=True):
    """A business account's main contact."""

    attention: Text = UNSET
    company_name: Text = UNSET
    email: Text = UNSET
    phone1: Text = UNSET
    web: Text = UNSET


class BusinessAccountDraft(RecordDraft, frozen=True, kw_only=True):
    """A prospect to create or change."""

    ENTITY = "BusinessAccount"

    business_account_id: str | UnsetType = UNSET
    name: Text = UNSET
    status: Text = UNSET
    class_id: Text = UNSET
    account_ref: Text = UNSET
    currency_id: Text = UNSET
    owner: Text = UNSET
    parent_account: Text = UNSET
    main_contact: BusinessAccountContactDraft | UnsetType = UNSET
    main_address: AddressDraft | UnsetType = UNSET
    attributes: tuple[AttributeDraft, ...] = ()


class SalesOrderLineDraft(RowDraft, frozen=True, kw_only=True):
    """A line of a sales order.

    Without ``manual_price`` the server may replace the price from its price lists, and without
    ``manual_discount`` the discount from its policies.
    """

    inventory_id: str | UnsetType = UNSET
    order_qty: Number = UNSET
    uom: Text = UNSET
    unit_price: Number = UNSET
    manual_price: YesNo = UNSET
    discount_percent: Number = UNSET
    discount_amount: Number = UNSET
    manual_discount: YesNo = UNSET
    discount_code: Text = UNSET
    free_item: YesNo = UNSET
    line_description: Text = UNSET
    warehouse_id: Text = UNSET
    branch: Text = UNSET
    tax_category: Text = UNSET
    requested_on: Day = UNSET
    ship_on: Day = UNSET
    salesperson_id: Text = UNSET
    project_task: Text = UNSET
    external_ref: Text = UNSET
    note: str | UnsetType = field(name="note", default=UNSET)


class SalesOrderDraft(RecordDraft, frozen=True, kw_only=True):
    """A sales order to create or change. ``order_nbr`` stays unset: the site numbers orders.

    The override flags of ship-to contact and address are set by themselves.
    """

    ENTITY = "SalesOrder"
    OVERRIDES = MappingProxyType(
        {"ShipToContact": "ShipToContactOverride", "ShipToAddress": "ShipToAddressOverride"}
    )

    order_type: str | UnsetType = UNSET
    order_nbr: str | UnsetType = UNSET
    customer_id: str | UnsetType = UNSET
    location_id: Text = UNSET
    contact_id: Text = UNSET
    external_ref: Text = UNSET
    customer_order: Text = UNSET
    description: Text = UNSET
    date: Day = UNSET
    requested_on: Day = UNSET
    currency_id: Text = UNSET
    hold: YesNo = UNSET
    branch: Annotated[Text, since("23.200.001")] = UNSET
    """From endpoint version 23.200.001 on; before, the connection's branch counts."""
    project: Text = UNSET
    payment_method: Text = UNSET
    ship_via: Text = UNSET
    preferred_warehouse_id: Text = UNSET
    tax_calc_mode: Text = UNSET
    disable_automatic_discount_update: YesNo = UNSET
    disable_automatic_tax_calculation: YesNo = UNSET
    owner: Text = field(name="FinancialSettings/Owner", default=UNSET)
    terms: Text = field(name="FinancialSettings/Terms", default=UNSET)
    tax_zone: Text = field(name="FinancialSettings/CustomerTaxZone", default=UNSET)
    salesperson: Text = field(name="Commissions/DefaultSalesperson", default=UNSET)
    ship_to_contact: DocumentContactDraft | UnsetType = UNSET
    ship_to_address: AddressDraft | UnsetType = UNSET
    note: str | UnsetType = field(name="note", default=UNSET)
    details: tuple[SalesOrderLineDraft, ...] = ()


class SalesInvoiceLineDraft(RowDraft, frozen=True, kw_only=True):
    """A line of a direct sales invoice."""

    inventory_id: str | UnsetType = UNSET
    transaction_descr: Text = UNSET
    qty: Number = UNSET
    uom: Text = UNSET
    unit_price: Number = UNSET
    manual_price: Annotated[YesNo, since("24.200.001")] = UNSET
    """From endpoint version 24.200.001 on; left out before."""
    discount_percent: Number = UNSET
    discount_amount: Number = UNSET
    manual_discount: YesNo = UNSET
    branch_id: Text = UNSET
    tax_category: Text = UNSET
    warehouse_id: Text = UNSET
    location: Text = UNSET
    """Where goods leave from: a stock item needs it on an invoice without an order."""
    external_ref: Annotated[Text, since("24.200.001")] = UNSET
    """From endpoint version 24.200.001 on; left out before."""


class SalesInvoiceDraft(RecordDraft, frozen=True, kw_only=True):
    """A direct sales invoice to create or change, for lines without stock."""

    ENTITY = "SalesInvoice"

    type: str | UnsetType = UNSET
    reference_nbr: str | UnsetType = UNSET
    customer_id: str | UnsetType = UNSET
    currency: Text = UNSET
    date: Day = UNSET
    due_date: Day = UNSET
    description: Text = UNSET
    customer_order: Text = UNSET
    external_ref: Annotated[Text, since("24.200.001")] = UNSET
    """From endpoint version 24.200.001 on; left out before: then ``customer_order`` carries it."""
    hold: YesNo = UNSET
    project: Text = UNSET
    details: tuple[SalesInvoiceLineDraft, ...] = ()
