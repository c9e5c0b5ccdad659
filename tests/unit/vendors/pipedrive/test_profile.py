from __future__ import annotations

from typing import Any

import pytest

from ml_connector.vendors.pipedrive.profile import PROFILE, limits_for
from ml_connector.vendors.pipedrive.settings import Settings


def with_token(**more: Any) -> Settings:
    return Settings.model_validate({"api_token": "0" * 40, **more})


@pytest.mark.parametrize(
    ("more", "burst", "daily"),
    [
        ({}, 20, None),
        ({"plan": "growth"}, 40, None),
        ({"plan": "lite", "seats": 1}, 20, 30_000),
        ({"plan": "premium", "seats": 4}, 100, 600_000),
        ({"plan": "ultimate", "seats": 2}, 120, 420_000),
    ],
)
def test_limits_follow_plan_and_seats(more, burst, daily):
    limits = limits_for(with_token(**more))

    assert {window.name: window.calls for window in limits.windows} == {
        "burst": burst,
        "search": 10,
    }
    assert limits.daily_tokens == daily


def test_app_may_make_four_times_the_calls_of_a_token():
    settings = Settings.model_validate(
        {"login": "oauth", "client_id": "c", "client_secret": "s", "plan": "growth"}
    )

    assert limits_for(settings).windows[0].calls == 160


def test_every_stream_is_ordered_so_that_its_mark_can_move_with_each_page():
    assert all(stream.is_ordered for stream in PROFILE.streams)


def test_both_streams_of_deals_carry_the_same_kind():
    kinds = {stream.name: stream.kind for stream in PROFILE.streams}

    assert kinds["deals"] == kinds["archived_deals"] == "deal"
