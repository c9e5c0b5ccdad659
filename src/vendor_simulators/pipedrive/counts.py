"""What records count about each other: deals of an organization, notes of a deal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendor_simulators.pipedrive.company import COMPANY_DOMAIN, Company
from vendor_simulators.pipedrive.wire import Row

COLUMNS: Mapping[str, str] = {"deal": "deal_id", "person": "person_id", "organization": "org_id"}
_STATUSES: Mapping[str, tuple[str, ...]] = {
    "open": ("open",),
    "closed": ("won", "lost"),
    "won": ("won",),
    "lost": ("lost",),
}


def extra(company: Company, kind: str, row: Row, name: str) -> Any:
    """Return an optional response field."""
    if name in row:
        return row[name]
    if name == "smart_bcc_email":
        return smart_bcc(kind, row["id"])
    if name.endswith("_deals_count"):
        return _deals(company, kind, row, name)
    if name.endswith("activities_count") or name.endswith("_activity_id"):
        return _activities(company, kind, row, name)
    if name == "notes_count":
        notes = company["note"].where(COLUMNS[kind], row["id"])
        return sum(note["active_flag"] for note in notes)
    counted = {
        "products_count": ("deal_product", "deal_id"),
        "people_count": ("person", "org_id"),
    }
    if name in counted:
        other, column = counted[name]
        return sum(not one.get("is_deleted") for one in company[other].where(column, row["id"]))
    if name == "participants_count":
        extra_people = company["participant"].count("deal_id", row["id"])
        return extra_people + (row["person_id"] is not None)
    return 0 if name.endswith("_count") else None


def smart_bcc(kind: str, row_id: int) -> str:
    """Return the address that files an e-mail under a record."""
    tag = f"+deal{row_id}" if kind == "deal" else ""
    return f"{COMPANY_DOMAIN}{tag}@pipedrivemail.com"


def _deals(company: Company, kind: str, row: Row, name: str) -> int:
    statuses = _STATUSES.get(name.removesuffix("_deals_count").rpartition("_")[2], ())
    if "participant" in name:
        return 0
    return sum(
        deal["status"] in statuses and not deal["is_deleted"]
        for deal in company["deal"].where(COLUMNS[kind], row["id"])
    )


def _activities(company: Company, kind: str, row: Row, name: str) -> int | None:
    found = [
        activity
        for activity in company["activity"].where(COLUMNS[kind], row["id"])
        if not activity["is_deleted"]
    ]
    done = [activity for activity in found if activity["done"]]
    to_do = [activity for activity in found if not activity["done"]]
    if name == "activities_count":
        return len(found)
    if name == "done_activities_count":
        return len(done)
    if name == "undone_activities_count":
        return len(to_do)
    pool = sorted(
        to_do if name == "next_activity_id" else done,
        key=lambda activity: (activity["due_date"] or "", activity["id"]),
    )
    if not pool:
        return None
    return int(pool[0 if name == "next_activity_id" else -1]["id"])
