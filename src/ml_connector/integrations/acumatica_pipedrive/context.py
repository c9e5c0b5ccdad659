"""What this pair's flows work with: both clients by name, settings, references, mappings."""

from __future__ import annotations

from ml_connector.integrations.acumatica_pipedrive.fields import Mappings, making
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.integrations.from_pipedrive import resolving
from ml_connector.integrations.from_pipedrive.context import DealContext
from ml_connector.vendors import acumatica


class Context(DealContext[Settings]):
    """One run of this pair."""

    @property
    def acumatica(self) -> acumatica.Client:
        """The ERP's client."""
        client: acumatica.Client = self.sides["erp"].client
        return client

    def reference(self, kind: str, key: object, *, occurrence: int = 1) -> str:
        """Return what a record of ours carries in the ERP: ``pd-deal-42``, then ``-2``."""
        plain = f"{self.settings.reference_prefix}-{kind}-{key}"
        return plain if occurrence == 1 else f"{plain}-{occurrence}"

    async def mappings(self) -> Mappings:
        """Return the mappings, checked against the fields that both sides have now.

        A field that was renamed or has disappeared is told once.
        """
        found = await resolving.in_force(
            self.pipedrive,
            lambda: making(self.settings, self.acumatica, self.installation.pins),
            self.installation,
        )
        self.tell_drift(found)
        return found
