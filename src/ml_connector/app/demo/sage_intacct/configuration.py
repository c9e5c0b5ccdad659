"""The configuration under which the demo's company works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ml_connector.app.demo.crm import VAT_FIELD
from ml_connector.app.demo.deployment import INSTALLATION, POLL_EVERY
from ml_connector.app.demo.sage_intacct.catalogue import (
    ACCOUNTS,
    INACTIVE,
    MAPPED_LATER,
    OFFSET_ACCOUNT,
    RECURRING_ACCOUNT,
)
from ml_connector.app.demo.sage_intacct.seeding import ERP, GO_LIVE_BEFORE, GROUP_FIELD, LABEL
from ml_connector.app.demo.simulators import CRM, Simulators

FLOW, VENDORS = "won_deal_to_journal_entry", "organization_to_vendor"
ZONE = "America/New_York"
"""Where the company's day begins."""
STAGE = "Negotiation"
"""From this stage on a deal counts."""
JOURNAL = "GJ"


def configuration(simulators: Simulators, *, now: datetime, is_complete: bool) -> dict[str, Any]:
    """Return a configuration that points at the simulators; at first a mapping is missing."""
    crm, erp = simulators.described[CRM], simulators.described[ERP]
    go_live = (now - GO_LIVE_BEFORE).isoformat()
    when = {"every": f"{POLL_EVERY.seconds // 60}m"}
    return {
        "sandbox": True,
        "connections": {
            "crm": {
                "vendor": "pipedrive",
                "settings": {
                    "api_url": crm["url"],
                    "api_token": "${env:CRM_TOKEN}",
                    "plan": "premium",
                    "seats": 5,
                },
            },
            "erp": {
                "vendor": "sage_intacct",
                "settings": {
                    "gateway_url": erp["gateway_url"],
                    "sender_id": erp["sender_id"],
                    "sender_password": "${env:SENDER_PASSWORD}",
                    "company_id": erp["company_id"],
                    "user_id": erp["user_id"],
                    "user_password": "${env:USER_PASSWORD}",
                    "time_zone": ZONE,
                    "concurrent_requests": 6,
                },
            },
        },
        "installations": {
            INSTALLATION: {
                "pair": "sage_intacct",
                "crm": "crm",
                "erp": "erp",
                "webhooks": True,
                "provide_fields": True,
                "settings": _settings(is_complete=is_complete),
                "flows": {
                    FLOW: {"on": True, "go_live": go_live, "when": when},
                    VENDORS: {"on": True, "go_live": go_live, "when": when},
                },
            }
        },
    }


def secrets(simulators: Simulators) -> Mapping[str, str]:
    """Return what the configuration's secrets stand for."""
    crm, erp = simulators.described[CRM], simulators.described[ERP]
    return {
        "CRM_TOKEN": crm["api_token"],
        "SENDER_PASSWORD": erp["sender_password"],
        "USER_PASSWORD": erp["user_password"],
    }


def _settings(*, is_complete: bool) -> dict[str, Any]:
    accounts = {**ACCOUNTS, **INACTIVE, **(MAPPED_LATER if is_complete else {})}
    return {
        "trigger": {"on": "won_or_stage", "stages": [STAGE]},
        "posting": {"journal": JOURNAL, "offset_account": OFFSET_ACCOUNT, "state": "posted"},
        "line_mapping": {
            "fields": {
                "Account": {"from": f"product.{GROUP_FIELD}", "table": "revenue accounts"},
            },
            "tables": {
                "revenue accounts": {"entries": accounts},
                "recurring accounts": {"entries": {"monthly": RECURRING_ACCOUNT}},
            },
        },
        "vendors": {
            "labels": [LABEL],
            "vendor_type": "Pipedrive customer",
            "tax_number_field": VAT_FIELD,
        },
        "vendor_mapping": {"fields": {"TAXID": f"organization.{VAT_FIELD}"}},
    }
