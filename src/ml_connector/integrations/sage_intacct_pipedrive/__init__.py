"""Sage Intacct and Pipedrive: won deals become journal entries."""

from ml_connector.integrations.sage_intacct_pipedrive.integration import INTEGRATION

__all__ = ["INTEGRATION"]
