"""Deals: their stages, their status, and the dates that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendor_simulators.pipedrive import answers, lines
from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.rules import (
    UnfitError,
    born,
    checked_currency,
    checked_references,
    checked_visibility,
    custom_after,
    default_currency,
    owner_of,
    require,
)
from vendor_simulators.pipedrive.wire import Row

CLOSED = frozenset({"won", "lost"})
_REFERENCES = {"owner_id": "user", "person_id": "person", "org_id": "organization"}
_PLAIN = (
    "title", "value", "probability", "expected_close_date", "label_ids", "person_id", "org_id",
    "owner_id", "channel", "channel_id",
)  # fmt: skip
_LOCAL_DATES = {
    "won_time": "local_won_date",
    "lost_time": "local_lost_date",
    "close_time": "local_close_date",
}


def create_deal(company: Company, given: Mapping[str, Any], actor: Actor) -> Row:
    """Add a deal from v2's names; ``id`` and times may be given when seeding."""
    _check_cap(company, given, actor)
    checked_references(company, given, _REFERENCES)
    stage = _stage_for(company, given)
    owner_id = owner_of(given, actor)
    times = born(company, given)
    deal: Row = {
        "id": given.get("id") or company["deal"].take_id(),
        "title": given["title"],
        "creator_user_id": given.get("creator_user_id") or actor.user_id,
        "owner_id": owner_id,
        "value": given.get("value") or 0,
        "person_id": given.get("person_id"),
        "org_id": given.get("org_id"),
        "stage_id": stage["id"],
        "pipeline_id": stage["pipeline_id"],
        "currency": _currency(company, given, owner_id),
        "archive_time": None,
        **times,
        "stage_change_time": None,
        "status": "open",
        "is_archived": False,
        "is_deleted": False,
        "probability": given.get("probability"),
        "lost_reason": None,
        "visible_to": checked_visibility(company, given),
        **dict.fromkeys((*_LOCAL_DATES, *_LOCAL_DATES.values())),
        "expected_close_date": given.get("expected_close_date"),
        "label_ids": given.get("label_ids") or [],
        **_origin(given, actor),
        "acv": None,
        "arr": None,
        "mrr": None,
        "custom_fields": custom_after({}, given.get("custom_fields") or {}),
        "first_won_time": None,
        "source_lead_id": None,
        "delete_time": None,
    }
    deal.update(_status_columns(company, deal, given, times["add_time"]))
    deal.update(_archive_columns(company, given))
    return company.insert("deal", deal, actor)


def update_deal(company: Company, deal: Row, given: Mapping[str, Any], actor: Actor) -> None:
    """Change what is given; raise UnfitError for what does not fit."""
    checked_references(company, given, _REFERENCES)
    changes: Row = {name: given[name] for name in _PLAIN if name in given}
    if given.get("pipeline_id") or given.get("stage_id"):
        changes |= _stage_columns(company, deal, given)
    if given.get("currency"):
        changes["currency"] = checked_currency(company, given["currency"])
    if given.get("visible_to"):
        changes["visible_to"] = checked_visibility(company, given)
    if "value" in changes:
        _settle_value(company, deal, changes)
    custom = deal["custom_fields"]
    if "value" in given and company.switches["value_write_resets_custom_fields"]:
        custom = {}
    if "custom_fields" in given or custom is not deal["custom_fields"]:
        changes["custom_fields"] = custom_after(custom, given.get("custom_fields") or {})
    changes |= _status_columns(company, deal, given, company.stamp())
    changes |= _archive_columns(company, given)
    company.change("deal", deal, changes, actor)
    if "currency" in changes:
        lines.follow_currency(company, deal, actor)


def refuse_archived(company: Company, deal: Row) -> None:
    """Raise what the API answers to a write to an archived deal."""
    status = company.switches["archived_edit"]
    if not deal["is_archived"] or status == 200:  # noqa: PLR2004 - an HTTP status
        return
    if status == 400:  # noqa: PLR2004 - an HTTP status
        raise UnfitError("id", "Archived deals cannot be edited")
    error = "Archived deals cannot be edited"
    raise answers.forbidden(error) if status == 403 else answers.v2_missing()  # noqa: PLR2004 - as above


def default_pipeline(company: Company) -> Row:
    """Return the first pipeline."""
    alive = [pipeline for pipeline in company["pipeline"] if not pipeline["is_deleted"]]
    if not alive:
        raise UnfitError("pipeline_id", "there is no pipeline")
    return min(alive, key=lambda pipeline: (pipeline["order_nr"], pipeline["id"]))


def stages_of(company: Company, pipeline_id: int) -> list[Row]:
    """Return a pipeline's stages in their order."""
    found = company["stage"].where("pipeline_id", pipeline_id)
    alive = [stage for stage in found if not stage["is_deleted"]]
    return sorted(alive, key=lambda stage: (stage["order_nr"], stage["id"]))


def _check_cap(company: Company, given: Mapping[str, Any], actor: Actor) -> None:
    limit = company.switches["open_deals_limit"]
    if limit is None or actor.source != "api" or given.get("status", "open") != "open":
        return
    if company["deal"].count("status", "open") >= limit:
        raise answers.capped("deal", "deals")


def _currency(company: Company, given: Mapping[str, Any], owner_id: int) -> str:
    wanted = given.get("currency")
    return checked_currency(company, wanted) if wanted else default_currency(company, owner_id)


def _origin(given: Mapping[str, Any], actor: Actor) -> Row:
    origin = "API" if actor.source == "api" else "ManuallyCreated"
    return {
        "origin": given.get("origin") or origin,
        "origin_id": given.get("origin_id"),
        "channel": given.get("channel"),
        "channel_id": given.get("channel_id"),
    }


def _stage_for(company: Company, given: Mapping[str, Any]) -> Row:
    """Return the stage that pipeline_id and stage_id mean together."""
    pipeline_id, stage_id = given.get("pipeline_id"), given.get("stage_id")
    if stage_id:
        stage = require(company, "stage", stage_id, name="stage_id")
        if pipeline_id and pipeline_id != stage["pipeline_id"]:
            raise UnfitError("stage_id", f"Stage {stage_id} is not in pipeline {pipeline_id}")
        return stage
    if pipeline_id:
        require(company, "pipeline", pipeline_id, name="pipeline_id")
    stages = stages_of(company, pipeline_id or default_pipeline(company)["id"])
    if not stages:
        raise UnfitError("pipeline_id", "the pipeline has no stage")
    return stages[0]


def _stage_columns(company: Company, deal: Row, given: Mapping[str, Any]) -> Row:
    if given.get("pipeline_id") == deal["pipeline_id"] and not given.get("stage_id"):
        return {}
    stage = _stage_for(company, given)
    if stage["id"] == deal["stage_id"]:
        return {}
    columns = {"stage_id": stage["id"], "pipeline_id": stage["pipeline_id"]}
    return {**columns, "stage_change_time": company.stamp()}


def _settle_value(company: Company, deal: Row, changes: Row) -> None:
    """Decide what a value sent for a deal does whose lines already make its value."""
    if lines.enabled_lines(company, deal["id"]):
        if company.switches["value_with_lines"] == "rejected":
            raise UnfitError("value", "Deal value is calculated from its products")
        del changes["value"]
    elif changes["value"] is None:
        changes["value"] = 0


def _status_columns(company: Company, deal: Row, given: Mapping[str, Any], now: str) -> Row:
    """Return status and the columns that follow from it."""
    status = given.get("status") or deal["status"]
    _check_closing(status, given)
    columns: Row = {}
    if status != deal["status"]:
        columns = dict.fromkeys((*_LOCAL_DATES, *_LOCAL_DATES.values(), "lost_reason"))
        columns["status"] = status
        if status == "open" and not company.switches["first_won_time_kept"]:
            columns["first_won_time"] = None
        if status in CLOSED:
            columns[f"{status}_time"] = columns["close_time"] = now
    for name in (*_LOCAL_DATES, "lost_reason"):
        if given.get(name) is not None:
            columns[name] = given[name]
    if given.get("won_time") and not given.get("close_time"):
        columns["close_time"] = given["won_time"]
    for name, local in _LOCAL_DATES.items():
        if columns.get(name):
            columns[local] = company.local_date(columns[name], deal["owner_id"])
    if columns.get("won_time") and not deal["first_won_time"]:
        columns["first_won_time"] = columns["won_time"]
    return columns


def _check_closing(status: str, given: Mapping[str, Any]) -> None:
    allowed = {"won_time": {"won"}, "lost_time": {"lost"}, "close_time": CLOSED}
    for name, statuses in {**allowed, "lost_reason": {"lost"}}.items():
        if given.get(name) is not None and status not in statuses:
            wanted = " or ".join(sorted(statuses))
            raise UnfitError(name, f"can only be set if deal status is {wanted}")


def _archive_columns(company: Company, given: Mapping[str, Any]) -> Row:
    if given.get("is_archived") is None:
        return {}
    if not given["is_archived"]:
        return {"is_archived": False, "archive_time": None}
    return {"is_archived": True, "archive_time": given.get("archive_time") or company.stamp()}
