"""What went wrong on the way, in one vocabulary for both vendors: counted by the simulators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

WORDS: Mapping[str, str] = {
    "429": "too many calls (429)",
    "500": "internal error (500)",
    "503": "not available (503)",
    "reset": "connection reset",
    "cut_before": "connection cut before anything was done",
    "cut_after": "connection cut after it was done",
    "delay": "late answer",
    "expired_login": "login ended in the midst",
    "search_lag": "search that did not show a record yet",
    "webhook_lost": "webhook lost",
    "webhook_repeated": "webhook delivered again",
    "webhook_reordered": "webhook overtaken by later ones",
    "webhook_forged": "webhook forged",
}
"""Every kind of fault, for a person."""

_NAMES = {
    "throttle": "429",
    "expire_login": "expired_login",
    "list_lag": "search_lag",
    "webhook_lose": "webhook_lost",
    "webhook_double": "webhook_repeated",
    "webhook_reorder": "webhook_reordered",
}
_BY_STATUS = "status"  # counted by the answers, which tell 500 and 503 apart
_PLAYED_AGAIN = "repeated"


def injected(
    calls: Mapping[str, Mapping[str, Any]], deliveries: Sequence[Mapping[str, Any]]
) -> Mapping[str, int]:
    """Return how often each kind of fault was met, over both vendors."""
    found: Counter[str] = Counter()
    for summary in calls.values():
        for kind, count in summary["injected"].items():
            if kind != _BY_STATUS:
                found[_NAMES.get(kind, kind)] += count
        for row in summary["by"]:
            if row["fault"] == _BY_STATUS:
                found[str(row["status"])] += row["count"]
    found["webhook_repeated"] += sum(1 for row in deliveries if row["fault"] == _PLAYED_AGAIN)
    order = {kind: place for place, kind in enumerate(WORDS)}
    return dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))
