"""The configuration under which the demo's company works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.app.demo.acumatica.catalogue import (
    GOODS,
    ITEM_WITHOUT_PRODUCTS,
    UNIT_TABLE,
    WHOLE_UNITS,
)
from ml_connector.app.demo.crm import VAT_FIELD
from ml_connector.app.demo.deployment import INSTALLATION, POLL_EVERY
from ml_connector.app.demo.simulators import Simulators

FLOW = "won_deal_to_sales_order"


def secrets(simulators: Simulators) -> Mapping[str, str]:
    """Return what the configuration's secrets stand for."""
    crm, erp = simulators.described["pipedrive"], simulators.described["acumatica"]
    return {
        "CRM_TOKEN": crm["api_token"],
        "ERP_CLIENT_SECRET": erp["client_secret"],
        "ERP_PASSWORD": erp["password"],
    }


def configuration(simulators: Simulators) -> dict[str, Any]:
    """Return a configuration that points at the simulators."""
    crm, erp = simulators.described["pipedrive"], simulators.described["acumatica"]
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
                "vendor": "acumatica",
                "settings": {
                    "instance_url": erp["instance_url"],
                    "endpoint_version": erp["endpoint_version"],
                    "login_mode": "oauth_password",
                    "client_id": erp["client_id"],
                    "client_secret": "${env:ERP_CLIENT_SECRET}",
                    "username": erp["username"],
                    "password": "${env:ERP_PASSWORD}",
                    "concurrent_requests": 8,
                },
            },
        },
        "installations": {
            INSTALLATION: {
                "pair": "acumatica",
                "crm": "crm",
                "erp": "erp",
                "webhooks": True,
                "provide_fields": True,
                "settings": _installation_settings(),
                "flows": {
                    FLOW: {"on": True, "when": {"every": f"{POLL_EVERY.seconds // 60}m"}},
                },
            }
        },
    }


def _installation_settings() -> dict[str, Any]:
    units = {good.unit: good.erp_unit for good in GOODS if good.unit} | dict(UNIT_TABLE)
    return {
        "customers": {"tax_number_field": VAT_FIELD},
        "orders": {
            "item_without_products": ITEM_WITHOUT_PRODUCTS,
            "whole_units": list(WHOLE_UNITS),
        },
        "customer_mapping": {
            "fields": {
                "CustomerClass": {"constant": "DEFAULT", "on_existing": "never"},
                "Terms": {"constant": "NET30", "on_existing": "never"},
                "TaxRegistrationID": f"organization.{VAT_FIELD}",
            }
        },
        "line_mapping": {
            "fields": {"UOM": {"from": "product.unit", "table": "units"}},
            "tables": {"units": {"entries": units}},
        },
    }
