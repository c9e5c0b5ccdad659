"""Merging: the survivor takes over what pointed at the loser, and the loser is deleted."""

from __future__ import annotations

from collections.abc import Mapping

from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.contacts import contact_points
from vendor_simulators.pipedrive.lines import recompute
from vendor_simulators.pipedrive.rules import UnfitError, custom_after
from vendor_simulators.pipedrive.wire import Row

# What points at a record of a kind: table and column.
_POINTERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "deal": (
        ("deal_product", "deal_id"),
        ("deal_installment", "deal_id"),
        ("discount", "deal_id"),
        ("activity", "deal_id"),
        ("note", "deal_id"),
        ("participant", "deal_id"),
    ),
    "person": (
        ("deal", "person_id"),
        ("activity", "person_id"),
        ("note", "person_id"),
        ("participant", "person_id"),
    ),
    "organization": (
        ("deal", "org_id"),
        ("person", "org_id"),
        ("activity", "org_id"),
        ("note", "org_id"),
        ("relationship", "rel_owner_org_id"),
        ("relationship", "rel_linked_org_id"),
    ),
}
_UNTOLD = frozenset({"discount", "participant", "relationship"})  # kinds without webhooks
_KEPT = frozenset({
    "id", "add_time", "update_time", "is_deleted", "delete_time", "custom_fields", "emails",
    "phones", "label_ids", "status", "value", "mrr", "arr", "acv",
})  # fmt: skip


def merge(company: Company, kind: str, survivor: Row, loser: Row, actor: Actor) -> None:
    """Merge ``loser`` into ``survivor``: the survivor's values win where both have one."""
    if survivor["id"] == loser["id"]:
        raise UnfitError("merge_with_id", "A record cannot be merged with itself")
    for other, column in _POINTERS[kind]:
        for row in company[other].where(column, loser["id"]):
            if other in _UNTOLD:
                company[other].apply(row, {column: survivor["id"]})
            else:
                company.change(other, row, {column: survivor["id"]}, actor)
    changes = _combined(survivor, loser)
    company.delete(kind, loser, actor, merged_to=survivor["id"])
    company.change(kind, survivor, changes, actor, merged_from=loser["id"])
    if kind == "deal":
        recompute(company, survivor, actor)


def _combined(survivor: Row, loser: Row) -> Row:
    changes: Row = {
        key: value
        for key, value in loser.items()
        if survivor.get(key) is None and value is not None and key not in _KEPT
    }
    changes["custom_fields"] = custom_after(loser["custom_fields"], survivor["custom_fields"])
    changes["label_ids"] = list(dict.fromkeys([*survivor["label_ids"], *loser["label_ids"]]))
    for name in ("emails", "phones"):
        if name in survivor:
            known = {point["value"] for point in survivor[name]}
            added = [
                {**point, "primary": False} for point in loser[name] if point["value"] not in known
            ]
            changes[name] = contact_points([*survivor[name], *added])
    return changes
