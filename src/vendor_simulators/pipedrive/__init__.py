"""A simulated Pipedrive: API v1 and v2 over one company's books, OAuth, budgets, webhooks."""

from vendor_simulators.pipedrive.plays import ACTIONS
from vendor_simulators.pipedrive.simulator import PipedriveSimulator
from vendor_simulators.pipedrive.switches import SWITCHES

SIMULATOR = PipedriveSimulator

__all__ = ["ACTIONS", "SIMULATOR", "SWITCHES", "PipedriveSimulator"]
