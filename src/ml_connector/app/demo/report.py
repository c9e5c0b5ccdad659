"""What the demo found out: for people by `cli/demo.py`, for programs as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Faults = Literal["none", "storm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What a person asks the demo for."""

    pair: str = "acumatica"
    deals: int = 50
    faults: Faults = "none"
    seed: int = 1


@dataclass(slots=True)
class Findings:
    """What the comparison of the books came to."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    """What moved, for a person: of which records, and what they became."""
    counts: dict[str, Any] = field(default_factory=dict)
    """The same for a program, by the key in `--json`."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is lost, doubled or wrong."""
        return not (self.lost or self.doubled or self.wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Deals that wait for a person for the same cause."""

    cause: str
    deals: int
    example: str
    """The reason, as the product tells it of one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Least:
    """The least that a vendor could be asked."""

    calls: int
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Calls and tokens at one vendor, beside the least possible."""

    calls: int
    least_calls: int
    tokens: int = 0
    least_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """Everything that the demo has to tell."""

    options: DemoOptions
    findings: Findings
    held: Sequence[Held]
    left_alone: int
    """Deals that were won before go-live."""
    injected: Mapping[str, int]
    """Faults by kind, as the simulators counted them (`injected.py`)."""
    webhooks: Mapping[str, int]
    """Deliveries by what became of them."""
    forged_answer: int
    """HTTP status that the forged webhook got."""
    second_looks: int
    spent: Mapping[str, Spent]
    polls: int
    """Safety-net polls; their calls are among those at Pipedrive."""
    seconds: Mapping[str, float]

    @property
    def is_clean(self) -> bool:
        """Whether the books agree."""
        return self.findings.is_clean

    def as_json(self) -> dict[str, Any]:
        """Return the one object of `--json`."""
        findings = self.findings
        return {
            "pair": self.options.pair,
            "deals": self.options.deals,
            "faults": self.options.faults,
            "seed": self.options.seed,
            "lost": len(findings.lost),
            "doubled": len(findings.doubled),
            "wrong": len(findings.wrong),
            "problems": [*findings.lost, *findings.doubled, *findings.wrong],
            **findings.counts,
            "held": [
                {"cause": one.cause, "deals": one.deals, "reason": one.example} for one in self.held
            ],
            "left_alone": self.left_alone,
            "injected": self.injected,
            "webhooks": self.webhooks,
            "forged_webhook_answer": self.forged_answer,
            "second_looks": self.second_looks,
            "calls": sum(one.calls for one in self.spent.values()),
            "least_calls": sum(one.least_calls for one in self.spent.values()),
            "calls_by_vendor": {
                vendor: {
                    "calls": one.calls,
                    "least_calls": one.least_calls,
                    "tokens": one.tokens,
                    "least_tokens": one.least_tokens,
                }
                for vendor, one in self.spent.items()
            },
            "polls": self.polls,
            "seconds": round(self.seconds["all"], 2),
            "seconds_by_part": {part: round(took, 2) for part, took in self.seconds.items()},
        }
