"""What this pair's flows work with: both clients by name, settings, references, mappings."""

from __future__ import annotations

from datetime import datetime

from ml_connector.integrations.from_pipedrive import resolving
from ml_connector.integrations.from_pipedrive.context import DealContext
from ml_connector.integrations.sage_intacct_pipedrive.fields import Mappings, making
from ml_connector.integrations.sage_intacct_pipedrive.ledger import Ledger, ledger_of
from ml_connector.integrations.sage_intacct_pipedrive.settings import Settings
from ml_connector.vendors import sage_intacct

REVERSAL = "R"
"""Ends the reference of what takes an entry back: ``PD-42R``."""


class Context(DealContext[Settings]):
    """One run of this pair."""

    @property
    def intacct(self) -> sage_intacct.Client:
        """The ERP's client, where the connection works: at the top level or in an entity."""
        client: sage_intacct.Client = self.sides["erp"].client
        return client

    @property
    def ledger(self) -> Ledger:
        """What entries are posted to: accounts, journals, places, books."""
        return ledger_of(self.intacct, self.clock)

    def reference(self, deal_id: int | str, *, posting: int, ending: str = "") -> str:
        """Return what an entry of ours carries: ``PD-42``, then ``PD-42-2``."""
        plain = f"{self.settings.reference_prefix}-{deal_id}"
        return f"{plain if posting == 1 else f'{plain}-{posting}'}{ending}"

    def control_id(self, reference: str, event_at: datetime) -> str:
        """Return by what Intacct refuses a second create: the reference and the deal's own moment.

        The moment is the deal's, never that of sending, which would be new at every attempt.
        """
        return f"mlc-{reference}-{int(event_at.timestamp())}"

    async def mappings(self) -> Mappings:
        """Return the mappings, checked against the fields that both sides have now.

        A field that was renamed or has disappeared is told once.
        """
        found = await resolving.in_force(
            self.pipedrive,
            lambda: making(self.settings, self.intacct, self.installation.pins),
            self.installation,
        )
        self.tell_drift(found)
        return found
