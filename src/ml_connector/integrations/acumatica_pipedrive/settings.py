"""What a user decides about the link between Pipedrive and Acumatica."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ml_connector.integrations.acumatica_pipedrive.billing_settings import BillingRules
from ml_connector.integrations.acumatica_pipedrive.item_settings import ItemRules
from ml_connector.integrations.acumatica_pipedrive.order_state_settings import OrderStates
from ml_connector.integrations.acumatica_pipedrive.party_settings import (
    OrganizationRules,
    PersonRules,
)
from ml_connector.integrations.from_pipedrive.rules import Trigger
from ml_connector.sync.mapping.model import Key, MappingConfig
from ml_connector.sync.scope import ScopeConfig
from ml_connector.vendors.pipedrive.line_rules import LineRules, NegativeRule

AfterChange = Literal["hold", "leave", "follow"]
"""Hold the record for a person, leave the document as it is and say so, or bring it up to date."""

AfterEnd = Literal["hold", "leave", "cancel"]
"""Hold the record for a person, leave the document as it is and say so, or cancel it."""

AfterHandOver = AfterEnd
HoldOrOnHold = Literal["hold", "order_on_hold"]
"""Hold the deal for a person, or create its order on hold in Acumatica."""


class CustomerRules(BaseModel):
    """How customers are found and made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    create: bool = Field(
        default=True, description="Create customers that are not there; otherwise hold the deal."
    )
    match_by_name: bool = Field(
        default=False,
        description="Link a customer of the same name and country automatically if postal code, "
        "telephone or website agrees too; otherwise a name is only proposed to a person.",
    )
    match_by_email_domain: bool = Field(
        default=True,
        description="Link the customer whose e-mail address has the domain of the deal's person; "
        "free mail providers do not count.",
    )
    may_share: bool = Field(
        default=False, description="Several organizations may be linked to one customer."
    )
    decided: dict[Key, str] = Field(
        default_factory=dict,
        description="What a person decided about a match: organization:5512 (or person:77) to the "
        "customer's id, or to new.",
    )
    tax_number_field: str | None = Field(
        default=None, description="Organization field with the tax number, by name or key."
    )
    person_alone: Literal["hold", "customer"] = Field(
        default="hold",
        description="A deal with a person and no organization: hold it, or make the person a "
        "customer.",
    )
    on_hold: HoldOrOnHold = Field(
        default="hold",
        description="A customer on hold: hold the deal, or create its order on hold; Acumatica "
        "may refuse new orders of such customers.",
    )
    on_credit_hold: HoldOrOnHold = Field(
        default="order_on_hold",
        description="A customer on credit hold: hold the deal, or create its order on hold.",
    )
    one_time: HoldOrOnHold = Field(
        default="hold",
        description="A one-time customer: hold the deal, or create its order on hold.",
    )
    on_conflict: Literal["hold", "keep"] = Field(
        default="hold",
        description="A field that the CRM owns was changed in Acumatica since we wrote it: hold "
        "the deal with both sides, or keep what stands there and tell it.",
    )


class OrderRules(BaseModel):
    """How orders and invoices are made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: Literal["sales_order", "sales_invoice"] = Field(
        default="sales_order",
        description="What a deal becomes: a sales order, or at once a sales invoice, for "
        "items that are not kept in stock.",
    )
    stock_items_on_invoices: bool = Field(
        default=False,
        description="The site's feature Advanced SO Invoices is on, so that sales invoices without "
        "an order take stock items too; line_mapping then names each line's Location.",
    )
    order_type: str = Field(default="SO", description="Acumatica order type.")
    on_hold: bool = Field(default=True, description="Create documents on hold, to be freed later.")
    item_without_products: str | None = Field(
        default=None, description="Inventory ID of the one line of a deal without products."
    )
    keep_agreed_price: bool = Field(
        default=True, description="The deal's price stands against the ERP's price lists."
    )
    whole_units: tuple[str, ...] = Field(
        default=(), description="Units that are not divided: a fraction of one holds the deal."
    )
    note_installments: bool = Field(
        default=True, description="Write the deal's installments into the document's note."
    )


class Codes(BaseModel):
    """The user's words that differ from Acumatica's codes; everything else is found by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    units: dict[Key, str] = Field(
        default_factory=dict, description="Units of Pipedrive's products to Acumatica's units."
    )
    countries: dict[Key, str] = Field(
        default_factory=dict, description="Countries as typed to ISO-2 codes."
    )
    states: dict[Key, str] = Field(
        default_factory=dict, description="States and regions as typed to Acumatica's codes."
    )


class AfterRules(BaseModel):
    """What follows when a deal changes after its document was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    changed: AfterChange = Field(
        default="hold",
        description="A deal that was changed in what its document has: hold it, leave the document "
        "as it is, or let it follow.",
    )
    other_party: Literal["hold", "follow"] = Field(
        default="hold",
        description="A deal that went to another organization or person: hold it with both, or "
        "let its order go to that one's customer, where Acumatica lets it; its other changes go "
        "by after.changed.",
    )
    reopened: AfterEnd = Field(
        default="hold",
        description="A deal that is open again: hold it, leave its document, or cancel it.",
    )
    lost: AfterEnd = Field(
        default="hold",
        description="A deal that is lost: hold it, leave its document, or cancel it.",
    )
    deleted: AfterEnd = Field(
        default="hold",
        description="A deal that was deleted: hold it, leave its document, or cancel it. The "
        "documents of one that was merged into another are that one's.",
    )
    won_again_after_cancelled: Literal["hold", "new", "reopen"] = Field(
        default="hold",
        description="A deal won again whose order was cancelled: hold it, make a new order with "
        "the next reference suffix, or reopen the order.",
    )


class WriteBack(BaseModel):
    """Deal and organization fields that show what became of them in the ERP; keys or names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_number: str | None = Field(default=None, description="Deal field, text.")
    order_link: str | None = Field(default=None, description="Deal field, text.")
    customer_number: str | None = Field(default=None, description="Organization field, text.")


class Settings(BaseModel):
    """One installation's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference_prefix: str = Field(
        default="pd",
        pattern=r"^[A-Za-z0-9]{1,12}$",
        description="Begins every external reference: pd-deal-42. Give each Pipedrive company that "
        "shares an ERP its own.",
    )
    trigger: Trigger = Trigger()
    scope: ScopeConfig = ScopeConfig()
    customers: CustomerRules = CustomerRules()
    organizations: OrganizationRules = OrganizationRules()
    persons: PersonRules = PersonRules()
    orders: OrderRules = OrderRules()
    lines: LineRules = LineRules()
    codes: Codes = Codes()
    items: ItemRules = ItemRules()
    after: AfterRules = AfterRules()
    order_states: OrderStates = OrderStates()
    write_back: WriteBack = WriteBack()
    billing: BillingRules = BillingRules()
    customer_mapping: MappingConfig = MappingConfig()
    contact_mapping: MappingConfig = MappingConfig()
    order_mapping: MappingConfig = MappingConfig()
    line_mapping: MappingConfig = MappingConfig()

    @model_validator(mode="after")
    def _has_states_of_orders_alone(self) -> Settings:
        if self.orders.document != "sales_order" and not self.order_states.is_empty:
            raise ValueError("order_states: invoices have no such states; remove the table")
        return self

    @model_validator(mode="after")
    def _takes_no_returns(self) -> Settings:
        if self.lines.negative is NegativeRule.RETURN:
            raise ValueError(
                "lines.negative: Acumatica's orders take no quantity below zero; choose hold or "
                "discount"
            )
        return self
