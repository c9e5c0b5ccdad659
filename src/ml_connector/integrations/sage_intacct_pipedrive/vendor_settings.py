"""What a user decides about organizations that become vendors (INT-05)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ml_connector.sync.brake import BrakeRules
from ml_connector.sync.mapping.model import Key
from ml_connector.sync.scope import Condition, Names


class VendorRules(BaseModel):
    """Which organizations become vendors, and how they are found and made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Names = Field(
        default=(),
        description="Organizations with one of these labels become vendors without a won deal, by "
        "id or by name. Others become vendors with their first won deal.",
    )
    without_labels: Names = Field(
        default=(), description="Organizations with one of these labels are left alone."
    )
    where: tuple[Condition, ...] = Field(
        default=(), description="Conditions on the organization's fields; all must hold."
    )
    older: Literal["backfill", "when_edited"] = Field(
        default="backfill",
        description="Without a link and added to Pipedrive before the go-live: left to a backfill, "
        "or taken up when it is next edited.",
    )
    create: bool = Field(
        default=True, description="Make vendors that are not there; otherwise hold them."
    )
    vendor_type: str | None = Field(
        default=None,
        description="Intacct's vendor type of the vendors that we make, so that they are told from "
        "all others. Without one they are held.",
    )
    payment_hold: bool = Field(
        default=True, description="Vendors that we make are on payment hold."
    )
    tax_number_field: str | None = Field(
        default=None, description="Organization field with the tax number, by name or key."
    )
    match_by_name: bool = Field(
        default=False,
        description="Link a vendor of the same name and country automatically if postal code, "
        "telephone or website agrees too; otherwise a name is only proposed to a person.",
    )
    may_share: bool = Field(
        default=False, description="Several organizations may be linked to one vendor."
    )
    decided: dict[Key, str] = Field(
        default_factory=dict,
        description="What a person decided about a match: the organization's id to the vendor's "
        "ID, or to new.",
    )
    on_conflict: Literal["hold", "keep"] = Field(
        default="hold",
        description="A field of a vendor of our making was changed in Intacct since we wrote it: "
        "hold the organization with both sides, or keep what stands there and tell it.",
    )
    countries: dict[Key, str] = Field(
        default_factory=dict, description="Countries as typed to ISO-2 codes."
    )
    brake: BrakeRules = BrakeRules()
