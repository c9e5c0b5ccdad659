"""Acumatica's contract-based REST API.

In a REPL::

    client = Client(settings, transport=transport, logins=MemoryLogins(), clock=SystemClock())
    order = await client.sales_order_in_full("SO/SO004211")
"""

from ml_connector.transport.vendor import Consent, Vendor, Webhooks
from ml_connector.vendors.acumatica import auth, drafts, models, webhooks
from ml_connector.vendors.acumatica.client import Client
from ml_connector.vendors.acumatica.definitions import LOOKUPS
from ml_connector.vendors.acumatica.echo import Difference, Written
from ml_connector.vendors.acumatica.errors import LockedError
from ml_connector.vendors.acumatica.ping import RIGHTS
from ml_connector.vendors.acumatica.profile import PROFILE, limits_of
from ml_connector.vendors.acumatica.settings import Settings

VENDOR = Vendor(
    profile=PROFILE,
    settings=Settings,
    open_client=Client,
    limits_of=limits_of,
    webhooks=Webhooks(verify=webhooks.verify, read=webhooks.read, destination=webhooks.DESTINATION),
    consent=Consent(
        authorize_url=auth.authorize_url, exchange=auth.exchange, login_name=auth.LOGIN
    ),
)

__all__ = [
    "LOOKUPS",
    "PROFILE",
    "RIGHTS",
    "VENDOR",
    "Client",
    "Difference",
    "LockedError",
    "Settings",
    "Written",
    "drafts",
    "limits_of",
    "models",
]
