"""Which state a deal's order should have, and whether we may bring it there (ACU-09, M-01, M-08).

Pure rules. The table of the settings says which state is wanted; where it names neither the
deal's stage nor its status, the rules under ``after`` decide as before. A lost or deleted deal
goes by its status alone: it keeps the stage in which it ended, which says nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ml_connector.integrations.acumatica_pipedrive.order_state_settings import (
    DealStatus,
    OrderState,
    OrderStates,
)
from ml_connector.sync.mapping.compiling import MappingFault, MappingFaultsError
from ml_connector.sync.mapping.fields import did_you_mean, folded
from ml_connector.vendors.pipedrive.models import Deal

Step = Literal["hold", "release", "cancel", "reopen", "open"]

_ENDED = frozenset({"lost", "deleted"})
_STANDS: Mapping[str, OrderState] = {
    "On Hold": "hold",
    "Open": "open",
    "Pending Approval": "open",
    "Awaiting Payment": "open",
    "Pending Processing": "open",
    "Back Order": "open",
    "Canceled": "cancelled",
}
"""The statuses of which an order can be moved on; all others are past that, or are finance's.

An order that was released and waits for an approval, a payment or stock counts as open: what it
waits for is Acumatica's.
"""

BACK_ORDER = "Back Order"
CREDIT_HOLD = "Credit Hold"
REOPENED = "reopened"
"""The aim of a reopening: what the order is then is for the site to say."""


# What is wanted -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The state that the table gives an order."""

    state: OrderState
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTable:
    """The table of the settings, with every stage resolved."""

    by_stage: Mapping[str, OrderState] = field(default_factory=dict)
    """By the stage's id; empty while the stages have not been read."""
    goes_by_stage: bool = False
    """Whether the settings name stages."""
    by_status: Mapping[DealStatus, OrderState] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of the stages by id, as messages call them."""
    pins: Mapping[str, str] = field(default_factory=dict)

    def wanted(self, deal: Deal) -> Wanted | None:
        """Return the state of a deal's order; None where the table says nothing of it."""
        if deal.is_gone:
            return self.of_gone(str(deal.id))
        stage = str(deal.stage_id)
        if stage in self.by_stage and deal.status not in _ENDED:
            because = f"deal {deal.id} is in stage {self.names.get(stage, stage)}"
            return Wanted(state=self.by_stage[stage], because=because)
        return self._by_status(deal.status, f"deal {deal.id} is {deal.status}")

    def of_gone(self, deal_key: str) -> Wanted | None:
        """Return the state of the order of a deal that was deleted."""
        return self._by_status("deleted", f"deal {deal_key} was deleted")

    def _by_status(self, status: str | None, because: str) -> Wanted | None:
        states: Mapping[Any, OrderState] = self.by_status
        return Wanted(state=states[status], because=because) if status in states else None


def state_table(
    rules: OrderStates, stages: Mapping[str, str] | None, pins: Mapping[str, str]
) -> StateTable:
    """Resolve the stages by id or name; raises MappingFaultsError that names every fault.

    A stage that was renamed is found by its pin. ``stages`` are names by id, None while they have
    not been read.
    """
    by_stage: dict[str, OrderState] = {}
    found: dict[str, str] = {}
    faults: list[MappingFault] = []
    for named, state in rules.by_stage.items() if stages is not None else ():
        pin = f"order_states.by_stage.{named}"
        try:
            stage = _stage(named, stages or {}, pins.get(pin))
        except ValueError as exc:
            faults.append(MappingFault(path=tuple(pin.split(".", 2)), words=str(exc)))
            continue
        if by_stage.setdefault(stage, state) != state:
            words = f"stage {stage} is named twice, with {by_stage[stage]} and with {state}"
            faults.append(MappingFault(path=tuple(pin.split(".", 2)), words=words))
        found[pin] = stage
    if faults:
        raise MappingFaultsError(faults)
    return StateTable(
        by_stage=by_stage,
        goes_by_stage=bool(rules.by_stage),
        by_status=rules.by_status,
        names=stages or {},
        pins=found,
    )


def _stage(named: str, stages: Mapping[str, str], pinned: str | None) -> str:
    if pinned in stages:
        return str(pinned)
    if named in stages:
        return named
    same = [each for each, name in stages.items() if folded(name) == folded(named)]
    if len(same) == 1:
        return same[0]
    if same:
        raise ValueError(f"{named!r} is the name of several: {', '.join(same)}; give the id")
    raise ValueError(f"{named!r} is no stage in Pipedrive{did_you_mean(named, stages.values())}")


# What we may do -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What an order's link remembers of its state."""

    last: OrderState | None = None
    """What we made it last; None where nobody knows."""
    aim: str | None = None
    """What we were about to make it: after a crash, what came of that is ours."""
    not_ours: str | None = None
    """Why its hold, or its end, is not ours to undo."""

    def after(self, status: str | None) -> Memory:
        """Return the same once it is seen what became of what we were about to do."""
        stands = _STANDS.get(status or "")
        is_ours = stands is not None and (
            stands == self.aim or (self.aim == REOPENED and stands != "cancelled")
        )
        if not is_ours:
            return self
        is_half_way = self.aim == REOPENED and status == BACK_ORDER
        return replace(self, last=stands, aim=REOPENED if is_half_way else None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order stays as it is, for a person to act on."""

    words: str


def next_step(wanted: OrderState, status: str | None, memory: Memory) -> Step | Refusal | None:
    """Return what brings an order to the state wanted; None where it is there."""
    if status == CREDIT_HOLD:
        return _of_credit_hold(wanted, memory)
    stands = _STANDS.get(status or "")
    if stands is None:
        return Refusal(f"is {status or 'without a status'} there, where it is not moved any more")
    if stands == wanted:
        is_half_way = status == BACK_ORDER and memory.aim == REOPENED
        return "open" if is_half_way else None
    if memory.last is not None and stands != memory.last:
        return Refusal(f"is {status} there, though we made it {memory.last}: somebody changed it")
    if wanted == "cancelled":
        return "cancel"
    return "hold" if stands == "open" else _undoing(stands, memory)


def _undoing(stands: OrderState, memory: Memory) -> Step | Refusal:
    """Release a hold or reopen what is cancelled, where that was our own doing."""
    called = "on hold" if stands == "hold" else "cancelled"
    if memory.last is None:
        return Refusal(f"is {called} there, and that is not known to be ours to undo")
    if memory.not_ours is not None:
        return Refusal(f"is {called} there, and that is not ours to undo: {memory.not_ours}")
    return "release" if stands == "hold" else "reopen"


def _of_credit_hold(wanted: OrderState, memory: Memory) -> Step | Refusal:
    """An order on credit hold is finance's to release; what we released it may be cancelled."""
    if wanted == "cancelled" and memory.last in {None, "open"}:
        return "cancel"
    return Refusal("is on credit hold there, which is finance's to release")


def as_seen(wanted: OrderState, status: str | None, memory: Memory) -> Memory:
    """Return what to remember of an order that is in the state wanted already."""
    if wanted == "open":
        return Memory(last="open")
    if memory.last == wanted:
        return replace(memory, aim=None)
    return Memory(last=wanted, not_ours=f"somebody in Acumatica made it {status}")


def before_step(step: Step, wanted: OrderState, status: str | None, memory: Memory) -> Memory:
    """Return what to remember before a step, so that a crash in it leaves no doubt."""
    if step == "reopen":
        return replace(memory, aim=REOPENED)
    not_ours = memory.not_ours
    if step == "cancel":
        unknown_hold = status == "On Hold" and memory.last is None
        if status == CREDIT_HOLD or unknown_hold:
            not_ours = f"it was {status} when it was cancelled"
    elif step == "hold":
        not_ours = None
    return replace(memory, aim=wanted, not_ours=not_ours)
