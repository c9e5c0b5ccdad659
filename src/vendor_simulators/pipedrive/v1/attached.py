"""Activities, notes, pipelines, stages and users as v1 shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from vendor_simulators.pipedrive.company import COMPANY_ID, Company
from vendor_simulators.pipedrive.fields import ADDRESS_PARTS
from vendor_simulators.pipedrive.wire import Row, v1_time

_ACTIVITY = (
    "id", "subject", "type", "done", "due_date", "duration", "deal_id", "lead_id", "org_id",
    "person_id", "project_id", "note", "public_description", "conference_meeting_client",
    "conference_meeting_url", "conference_meeting_id",
)  # fmt: skip
_NOTE_IDS = (
    "id", "user_id", "deal_id", "person_id", "org_id", "lead_id", "project_id", "task_id",
)  # fmt: skip
_PINS = ("deal", "person", "organization", "lead", "project", "task")


def attached_views(company: Company) -> Mapping[str, Callable[[Row], Row]]:
    """Return the views by kind."""
    return {
        "activity": partial(activity_view, company),
        "note": partial(note_view, company),
        "pipeline": pipeline_view,
        "stage": partial(stage_view, company),
        "user": user_view,
    }


def activity_view(company: Company, row: Row) -> Row:
    """Show an activity."""
    location = row["location"] or {}
    return {
        "company_id": COMPANY_ID,
        **{name: row[name] for name in _ACTIVITY},
        "user_id": row["owner_id"],
        "assigned_to_user_id": row["owner_id"],
        "created_by_user_id": row["creator_user_id"],
        "update_user_id": None,
        "due_time": row["due_time"] or "",
        "busy_flag": row["busy"],
        "add_time": v1_time(row["add_time"]),
        "update_time": v1_time(row["update_time"]),
        "marked_as_done_time": v1_time(row["marked_as_done_time"]) or "",
        "active_flag": not row["is_deleted"],
        "location": location.get("value"),
        **{f"location_{part}": location.get(part) for part in ADDRESS_PARTS},
        "participants": [
            {"person_id": one["person_id"], "primary_flag": one["primary"]}
            for one in row["participants"]
        ],
        "attendees": row["attendees"] or None,
        "org_name": _of(company, "organization", row["org_id"], "name"),
        "person_name": _of(company, "person", row["person_id"], "name"),
        "deal_title": _of(company, "deal", row["deal_id"], "title"),
        "owner_name": _of(company, "user", row["owner_id"], "name"),
    }


def note_view(company: Company, row: Row) -> Row:
    """Show a note with what it is attached to."""
    author = company["user"].find(row["user_id"])
    shown: Row = {
        **{name: row[name] for name in _NOTE_IDS},
        "content": row["content"],
        "add_time": v1_time(row["add_time"]),
        "update_time": v1_time(row["update_time"]),
        "active_flag": row["active_flag"],
        **{f"pinned_to_{pin}_flag": row[f"pinned_to_{pin}_flag"] for pin in _PINS},
        "last_update_user_id": row["last_update_user_id"],
        "lead": None,
        "project": None,
        "task": None,
        "user": None,
    }
    for name, column, shown_as in (
        ("organization", "org_id", "name"),
        ("person", "person_id", "name"),
        ("deal", "deal_id", "title"),
    ):
        found = _of(company, name, row[column], shown_as)
        shown[name] = None if found is None else {shown_as: found}
    if author is not None:
        name, email = author["name"], author["email"]
        shown["user"] = {"email": email, "name": name, "icon_url": None, "is_you": True}
    return shown


def pipeline_view(row: Row) -> Row:
    """Show a pipeline."""
    return {
        "id": row["id"],
        "name": row["name"],
        "url_title": row["name"].replace(" ", "-"),
        "order_nr": row["order_nr"],
        "active": not row["is_deleted"],
        "deal_probability": row["is_deal_probability_enabled"],
        "add_time": v1_time(row["add_time"]),
        "update_time": v1_time(row["update_time"]),
        "selected": row["order_nr"] == 1,
    }


def stage_view(company: Company, row: Row) -> Row:
    """Show a stage."""
    pipeline = company["pipeline"].find(row["pipeline_id"]) or {}
    return {
        **{name: row[name] for name in ("id", "order_nr", "name")},
        "active_flag": not row["is_deleted"],
        "deal_probability": row["deal_probability"],
        "pipeline_id": row["pipeline_id"],
        "rotten_flag": row["is_deal_rot_enabled"],
        "rotten_days": row["days_to_rotten"],
        "add_time": v1_time(row["add_time"]),
        "update_time": v1_time(row["update_time"]),
        "pipeline_name": pipeline.get("name"),
        "pipeline_deal_probability": pipeline.get("is_deal_probability_enabled", False),
    }


def user_view(row: Row) -> Row:
    """Show a user."""
    return {
        **{name: value for name, value in row.items() if name not in {"add_time", "update_time"}},
        "created": v1_time(row["add_time"]),
        "modified": v1_time(row["update_time"]),
    }


def _of(company: Company, kind: str, row_id: int | None, column: str) -> Any:
    row = company[kind].find(row_id)
    return None if row is None else row[column]
