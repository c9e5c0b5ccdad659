from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from vendor_simulators.kit.control import CONTROL, control_reference


async def post(control: aiohttp.ClientSession, path: str, body: Any = None) -> tuple[int, Any]:
    async with control.post(f"/_control/{path}", json=body) as answer:
        return answer.status, await answer.json()


async def get(control: aiohttp.ClientSession, path: str) -> Any:
    async with control.get(f"/_control/{path}") as answer:
        assert answer.status == 200
        return await answer.json()


async def test_seeded_and_played_records_can_be_dumped(control):
    assert await post(control, "pipedrive/seed", {"things": [{"id": 1}]}) == (200, {"ids": [1]})
    await post(control, "pipedrive/play/rename", {"name": "pump"})

    assert await get(control, "pipedrive/records/things") == {
        "records": [{"id": 1, "name": "pump"}]
    }


async def test_a_fault_is_scripted_listed_counted_and_cleared(control, vendor):
    rule = {"match": {"method": "GET"}, "times": 1, "effect": {"kind": "status", "status": 502}}
    await post(control, "pipedrive/faults", rule)

    async with vendor.get("/hello") as answer:
        assert answer.status == 502
    listed = await get(control, "pipedrive/faults")
    _, cleared = await post(control, "pipedrive/faults", {"clear": True})

    assert (listed["rules"][0]["hits"], listed["injected"]) == (1, {"status": 1})
    assert (cleared["rules"], cleared["injected"]) == ([], {"status": 1})


@pytest.mark.parametrize("storm", ["breeze", {"probability": 1, "kinds": {"throttle": 1}}])
async def test_a_storm_starts_by_name_or_in_full(control, storm):
    status, state = await post(control, "pipedrive/faults", {"storm": storm})

    assert (status, state["storm"] is not None) == (200, True)


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("pipedrive/faults", {"storm": "tsunami"}, "no storm called tsunami"),
        ("pipedrive/faults", {"effect": {"kind": "explode"}}, "explode"),
        ("pipedrive/faults", {"effekt": {}}, "effekt"),
        ("nobody/seed", {}, "no simulator nobody"),
        ("pipedrive/play/dance", {}, "no action dance"),
        ("pipedrive/switches", {"colour": 1}, "no switch colour"),
        ("clock", {"set": "2026-01-01T00:00:00"}, "aware"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(control, path, body, text):
    status, answer = await post(control, path, body)

    assert status == 400
    assert text in answer["error"]


async def test_the_clock_is_moved_for_all(control):
    before = datetime.fromisoformat((await get(control, "clock"))["now"])

    _, moved = await post(control, "clock", {"advance_seconds": 3600})

    assert datetime.fromisoformat(moved["now"]) - before >= timedelta(hours=1)


async def test_calls_are_listed_from_a_number_and_summed(control, vendor):
    for _ in range(3):
        async with vendor.get("/hello"):
            pass

    listed = await get(control, "pipedrive/calls?since=1&limit=1")
    summary = await get(control, "pipedrive/calls?summary=1")

    assert ([call["number"] for call in listed["calls"]], listed["last"]) == ([2], 2)
    assert (summary["calls"], summary["cost"]) == (3, 6)


async def test_a_switch_changes_behaviour_and_is_explained(control, vendor):
    _, switches = await post(control, "pipedrive/switches", {"greeting": "moin"})

    async with vendor.get("/hello") as answer:
        assert await answer.json() == {"greeting": "moin"}
    assert switches["greeting"] == {"setting": "moin", "about": "what GET /hello answers"}


async def test_reset_forgets_records_and_faults(control, echo):
    await post(control, "pipedrive/seed", {"things": [{"id": 1}]})
    await post(control, "pipedrive/faults", {"effect": {"kind": "reset"}})

    await post(control, "reset")

    assert (echo.things, echo.faults.rules) == ([], [])


async def test_describes_every_running_vendor(control, sandbox):
    async with control.get("/_control") as answer:
        assert await answer.json() == {
            "control": {"url": sandbox.control_url},
            "pipedrive": {"url": sandbox.urls["pipedrive"]},
        }


def test_the_reference_names_every_route():
    reference = control_reference()

    assert all(f"`{route.method} {route.path}`" in reference for route in CONTROL)
