from __future__ import annotations

from datetime import timedelta

import pytest

from ml_connector.transport.messages import RateReading, Response
from ml_connector.vendors.pipedrive.rates import read_rates

# Header names and figures as recorded from a live sandbox through an OAuth app.
RECORDED = {
    "x-ratelimit-limit": "80",
    "x-ratelimit-remaining": "79",
    "x-ratelimit-reset": "2",
    "x-daily-ratelimit-token-limit": "150000",
    "x-daily-ratelimit-token-remaining": "146470",
}


def answer(headers, url="https://api.pipedrive.com/api/v2/deals?limit=1") -> Response:
    return Response(status=200, headers=headers, cookies={}, body=b"", url=url, elapsed=timedelta())


def test_reads_all_five_figures():
    assert read_rates(answer(RECORDED)) == RateReading(
        window="burst",
        window_limit=80,
        window_remaining=79,
        window_resets_in=timedelta(seconds=2),
        daily_limit=150_000,
        daily_remaining=146_470,
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://api.pipedrive.com/api/v2/organizations/search?term=x",
        "https://api.pipedrive.com/api/v2/itemSearch?term=x",
        "https://api.pipedrive.com/api/v2/itemSearch/field?term=x",
    ],
)
def test_search_has_a_window_of_its_own(url):
    reading = read_rates(answer(RECORDED, url))

    assert reading is not None
    assert reading.window == "search"


def test_daily_figures_may_be_missing():
    reading = read_rates(answer({"x-ratelimit-limit": "80", "x-ratelimit-remaining": "79"}))

    assert reading is not None
    assert reading.daily_remaining is None


@pytest.mark.parametrize("headers", [{}, {"x-ratelimit-limit": "many"}, {"x-ratelimit-limit": ""}])
def test_answer_without_figures_tells_nothing(headers):
    assert read_rates(answer(headers)) is None
