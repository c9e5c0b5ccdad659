"""The configuration of a mapping, as it stands in a file.

fields:
  Description: {template: "{deal.title} / {organization.name}", longest: 60, too_long: cut}
  CustomerOrder: deal.Purchase order
  OrderType: {from: deal.stage, table: order types, required: true}
  Terms: {from: [deal.Terms, organization.Terms], default: 30D, on_existing: never}
tables:
  order types: {entries: {Negotiation: SO, 7: QT}}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_VERSION_LENGTH = 16  # hex digits; 64 bits tell all versions of one installation apart


class OnExisting(StrEnum):
    """What an update does with a field of a record that was there before."""

    FILL_BLANK = "fill_blank"
    """Write it where the ERP has nothing."""
    CRM_OWNS = "crm_owns"
    """Keep it as it is in the CRM."""
    ERP_OWNS = "erp_owns"
    """Set when the record is created; then the CRM shows what the ERP has."""
    NEVER = "never"
    """Set when the record is created, and never again."""


def _exact(value: object) -> object:
    """Take a number as it was written: YAML and JSON readers make floats of 12.5."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def _as_text(value: object) -> object:
    """Take a key as text: YAML reads 7 as a number and yes as a truth value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | float) else value


Constant = Annotated[bool | int | Decimal | date | str, BeforeValidator(_exact)]
Key = Annotated[str, BeforeValidator(_as_text)]


class FieldRule(BaseModel):
    """How one field of the target gets its value."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: tuple[str, ...] = Field(
        default=(), alias="from", description="A path, or several: the first with a value counts."
    )
    template: str | None = Field(default=None, description='As "{deal.title} / {person.name}".')
    constant: Constant | None = Field(default=None, description="Always this value.")
    table: str | None = Field(default=None, description="A value table to go through.")
    default: Constant | None = Field(
        default=None, description="What it is where the source has nothing."
    )
    required: bool = Field(default=False, description="Hold the record where there is no value.")
    trim: bool = Field(default=True, description="Drop spaces at both ends of a text.")
    longest: int | None = Field(default=None, ge=1, description="Characters a text may have.")
    too_long: Literal["hold", "cut"] = Field(
        default="hold", description="What becomes of a longer text."
    )
    digits: int | None = Field(
        default=None, ge=0, le=12, description="Digits after the point to round a number to."
    )
    zone: str | None = Field(
        default=None, description="Time zone in which a moment becomes a day; UTC without one."
    )
    on_existing: OnExisting = Field(
        default=OnExisting.FILL_BLANK,
        description="On a record that is there: fill_blank, crm_owns, erp_owns or never.",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """Read the short forms: a path alone, and one path instead of a list."""
        if isinstance(value, str):
            return {"from": (value,)}
        if isinstance(value, Mapping) and isinstance(value.get("from"), str):
            return {**value, "from": (value["from"],)}
        return value

    @model_validator(mode="after")
    def _has_one_origin(self) -> FieldRule:
        origins = [bool(self.source), self.template is not None, self.constant is not None]
        if sum(origins) > 1:
            raise ValueError("give one of from, template and constant")
        if not any(origins) and self.default is None:
            raise ValueError("give from, template, constant or default")
        if self.table is not None and not self.source:
            raise ValueError("a table needs a path to look up: give from")
        return self


class ValueTable(BaseModel):
    """Which value of the target stands for which value of the source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: dict[Key, Constant] = Field(
        default_factory=dict, description="By the source's value, id or readable label."
    )
    fallback: Constant | None = Field(
        default=None, description="For all others; without one they hold the record."
    )


class MappingConfig(BaseModel):
    """The mapping of one kind of record. None as a field's rule takes a default away."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: dict[str, FieldRule | None] = Field(default_factory=dict)
    tables: dict[str, ValueTable] = Field(default_factory=dict)

    @property
    def version(self) -> str:
        """A name for this content, the same however the file is laid out."""
        content = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:_VERSION_LENGTH]

    def over(self, defaults: MappingConfig) -> MappingConfig:
        """Return a pair's defaults with this configuration laid over them.

        A field or a table is replaced as a whole.
        """
        return MappingConfig(
            fields={**defaults.fields, **self.fields}, tables={**defaults.tables, **self.tables}
        )
