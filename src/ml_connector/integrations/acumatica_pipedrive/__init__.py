"""Acumatica and Pipedrive: won deals become sales orders."""

from ml_connector.integrations.acumatica_pipedrive.integration import INTEGRATION

__all__ = ["INTEGRATION"]
