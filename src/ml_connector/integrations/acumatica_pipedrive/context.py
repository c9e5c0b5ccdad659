"""What this pair's flows work with: both clients by name, settings, references, mappings."""

from __future__ import annotations

from ml_connector.integrations.acumatica_pipedrive.fields import Mappings, compiled
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.sync.context import RunContext
from ml_connector.vendors import acumatica, pipedrive


class Context(RunContext[Settings]):
    """One run of this pair."""

    @property
    def pipedrive(self) -> pipedrive.Client:
        """The CRM's client."""
        client: pipedrive.Client = self.sides["crm"].client
        return client

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
        found = await compiled(
            self.settings,
            self.pipedrive,
            configuration_version=self.installation.configuration_version,
            erp=self.acumatica,
            pins=self.installation.pins,
        )
        for words in found.notices:
            self.tell("drift", f"field:{words}", words)
        for fault in found.lost_fields:
            self.tell("drift", f"field:{'.'.join(fault.path)}", str(fault))
        return found

    async def shown_in(self, name: str) -> str | None:
        """Return the key of the CRM field that shows something of ours, if there is one.

        It is the field that the settings name, or else the one that was provided for us.
        """
        if getattr(self.settings.write_back, name) is not None:
            return (await self.mappings()).named_fields.get(name)
        return self.installation.own_fields.get(name)
