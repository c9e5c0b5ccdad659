"""What a user decides about which deals are taken up, alike for every pair."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ml_connector.sync.scope import ScopeConfig
from ml_connector.vendors.pipedrive.line_rules import LineRules


def _as_texts(value: object) -> object:
    """Read ids as text: YAML makes numbers of them."""
    return [str(each) if isinstance(each, int) else each for each in value] if isinstance(
        value, list | tuple
    ) else value  # fmt: skip


class Trigger(BaseModel):
    """When a deal is handed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Literal["won", "stage", "won_or_stage"] = Field(
        default="won",
        description="When the deal is won, while it is in one of the stages, or at whichever of "
        "the two comes first.",
    )
    stages: Annotated[tuple[str, ...], BeforeValidator(_as_texts)] = Field(
        default=(),
        description="Pipedrive stages by id or name. Name every stage in which the deal counts, "
        "those behind the first one too.",
    )

    @model_validator(mode="after")
    def _names_stages(self) -> Trigger:
        if self.on != "won" and not self.stages:
            raise ValueError("name at least one stage under stages")
        if self.on == "won" and self.stages:
            raise ValueError("stages count only with on: stage or on: won_or_stage")
        return self


class DealSettings(Protocol):
    """What the settings of every such pair have."""

    @property
    def trigger(self) -> Trigger:
        """When a deal is handed over."""
        ...

    @property
    def scope(self) -> ScopeConfig:
        """Which deals are the installation's own."""
        ...

    @property
    def lines(self) -> LineRules:
        """What a deal's lines are worth."""
        ...
