"""v1: what hangs on records: lines, related lists, pipelines, participants, merge, changelog."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from vendor_simulators.pipedrive import deals, lines
from vendor_simulators.pipedrive.answers import Answer, v1_bad_request, v1_missing, v1_single
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.merging import merge
from vendor_simulators.pipedrive.rules import require
from vendor_simulators.pipedrive.v1 import bodies
from vendor_simulators.pipedrive.v1.attached import pipeline_view
from vendor_simulators.pipedrive.v1.entities import answer_rows
from vendor_simulators.pipedrive.v1.lists import number, offset_page
from vendor_simulators.pipedrive.v1.views import V1Views
from vendor_simulators.pipedrive.wire import Row, read_cursor, v1_time, write_cursor

_LINE_SAME = (
    "id", "deal_id", "order_nr", "product_id", "product_variation_id", "item_price", "discount",
    "discount_type", "sum", "currency", "comments", "tax", "tax_method", "name", "quantity",
    "billing_frequency", "billing_frequency_cycles", "billing_start_date",
)  # fmt: skip
_NOUNS = {"deals": "deal", "persons": "person", "organizations": "organization"}
_CHANGE_PAGE = 100


def _line_view(row: Row) -> Row:
    return {
        **{name: row[name] for name in _LINE_SAME},
        "enabled_flag": row["is_enabled"],
        "add_time": v1_time(row["add_time"]),
        "last_edit": v1_time(row["update_time"]),
        "active_flag": True,
        "quantity_formatted": str(row["quantity"]),
        "sum_formatted": f"{row['sum']} {row['currency']}",
    }


def _list_lines(call: Call) -> Answer:
    found = lines.lines_of(call.company, call.found("deal")["id"])
    views = V1Views(call.company)
    with_products = call.query.get("include_product_data") == "1"

    def view(row: Row) -> Row:
        shown = _line_view(row)
        product = call.company["product"].find(row["product_id"])
        if with_products and product is not None:
            shown["product"] = views.product(product)
        return shown

    answer = offset_page(call, found, view)
    answer.body["additional_data"]["products_quantity_total"] = sum(
        row["quantity"] for row in found
    )
    answer.body["additional_data"]["products_sum_total"] = sum(row["sum"] for row in found)
    return answer


def _add_line(call: Call) -> Answer:
    deal = call.found("deal")
    deals.refuse_archived(call.company, deal)
    given = bodies.read(call.form(), bodies.LINE)
    if any(given.get(name) is None for name in ("product_id", "item_price", "quantity")):
        raise v1_bad_request()
    made = lines.add_lines(call.company, deal, [given], call.actor)
    return v1_single(_line_view(made[0]), status=HTTPStatus.CREATED)


def _line(call: Call, deal: Row) -> Row:
    line = call.found("deal_product", "product_attachment_id")
    if line["deal_id"] != deal["id"]:
        raise v1_missing("Deal product")
    return line


def _update_line(call: Call) -> Answer:
    deal = call.found("deal")
    deals.refuse_archived(call.company, deal)
    line = _line(call, deal)
    given = bodies.read(call.form(), bodies.LINE)
    lines.update_line(call.company, deal, line, given, call.actor)
    return v1_single(_line_view(line))


def _delete_line(call: Call) -> Answer:
    deal = call.found("deal")
    deals.refuse_archived(call.company, deal)
    line = _line(call, deal)
    lines.remove_lines(call.company, deal, [line], call.actor)
    return v1_single({"id": line["id"], "product_attachment_id": line["id"]})


def _related(owner: str, column: str, kind: str) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        row = call.found(owner)
        status = call.query.get("status", "all_not_deleted")
        found = [
            one
            for one in call.company[kind].where(column, row["id"])
            if one["is_deleted"] == (status == "deleted")
            and (kind != "deal" or status not in deals.CLOSED | {"open"} or one["status"] == status)
        ]
        return answer_rows(call, found, kind)

    return run


def _archived(call: Call) -> Answer:
    found = [
        deal for deal in call.company["deal"] if deal["is_archived"] and not deal["is_deleted"]
    ]
    return answer_rows(call, found, "deal")


def _list_pipelines(call: Call) -> Answer:
    alive = [pipeline_view(row) for row in call.company["pipeline"] if not row["is_deleted"]]
    return v1_single(alive)


def _get_one(kind: str) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        return v1_single(V1Views(call.company).of(kind)(call.found(kind)))

    return run


def _list_stages(call: Call) -> Answer:
    wanted = call.query.get("pipeline_id")
    alive = [
        row
        for row in call.company["stage"]
        if not row["is_deleted"] and wanted in {None, str(row["pipeline_id"])}
    ]
    return offset_page(call, alive, V1Views(call.company).of("stage"))


def _participants(call: Call) -> Answer:
    deal = call.found("deal")
    people = [row["person_id"] for row in call.company["participant"].where("deal_id", deal["id"])]
    rows = [{"id": number, "person_id": person} for number, person in enumerate(people, start=1)]
    views = V1Views(call.company)
    return offset_page(
        call,
        rows,
        lambda row: {
            "id": row["id"],
            "person_id": views.person_relation(row["person_id"]),
            "related_item_type": "deal",
            "related_item_id": deal["id"],
        },
    )


def _add_participant(call: Call) -> Answer:
    deal = call.found("deal")
    person_id = bodies.whole(call.form().get("person_id"))
    require(call.company, "person", person_id, name="person_id")
    table = call.company["participant"]
    row = {"id": table.take_id(), "deal_id": deal["id"], "person_id": person_id}
    table.add(row)
    return v1_single(row, status=HTTPStatus.CREATED)


def _merge(kind: str) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        survivor = call.found(kind)
        other = bodies.whole(call.form().get("merge_with_id"))
        loser = require(call.company, kind, other, name="merge_with_id")
        merge(call.company, kind, survivor, loser, call.actor)
        shown = {"id": survivor["id"]}
        if kind == "deal":
            flat = V1Views(call.company, flat=True).deal(survivor)
            shown = {**flat, "merge_what_id": loser["id"]}
        return v1_single(shown)

    return run


def _changelog(kind: str) -> Callable[[Call], Answer]:
    def run(call: Call) -> Answer:
        row = call.found(kind)
        entries = call.company.changelog.get((kind, row["id"]), [])
        changes = [
            {
                "field_key": key,
                "old_value": _as_text(old),
                "new_value": _as_text(new),
                "actor_user_id": entry.actor.user_id,
                "time": v1_time(entry.time),
                "change_source": entry.actor.source,
                "change_source_user_agent": entry.actor.user_agent,
                "is_bulk_update_flag": False,
            }
            for entry in reversed(entries)
            for key, (old, new) in entry.values.items()
        ]
        return _change_page(call, changes)

    return run


def _change_page(call: Call, changes: list[Row]) -> Answer:
    begin, limit = 0, number(call, "limit", _CHANGE_PAGE)
    if "cursor" in call.query:
        marker = read_cursor(call.query["cursor"])
        if marker is None or not isinstance(marker["id"], int):
            raise v1_bad_request()
        begin = marker["id"]
    end = begin + limit
    following = None
    if end < len(changes):
        following = write_cursor(field="position", value=end, direction="asc", record_id=end)
    body = {
        "success": True,
        "data": changes[begin:end],
        "additional_data": {"next_cursor": following},
    }
    return Answer(body)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    return str(value.get("value")) if isinstance(value, dict) else str(value)


_DEALS, _DEALS_FULL = scopes("deals:read"), scopes("deals:full")
_CONTACTS = scopes("contacts:read")
_LINES = "/deals/{id}/products"
_ONE_LINE = "/deals/{id}/products/{product_attachment_id}"


def _op(
    method: str,
    path: str,
    cost: int,
    run: Callable[[Call], Answer],
    needed: frozenset[str],
) -> Operation:
    return Operation(method=method, path=path, cost=cost, run=run, scopes=needed, version=1)


OPERATIONS = (
    _op("GET", _LINES, 20, _list_lines, scopes("products:read", "deals:read")),
    _op("POST", _LINES, 10, _add_line, scopes("products:full", "deals:full")),
    _op("PUT", _ONE_LINE, 10, _update_line, scopes("products:full", "deals:full")),
    _op("DELETE", _ONE_LINE, 6, _delete_line, scopes("products:full", "deals:full")),
    _op("GET", "/deals/archived", 40, _archived, _DEALS),
    _op("GET", "/deals/{id}/activities", 20, _related("deal", "deal_id", "activity"), _DEALS),
    _op("GET", "/deals/{id}/participants", 10, _participants, _DEALS),
    _op("POST", "/deals/{id}/participants", 10, _add_participant, _DEALS_FULL),
    _op("GET", "/persons/{id}/deals", 20, _related("person", "person_id", "deal"), _CONTACTS),
    _op(
        "GET", "/organizations/{id}/deals", 20, _related("organization", "org_id", "deal"),
        _CONTACTS,
    ),
    _op(
        "GET", "/organizations/{id}/persons", 20, _related("organization", "org_id", "person"),
        _CONTACTS,
    ),
    _op(
        "GET", "/organizations/{id}/activities", 20,
        _related("organization", "org_id", "activity"), _CONTACTS,
    ),
    _op("GET", "/pipelines/{id}/deals", 20, _related("pipeline", "pipeline_id", "deal"), _DEALS),
    _op("GET", "/stages/{id}/deals", 20, _related("stage", "stage_id", "deal"), _DEALS),
    _op("GET", "/pipelines", 10, _list_pipelines, scopes("deals:read", "admin")),
    _op("GET", "/pipelines/{id}", 2, _get_one("pipeline"), scopes("deals:read", "admin")),
    _op("GET", "/stages", 10, _list_stages, scopes("deals:read", "admin")),
    _op("GET", "/stages/{id}", 2, _get_one("stage"), scopes("deals:read", "admin")),
    *(
        _op(
            "PUT", f"/{noun}/{{id}}/merge", 40, _merge(kind),
            _DEALS_FULL if kind == "deal" else scopes("contacts:full"),
        )
        for noun, kind in _NOUNS.items()
    ),
    *(
        _op(
            "GET", f"/{noun}/{{id}}/changelog", 20, _changelog(kind), frozenset({"recents:read"})
        )
        for noun, kind in _NOUNS.items()
    ),
)  # fmt: skip
