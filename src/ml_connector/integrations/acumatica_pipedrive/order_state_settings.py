"""What a user decides about the state that a deal's stage or status gives its order (ACU-09)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ml_connector.sync.mapping.model import Key

OrderState = Literal["hold", "open", "cancelled"]
"""On hold, released from hold, or cancelled in Acumatica."""

DealStatus = Literal["won", "open", "lost", "deleted"]


class OrderStates(BaseModel):
    """Which state an order has by its deal; what is not named leaves the order as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by_stage: dict[Key, OrderState] = Field(
        default_factory=dict,
        description="Pipedrive stages, by id or name, to hold, open or cancelled. Counts while a "
        "deal is won or open, and goes before its status.",
    )
    by_status: dict[DealStatus, OrderState] = Field(
        default_factory=dict,
        description="won, open, lost or deleted to hold, open or cancelled. What is named here or "
        "under by_stage goes before after.reopened, after.lost and after.deleted.",
    )

    @property
    def is_empty(self) -> bool:
        """Tell whether orders are left as they are."""
        return not (self.by_stage or self.by_status)
