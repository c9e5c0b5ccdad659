"""What the flows of every such pair work with: the CRM's client, and what settings name there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

from ml_connector.integrations.from_pipedrive.resolving import DealMappings
from ml_connector.integrations.from_pipedrive.rules import DealSettings
from ml_connector.sync.context import RunContext
from ml_connector.vendors import pipedrive

S = TypeVar("S", bound=DealSettings)


class DealContext(RunContext[S], ABC):
    """One run of a pair that starts from Pipedrive's deals."""

    @property
    def pipedrive(self) -> pipedrive.Client:
        """The CRM's client."""
        client: pipedrive.Client = self.sides["crm"].client
        return client

    @abstractmethod
    async def mappings(self) -> DealMappings:
        """Return everything that the settings name, as the fields are now."""

    def tell_drift(self, found: DealMappings) -> None:
        """Tell once each field that was renamed or has disappeared."""
        for words in found.notices:
            self.tell("drift", f"field:{words}", words)
        for fault in found.lost_fields:
            self.tell("drift", f"field:{'.'.join(fault.path)}", str(fault))

    async def shown_in(self, name: str) -> str | None:
        """Return the key of the CRM field that shows something of ours, if there is one.

        ``name`` is the setting, such as ``write_back.vendor_number``: the field that it names, or
        else the one that was provided for us.
        """
        found = await self.mappings()
        own = self.installation.own_fields.get(name.rpartition(".")[2])
        return found.named_fields.get(name, None if found.is_named(name) else own)
