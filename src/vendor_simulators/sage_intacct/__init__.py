"""Sage Intacct, the XML gateway with dtdversion 3.0."""

from vendor_simulators.sage_intacct.simulator import SageIntacct

SIMULATOR = SageIntacct

__all__ = ["SIMULATOR", "SageIntacct"]
