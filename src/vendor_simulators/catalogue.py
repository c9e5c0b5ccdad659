"""Which simulators there are, by vendor; each is imported only when it is started."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vendor_simulators.kit.simulator import Simulator

# Every vendor that has a port of its own, in the order of the ports.
VENDORS = (
    "acumatica",
    "dynamics365",
    "oracle_fusion",
    "pipedrive",
    "sage_intacct",
    "visma_net",
)


def available() -> tuple[str, ...]:
    """Return the vendors whose simulator is built, in the order of their ports."""
    return tuple(name for name in VENDORS if _is_built(name))


def load(name: str) -> type[Simulator]:
    """Return the simulator class of a vendor; its package exports it as SIMULATOR."""
    if name not in VENDORS:
        raise LookupError(f"there is no vendor {name}; vendors: {', '.join(VENDORS)}")
    simulator: type[Simulator] = import_module(f"vendor_simulators.{name}").SIMULATOR
    return simulator


def _is_built(name: str) -> bool:
    spec = find_spec(f"vendor_simulators.{name}")
    return spec is not None and spec.origin is not None  # a folder without code has no origin
