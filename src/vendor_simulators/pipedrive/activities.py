"""Activities and notes: what is attached to deals and contacts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.rules import UnfitError, born, checked_references, owner_of
from vendor_simulators.pipedrive.wire import Row

NOTE_TARGETS = ("deal_id", "person_id", "org_id", "lead_id", "project_id", "task_id")
PINS = tuple(
    f"pinned_to_{target}_flag"
    for target in ("deal", "person", "organization", "lead", "project", "task")
)
_ACTIVITY_COLUMNS = (
    "subject", "type", "owner_id", "deal_id", "lead_id", "org_id", "project_id", "due_date",
    "due_time", "duration", "busy", "done", "location", "attendees", "public_description",
    "priority", "note",
)  # fmt: skip
_ACTIVITY_REFERENCES = {"owner_id": "user", "deal_id": "deal", "org_id": "organization"}
_NOTE_REFERENCES = {"deal_id": "deal", "person_id": "person", "org_id": "organization"}
_SCRIPT = re.compile(r"<(script|style|iframe)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_REWRITTEN = {"b": "strong", "i": "em", "li": "div", "p": "div"}
_HANDLER = re.compile(r"\son\w+\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)


def create_activity(company: Company, given: Mapping[str, Any], actor: Actor) -> Row:
    """Add an activity; its person is the primary participant."""
    checked_references(company, given, _ACTIVITY_REFERENCES)
    kind = _checked_type(company, given.get("type") or "call")
    row: Row = {
        "id": given.get("id") or company["activity"].take_id(),
        "subject": given.get("subject") or kind.capitalize(),
        "type": kind,
        "owner_id": owner_of(given, actor),
        "creator_user_id": actor.user_id,
        "is_deleted": False,
        **born(company, given),
        **{name: given.get(name) for name in _ACTIVITY_COLUMNS[3:]},
        "busy": given.get("busy") or False,
        "done": given.get("done") or False,
        "marked_as_done_time": company.stamp() if given.get("done") else None,
        "attendees": given.get("attendees") or [],
        **_participants(company, given),
        "conference_meeting_client": None,
        "conference_meeting_url": None,
        "conference_meeting_id": None,
        "delete_time": None,
    }
    return company.insert("activity", row, actor)


def update_activity(company: Company, row: Row, given: Mapping[str, Any], actor: Actor) -> None:
    """Change what is given."""
    checked_references(company, given, _ACTIVITY_REFERENCES)
    changes: Row = {name: given[name] for name in _ACTIVITY_COLUMNS if name in given}
    if "type" in given:
        changes["type"] = _checked_type(company, given["type"])
    if given.keys() & {"participants", "person_id"}:
        changes |= _participants(company, given)
    if "done" in given and given["done"] != row["done"]:
        changes["marked_as_done_time"] = company.stamp() if given["done"] else None
    company.change("activity", row, changes, actor)


def create_note(company: Company, given: Mapping[str, Any], actor: Actor) -> Row:
    """Add a note; one on a deal gets the deal's person and organization too."""
    checked_references(company, given, _NOTE_REFERENCES)
    if not any(given.get(target) for target in NOTE_TARGETS):
        raise UnfitError(
            "deal_id", "At least one of deal_id, person_id, org_id, lead_id must be given"
        )
    row: Row = {
        "id": given.get("id") or company["note"].take_id(),
        "user_id": given.get("user_id") or actor.user_id,
        **{target: given.get(target) for target in NOTE_TARGETS},
        "content": _sanitised(company, given.get("content")),
        **born(company, given),
        "active_flag": True,
        **{pin: bool(given.get(pin)) for pin in PINS},
        "last_update_user_id": None,
    }
    deal = company["deal"].find(row["deal_id"])
    if deal is not None:
        row["person_id"] = row["person_id"] or deal["person_id"]
        row["org_id"] = row["org_id"] or deal["org_id"]
    company.insert("note", row, actor)
    if deal is not None and company.switches["note_touches_deal"]:
        company["deal"].apply(deal, {"update_time": company.stamp()})
    return row


def update_note(company: Company, row: Row, given: Mapping[str, Any], actor: Actor) -> None:
    """Change what is given; deleted notes take changes too."""
    checked_references(company, given, _NOTE_REFERENCES)
    changes: Row = {name: given[name] for name in NOTE_TARGETS if name in given}
    changes |= {pin: bool(given[pin]) for pin in PINS if pin in given}
    if "content" in given:
        changes["content"] = _sanitised(company, given["content"])
    changes["last_update_user_id"] = actor.user_id
    company.change("note", row, changes, actor)


def delete_note(company: Company, row: Row, actor: Actor) -> None:
    """Deactivate a note; it stays readable by id."""
    company.delete("note", row, actor)
    company["note"].apply(row, {"active_flag": False})


def _participants(company: Company, given: Mapping[str, Any]) -> Row:
    wanted = given.get("participants")
    if wanted is None and given.get("person_id"):
        wanted = [{"person_id": given["person_id"], "primary": True}]
    found: list[Row] = []
    for participant in wanted or ():
        person_id = participant["person_id"]
        checked_references(company, {"participants": person_id}, {"participants": "person"})
        found.append({"person_id": person_id, "primary": bool(participant.get("primary"))})
    if found and not any(participant["primary"] for participant in found):
        found[0]["primary"] = True
    primary = next((one["person_id"] for one in found if one["primary"]), None)
    return {"person_id": primary, "participants": found}


def _checked_type(company: Company, key: str) -> str:
    if not any(kind["key_string"] == key for kind in company["activity_type"]):
        raise UnfitError("type", f"Activity type {key} was not found")
    return key


def _sanitised(company: Company, content: Any) -> str:
    """Return a note without scripts and handlers; raise UnfitError if empty or too long."""
    if not isinstance(content, str) or not content.strip():
        raise UnfitError("content", "Note content must not be empty")
    longest = company.switches["longest_note"]
    if len(content) > longest:
        raise UnfitError("content", f"Note content exceeds {longest} characters")
    clean = _HANDLER.sub("", _SCRIPT.sub("", content))
    if company.switches["notes_reformatted"]:
        for tag, other in _REWRITTEN.items():
            clean = clean.replace(f"<{tag}>", f"<{other}>").replace(f"</{tag}>", f"</{other}>\n")
    return clean
