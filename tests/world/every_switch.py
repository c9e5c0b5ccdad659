"""Every switch that the simulators declare, each with every setting that is not its default.

What is true or false by default is turned round by itself. For the others the settings stand
here, and a switch that has none here fails the tests that go through them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vendor_simulators import catalogue


@dataclass(frozen=True)
class Setting:
    """One switch of one simulator, set to something else."""

    vendor: str
    switch: str
    value: Any

    def __str__(self) -> str:
        value = self.value if isinstance(self.value, str) else json.dumps(self.value)
        return f"{self.vendor}.{self.switch}={value}"


_OTHERS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "acumatica": {
        "versions": [["24.200.001"]],
        "build_version": ["24.215.0012"],
        "forbidden_entities": [["Payment"], ["Contact"]],
        "hidden_fields": [["Customer.PriceClassID"]],
        "token_seconds": [1],
        "refresh_days": [1],
        "sliding_refresh_days": [1],
        "session_idle_minutes": [1],
        "api_users": [1],
        "seat_taken_at": ["call"],
        "seat_limit_status": [429],
        "requests_per_minute": [100_000],
        "concurrent_requests": [1],
        "decline_next": [3],
        "decline_retry_after": [1],
        "work_seconds": [0.02],
        "cold_requests": [1],
        "cold_answer": ["redirect", "unavailable"],
        "list_lag_seconds": [2.0],
        "late_commit_seconds": [2.0],
        "page_limit": [1],
        "details_empty_on_lists": [["SalesOrder"], ["SalesInvoice"]],
        "order_invoices_in_ar": ["always"],
        "numbering": [{"Customer": "manual"}],
        "prepayment_percent": [30],
        "on_hold_customer_orders": ["accept"],
        "moved_contact_company": ["account"],
        "customer_with_open_orders": ["refuse"],
        "order_customer": ["stays"],
        "closed_documents": ["ignore"],
        "tax_rounding": ["line"],
        "reopened_status": ["Back Order", "On Hold"],
        "action_polls": [0, 3],
        "action_seconds": [0.2],
        "foreign_poll_status": [204],
        "push_retry_seconds": [[1]],
    },
    "pipedrive": {
        "plan": ["lite", "growth", "ultimate"],
        "seats": [1],
        "redirect_uri": ["http://127.0.0.1:9601/callback"],
        "app_scopes": ["base deals:full contacts:full products:full"],
        "open_deals_limit": [100],
        "webhooks_per_user": [4],
        "access_token_seconds": [1],
        "oauth_error_form": ["rfc"],
        "oauth_scope_separator": [","],
        "limit_above_maximum": ["clamp"],
        "deleted_get": ["missing"],
        "deleted_deal_status": ["deleted"],
        "v1_missing": [204],
        "no_custom_fields": ["object"],
        "v1_row_pagination": ["flat"],
        "search_lag_seconds": [2.0],
        "archived_edit": [200],
        "value_with_lines": ["rejected"],
        "line_discount_amount": ["per_unit"],
        "deal_discounts": ["one_after_another"],
        "endless_lines_in_value": ["one_year", "nothing"],
        "default_tax_method": ["inclusive", "none"],
        "activity_person_id": ["rejected"],
        "longest_note": [50],
        "burst_limit": [20],
        "search_limit": [1],
        "burst_seconds": [1.0],
        "burst_window": ["fixed"],
        "daily_budget": [100_000],
        "daily_reset_zone": ["America/New_York"],
        "daily_headers": ["never", "after_first"],
        "retry_after": [1],
        "retry_after_daily": [60],
        "cloudflare_after": [3],
        "cloudflare_seconds": [5.0],
        "webhook_secret": ["shared-secret"],
        "v1_relations": ["objects"],
        "delivery_seconds": [5.0],
        "retry_seconds": [[1]],
        "ban_after": [1],
        "ban_seconds": [60],
        "failing_days_until_deletion": [1],
        "lost_webhooks": [1.0],
        "doubled_webhooks": [1.0],
        "reordered_webhooks": [1.0],
        "deliveries_at_once": [1],
    },
}


def settings_of(vendor: str) -> Iterator[Setting]:
    """Return every setting of a simulator that differs from its default."""
    for name, switch in catalogue.load(vendor).SWITCHES.items():
        if isinstance(switch.default, bool):
            yield Setting(vendor, name, not switch.default)
        for value in _OTHERS[vendor].get(name, ()):
            yield Setting(vendor, name, value)


def without_settings(vendor: str) -> set[str]:
    """Return the switches of a simulator that nothing here sets, and what is set in vain."""
    declared = catalogue.load(vendor).SWITCHES
    told = {setting.switch for setting in settings_of(vendor)}
    return (declared.keys() - told) | (_OTHERS[vendor].keys() - declared.keys())
