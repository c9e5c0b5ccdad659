"""Faults: scripted ones by rule, random ones by storm, and how often each was injected.

A storm is repeatable: each decision is drawn from (seed, vendor, operation, n-th such call),
never from the order in which calls of different kinds happened to arrive.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal

import msgspec

CallKind = Literal[
    "status", "delay", "cut_before", "cut_after", "cut_body", "reset", "throttle", "slow_body",
    "html", "expire_login",
]  # fmt: skip
WebhookKind = Literal["lose", "double", "reorder", "delay"]
Kind = CallKind | WebhookKind

CALL_KINDS: dict[str, str] = {
    "status": "answer `status` (500) in the vendor's error form, or with `body` and `headers`",
    "delay": "wait `seconds`, then carry on as usual",
    "cut_before": "close the connection without doing anything",
    "cut_after": "do what was asked, then close the connection without an answer",
    "cut_body": "do what was asked, then close the connection in the middle of the answer's body",
    "reset": "reset the connection (RST) without doing anything",
    "throttle": "refuse as the vendor does above its rate limit",
    "slow_body": "send the answer's body in pieces over `seconds`",
    "html": "answer `status` (503) with an HTML page, as a proxy in front of the vendor would",
    "expire_login": "let the caller's token or session expire before looking at the call",
}
WEBHOOK_KINDS: dict[str, str] = {
    "lose": "never send this delivery",
    "double": "send this delivery twice",
    "reorder": "send this delivery after the next one, or after `seconds` if none follows",
    "delay": "send this delivery `seconds` late",
}

_CALL_WEIGHTS: dict[CallKind, float] = {
    "throttle": 3,
    "status": 3,
    "cut_after": 3,
    "delay": 2,
    "cut_before": 1,
    "reset": 1,
    "expire_login": 1,
}
_WEBHOOK_WEIGHTS: dict[WebhookKind, float] = {"lose": 1, "double": 1, "reorder": 1}


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Which calls a rule touches; the parts that are given must all fit.

    ``path``, ``operation``, ``body`` and ``webhook`` are regular expressions searched for in
    the target (path and query), the operation's name, the request's body and, for deliveries,
    the event's name. A rule with ``webhook`` touches deliveries only, one without, calls only.
    """

    method: str | None = None
    path: str | None = None
    operation: str | None = None
    body: str | None = None
    webhook: str | None = None

    def fits_call(self, method: str, target: str, operation: str, body: bytes) -> bool:
        """Say whether a call is meant."""
        if self.webhook is not None or (self.method and self.method.upper() != method):
            return False
        path, wanted, content = self._patterns
        return (
            (path is None or path.search(target) is not None)
            and (wanted is None or wanted.search(operation) is not None)
            and (content is None or content.search(body.decode("utf-8", "replace")) is not None)
        )

    def fits_delivery(self, event: str) -> bool:
        """Say whether a delivery is meant."""
        return self.webhook is not None and re.search(self.webhook, event) is not None

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str] | None, ...]:
        given = (self.path, self.operation, self.body)
        return tuple(None if text is None else re.compile(text) for text in given)


class Effect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to a call or a delivery; CALL_KINDS and WEBHOOK_KINDS say it in words."""

    kind: Kind
    status: int | None = None
    headers: dict[str, str] = {}
    body: Any = None
    seconds: float = 1.0


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A scripted fault: ``times`` matching calls (null: every one) after the first ``skip``."""

    effect: Effect
    match: Match = Match()
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    hits: int = 0


class Storm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Random faults: how likely, of which kinds (with weights), on which calls."""

    probability: float = 0.05
    kinds: dict[CallKind, float] = msgspec.field(default_factory=_CALL_WEIGHTS.copy)
    webhook_probability: float = 0.05
    webhook_kinds: dict[WebhookKind, float] = msgspec.field(default_factory=_WEBHOOK_WEIGHTS.copy)
    statuses: tuple[int, ...] = (500, 502, 503)
    longest_delay: float = 1.0
    match: Match = Match()
    seed: int | None = None


STORMS: dict[str, Storm] = {
    "breeze": Storm(probability=0.01, webhook_probability=0.01),
    "storm": Storm(),
    "hurricane": Storm(probability=0.2, webhook_probability=0.2),
}


class FaultBook:
    """The faults of one vendor: its rules, its storm, and the count of what was injected."""

    def __init__(self, vendor: str, seed: int) -> None:
        self._vendor = vendor
        self._seed = seed
        self.rules: list[Rule] = []
        self.storm: Storm | None = None
        self.injected: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()

    def add(self, rule: Rule) -> None:
        """Let ``rule`` apply from the next call on; earlier rules go first."""
        self.rules.append(rule)

    def start_storm(self, storm: Storm | str) -> None:
        """Begin a storm, given by name (STORMS) or in full; its numbering starts anew."""
        self.storm = STORMS[storm] if isinstance(storm, str) else storm
        self._seen.clear()

    def clear(self) -> None:
        """Forget rules and storm; the counts stay."""
        self.rules.clear()
        self.storm = None

    def count(self, kind: str, number: int = 1) -> None:
        """Count a fault that the simulator injected by itself, such as a lagging search."""
        self.injected[kind] += number

    def for_call(self, method: str, target: str, operation: str, body: bytes) -> Effect | None:
        """Decide about one call; None leaves it alone."""
        if not self.rules and self.storm is None:
            return None
        for rule in self.rules:
            if rule.match.fits_call(method, target, operation, body) and self._fires(
                rule, operation
            ):
                return rule.effect
        storm = self.storm
        if storm is None or not storm.match.fits_call(method, target, operation, body):
            return None
        return self._storm_effect(storm, operation, storm.probability, storm.kinds)

    def for_delivery(self, event: str) -> Effect | None:
        """Decide about one delivery of a webhook; None leaves it alone."""
        for rule in self.rules:
            if rule.match.fits_delivery(event) and self._fires(rule, event):
                return rule.effect
        if self.storm is None:
            return None
        storm = self.storm
        return self._storm_effect(
            storm, f"webhook {event}", storm.webhook_probability, storm.webhook_kinds
        )

    def _fires(self, rule: Rule, operation: str) -> bool:
        if rule.skip > 0:
            rule.skip -= 1
            return False
        if rule.times is not None and rule.hits >= rule.times:
            return False
        if rule.probability < 1 and self._draw(f"rule {operation}")[0] >= rule.probability:
            return False
        rule.hits += 1
        return True

    def _storm_effect(
        self, storm: Storm, operation: str, probability: float, kinds: dict[Any, float]
    ) -> Effect | None:
        chance, choice = self._draw(operation)
        if chance >= probability or not kinds:
            return None
        detail = chance / probability  # uniform again between 0 and 1
        return Effect(
            kind=_weighted(kinds, choice),
            status=storm.statuses[int(detail * len(storm.statuses))] if storm.statuses else None,
            seconds=storm.longest_delay * detail,
        )

    def _draw(self, operation: str) -> tuple[float, float]:
        """Return two numbers in [0, 1) for the next call of ``operation``."""
        self._seen[operation] += 1
        seed = self._seed
        if self.storm is not None and self.storm.seed is not None:
            seed = self.storm.seed
        key = f"{seed}|{self._vendor}|{operation}|{self._seen[operation]}"
        digest = blake2b(key.encode(), digest_size=16).digest()
        whole = 2.0**64
        first, second = int.from_bytes(digest[:8]), int.from_bytes(digest[8:])
        # The nearest float to 2**64 - 1 is 2**64 itself; the smaller bound keeps it below 1.
        return min(first / whole, 1 - 2**-53), min(second / whole, 1 - 2**-53)


def _weighted(kinds: dict[Any, float], choice: float) -> Any:
    mark = choice * sum(kinds.values())
    for kind, weight in kinds.items():
        mark -= weight
        if mark < 0:
            return kind
    return next(iter(kinds))
