"""What this pair's flows work with: both clients by name, settings, references, mappings."""

from __future__ import annotations

from urllib.parse import quote

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

    def own_field(self, name: str) -> str | None:
        """Return the CRM field that shows something of ours: the user's choice, or our own."""
        chosen: str | None = getattr(self.settings.write_back, name)
        return chosen or self.installation.own_fields.get(name)

    def acumatica_page(self, screen: str, key: str) -> str:
        """Return the address at which a person opens a record in Acumatica."""
        kind, _, number = key.partition("/")
        query = {"order": f"ScreenId=SO301000&OrderType={quote(kind)}&OrderNbr={quote(number)}"}
        return f"{self.acumatica.settings.instance_url}/Main?{query[screen]}"

    async def mappings(self) -> Mappings:
        """Return the mappings, checked against the fields that Pipedrive has now."""
        return await compiled(
            self.settings,
            self.pipedrive,
            configuration_version=self.installation.configuration_version,
        )
