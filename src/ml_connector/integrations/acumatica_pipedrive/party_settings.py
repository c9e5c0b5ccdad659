"""What a user decides about organizations and persons that move without a deal (ACU-06)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ml_connector.sync.brake import BrakeRules
from ml_connector.sync.mapping.model import Key
from ml_connector.sync.scope import Condition, Names

AfterDeletion = Literal["leave", "set_inactive"]
"""Leave the record in Acumatica as it is, or set it inactive there. Nothing is ever deleted."""

OfOurMaking = Literal["follow", "fill_blank"]
"""What happens to the fields of a record that this installation made in Acumatica."""

_OLDER = (
    "Without a link and added to Pipedrive before the go-live: left to a backfill, or taken up "
    "when it is next edited."
)
_DELETED = (
    "Deleted in Pipedrive: leave what it became in Acumatica as it is, or set it inactive there."
)
_OF_OUR_MAKING = (
    "made from Pipedrive: fields that nobody changed in Acumatica since follow Pipedrive, or only "
    "blanks are filled. A rule of the mapping (on_existing) other than fill_blank goes first."
)


class OrganizationRules(BaseModel):
    """Which organizations become customers, and what follows from their changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Names = Field(
        default=(),
        description="Organizations with one of these labels become customers without a won deal, "
        "by id or by name. Others become customers with their first won deal.",
    )
    without_labels: Names = Field(
        default=(), description="Organizations with one of these labels are left alone."
    )
    where: tuple[Condition, ...] = Field(
        default=(), description="Conditions on the organization's fields; all must hold."
    )
    prospects: Literal["none", "business_account"] = Field(
        default="none",
        description="Organizations that are no customers yet: left alone, or made business "
        "accounts of type prospect, which their first won deal makes customers.",
    )
    older: Literal["backfill", "when_edited"] = Field(default="backfill", description=_OLDER)
    deleted: AfterDeletion = Field(default="leave", description=_DELETED)
    made_by_us: OfOurMaking = Field(
        default="follow", description=f"Customers and business accounts {_OF_OUR_MAKING}"
    )
    brake: BrakeRules = BrakeRules()


class PersonRules(BaseModel):
    """Which persons become contacts, and what follows from their changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Names = Field(
        default=(),
        description="Only persons with one of these labels become contacts, by id or by name; "
        "none means all persons of an organization that is a customer or business account.",
    )
    without_labels: Names = Field(
        default=(), description="Persons with one of these labels are left alone."
    )
    where: tuple[Condition, ...] = Field(
        default=(), description="Conditions on the person's fields; all must hold."
    )
    without_organization: Literal["leave", "hold"] = Field(
        default="leave",
        description="A person without an organization who is no customer: left alone, or held "
        "until there is an organization. Where customers.person_alone is customer, a won deal of "
        "such a person makes a customer.",
    )
    older: Literal["backfill", "when_edited"] = Field(default="backfill", description=_OLDER)
    deleted: AfterDeletion = Field(default="leave", description=_DELETED)
    made_by_us: OfOurMaking = Field(default="follow", description=f"Contacts {_OF_OUR_MAKING}")
    match_by_name: bool = Field(
        default=False,
        description="Link a contact of the same customer with the same name automatically if the "
        "telephone or the job title agrees too; otherwise a name is only proposed to a person.",
    )
    decided: dict[Key, str] = Field(
        default_factory=dict,
        description="What a person decided about a match: person:77 to the contact's id, or to "
        "new.",
    )
    on_conflict: Literal["hold", "keep"] = Field(
        default="hold",
        description="A field that the CRM owns, or the contact's account, was changed in "
        "Acumatica since we wrote it: hold the person with both sides, or keep what stands there "
        "and tell it.",
    )
    brake: BrakeRules = BrakeRules()
