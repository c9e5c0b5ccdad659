"""v2: pipelines and stages."""

from __future__ import annotations

from vendor_simulators.pipedrive import pipelines
from vendor_simulators.pipedrive.answers import Answer
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.v2 import validation as v
from vendor_simulators.pipedrive.v2.lists import page_readers, sorted_page
from vendor_simulators.pipedrive.v2.reading import delete_call, one, readable
from vendor_simulators.pipedrive.v2.views import pipeline_view, stage_view

_PIPELINES = page_readers("id", "update_time", "add_time")
_STAGES = {
    "pipeline_id": v.query_number,
    **page_readers("id", "update_time", "add_time", "order_nr"),
}
_PIPELINE_BODY: dict[str, v.Reader] = {
    "name": v.text(255, shortest=1),
    "is_deal_probability_enabled": v.flag,
}
_STAGE_BODY: dict[str, v.Reader] = {
    "name": v.text(255, shortest=1),
    "pipeline_id": v.integer,
    "deal_probability": v.integer,
    "is_deal_rot_enabled": v.flag,
    "days_to_rotten": v.optional(v.integer),
}
_READ, _WRITE = scopes("deals:read", "admin"), scopes("admin")


def _list_pipelines(call: Call) -> Answer:
    query = v.read_query(call, _PIPELINES)
    alive = [row for row in call.company["pipeline"] if not row["is_deleted"]]
    return sorted_page(alive, query, pipeline_view)


def _list_stages(call: Call) -> Answer:
    query = v.read_query(call, _STAGES)
    wanted = query.get("pipeline_id")
    table = call.company["stage"]
    rows = list(table) if wanted is None else table.where("pipeline_id", wanted)
    return sorted_page([row for row in rows if not row["is_deleted"]], query, stage_view)


def _get_pipeline(call: Call) -> Answer:
    v.read_query(call, {})
    return one(readable(call, "pipeline"), pipeline_view)


def _get_stage(call: Call) -> Answer:
    v.read_query(call, {})
    return one(readable(call, "stage"), stage_view)


def _create_pipeline(call: Call) -> Answer:
    given = v.read_body(call, _PIPELINE_BODY, required=("name",))
    return one(pipelines.create_pipeline(call.company, given, call.actor), pipeline_view)


def _create_stage(call: Call) -> Answer:
    given = v.read_body(call, _STAGE_BODY, required=("name", "pipeline_id"))
    return one(pipelines.create_stage(call.company, given, call.actor), stage_view)


def _update_pipeline(call: Call) -> Answer:
    row = call.found("pipeline")
    call.company.change("pipeline", row, v.read_body(call, _PIPELINE_BODY), call.actor)
    return one(row, pipeline_view)


def _update_stage(call: Call) -> Answer:
    row = call.found("stage")
    pipelines.update_stage(call.company, row, v.read_body(call, _STAGE_BODY), call.actor)
    return one(row, stage_view)


OPERATIONS = (
    Operation(method="GET", path="/pipelines", cost=5, run=_list_pipelines, scopes=_READ),
    Operation(method="GET", path="/pipelines/{id}", cost=1, run=_get_pipeline, scopes=_READ),
    Operation(method="POST", path="/pipelines", cost=5, run=_create_pipeline, scopes=_WRITE),
    Operation(method="PATCH", path="/pipelines/{id}", cost=5, run=_update_pipeline, scopes=_WRITE),
    Operation(
        method="DELETE", path="/pipelines/{id}", cost=3, run=delete_call("pipeline"), scopes=_WRITE
    ),
    Operation(method="GET", path="/stages", cost=5, run=_list_stages, scopes=_READ),
    Operation(method="GET", path="/stages/{id}", cost=1, run=_get_stage, scopes=_READ),
    Operation(method="POST", path="/stages", cost=5, run=_create_stage, scopes=_WRITE),
    Operation(method="PATCH", path="/stages/{id}", cost=5, run=_update_stage, scopes=_WRITE),
    Operation(
        method="DELETE", path="/stages/{id}", cost=3, run=delete_call("stage"), scopes=_WRITE
    ),
)
