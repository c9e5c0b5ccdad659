"""Every vendor and every pair of vendors that this service knows."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.core.errors import ConfigurationError
from ml_connector.integrations import acumatica_pipedrive, sage_intacct_pipedrive
from ml_connector.sync.flow import Integration
from ml_connector.transport.vendor import Vendor
from ml_connector.vendors import acumatica, pipedrive, sage_intacct

VENDORS: Mapping[str, Vendor] = {
    vendor.profile.name: vendor
    for vendor in (pipedrive.VENDOR, acumatica.VENDOR, sage_intacct.VENDOR)
}

INTEGRATIONS: Mapping[str, Integration] = {
    integration.name: integration
    for integration in (acumatica_pipedrive.INTEGRATION, sage_intacct_pipedrive.INTEGRATION)
}


def pair(name: str) -> Integration:
    """Return a pair by its full name, or by its ERP's name alone.

    Raises ConfigurationError that names those there are.
    """
    found = INTEGRATIONS.get(name) or INTEGRATIONS.get(f"{name}_pipedrive")
    if found is None:
        known = ", ".join(sorted(known.removesuffix("_pipedrive") for known in INTEGRATIONS))
        raise ConfigurationError(f"there is no pair {name!r}; there are: {known}")
    return found
