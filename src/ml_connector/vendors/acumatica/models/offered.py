"""What a site offers to choose from: values of its tables, and fields."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class LookupValue(Struct, frozen=True, kw_only=True):
    """One permitted value of a setting or mapping, from the site's own tables."""

    value: str
    title: str | None
    is_active: bool = True


class FieldDefinition(Struct, frozen=True, kw_only=True):
    """A field that the endpoint offers, for mappings."""

    path: str
    """``CustomerOrder``, ``FinancialSettings/Owner``, ``Details/UOM``, or ``Document.UsrX``."""
    type: Literal["text", "number", "integer", "yes_no", "moment", "guid"]
    is_custom: bool = False
