from __future__ import annotations

import errno
from typing import Any

import aiohttp
import pytest

from vendor_simulators.kit import BODY, Effect, Match, Rule, Simulator


def only_fault(echo: Simulator, kind: Any, **effect: Any) -> None:
    echo.faults.add(Rule(effect=Effect(kind=kind, **effect), times=1))


async def test_a_call_is_journalled_with_operation_cost_and_body(echo, vendor):
    async with vendor.post("/things?x=1", data=b"pump"):
        pass
    async with vendor.get("/things/12"):
        pass

    created, read = echo.journal.calls()

    assert (created["operation"], created["status"], created["cost"]) == ("POST /things", 201, 10)
    assert (created["target"], created["body"]) == ("/things?x=1", "pump")
    assert (read["operation"], read["cost"], read["body"]) == ("thing", 2, None)


async def test_an_unknown_path_is_answered_in_the_vendors_form_and_journalled(echo, vendor):
    async with vendor.get("/nowhere") as answer:
        assert (answer.status, await answer.json()) == (404, {"error": "Not Found"})

    assert echo.journal.calls()[0]["status"] == 404


async def test_a_mistake_in_the_simulator_shows_as_500_in_the_journal(echo, vendor):
    async with vendor.get("/broken") as answer:
        assert answer.status == 500

    assert echo.journal.calls()[0]["status"] == 500


@pytest.mark.parametrize("kind", ["cut_before", "reset"])
async def test_a_cut_before_does_nothing_and_answers_nothing(echo, vendor, kind):
    only_fault(echo, kind)

    with pytest.raises(aiohttp.ClientError):
        await vendor.post("/things", data=b"pump")

    assert echo.things == []
    assert echo.journal.calls()[0]["status"] == 0
    assert echo.faults.injected == {kind: 1}


async def test_a_reset_is_seen_as_one_by_the_client(echo, vendor):
    only_fault(echo, "reset")

    with pytest.raises(aiohttp.ClientOSError) as caught:
        await vendor.post("/things", data=b"pump")

    assert caught.value.errno == errno.ECONNRESET


async def test_a_cut_after_has_done_the_work(echo, vendor):
    only_fault(echo, "cut_after")

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await vendor.post("/things", data=b"pump")

    assert echo.things == [{"name": "pump"}]
    assert echo.journal.calls()[0]["fault"] == "cut_after"


async def test_a_cut_body_has_done_the_work_and_sends_half_of_the_answer(echo, vendor):
    only_fault(echo, "cut_body")

    async with vendor.post("/things", data=b"pump") as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()

    assert answer.status == 201
    assert echo.things == [{"name": "pump"}]


async def test_a_vendor_may_name_a_call_by_its_body(echo, vendor, monkeypatch):
    monkeypatch.setattr(echo, "operation_of", lambda request: request[BODY].decode())

    await vendor.post("/things", data=b"pump")

    assert echo.journal.calls()[0]["operation"] == "pump"


async def test_a_scripted_status_carries_its_headers_and_body(echo, vendor):
    only_fault(echo, "status", status=418, headers={"X-Why": "tea"}, body={"a": 1})

    async with vendor.get("/hello") as answer:
        assert (answer.status, answer.headers["X-Why"]) == (418, "tea")
        assert await answer.json() == {"a": 1}


async def test_fail_next_throttles_with_retry_after_and_then_recovers(echo, vendor):
    echo.fail_next(429, retry_after=7)

    async with vendor.get("/hello") as refused, vendor.get("/hello") as answered:
        assert (refused.status, refused.headers["Retry-After"]) == (429, "7")
        assert answered.status == 200


async def test_an_html_page_stands_where_json_was_expected(echo, vendor):
    only_fault(echo, "html")

    async with vendor.get("/hello") as answer:
        assert (answer.status, answer.content_type) == (503, "text/html")


async def test_a_slow_body_arrives_whole(echo, vendor):
    only_fault(echo, "slow_body", seconds=0.02)

    async with vendor.get("/hello") as answer:
        assert await answer.json() == {"greeting": "hello"}


async def test_an_expired_login_is_counted_only_where_there_was_one(echo, vendor):
    echo.faults.add(Rule(effect=Effect(kind="expire_login"), match=Match(path="/hello")))

    async with vendor.get("/hello"), vendor.get("/hello", headers={"Authorization": "Bearer x"}):
        pass

    assert echo.faults.injected == {"expire_login": 1}
