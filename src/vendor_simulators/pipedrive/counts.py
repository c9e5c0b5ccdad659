"""What records count about each other: deals of an organization, notes of a deal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def optional_field(company: Company, kind: str, row: Row, name: str) -> Any:
    """Return a response field that v2 shows only when asked for."""
    if name in row:
        return row[name]
    if name.endswith("_deals_count"):
        return _deals(company, kind, row, name)
    if name.endswith(("activities_count", "_activity_id")):
        return _activities(company, kind, row, name)
    count = _COUNTED.get(name)
    if count is not None:
        return count(company, kind, row)
    return 0 if name.endswith("_count") else None


def smart_bcc(kind: str, row_id: int) -> str:
    """Return the address that files an e-mail under a record."""
    tag = f"+deal{row_id}" if kind == "deal" else ""
    return f"{COMPANY_DOMAIN}{tag}@pipedrivemail.com"


def _notes(company: Company, kind: str, row: Row) -> int:
    notes = company["note"].where(COLUMNS[kind], row["id"])
    return sum(note["active_flag"] for note in notes)


def _people(company: Company, _kind: str, row: Row) -> int:
    people = company["person"].where("org_id", row["id"])
    return sum(not person["is_deleted"] for person in people)


def _participants(company: Company, _kind: str, row: Row) -> int:
    more = company["participant"].count("deal_id", row["id"])
    return more + (row["person_id"] is not None)


_COUNTED: Mapping[str, Callable[[Company, str, Row], Any]] = {
    "smart_bcc_email": lambda _company, kind, row: smart_bcc(kind, row["id"]),
    "notes_count": _notes,
    "people_count": _people,
    "participants_count": _participants,
    "products_count": lambda company, _kind, row: company["deal_product"].count(
        "deal_id", row["id"]
    ),
}


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
