"""Pipedrive: one API client, usable alone.

Start with `client.Client`; `NOTES.md` names the vendor's quirks with their sources.
"""

from __future__ import annotations

from dataclasses import replace

from ml_connector.transport.vendor import Vendor
from ml_connector.vendors.pipedrive import deal_lines, drafts, line_rules, models, notes
from ml_connector.vendors.pipedrive.auth import CONSENT, revoke
from ml_connector.vendors.pipedrive.client import Client
from ml_connector.vendors.pipedrive.custom_fields import FieldChanges, FieldSet
from ml_connector.vendors.pipedrive.definitions import Fields
from ml_connector.vendors.pipedrive.drafts import (
    AddressDraft,
    ContactPointDraft,
    DealDraft,
    DealProductDraft,
    DealProductUpdate,
    DealUpdate,
    FieldDraft,
    NoteDraft,
    OrganizationDraft,
    OwnField,
    PersonDraft,
    PriceDraft,
    ProductDraft,
    WebhookDraft,
    Written,
)
from ml_connector.vendors.pipedrive.lists import ListName, Names
from ml_connector.vendors.pipedrive.product_codes import folded_code
from ml_connector.vendors.pipedrive.profile import PROFILE, limits_for
from ml_connector.vendors.pipedrive.settings import Settings
from ml_connector.vendors.pipedrive.subscribing import subscribe
from ml_connector.vendors.pipedrive.subscriptions import Repaired
from ml_connector.vendors.pipedrive.webhooks import WEBHOOKS

VENDOR = Vendor(
    profile=PROFILE,
    settings=Settings,
    open_client=Client,
    webhooks=replace(WEBHOOKS, subscribe=subscribe),
    consent=CONSENT,
    limits_of=limits_for,
)

__all__ = [
    "PROFILE",
    "VENDOR",
    "AddressDraft",
    "Client",
    "ContactPointDraft",
    "DealDraft",
    "DealProductDraft",
    "DealProductUpdate",
    "DealUpdate",
    "FieldChanges",
    "FieldDraft",
    "FieldSet",
    "Fields",
    "ListName",
    "Names",
    "NoteDraft",
    "OrganizationDraft",
    "OwnField",
    "PersonDraft",
    "PriceDraft",
    "ProductDraft",
    "Repaired",
    "Settings",
    "WebhookDraft",
    "Written",
    "deal_lines",
    "drafts",
    "folded_code",
    "limits_for",
    "line_rules",
    "models",
    "notes",
    "revoke",
]
