"""The storm: everything that goes wrong between two services, in both simulators at once.

Random by seed, and a few faults by rule on top, so that every kind is met in every storm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector.app.demo.simulators import CRM, Simulators

_PROBABILITY = 0.08
_LONGEST_DELAY = 1.5  # seconds; below the service's deadline for a call
_STATUSES = (500, 503)
_CALL_KINDS = {
    "throttle": 3,
    "status": 3,
    "cut_after": 3,
    "cut_before": 2,
    "reset": 2,
    "delay": 3,
    "expire_login": 2,
}
_WEBHOOK_KINDS = {"lose": 2, "double": 2, "reorder": 2}
_CRM_SEARCH_LAG = 20.0  # seconds; within what the vendor's profile says


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What a storm does to one ERP, beside what it does to every vendor."""

    rules: Sequence[Mapping[str, Any]]
    """Faults that come for certain, in the words of the control API."""
    switches: Mapping[str, Any]
    """Behaviours such as a search's lag, within what the vendor's profile says."""


async def begin(simulators: Simulators, weather: Weather, *, seed: int) -> None:
    """Let the storm begin on both sides."""
    for vendor in simulators.vendors:
        own = _crm_rules() if vendor == CRM else weather.rules
        await simulators.faults(vendor, {"storm": _storm(seed), "rules": [*_rules(), *own]})
        switches = {"search_lag_seconds": _CRM_SEARCH_LAG} if vendor == CRM else weather.switches
        await simulators.switch(vendor, **switches)


def _storm(seed: int) -> dict[str, Any]:
    return {
        "probability": _PROBABILITY,
        "kinds": _CALL_KINDS,
        "webhook_probability": _PROBABILITY,
        "webhook_kinds": _WEBHOOK_KINDS,
        "statuses": _STATUSES,
        "longest_delay": _LONGEST_DELAY,
        "seed": seed,
    }


def _rules() -> list[Mapping[str, Any]]:
    """Return faults that come for certain, every kind once."""
    return [
        {"effect": {"kind": "throttle"}, "times": 1, "skip": 5},
        {"effect": {"kind": "status", "status": 500}, "times": 1, "skip": 8},
        {"effect": {"kind": "reset"}, "times": 1, "skip": 11},
        {"effect": {"kind": "cut_before"}, "times": 1, "skip": 14},
    ]


def _crm_rules() -> list[Mapping[str, Any]]:
    return [
        {"effect": {"kind": kind}, "match": {"webhook": "deal"}, "times": 1, "skip": skip}
        for skip, kind in enumerate(_WEBHOOK_KINDS, start=2)
    ]
