"""The storm: everything that goes wrong between two services, in both simulators at once.

Random by seed, and a few faults by rule on top, so that every kind is met in every storm.
"""

from __future__ import annotations

from typing import Any

from ml_connector.app.demo.simulators import Simulators

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
_ERP_WRITES_CUT = (("SalesOrder", 4), ("Customer", 2))
# Within what the profiles say of each vendor's search (`vendors/*/profile.py`).
SEARCH_LAG = {"pipedrive": 20.0, "acumatica": 0.9}  # seconds


async def begin(simulators: Simulators, *, seed: int) -> None:
    """Let the storm begin on both sides."""
    for vendor in ("pipedrive", "acumatica"):
        await simulators.faults(vendor, {"storm": _storm(seed), "rules": _rules(vendor)})
    await simulators.switch("pipedrive", search_lag_seconds=SEARCH_LAG["pipedrive"])
    await simulators.switch("acumatica", list_lag_seconds=SEARCH_LAG["acumatica"])


async def end(simulators: Simulators) -> None:
    """Let the sky clear."""
    for vendor in ("pipedrive", "acumatica"):
        await simulators.faults(vendor, {"clear": True})


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


def _rules(vendor: str) -> list[dict[str, Any]]:
    """Return faults that come for certain: every kind once, and lost answers to creates."""
    rules: list[dict[str, Any]] = [
        {"effect": {"kind": "throttle"}, "times": 1, "skip": 5},
        {"effect": {"kind": "status", "status": 500}, "times": 1, "skip": 8},
        {"effect": {"kind": "reset"}, "times": 1, "skip": 11},
        {"effect": {"kind": "cut_before"}, "times": 1, "skip": 14},
    ]
    if vendor == "acumatica":
        rules.append({"effect": {"kind": "expire_login"}, "times": 1, "skip": 20})
        rules += [
            {
                "effect": {"kind": "cut_after"},
                "match": {"method": "PUT", "operation": entity},
                "times": times,
                "skip": 1,
            }
            for entity, times in _ERP_WRITES_CUT
        ]
    else:
        rules += [
            {"effect": {"kind": kind}, "match": {"webhook": "deal"}, "times": 1, "skip": skip}
            for skip, kind in enumerate(_WEBHOOK_KINDS, start=2)
        ]
    return rules
