"""What a user decides about the link between Pipedrive and Sage Intacct."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ml_connector.integrations.from_pipedrive.rules import Trigger
from ml_connector.integrations.sage_intacct_pipedrive.vendor_settings import VendorRules
from ml_connector.sync.mapping.model import Key, MappingConfig
from ml_connector.sync.scope import ScopeConfig
from ml_connector.vendors.pipedrive.line_rules import LineRules, NegativeRule

AfterChange = Literal["hold", "leave", "follow"]
"""Hold the record for a person, leave the entry as it is and say so, or bring it up to date."""

AfterEnd = Literal["hold", "leave", "reverse"]
"""Hold the record for a person, leave the entry as it is and say so, or take it back."""


class PostingRules(BaseModel):
    """How journal entries are posted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    journal: str = Field(min_length=1, description="Symbol of the journal, such as GJ.")
    offset_account: str = Field(
        min_length=1,
        description="The account that takes the other side of revenue. It cannot be a control "
        "account of payables or receivables, nor a bank account. A company that also invoices "
        "these deals in Intacct names a clearing account here, or revenue counts twice.",
    )
    state: Literal["draft", "posted"] = Field(
        default="draft",
        description="Entries are made as drafts, for finance to post, or posted at once. Where "
        "the company approves entries, a posted one waits for approval first.",
    )
    lines: Literal["per_line", "per_deal"] = Field(
        default="per_line",
        description="One credit for each line of the deal, or one for each account and set of "
        "dimensions.",
    )
    closed_period: Literal["hold", "first_open_day"] = Field(
        default="hold",
        description="An entry, or a reversal, whose day lies in closed books: hold the deal, or "
        "date it on the first open day.",
    )
    exchange_rate_type: str = Field(
        default="Intacct Daily Rate",
        min_length=1,
        description="Rate type of every line, in a company with several currencies.",
    )


class EntryLineRules(LineRules):
    """What a deal's lines are worth in the ledger."""

    negative: NegativeRule = Field(
        default=NegativeRule.RETURN,
        description="A line below zero holds the deal, is a discount on the others, or stays, "
        "with its sides swapped.",
    )


class CustomerRules(BaseModel):
    """Where the customer dimension comes from when no mapping names one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    create: bool = Field(
        default=False,
        description="Make a customer in Intacct for an organization that has none; otherwise a "
        "deal whose entry needs one is held.",
    )
    decided: dict[Key, str] = Field(
        default_factory=dict,
        description="Customers of organizations, by the organization's id: 5512 to C-9001, or to "
        "new where a customer of the same name is another one.",
    )


class AfterRules(BaseModel):
    """What follows when a deal changes after its entry was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    changed: AfterChange = Field(
        default="hold",
        description="A deal that was changed in amounts, products, currency or organization: hold "
        "it, leave the entry, or let it follow. A draft is updated; a posted entry is reversed "
        "and posted anew.",
    )
    reopened: AfterEnd = Field(
        default="hold",
        description="A deal that is open again, or has left its revenue stages: hold it, leave "
        "its entry, or reverse it. A draft is deleted instead.",
    )
    lost: AfterEnd = Field(
        default="hold",
        description="A deal that is lost: hold it, leave its entry, or reverse it. A draft is "
        "deleted instead.",
    )
    deleted: AfterEnd = Field(
        default="hold",
        description="A deal that was deleted, or merged into another: hold it, leave its entry, "
        "or reverse it. A draft is held, because a deletion in Pipedrive deletes nothing here.",
    )
    won_again_after_reversed: Literal["hold", "new"] = Field(
        default="hold",
        description="A deal won again whose entry we reversed: hold it, or post a new entry with "
        "the next reference suffix. An entry that finance reversed is never posted again.",
    )


class WriteBack(BaseModel):
    """Fields that refer to entry and vendor; keys or names. Those of deals only if named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry_number: str | None = Field(
        default=None, description="Deal field, text: journal and number of the entry."
    )
    entry_state: str | None = Field(
        default=None, description="Deal field, text: the entry's state in Intacct, no amounts."
    )
    vendor_number: str | None = Field(
        default=None, description="Organization field, text; without one, the provided field."
    )


class Settings(BaseModel):
    """One installation's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference_prefix: str = Field(
        default="PD",
        pattern=r"^[A-Za-z0-9]{1,5}$",
        description="Begins every reference number: PD-42. Give each Pipedrive company that shares "
        "an Intacct company its own.",
    )
    trigger: Trigger = Trigger()
    scope: ScopeConfig = ScopeConfig()
    posting: PostingRules
    lines: EntryLineRules = EntryLineRules()
    customers: CustomerRules = CustomerRules()
    vendors: VendorRules = VendorRules()
    after: AfterRules = AfterRules()
    write_back: WriteBack = WriteBack()
    entry_mapping: MappingConfig = MappingConfig()
    line_mapping: MappingConfig = MappingConfig()
    vendor_mapping: MappingConfig = MappingConfig()
