"""Pipelines and stages. There is no stage that means won: won is a status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.rules import require
from vendor_simulators.pipedrive.wire import Row

_STAGE_COLUMNS = (
    "name", "pipeline_id", "deal_probability", "is_deal_rot_enabled", "days_to_rotten",
)  # fmt: skip


def create_pipeline(company: Company, given: Mapping[str, Any], actor: Actor) -> Row:
    """Add a pipeline after the others."""
    added = given.get("add_time") or company.stamp()
    row: Row = {
        "id": given.get("id") or company["pipeline"].take_id(),
        "name": given["name"],
        "order_nr": given.get("order_nr") or len(company["pipeline"]) + 1,
        "is_deleted": False,
        "is_deal_probability_enabled": bool(given.get("is_deal_probability_enabled")),
        "add_time": added,
        "update_time": given.get("update_time") or added,
        "delete_time": None,
    }
    return company.insert("pipeline", row, actor)


def create_stage(company: Company, given: Mapping[str, Any], actor: Actor) -> Row:
    """Add a stage at the end of its pipeline; its update_time is null until a change."""
    pipeline = require(company, "pipeline", given.get("pipeline_id"), name="pipeline_id")
    row: Row = {
        "id": given.get("id") or company["stage"].take_id(),
        "name": given["name"],
        "order_nr": given.get("order_nr")
        or company["stage"].count("pipeline_id", pipeline["id"]) + 1,
        "pipeline_id": pipeline["id"],
        "deal_probability": given.get("deal_probability", 100),
        "is_deal_rot_enabled": bool(given.get("is_deal_rot_enabled")),
        "days_to_rotten": given.get("days_to_rotten"),
        "is_deleted": False,
        "add_time": given.get("add_time") or company.stamp(),
        "update_time": given.get("update_time"),
        "delete_time": None,
    }
    return company.insert("stage", row, actor)


def update_stage(company: Company, row: Row, given: Mapping[str, Any], actor: Actor) -> None:
    """Change what is given."""
    if "pipeline_id" in given:
        require(company, "pipeline", given["pipeline_id"], name="pipeline_id")
    changes = {name: given[name] for name in _STAGE_COLUMNS if name in given}
    company.change("stage", row, changes, actor)
