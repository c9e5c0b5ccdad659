"""A figure: what was measured, beside what it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report."""

    name: str
    value: float
    unit: str
    aim: float | None = None
    """None: measured to be watched, not to be met."""
    better: Literal["higher", "lower"] = "higher"
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool | None:
        """Return whether the aim is met; None where there is none."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.better == "higher" else self.value <= self.aim

    def as_json(self) -> str:
        """Return the figure as one line."""
        told = {
            "figure": self.name,
            "value": round(self.value, 3),
            "aim": self.aim,
            "met": self.is_met,
            "unit": self.unit,
            **self.details,
        }
        return msgspec.json.encode(told).decode()


def show(figures: list[Figure], console: Console) -> None:
    """Print a table of all figures, then each as a JSON line."""
    table = Table(title="ml-connector, measured", show_edge=False)
    for heading in ("figure", "value", "aim", "met", "beside"):
        table.add_column(heading, overflow="fold")
    words = {True: "[green]yes", False: "[red]no", None: "-"}
    sign = {"higher": "≥", "lower": "≤"}
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:,.3g} {figure.unit}".strip(),
            "-" if figure.aim is None else f"{sign[figure.better]} {figure.aim:g}",
            words[figure.is_met],
            ", ".join(f"{name} {_short(told)}" for name, told in figure.details.items()),
        )
    console.print(table)
    for figure in figures:
        console.print(figure.as_json(), markup=False, highlight=False, soft_wrap=True, emoji=False)


def _short(told: Any) -> str:
    if isinstance(told, float):
        return f"{told:,.1f}"
    if isinstance(told, Mapping):
        return "(" + ", ".join(f"{name} {_short(each)}" for name, each in told.items()) + ")"
    if isinstance(told, list):
        return "/".join(_short(each) for each in told)
    return str(told)
