"""Sage Intacct's XML gateway.

In a REPL::

    client = Client(settings, transport=transport, logins=MemoryLogins(), clock=SystemClock())
    entries = await client.find_gl_batches(reference_no="PD-4711")
"""

from ml_connector.transport.vendor import Vendor
from ml_connector.vendors.sage_intacct import drafts, models
from ml_connector.vendors.sage_intacct.characters import Removed
from ml_connector.vendors.sage_intacct.client import Client
from ml_connector.vendors.sage_intacct.errors import (
    CLOSED_BOOKS,
    ClosedPeriodError,
    PartlyDoneError,
    TakenError,
)
from ml_connector.vendors.sage_intacct.ping import RIGHTS
from ml_connector.vendors.sage_intacct.profile import PROFILE, limits_of
from ml_connector.vendors.sage_intacct.settings import Settings
from ml_connector.vendors.sage_intacct.writing import Written

VENDOR = Vendor(profile=PROFILE, settings=Settings, open_client=Client, limits_of=limits_of)

__all__ = [
    "CLOSED_BOOKS",
    "PROFILE",
    "RIGHTS",
    "VENDOR",
    "Client",
    "ClosedPeriodError",
    "PartlyDoneError",
    "Removed",
    "Settings",
    "TakenError",
    "Written",
    "drafts",
    "limits_of",
    "models",
]
