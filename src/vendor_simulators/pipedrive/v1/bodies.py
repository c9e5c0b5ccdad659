"""Reading v1's bodies: unknown keys are ignored, numbers and flags may be texts.

Each function returns v2's names, so that both versions change the same rows in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vendor_simulators.pipedrive import custom_values
from vendor_simulators.pipedrive.answers import v1_bad_request
from vendor_simulators.pipedrive.company import Company
from vendor_simulators.pipedrive.fields import ADDRESS_PARTS
from vendor_simulators.pipedrive.rules import default_currency
from vendor_simulators.pipedrive.wire import Row, number_in, read_any_time

Convert = Callable[[Any], Any]
Names = Mapping[str, tuple[str, Convert]]  # v1's key: v2's name, and how to read the value

_YES = frozenset({1, "1", "true"})  # True equals 1


def whole(value: Any) -> int | None:
    """Read an id; relations may come as the object that reads show."""
    if isinstance(value, dict):
        value = value.get("value")
    if value in (None, ""):
        return None
    found = number_in(value)
    if found is None or found != int(found):
        raise v1_bad_request()
    return int(found)


def amount(value: Any) -> Any:
    """Read a number or a numeric text."""
    if value in (None, ""):
        return None
    found = number_in(value)
    if found is None:
        raise v1_bad_request()
    return found


def is_yes(value: Any) -> bool:
    """Read a flag."""
    return not isinstance(value, (dict, list)) and value in _YES


def text(value: Any) -> str | None:
    """Read a text; numbers become texts."""
    return None if value is None else str(value)


def labels(value: Any) -> list[int]:
    """Read labels: one id, several, or several in one text."""
    if value in (None, ""):
        return []
    items = value.split(",") if isinstance(value, str) else value
    return [
        int(found)
        for item in (items if isinstance(items, list) else [items])
        if (found := number_in(item)) is not None
    ]


def points(value: Any) -> list[Row]:
    """Read e-mails or phones: a text, texts, or objects; empty ones are dropped."""
    items = value if isinstance(value, list) else [value]
    found = [item if isinstance(item, dict) else {"value": item} for item in items]
    return [
        {
            "value": str(item["value"]),
            "primary": is_yes(item.get("primary")),
            "label": item.get("label"),
        }
        for item in found
        if item.get("value")
    ]


def moment(value: Any) -> str | None:
    """Read a time in either form; nonsense is ignored."""
    return read_any_time(value)


DEAL: Names = {
    "title": ("title", text),
    "value": ("value", amount),
    "label": ("label_ids", labels),
    "label_ids": ("label_ids", labels),
    "currency": ("currency", text),
    "user_id": ("owner_id", whole),
    "owner_id": ("owner_id", whole),
    "person_id": ("person_id", whole),
    "org_id": ("org_id", whole),
    "pipeline_id": ("pipeline_id", whole),
    "stage_id": ("stage_id", whole),
    "status": ("status", text),
    "probability": ("probability", amount),
    "lost_reason": ("lost_reason", text),
    "visible_to": ("visible_to", whole),
    "add_time": ("add_time", moment),
    "won_time": ("won_time", moment),
    "lost_time": ("lost_time", moment),
    "close_time": ("close_time", moment),
    "expected_close_date": ("expected_close_date", text),
    "origin_id": ("origin_id", text),
    "channel": ("channel", whole),
    "channel_id": ("channel_id", text),
    "is_archived": ("is_archived", is_yes),
    "archive_time": ("archive_time", moment),
}
PERSON: Names = {
    "name": ("name", text),
    "first_name": ("first_name", text),
    "last_name": ("last_name", text),
    "owner_id": ("owner_id", whole),
    "org_id": ("org_id", whole),
    "email": ("emails", points),
    "phone": ("phones", points),
    "label": ("label_ids", labels),
    "label_ids": ("label_ids", labels),
    "visible_to": ("visible_to", whole),
    "add_time": ("add_time", moment),
}
ORGANIZATION: Names = {
    "name": ("name", text),
    "owner_id": ("owner_id", whole),
    "label": ("label_ids", labels),
    "label_ids": ("label_ids", labels),
    "visible_to": ("visible_to", whole),
    "add_time": ("add_time", moment),
    "website": ("website", text),
    "linkedin": ("linkedin", text),
    "industry": ("industry", whole),
    "annual_revenue": ("annual_revenue", whole),
    "employee_count": ("employee_count", whole),
}
PRODUCT: Names = {
    "name": ("name", text),
    "code": ("code", text),
    "description": ("description", text),
    "unit": ("unit", text),
    "tax": ("tax", amount),
    "category": ("category", text),
    "owner_id": ("owner_id", whole),
    "visible_to": ("visible_to", whole),
    "selectable": ("is_linkable", is_yes),
    "billing_frequency": ("billing_frequency", text),
    "billing_frequency_cycles": ("billing_frequency_cycles", whole),
}
LINE: Names = {
    "product_id": ("product_id", whole),
    "item_price": ("item_price", amount),
    "quantity": ("quantity", amount),
    "discount": ("discount", amount),
    "discount_type": ("discount_type", text),
    "product_variation_id": ("product_variation_id", whole),
    "comments": ("comments", text),
    "tax": ("tax", amount),
    "tax_method": ("tax_method", text),
    "enabled_flag": ("is_enabled", is_yes),
    "billing_frequency": ("billing_frequency", text),
    "billing_frequency_cycles": ("billing_frequency_cycles", whole),
    "billing_start_date": ("billing_start_date", text),
}
ACTIVITY: Names = {
    **{name: (name, text) for name in (
        "subject", "type", "due_date", "due_time", "duration", "note", "public_description",
        "lead_id",
    )},
    "user_id": ("owner_id", whole),
    "deal_id": ("deal_id", whole),
    "person_id": ("person_id", whole),
    "org_id": ("org_id", whole),
    "project_id": ("project_id", whole),
    "done": ("done", is_yes),
    "busy_flag": ("busy", is_yes),
}  # fmt: skip
NOTE: Names = {
    "content": ("content", text),
    **{name: (name, whole) for name in (
        "deal_id", "person_id", "org_id", "project_id", "task_id", "user_id",
    )},
    "lead_id": ("lead_id", text),
    "add_time": ("add_time", moment),
    **{f"pinned_to_{name}_flag": (f"pinned_to_{name}_flag", is_yes) for name in (
        "deal", "person", "organization", "lead", "project", "task",
    )},
}  # fmt: skip


def read(given: Row, names: Names) -> Row:
    """Return the values that v1 would take over, in v2's names."""
    return {name: convert(given[key]) for key, (name, convert) in names.items() if key in given}


def custom(
    company: Company, kind: str, given: Row, current: Mapping[str, Any], user_id: int
) -> Row:
    """Return the custom values that a body sets at its top level, as ``{custom_fields: ...}``."""
    values: Row = {}
    for field in company.fields.custom(kind):
        if custom_values.v1_keys(field) & given.keys():
            value = custom_values.from_v1(field, given, current.get(field.code))
            if field.field_type == "monetary" and value is not None and not value["currency"]:
                value["currency"] = default_currency(company, user_id)
            values[field.code] = value
    return {"custom_fields": values} if values else {}


def address(given: Row) -> Row:
    """Return an organization's address: one text, or parts beside it."""
    if "address" not in given:
        return {}
    if isinstance(given["address"], dict):
        return {"address": given["address"]}
    if not given["address"]:
        return {"address": None}
    parts = {part: given.get(f"address_{part}") for part in ADDRESS_PARTS}
    return {"address": {"value": str(given["address"]), **parts}}


def prices(given: Row) -> Row:
    """Return a product's prices; overhead_cost is what v2 calls direct_cost."""
    if not isinstance(given.get("prices"), list):
        return {}
    return {
        "prices": [
            {
                "price": amount(price.get("price")),
                "currency": price.get("currency"),
                "cost": amount(price.get("cost")),
                "direct_cost": amount(price.get("overhead_cost")),
                "notes": price.get("notes"),
            }
            for price in given["prices"]
            if isinstance(price, dict)
        ]
    }
