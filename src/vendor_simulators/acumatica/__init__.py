"""Acumatica Cloud ERP, the contract-based REST API with the Default endpoint."""

from vendor_simulators.acumatica.simulator import Acumatica

SIMULATOR = Acumatica

__all__ = ["SIMULATOR", "Acumatica"]
