"""What a user decides about the link between Pipedrive and Acumatica."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ml_connector.sync.mapping.model import MappingConfig
from ml_connector.vendors.pipedrive.line_rules import LineRules

AfterHandOver = Literal["hold", "leave"]
"""Hold the record for a person, or leave the order as it is and say so."""


class Trigger(BaseModel):
    """When a deal is handed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Literal["won", "stage"] = Field(
        default="won", description="When the deal is won, or when it reaches one of the stages."
    )
    stages: tuple[int, ...] = Field(default=(), description="Pipedrive stage ids, for on: stage.")

    @model_validator(mode="after")
    def _names_stages(self) -> Trigger:
        if self.on == "stage" and not self.stages:
            raise ValueError("name at least one stage id under stages")
        if self.on == "won" and self.stages:
            raise ValueError("stages count only with on: stage")
        return self


class CustomerRules(BaseModel):
    """How customers are found and made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    create: bool = Field(
        default=True, description="Create customers that are not there; otherwise hold the deal."
    )
    match_by_name: bool = Field(
        default=False,
        description="Link a customer of the same name automatically if the country or the e-mail "
        "domain agrees too; otherwise a name is only proposed to a person.",
    )
    tax_number_field: str | None = Field(
        default=None, description="Organization field with the tax number, by name or key."
    )
    person_alone: Literal["hold", "customer"] = Field(
        default="hold",
        description="A deal with a person and no organization: hold it, or make the person a "
        "customer.",
    )
    on_credit_hold: Literal["hold", "order_on_hold"] = Field(
        default="order_on_hold",
        description="A customer on hold or credit hold: hold the deal, or create its order on "
        "hold.",
    )


class OrderRules(BaseModel):
    """How orders are made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_type: str = Field(default="SO", description="Acumatica order type.")
    on_hold: bool = Field(default=True, description="Create orders on hold, for a person to free.")
    item_without_products: str | None = Field(
        default=None, description="Inventory ID of the one line of a deal without products."
    )
    keep_agreed_price: bool = Field(
        default=True, description="The deal's price stands against the ERP's price lists."
    )
    whole_units: tuple[str, ...] = Field(
        default=(), description="Units that are not divided: a fraction of one holds the deal."
    )


class AfterRules(BaseModel):
    """What follows when a deal changes after its order was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    changed: AfterHandOver = "hold"
    reopened: AfterHandOver = "hold"
    lost: AfterHandOver = "hold"
    deleted: AfterHandOver = "hold"
    won_again_after_cancelled: Literal["hold", "new"] = Field(
        default="hold",
        description="A deal won again whose order was cancelled: hold it, or make a new order "
        "with the next reference suffix.",
    )


class WriteBack(BaseModel):
    """Deal and organization fields that show what became of them in the ERP; keys or names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_number: str | None = Field(default=None, description="Deal field, text.")
    order_link: str | None = Field(default=None, description="Deal field, text.")
    customer_number: str | None = Field(default=None, description="Organization field, text.")


class ScopeRules(BaseModel):
    """Which deals are this installation's own; empty lists mean all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipelines: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()


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
    scope: ScopeRules = ScopeRules()
    customers: CustomerRules = CustomerRules()
    orders: OrderRules = OrderRules()
    lines: LineRules = LineRules()
    after: AfterRules = AfterRules()
    write_back: WriteBack = WriteBack()
    customer_mapping: MappingConfig = MappingConfig()
    order_mapping: MappingConfig = MappingConfig()
    line_mapping: MappingConfig = MappingConfig()
