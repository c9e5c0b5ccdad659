"""What an installation decides about the amounts of its deals."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ValueRule(StrEnum):
    """What the value of a deal with products is, beside its lines."""

    AS_PRICED = "as_priced"
    """The lines as priced: without exclusive tax, with inclusive tax."""
    NET = "net"
    """The lines without any tax."""
    GROSS = "gross"
    """The lines with all tax."""


class RecurringRule(StrEnum):
    """What a line that is billed again and again counts as."""

    ALL_CYCLES = "all_cycles"
    """Quantity times cycles; a line without an end is held."""
    FIRST_CYCLE = "first_cycle"
    HOLD = "hold"


class NegativeRule(StrEnum):
    """What becomes of a line below zero."""

    HOLD = "hold"
    DISCOUNT = "discount"
    """Its amount is taken off the other lines, as a discount on the deal is."""
    RETURN = "return"
    """It stays, with a negative quantity and a positive price."""


HoldOrGoOn = Literal["hold", "go_on"]


class LineRules(BaseModel):
    """The decisions; the defaults hold whatever would have to be guessed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deal_value: ValueRule = Field(
        default=ValueRule.AS_PRICED,
        description="What the value of a deal with products holds: its lines as priced, net of "
        "tax, or with tax.",
    )
    on_difference: HoldOrGoOn = Field(
        default="hold",
        description="Hold a deal whose lines do not come to its value, or report it and go on.",
    )
    recurring: RecurringRule = Field(
        default=RecurringRule.ALL_CYCLES,
        description="Recurring lines count with all their cycles or with the first one, or hold "
        "the deal.",
    )
    negative: NegativeRule = Field(
        default=NegativeRule.HOLD,
        description="A line below zero holds the deal, is a discount on the others, or a return.",
    )
    zero_value: HoldOrGoOn = Field(
        default="go_on", description="Hold a deal that is worth nothing, or go on with it."
    )
    without_products: Literal["one_line", "hold"] = Field(
        default="one_line",
        description="A deal without products becomes one line for its value, or is held.",
    )
    value_without_products: Literal["net", "gross"] = Field(
        default="net", description="Whether the value of a deal without products includes tax."
    )
    tax_rate_without_products: Decimal | None = Field(
        default=None,
        ge=0,
        description="Percent of tax in the value of a deal without products, where it is gross.",
    )
