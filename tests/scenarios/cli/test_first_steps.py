"""A new user's first commands, each a process of its own: sandbox, apply, up, and looking."""

from __future__ import annotations

import json
import signal
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from tests.scenarios.cli.machine import PATIENCE, Machine, first_line
from tests.world.world import FLOW


def test_from_nothing_to_an_order_with_the_commands_that_the_sandbox_names(machine):
    sandbox = machine.start("sandbox", "--port", "0", "--json", "--write-config", "sandbox.yaml")
    described = json.loads(first_line(sandbox))
    control = described["control"]["url"]

    machine.run("apply", "sandbox.yaml", "--yes")
    assert machine.json("connections", "ping", "--all")["is_good"] is True

    up = machine.start("up")
    assert "ml-connector is up: http://127.0.0.1:" in first_line(up)
    deal = won_deal(control)
    until_ordered(control)
    story = until_done(machine, deal)
    assert story["record"]["outcome"] in {"written", "unchanged"}
    assert story["deliveries"], "the webhook arrived"

    status = machine.json("status")
    assert [process["kind"] for process in status["processes"]] == ["up"]
    assert machine.json("run", FLOW, "--record", str(deal))["record"]["outcome"] == "unchanged"

    told(control, "clock", {"advance_seconds": 86_400})
    until_another_day(machine, status["at"])

    for process in (up, sandbox):
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert machine.json("status")["processes"] == []


def test_the_key_file_gets_a_new_key_and_loses_the_old_one(machine):
    (machine.folder / "crm.yaml").write_text(
        "connections: {crm: {vendor: pipedrive, settings: {api_token: '${env:TOKEN}'}}}\n"
    )
    machine.environment["TOKEN"] = "token-1"
    machine.run("apply", "crm.yaml", "--yes")
    before = (machine.folder / "a home" / "master.key").read_text()

    machine.run("keys", "new")
    rotated = machine.json("keys", "rotate", "--drop-old")

    (key,) = machine.json("keys", "list")["keys"]
    assert (key["id"], key["secrets"]) == (rotated["key"], rotated["wrapped"])
    assert before.strip() not in (machine.folder / "a home" / "master.key").read_text()
    assert machine.json("apply", "crm.yaml", "--yes")["changes"] == []  # the token is still read


def test_two_commands_at_once_share_a_database_that_no_process_runs(machine):
    commands = [machine.start("status", "--json") for _ in range(3)]

    outputs = [command.communicate(timeout=PATIENCE)[0] for command in commands]

    assert [command.returncode for command in commands] == [0, 0, 0]
    assert all(json.loads(output)["workspace"] == "main" for output in outputs)


def test_a_second_up_says_what_it_needs_of_its_own(machine):
    up = machine.start("up")
    first_line(up)
    (machine.folder / "other").mkdir()
    other = Machine(machine.folder / "other", port=machine.port)

    same_home = machine.run("up", code=2)
    same_port = other.run("up", code=2)

    assert f"is run by the process {up.pid}" in same_home.stderr
    assert f"error: the web server cannot use port {machine.port}" in same_port.stderr
    assert "set ML_CONNECTOR_PORT" in same_port.stderr


def test_serve_without_a_database_says_what_to_start(machine):
    ended = machine.run("serve", code=3)

    assert ended.stderr.startswith("error: no database runs in")
    assert "start it with `ml-connector up`" in ended.stderr


def test_the_environment_is_checked_with_every_fault_at_once(machine):
    machine.environment |= {"ML_CONNECTOR_CONCURRENCY": "0", "ML_CONNECTOR_LOG_LEVEL": "loud"}

    ended = machine.run("status", code=2)

    assert "ML_CONNECTOR_CONCURRENCY" in ended.stderr
    assert "ML_CONNECTOR_LOG_LEVEL" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_help_names_every_command_and_the_exit_codes(machine):
    shown = machine.run("--help").stdout

    for command in ("up", "apply", "status", "held", "records", "replay", "backfill", "keys"):
        assert f" {command} " in shown
    assert "Exit codes: 0 ok" in shown


def told(control: str, path: str, body: dict[str, Any] | None = None) -> Any:
    address = urlsplit(control)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE)
    method, content = ("GET", None) if body is None else ("POST", json.dumps(body))
    connection.request(method, f"/_control/{path}", content)
    found = json.load(connection.getresponse())
    connection.close()
    return found


def won_deal(control: str) -> int:
    told(control, "acumatica/seed", {"stock_items": [{"InventoryID": "PUMP-40", "BaseUOM": "EA"}]})
    seeded = told(
        control,
        "pipedrive/seed",
        {
            "organizations": [{"name": "Nordwerk"}],
            "products": [{"name": "Pump", "code": "PUMP-40"}],
        },
    )
    organization, product = seeded["organizations"][0], seeded["products"][0]
    deal = told(
        control,
        "pipedrive/seed",
        {"deals": [{"title": "Pumps", "currency": "USD", "value": 0, "org_id": organization}]},
    )["deals"][0]
    line = {"deal_id": deal, "product_id": product, "quantity": 2, "item_price": 100}
    told(control, "pipedrive/play/add_line", line)
    told(control, "pipedrive/play/win_deal", {"id": deal})
    return int(deal)


def until_ordered(control: str) -> None:
    """Wait for the order in the ERP, which costs less than to start a command again and again."""
    end = time.monotonic() + PATIENCE
    while not told(control, "acumatica/records/sales_order")["records"]:
        assert time.monotonic() < end, "no order was made"
        time.sleep(0.05)


def until_done(machine: Machine, deal: int) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        ended = machine.run("records", "show", str(deal), "--json", code=None)
        stories = json.loads(ended.stdout)["stories"] if ended.returncode == 0 else []
        if stories and stories[0]["links"] and stories[0]["record"]["state"] == "done":
            return stories[0]
    raise AssertionError(f"deal {deal} is not done: {ended}")


def until_another_day(machine: Machine, before: str) -> None:
    """Wait until a jump of the simulators' clock has reached the deployment."""
    end = time.monotonic() + PATIENCE
    while machine.json("status")["at"][:10] == before[:10]:
        assert time.monotonic() < end, "the deployment's clock was not moved"
