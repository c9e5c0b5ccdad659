import pytest


@pytest.fixture
async def limited(pipedrive):
    """A company whose limits hold: the smallest plan, on a clock that tests move."""
    pipedrive.sandbox.clock.speed = 0.0
    await pipedrive.switch(rate_limits=True, plan="lite", seats=1)
    return pipedrive


async def test_burst_window_refuses_the_21st_call_of_a_token(limited):
    seen = [await limited.get("/v1/users/me") for _ in range(21)]

    assert [reply.status for reply in seen] == [200] * 20 + [429]
    assert seen[0].headers["x-ratelimit-limit"] == "20"
    assert seen[0].headers["x-ratelimit-remaining"] == "19"
    assert seen[0].headers["x-ratelimit-reset"] == "2"
    assert seen[20].headers["x-ratelimit-remaining"] == "0"
    assert seen[20].json == {"success": False, "error": "request over limit"}
    assert "Retry-After" not in seen[20].headers
    await limited.advance(2)
    assert (await limited.get("/v1/users/me")).status == 200


async def test_oauth_tokens_have_a_larger_window(limited):
    tokens = await limited.oauth()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    seen = [await limited.get("/v1/users/me", headers=headers) for _ in range(81)]

    assert [reply.status for reply in seen] == [200] * 80 + [429]


async def test_rolling_window_frees_call_by_call(limited):
    await limited.switch(burst_limit=2)
    await limited.get("/v1/users/me")
    await limited.advance(1)
    await limited.get("/v1/users/me")

    await limited.advance(1)
    one, two = await limited.get("/v1/users/me"), await limited.get("/v1/users/me")

    assert (one.status, two.status) == (200, 429)


async def test_refused_calls_may_fill_the_window(limited):
    await limited.switch(burst_limit=1, refused_calls_count=True)
    await limited.get("/v1/users/me")
    await limited.advance(1.5)
    await limited.get("/v1/users/me")
    await limited.advance(1)

    assert (await limited.get("/v1/users/me")).status == 429


async def test_searches_have_a_window_of_their_own(limited):
    path = "/api/v2/organizations/search?term=ab"

    seen = [await limited.get(path) for _ in range(11)]

    assert [reply.status for reply in seen] == [200] * 10 + [429]
    assert (await limited.get("/v1/users/me")).status == 200


async def test_every_answer_tells_the_daily_budget_and_calls_are_charged(limited):
    me = await limited.get("/v1/users/me")
    made = await limited("POST", "/api/v2/deals", {"title": "D"})
    wrong = await limited("POST", "/api/v2/deals", {"foo": 1})
    lost = await limited.get("/v1/users/me", headers={"x-api-token": "0" * 40})

    assert me.headers["x-daily-ratelimit-token-limit"] == "30000"
    assert me.headers["x-daily-ratelimit-token-remaining"] == "29998"
    assert made.headers["x-daily-ratelimit-token-remaining"] == "29993"
    assert wrong.headers["x-daily-ratelimit-token-remaining"] == "29988"
    assert lost.status == 401
    summary = await limited.control("pipedrive/calls?summary=1")
    assert summary["cost"] == 12


async def test_failed_calls_are_free_by_switch(limited):
    await limited.switch(failed_calls_cost=False)

    wrong = await limited("POST", "/api/v2/deals", {"foo": 1})

    assert wrong.headers["x-daily-ratelimit-token-remaining"] == "30000"


async def test_spent_day_is_429_until_midnight_of_the_zone(limited):
    await limited.control("clock", {"set": "2027-05-01T20:00:00+00:00"})
    await limited.switch(retry_after_daily=3, daily_reset_zone="Europe/Berlin")
    await limited.play("exhaust_budget")

    refused = await limited.get("/v1/users/me")
    await limited.control("clock", {"set": "2027-05-01T22:00:01+00:00"})
    again = await limited.get("/v1/users/me")

    assert refused.status == 429
    assert refused.headers["x-daily-ratelimit-token-remaining"] == "0"
    assert refused.headers["Retry-After"] == "3"
    assert again.status == 200


async def test_ignored_429s_end_in_an_html_403_for_the_token(limited):
    await limited.switch(burst_limit=1, cloudflare_after=3, cloudflare_seconds=60)

    seen = [await limited.get("/v1/users/me") for _ in range(5)]
    await limited.advance(61)
    later = await limited.get("/v1/users/me")

    assert [reply.status for reply in seen] == [200, 429, 429, 429, 403]
    assert seen[4].headers["Content-Type"].startswith("text/html")
    assert later.status == 200


async def test_scripted_throttle_looks_like_the_real_one(limited):
    await limited.control(
        "pipedrive/faults",
        {"effect": {"kind": "throttle", "headers": {"Retry-After": "7"}}, "times": 1},
    )

    refused = await limited.get("/v1/users/me")

    assert (refused.status, refused.headers["Retry-After"]) == (429, "7")
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert refused.json["error"] == "request over limit"


@pytest.mark.parametrize("setting", ["never", "after_first"])
async def test_daily_headers_may_be_missing(limited, setting):
    await limited.switch(daily_headers=setting)

    first, second = await limited.get("/v1/users/me"), await limited.get("/v1/users/me")

    name = "x-daily-ratelimit-token-remaining"
    assert name not in first.headers
    assert (name in second.headers) == (setting == "after_first")
