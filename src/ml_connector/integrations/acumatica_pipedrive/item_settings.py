"""What a user decides about items of Acumatica that become products of Pipedrive (ACU-08)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ml_connector.sync.brake import BrakeRules

FieldRule = Literal["erp", "keep", "hold", "creation"]
"""Always as the item has it; as the item has it until somebody changes it in Pipedrive; held with
both sides then; or set when the product is made, and never again."""


class ItemFields(BaseModel):
    """Which side wins, field by field. The code is the item's always: it names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FieldRule = Field(default="keep", description="From the item's description.")
    unit: FieldRule = Field(
        default="keep",
        description="The item's base unit, which the default price is for. While a product is "
        "sold by another unit its price is left alone too.",
    )
    price: FieldRule = Field(
        default="erp",
        description="The default price, in its own currency; prices in other currencies stay.",
    )
    active: FieldRule = Field(
        default="keep",
        description="Whether deals may name it. A product of an item that is not for sale is made "
        "inactive in any case; the rule is for one that somebody made inactive in Pipedrive.",
    )


class ItemRules(BaseModel):
    """How items become products."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stock_items: bool = Field(default=True, description="Take up stock items.")
    non_stock_items: bool = Field(default=True, description="Take up non-stock items.")
    classes: tuple[str, ...] = Field(
        default=(), description="Only items of these Acumatica item classes; none means all."
    )
    create: bool = Field(
        default=True, description="Make products that are not there; otherwise only align those."
    )
    currency: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        description="The currency of the items' default prices; without it the base currency is "
        "read from the site's actual ledger.",
    )
    zero_price: Literal["leave", "write"] = Field(
        default="leave",
        description="A default price of zero, as items have whose prices stand in price lists: "
        "leave the product's price, or write the zero.",
    )
    deleted_products: Literal["leave", "new"] = Field(
        default="leave",
        description="A product that was deleted in Pipedrive: leave it so, or make a new one.",
    )
    fields: ItemFields = ItemFields()
    brake: BrakeRules = BrakeRules()
