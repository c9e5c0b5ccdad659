import base64
import json
from decimal import Decimal

import pytest

DEAL_KEYS = {
    "id", "title", "creator_user_id", "owner_id", "value", "person_id", "org_id", "stage_id",
    "pipeline_id", "currency", "archive_time", "add_time", "update_time", "stage_change_time",
    "status", "is_archived", "is_deleted", "probability", "lost_reason", "visible_to",
    "close_time", "won_time", "lost_time", "local_won_date", "local_lost_date",
    "local_close_date", "expected_close_date", "label_ids", "origin", "origin_id", "channel",
    "channel_id", "acv", "arr", "mrr", "custom_fields",
}  # fmt: skip


async def test_documented_create_answers_200_with_the_full_deal(pipedrive):
    field = await pipedrive.play("add_field", kind="deal", field_name="PO")
    await pipedrive.seed(
        organizations=[{"id": 88, "name": "Nordwerk GmbH"}],
        persons=[{"id": 310, "name": "Jana Voss", "org_id": 88}],
    )

    made = await pipedrive("POST", "/api/v2/deals", {
        "title": "Conveyor line Nord", "org_id": 88, "person_id": 310, "value": 18000,
        "currency": "EUR", "stage_id": 2, "expected_close_date": "2026-10-15",
        "custom_fields": {field["field_code"]: "PO-9981"},
    })  # fmt: skip

    assert made.status == 200
    assert made.data.keys() == DEAL_KEYS
    assert made.data["custom_fields"] == {field["field_code"]: "PO-9981"}
    assert (made.data["pipeline_id"], made.data["status"]) == (1, "open")
    assert made.data["won_time"] is None


async def test_lite_plan_tells_no_recurring_revenue(pipedrive):
    await pipedrive.switch(plan="lite")

    made = await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    assert made.data.keys() == DEAL_KEYS - {"acv", "arr", "mrr"}


async def test_custom_fields_are_null_when_none_are_defined(pipedrive):
    made = await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    assert made.data["custom_fields"] is None


async def test_every_defined_key_is_present_with_null(pipedrive):
    code = (await pipedrive.play("add_field", kind="deal", field_name="PO"))["field_code"]

    made = await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    assert made.data["custom_fields"] == {code: None}


async def test_winning_sets_status_and_times_and_leaves_the_stage(pipedrive):
    await pipedrive.seed(deals=[{"title": "D", "stage_id": 3}])

    won = await pipedrive("PATCH", "/api/v2/deals/1", {"status": "won"})

    assert won.status == 200
    assert won.data["stage_id"] == 3
    assert won.data["won_time"] == won.data["close_time"]
    assert won.data["local_won_date"] == won.data["won_time"][:10]
    assert won.data["update_time"] >= won.data["won_time"]


async def test_reopening_clears_times_but_keeps_the_first_won_time(pipedrive):
    await pipedrive.seed(deals=[{"title": "D", "status": "won"}])

    await pipedrive("PATCH", "/api/v2/deals/1", {"status": "open"})
    open_again = await pipedrive.get("/api/v2/deals/1?include_fields=first_won_time")

    assert open_again.data["won_time"] is None
    assert open_again.data["local_close_date"] is None
    assert open_again.data["first_won_time"] is not None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "title: Parameter 'title' is required"),
        ({"title": "D", "foo": 1}, "foo: Parameter 'foo' is not allowed for this request"),
        ({"title": "D", "value": "12"}, "value: expected a number"),
        ({"title": "D", "is_archived": 1}, "is_archived: expected a boolean"),
        ({"title": "D", "is_deleted": True}, "is_deleted: "),
        ({"title": "D", "status": "deleted"}, "status: "),
        ({"title": "D", "lost_reason": "price"}, "lost_reason: "),
        ({"title": "D", "org_id": 4}, "org_id: Organization 4 was not found"),
        ({"title": "D", "stage_id": 1, "pipeline_id": 2}, "stage_id: "),
        ({"title": "D", "currency": "XYZ"}, "currency: "),
    ],
)
async def test_wrong_bodies_are_400_naming_the_key(pipedrive, body, problem):
    refused = await pipedrive("POST", "/api/v2/deals", body)

    assert refused.status == 400
    assert refused.json["code"] == "ERR_SCHEMA_VALIDATION_FAILED"
    assert problem in refused.json["error"]


async def test_all_problems_are_told_at_once(pipedrive):
    refused = await pipedrive.get("/api/v2/deals?foo=1&limit=0")

    assert refused.json["error"] == (
        "Validation failed: foo: Parameter 'foo' is not allowed for this request; "
        "limit: must be greater than or equal to 1"
    )


@pytest.mark.parametrize("moment", ["2026-10-02T08:00:00.5Z", "2026-10-02 08:00:00", "2026-10-02"])
async def test_updated_since_takes_whole_seconds_only(pipedrive, moment):
    refused = await pipedrive.get("/api/v2/deals", params={"updated_since": moment})

    assert refused.status == 400
    assert refused.json["error"].endswith("is not a valid datetime")


async def test_updated_since_is_inclusive_and_updated_until_exclusive(pipedrive):
    times = ["2026-10-02T08:00:00Z", "2026-10-02T08:00:01Z", "2026-10-02T08:00:02Z"]
    await pipedrive.seed(deals=[{"title": time, "update_time": time} for time in times])

    for sort in ("id", "update_time"):
        query = {"updated_since": times[1], "updated_until": times[2], "sort_by": sort}
        found = await pipedrive.get("/api/v2/deals", params=query)
        assert [deal["title"] for deal in found.data] == [times[1]]
    offset = {"updated_since": "2026-10-02T10:00:01+02:00"}
    assert len((await pipedrive.get("/api/v2/deals", params=offset)).data) == 2


@pytest.mark.parametrize("sort", ["id", "update_time", "add_time"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_pages_by_cursor_lose_and_repeat_nothing(pipedrive, sort, direction):
    times = [f"2026-10-02T08:00:0{n % 3}Z" for n in range(7)]
    await pipedrive.seed(
        deals=[{"title": "D", "add_time": time, "update_time": time} for time in times]
    )
    query = {"sort_by": sort, "sort_direction": direction, "limit": "2"}

    found, pages = [], 0
    while True:
        page = await pipedrive.get("/api/v2/deals", params=query)
        found += page.data
        pages += 1
        cursor = page.json["additional_data"]["next_cursor"]
        if cursor is None:
            break
        query["cursor"] = cursor

    assert pages == 4
    keys = [(deal[sort], deal["id"]) for deal in found]
    assert keys == sorted(keys, reverse=direction == "desc")
    assert len({deal["id"] for deal in found}) == 7


async def test_cursor_is_base64url_json_of_the_next_item(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}, {"title": "E"}])

    page = await pipedrive.get("/api/v2/deals?limit=1")

    cursor = page.json["additional_data"]["next_cursor"]
    marker = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert marker == {"field": "id", "fieldValue": 2, "sortDirection": "asc", "id": 2}


@pytest.mark.parametrize("cursor", ["x", "eyJhIjoxfQ", "!!!"])
async def test_foreign_cursor_is_400(pipedrive, cursor):
    assert (await pipedrive.get(f"/api/v2/deals?cursor={cursor}")).status == 400


async def test_ids_drop_unknown_and_deleted_deals_silently(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}, {"title": "E"}, {"title": "F"}])
    await pipedrive("DELETE", "/api/v2/deals/2")

    found = await pipedrive.get("/api/v2/deals?ids=3,2,1,999")

    assert [deal["id"] for deal in found.data] == [1, 3]


async def test_more_than_100_ids_are_refused(pipedrive):
    ids = ",".join(map(str, range(1, 102)))

    assert (await pipedrive.get(f"/api/v2/deals?ids={ids}")).status == 400


async def test_limit_above_500_is_refused_or_clamped_by_switch(pipedrive):
    assert (await pipedrive.get("/api/v2/deals?limit=501")).status == 400
    await pipedrive.switch(limit_above_maximum="clamp")
    assert (await pipedrive.get("/api/v2/deals?limit=501")).status == 200


async def test_status_takes_several_and_deleted_shows_only_when_asked_for(pipedrive):
    await pipedrive.seed(
        deals=[{"title": "1", "status": s} for s in ("open", "won", "lost")]
        + [{"title": "4", "is_deleted": True}]
    )

    async def ids(query: str) -> list[int]:
        return [deal["id"] for deal in (await pipedrive.get(f"/api/v2/deals{query}")).data]

    assert await ids("") == [1, 2, 3]
    assert await ids("?status=won,lost") == [2, 3]
    assert await ids("?status=won") == [2]
    assert await ids("?status=deleted") == [4]
    assert await ids("?status=won,deleted") == [2, 4]


async def test_archived_deals_are_in_their_own_list_and_read_only(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}, {"title": "E", "is_archived": True}])

    plain = await pipedrive.get("/api/v2/deals")
    archived = await pipedrive.get("/api/v2/deals/archived")
    edited = await pipedrive("PATCH", "/api/v2/deals/2", {"title": "F"})

    assert [deal["id"] for deal in plain.data] == [1]
    assert [deal["id"] for deal in archived.data] == [2]
    assert edited.status == 400
    for status in (403, 404, 200):
        await pipedrive.switch(archived_edit=status)
        assert (await pipedrive("PATCH", "/api/v2/deals/2", {"title": "F"})).status == status


async def test_deleted_deal_is_readable_for_30_days_then_gone(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}])

    deleted = await pipedrive("DELETE", "/api/v2/deals/1")
    read = await pipedrive.get("/api/v2/deals/1")
    await pipedrive.advance(30 * 86_400 + 1)
    purged = await pipedrive.get("/api/v2/deals/1")

    assert deleted.json == {"success": True, "data": {"id": 1}}
    assert read.data["is_deleted"] is True
    assert purged.status == 404
    assert purged.json["error"] == "Entity was not found"


async def test_deleted_get_may_be_404_by_switch(pipedrive):
    await pipedrive.seed(deals=[{"title": "D", "is_deleted": True}])
    await pipedrive.switch(deleted_get="missing")

    assert (await pipedrive.get("/api/v2/deals/1")).status == 404


async def test_custom_field_writes(pipedrive):
    money = (await pipedrive.play("add_field", kind="deal", field_name="B", field_type="monetary"))[
        "field_code"
    ]
    kind = await pipedrive.play(
        "add_field", kind="deal", field_name="S", field_type="enum", options=["Open", "Paid"]
    )
    await pipedrive.seed(deals=[{"title": "D"}])
    values = {money: {"value": 12480.25, "currency": "EUR"}, kind["field_code"]: 32}

    written = await pipedrive("PATCH", "/api/v2/deals/1", {"custom_fields": values})
    labelled = await pipedrive.get("/api/v2/deals/1?include_option_labels=true")
    cleared = await pipedrive("PATCH", "/api/v2/deals/1", {"custom_fields": {money: None}})
    only = await pipedrive.get(f"/api/v2/deals/1?custom_fields={money}")

    assert written.data["custom_fields"] == {
        money: {"value": Decimal("12480.25"), "currency": "EUR"},
        kind["field_code"]: 32,
    }
    assert labelled.data["custom_fields"][kind["field_code"]] == {"id": 32, "label": "Paid"}
    assert cleared.data["custom_fields"] == {money: None, kind["field_code"]: 32}
    assert only.data["custom_fields"] == {money: None}


async def test_unknown_options_empty_sets_and_deleted_fields_are_400(pipedrive):
    field = await pipedrive.play(
        "add_field", kind="deal", field_name="S", field_type="set", options=["A"]
    )
    code = field["field_code"]
    await pipedrive.seed(deals=[{"title": "D"}])

    for value in ([], [999], 31, "31"):
        refused = await pipedrive("PATCH", "/api/v2/deals/1", {"custom_fields": {code: value}})
        assert (refused.status, code in refused.json["error"]) == (400, True)
    right = await pipedrive("PATCH", "/api/v2/deals/1", {"custom_fields": {code: [31]}})
    await pipedrive.play("delete_field", kind="deal", field="S")
    gone = await pipedrive("PATCH", "/api/v2/deals/1", {"custom_fields": {code: [31]}})

    assert right.status == 200
    assert (gone.status, code in gone.json["error"]) == (400, True)


async def test_value_write_may_reset_unnamed_custom_fields_by_switch(pipedrive):
    code = (await pipedrive.play("add_field", kind="deal", field_name="PO"))["field_code"]
    await pipedrive.seed(deals=[{"title": "D", "custom_fields": {"PO": "1"}}])
    await pipedrive.switch(value_write_resets_custom_fields=True)

    written = await pipedrive("PATCH", "/api/v2/deals/1", {"value": 5})

    assert written.data["custom_fields"] == {code: None}


async def test_filter_id_makes_ids_ignored(pipedrive):
    await pipedrive.seed(deals=[{"title": "D", "value": 5}, {"title": "E", "value": 50}])
    fields = (await pipedrive.get("/v1/dealFields?limit=500")).data
    value_field = next(field["id"] for field in fields if field["key"] == "value")
    condition = {
        "object": "deal", "field_id": str(value_field), "operator": ">", "value": "10",
        "extra_value": None,
    }  # fmt: skip
    made = await pipedrive("POST", "/v1/filters", {
        "name": "big", "type": "deals",
        "conditions": {"glue": "and", "conditions": [{"glue": "and", "conditions": [condition]}]},
    })  # fmt: skip

    found = await pipedrive.get(f"/api/v2/deals?filter_id={made.data['id']}&ids=1")

    assert [deal["id"] for deal in found.data] == [2]


async def test_plan_cap_is_403_with_its_code(pipedrive):
    await pipedrive.switch(open_deals_limit=1)
    await pipedrive("POST", "/api/v2/deals", {"title": "D"})

    refused = await pipedrive("POST", "/api/v2/deals", {"title": "E"})

    assert refused.status == 403
    assert refused.json["code"] == "feature_capping_deals_limit"


async def test_repeated_post_makes_two_deals(pipedrive):
    for _ in range(2):
        await pipedrive("POST", "/api/v2/deals", {"title": "same"})

    assert len((await pipedrive.get("/api/v2/deals")).data) == 2


async def test_update_time_never_goes_back_with_the_clock(pipedrive):
    await pipedrive.seed(deals=[{"title": "D"}])
    before = (await pipedrive.get("/api/v2/deals/1")).data["update_time"]
    await pipedrive.control("clock", {"set": "2020-01-01T00:00:00+00:00"})

    after = await pipedrive("PATCH", "/api/v2/deals/1", {"title": "E"})

    assert after.data["update_time"] >= before
