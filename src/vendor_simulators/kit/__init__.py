"""What all simulators share: clock, journal, faults, webhooks out, control API, sandbox."""

from vendor_simulators.kit.clock import SimClock
from vendor_simulators.kit.deliveries import Delivery, Outbox
from vendor_simulators.kit.faults import Effect, FaultBook, Match, Rule, Storm
from vendor_simulators.kit.journal import Journal
from vendor_simulators.kit.sandbox import Sandbox
from vendor_simulators.kit.simulator import BODY, ControlError, Simulator, Switch, json_answer

__all__ = [
    "BODY",
    "ControlError",
    "Delivery",
    "Effect",
    "FaultBook",
    "Journal",
    "Match",
    "Outbox",
    "Rule",
    "Sandbox",
    "SimClock",
    "Simulator",
    "Storm",
    "Switch",
    "json_answer",
]
