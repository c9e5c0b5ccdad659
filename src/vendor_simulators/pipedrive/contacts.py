"""Organizations and persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.fields import ADDRESS_PARTS
from vendor_simulators.pipedrive.rules import (
    UnfitError,
    born,
    checked_references,
    checked_visibility,
    custom_after,
    owner_of,
)
from vendor_simulators.pipedrive.wire import Row

ENRICHMENT = ("website", "linkedin", "industry", "annual_revenue", "employee_count")
SYNCED = ("postal_address", "notes", "im", "birthday", "job_title")
LONGEST_SYNC_NOTES = 10_000
_ORGANIZATION_COLUMNS = ("name", "owner_id", "label_ids", "picture_id", *ENRICHMENT)
_PERSON_COLUMNS = ("owner_id", "org_id", "label_ids", "picture_id", *SYNCED)
_PERSON_REFERENCES = {"owner_id": "user", "org_id": "organization"}


def create_organization(company: Company, given: Mapping[str, Any], actor: Actor) -> Row:
    """Add an organization from v2's names."""
    checked_references(company, given, {"owner_id": "user"})
    row: Row = {
        "id": given.get("id") or company["organization"].take_id(),
        "name": given["name"],
        "owner_id": owner_of(given, actor),
        **born(company, given),
        "address": whole_address(given.get("address")),
        "is_deleted": False,
        "visible_to": checked_visibility(company, given),
        "label_ids": given.get("label_ids") or [],
        "picture_id": given.get("picture_id"),
        **{name: given.get(name) for name in ENRICHMENT},
        "custom_fields": custom_after({}, given.get("custom_fields") or {}),
        "delete_time": None,
    }
    return company.insert("organization", row, actor)


def update_organization(company: Company, row: Row, given: Mapping[str, Any], actor: Actor) -> None:
    """Change what is given; an address is replaced whole."""
    checked_references(company, given, {"owner_id": "user"})
    changes: Row = {name: given[name] for name in _ORGANIZATION_COLUMNS if name in given}
    if "address" in given:
        changes["address"] = whole_address(given["address"])
    company.change("organization", row, changes | _shared(company, row, given), actor)


def create_person(company: Company, given: Mapping[str, Any], actor: Actor) -> Row:
    """Add a person from v2's names."""
    checked_references(company, given, _PERSON_REFERENCES)
    _check_sync(company, given)
    row: Row = {
        "id": given.get("id") or company["person"].take_id(),
        **_names({"name": "", "first_name": None, "last_name": None}, given),
        "owner_id": owner_of(given, actor),
        "org_id": given.get("org_id"),
        **born(company, given),
        "emails": contact_points(given.get("emails")),
        "phones": contact_points(given.get("phones")),
        "is_deleted": False,
        "visible_to": checked_visibility(company, given),
        "label_ids": given.get("label_ids") or [],
        "picture_id": given.get("picture_id"),
        **{name: given.get(name) for name in SYNCED},
        "custom_fields": custom_after({}, given.get("custom_fields") or {}),
        "delete_time": None,
    }
    return company.insert("person", row, actor)


def update_person(company: Company, row: Row, given: Mapping[str, Any], actor: Actor) -> None:
    """Change what is given; emails and phones are replaced whole."""
    checked_references(company, given, _PERSON_REFERENCES)
    _check_sync(company, given)
    changes: Row = {name: given[name] for name in _PERSON_COLUMNS if name in given}
    if given.keys() & {"name", "first_name", "last_name"}:
        changes |= _names(row, given)
    for name in ("emails", "phones"):
        if name in given:
            changes[name] = contact_points(given[name])
    company.change("person", row, changes | _shared(company, row, given), actor)


def whole_address(given: Mapping[str, Any] | str | None) -> Row | None:
    """Return an address with every part; what is not given is null."""
    if not given:
        return None
    parts = {"value": given} if isinstance(given, str) else given
    return {"value": parts.get("value"), **{part: parts.get(part) for part in ADDRESS_PARTS}}


def contact_points(given: Sequence[Mapping[str, Any]] | None) -> list[Row]:
    """Return e-mails or phones complete: a label each, exactly one of them primary."""
    points: list[Row] = [
        {"value": point["value"], "primary": False, "label": point.get("label") or "work"}
        for point in given or ()
    ]
    if points:
        chosen = [number for number, point in enumerate(given or ()) if point.get("primary")]
        points[chosen[0] if chosen else 0]["primary"] = True
    return points


def main_point(points: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the primary e-mail or phone."""
    return next((str(point["value"]) for point in points if point["primary"]), None)


def _names(current: Mapping[str, Any], given: Mapping[str, Any]) -> Row:
    """Return the three names; each side follows from the other as in the app."""
    if given.get("name") and not given.keys() & {"first_name", "last_name"}:
        first, _, last = given["name"].strip().partition(" ")
        return {"name": given["name"], "first_name": first, "last_name": last or None}
    first = given.get("first_name", current["first_name"])
    last = given.get("last_name", current["last_name"])
    name = given.get("name") or " ".join(part for part in (first, last) if part)
    return {"name": name, "first_name": first, "last_name": last}


def _shared(company: Company, row: Row, given: Mapping[str, Any]) -> Row:
    changes: Row = {}
    if given.get("visible_to"):
        changes["visible_to"] = checked_visibility(company, given)
    if "custom_fields" in given:
        changes["custom_fields"] = custom_after(row["custom_fields"], given["custom_fields"] or {})
    return changes


def _check_sync(company: Company, given: Mapping[str, Any]) -> None:
    used = [name for name in SYNCED if given.get(name) is not None]
    if used and not company.switches["contact_sync"]:
        raise UnfitError(used[0], "You do not have permissions to do this.", HTTPStatus.FORBIDDEN)
    if len(given.get("notes") or "") > LONGEST_SYNC_NOTES:
        raise UnfitError("notes", f"longer than {LONGEST_SYNC_NOTES} characters")
