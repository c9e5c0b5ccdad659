"""The fields that every Pipedrive account has, as data: v2's code, v1's key, name and type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Builtin(NamedTuple):
    """A field that nobody defined."""

    code: str
    name: str
    field_type: str
    v1_key: str = ""  # where v1 calls it otherwise
    is_optional: bool = False  # v2 answers carry it only when include_fields names it
    options: tuple[tuple[Any, str], ...] = ()


_VISIBILITY = (
    ("1", "Item owner"),
    ("3", "Item owner's visibility group"),
    ("5", "Item owner's visibility group and sub-groups"),
    ("7", "All users"),
)
_STATUSES = (("open", "Open"), ("won", "Won"), ("lost", "Lost"), ("deleted", "Deleted"))
_FREQUENCIES = tuple(
    (name, name.capitalize())
    for name in ("one-time", "weekly", "monthly", "quarterly", "semi-annually", "annually")
)

_COMMON = (
    Builtin("id", "ID", "int"),
    Builtin("owner_id", "Owner", "user", "owner_id"),
    Builtin("add_time", "Created", "date"),
    Builtin("update_time", "Last updated", "date"),
    Builtin("visible_to", "Visible to", "visible_to", options=_VISIBILITY),
)

_DEAL = (
    Builtin("id", "ID", "int"),
    Builtin("title", "Title", "varchar"),
    Builtin("creator_user_id", "Creator", "user"),
    Builtin("owner_id", "Owner", "user", "user_id"),
    Builtin("value", "Value", "double"),
    Builtin("currency", "Currency", "varchar"),
    Builtin("probability", "Probability", "double"),
    Builtin("org_id", "Organization", "org"),
    Builtin("person_id", "Contact person", "people"),
    Builtin("pipeline_id", "Pipeline", "double", "pipeline"),
    Builtin("stage_id", "Stage", "stage"),
    Builtin("label_ids", "Label", "set", "label", options=((1, "Hot"), (2, "Warm"), (3, "Cold"))),
    Builtin("status", "Status", "status", options=_STATUSES),
    Builtin("add_time", "Deal created", "date"),
    Builtin("update_time", "Update time", "date"),
    Builtin("stage_change_time", "Last stage change", "date"),
    Builtin("next_activity_id", "Next activity", "activity", is_optional=True),
    Builtin("last_activity_id", "Last activity", "activity", is_optional=True),
    Builtin("won_time", "Won time", "date"),
    Builtin("first_won_time", "First won time", "date", is_optional=True),
    Builtin("lost_time", "Lost time", "date"),
    Builtin("close_time", "Deal closed on", "date"),
    Builtin("lost_reason", "Lost reason", "varchar_options"),
    Builtin("visible_to", "Visible to", "visible_to", options=_VISIBILITY),
    Builtin("products_count", "Product quantity", "int", is_optional=True),
    Builtin("activities_count", "Total activities", "int", is_optional=True),
    Builtin("done_activities_count", "Done activities", "int", is_optional=True),
    Builtin("undone_activities_count", "Activities to do", "int", is_optional=True),
    Builtin("email_messages_count", "Email messages count", "int", is_optional=True),
    Builtin("expected_close_date", "Expected close date", "date"),
    Builtin("is_archived", "Archive status", "boolean"),
    Builtin("archive_time", "Archive time", "date"),
    Builtin("origin", "Source origin", "varchar"),
    Builtin("origin_id", "Source origin ID", "varchar"),
    Builtin("channel", "Source channel", "enum"),
    Builtin("channel_id", "Source channel ID", "varchar"),
    Builtin("mrr", "MRR", "monetary"),
    Builtin("arr", "ARR", "monetary"),
    Builtin("acv", "ACV", "monetary"),
)

_PERSON = (
    *_COMMON,
    Builtin("name", "Name", "varchar"),
    Builtin("first_name", "First name", "varchar"),
    Builtin("last_name", "Last name", "varchar"),
    Builtin(
        "label_ids",
        "Labels",
        "set",
        "label",
        options=((1, "Customer"), (2, "Hot lead"), (3, "Warm lead"), (4, "Cold lead")),
    ),
    Builtin("phones", "Phone", "phone", "phone"),
    Builtin("emails", "Email", "varchar", "email"),
    Builtin("org_id", "Organization", "org"),
    Builtin("picture_id", "Profile picture", "picture"),
    Builtin("open_deals_count", "Open deals", "int", is_optional=True),
    Builtin("won_deals_count", "Won deals", "int", is_optional=True),
)

_ORGANIZATION = (
    *_COMMON,
    Builtin("name", "Name", "varchar"),
    Builtin(
        "label_ids",
        "Labels",
        "set",
        "label",
        options=((5, "Customer"), (6, "Hot lead"), (7, "Warm lead"), (8, "Cold lead")),
    ),
    Builtin("address", "Address", "address"),
    Builtin("picture_id", "Profile picture", "picture"),
    Builtin("people_count", "People", "int", is_optional=True),
    Builtin("open_deals_count", "Open deals", "int", is_optional=True),
    Builtin("won_deals_count", "Won deals", "int", is_optional=True),
    Builtin("website", "Website", "varchar"),
    Builtin("linkedin", "LinkedIn profile", "varchar"),
    Builtin("industry", "Industry", "enum"),
    Builtin("annual_revenue", "Annual revenue", "double"),
    Builtin("employee_count", "Number of employees", "double"),
)

_PRODUCT = (
    *_COMMON,
    Builtin("name", "Name", "varchar"),
    Builtin("code", "Product code", "varchar"),
    Builtin("description", "Description", "text"),
    Builtin("category", "Category", "enum", options=(("18", "Hardware"), ("19", "Services"))),
    Builtin("unit", "Unit", "varchar"),
    Builtin("prices", "Unit prices", "price_list", "unit_prices"),
    Builtin("tax", "Tax", "double"),
    Builtin("is_linkable", "Active", "boolean", "selectable"),
    Builtin("billing_frequency", "Billing frequency", "billing_frequency", options=_FREQUENCIES),
    Builtin("billing_frequency_cycles", "Billing cycles", "int"),
)

_ACTIVITY = (
    *_COMMON[:4],
    Builtin("subject", "Subject", "varchar"),
    Builtin("type", "Type", "enum"),
    Builtin("deal_id", "Deal", "deal"),
    Builtin("person_id", "Contact person", "people"),
    Builtin("org_id", "Organization", "org"),
    Builtin("due_date", "Due date", "date"),
    Builtin("due_time", "Due time", "time"),
    Builtin("duration", "Duration", "time"),
    Builtin("done", "Done", "boolean"),
    Builtin("note", "Note", "text"),
)

_NOTE = (
    Builtin("id", "ID", "int"),
    Builtin("content", "Content", "text"),
    Builtin("user_id", "User", "user"),
    Builtin("deal_id", "Deal", "deal"),
    Builtin("person_id", "Person", "people"),
    Builtin("org_id", "Organization", "org"),
    Builtin("add_time", "Add time", "date"),
    Builtin("update_time", "Update time", "date"),
)

BUILTIN_FIELDS: Mapping[str, tuple[Builtin, ...]] = {
    "deal": _DEAL,
    "person": _PERSON,
    "organization": _ORGANIZATION,
    "product": _PRODUCT,
    "activity": _ACTIVITY,
    "note": _NOTE,
}
