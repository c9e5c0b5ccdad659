from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ml_connector.core.errors import ContractError
from ml_connector.vendors.pipedrive.profile import PROFILE

SINCE = datetime(2026, 10, 1, 8, 0, 0, 999_000, tzinfo=UTC)
WON = {
    "id": 4711,
    "status": "won",
    "update_time": "2026-10-02T09:30:11Z",
    "won_time": "2026-10-02T09:30:10Z",
}


async def test_page_asks_for_what_changed_since_in_order_and_in_whole_seconds(client, pipedrive):
    pipedrive.data("GET", "/api/v2/deals", [WON])

    await client.changes("deals", since=SINCE, page=None)

    assert pipedrive.calls[0].query == {
        "status": "open,won,lost,deleted",
        "updated_since": "2026-10-01T08:00:00Z",
        "sort_by": "update_time",
        "sort_direction": "asc",
        "limit": "500",
    }


async def test_won_deal_tells_its_change_and_the_moment_it_was_won(client, pipedrive):
    pipedrive.data("GET", "/api/v2/deals", [WON], [], cursors=True)

    page = await client.changes("deals", since=SINCE, page=None)
    last = await client.changes("deals", since=SINCE, page=page.next_page)

    (change,) = page.changes
    assert (change.kind, change.key, change.is_deleted) == ("deal", "4711", False)
    assert change.changed_at == datetime(2026, 10, 2, 9, 30, 11, tzinfo=UTC)
    assert change.moment == datetime(2026, 10, 2, 9, 30, 10, tzinfo=UTC)
    assert page.next_page == "c0"
    assert pipedrive.calls[1].query["cursor"] == "c0"
    assert (last.changes, last.next_page) == ((), None)


@pytest.mark.parametrize("mark", [{"is_deleted": True}, {"status": "deleted"}])
async def test_deal_in_the_bin_is_a_deletion(client, pipedrive, mark):
    pipedrive.data("GET", "/api/v2/deals", [WON | mark])

    (change,) = (await client.changes("deals", since=SINCE, page=None)).changes

    assert change.is_deleted


async def test_read_at_is_the_answers_own_date(client, pipedrive):
    pipedrive.data("GET", "/api/v2/products", [])

    page = await client.changes("products", since=SINCE, page=None)

    assert abs(page.read_at - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        ("archived_deals", "/api/v2/deals/archived"),
        ("organizations", "/api/v2/organizations"),
        ("persons", "/api/v2/persons"),
        ("products", "/api/v2/products"),
    ],
)
async def test_every_declared_stream_is_read_from_its_list(client, pipedrive, stream, path):
    record = {"id": 5, "status": "won", "update_time": "2026-10-02T09:30:11Z"}
    pipedrive.data("GET", path, [record])

    (change,) = (await client.changes(stream, since=SINCE, page=None)).changes

    assert (change.kind, change.key) == (PROFILE.stream(stream).kind, "5")
    assert "status" not in pipedrive.calls[0].query


async def test_record_without_any_time_is_a_contract_error(client, pipedrive):
    pipedrive.data("GET", "/api/v2/persons", [{"id": 5}])

    with pytest.raises(ContractError, match="person 5 has no update_time"):
        await client.changes("persons", since=SINCE, page=None)


async def test_change_log_is_read_to_its_end_with_moments_in_utc(client, pipedrive):
    def entry(new: str) -> dict[str, Any]:
        return {
            "field_key": "status",
            "old_value": "open",
            "new_value": new,
            "actor_user_id": 2001,
            "time": "2026-10-02 09:30:10",
            "change_source": "app",
            "is_bulk_update_flag": False,
        }

    pipedrive.data(
        "GET", "/api/v1/deals/7/changelog", [entry("won")], [entry("open")], cursors=True
    )

    log = await client.deal_changelog(7)

    assert [each.new_value for each in log] == ["won", "open"]
    assert log[0].time == datetime(2026, 10, 2, 9, 30, 10, tzinfo=UTC)
