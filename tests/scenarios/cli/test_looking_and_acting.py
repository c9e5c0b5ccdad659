"""Every command that looks or acts, against a real worker, database and simulators."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from tests.scenarios.cli.conftest import CommandLine
from tests.world.world import FLOW, World

LONG_AGO = "2020-01-01"


async def held_and_done(made: World) -> tuple[int, int]:
    """Win a deal whose item is missing in the ERP, and one that goes through."""
    await made.items("PUMP-40")
    pump, ghost = await made.product("PUMP-40"), await made.product("GHOST-1")
    await made.apply()
    org = await made.organization("Nordwerk GmbH")
    held = await made.deal(
        [{"product_id": ghost, "quantity": 1, "item_price": 5}], title="Ghosts", org_id=org
    )
    done = await made.deal(
        [{"product_id": pump, "quantity": 2, "item_price": 19.99}], title="Pumps", org_id=org
    )
    await made.win(held, done)
    await made.work_inside()
    await made.settled(held, done)
    return held, done


async def announced_worker(made: World) -> None:
    """Enter this process's worker into the register, as `up` does."""
    from ml_connector.vault.processes import Presence  # noqa: PLC0415 - for this one line
    from ml_connector.vault.rotation import sealed_tables  # noqa: PLC0415 - for this one line

    await Presence.announce(
        made.services.database,
        made.services.keyring,
        kind="work",
        release="test",
        sealed_tables=sealed_tables(),
    )


async def story_with(cli: CommandLine, deal: int, operation: str) -> Any:
    """Return a deal's story once this call stands in it: calls are written beside the runs."""
    end = time.monotonic() + 10
    while True:
        (story,) = (await cli("records", "show", str(deal), "--json")).json["stories"]
        if operation in [call["operation"] for call in story["calls"]]:
            return story
        assert time.monotonic() < end, f"no {operation} in {story['calls']}"


async def test_held_groups_by_cause_with_the_way_out_and_replay_lets_through(made, cli):
    held, _ = await held_and_done(made)

    shown = await cli("held")
    (cause,) = (await cli("held", "--json")).json["causes"]

    assert (cause["waits_for"], cause["records"], cause["examples"]) == (
        "item:GHOST-1",
        1,
        [str(held)],
    )
    assert "way out" in shown.out
    assert "ml-connector replay --cause item:GHOST-1" in shown.out

    await made.items("GHOST-1")
    refused = await cli("replay", "--cause", "item:GHOST-1", code=2)
    assert "replay 1 record" in refused.err
    assert (await made.row(held)).state == "held"

    replayed = (await cli("replay", "--cause", "item:*", "--yes", "--json")).json
    assert (replayed["selected"], replayed["replayed"]) == (1, 1)
    settled = await made.settled(held)
    assert settled[held].outcome == "written"
    assert (await cli("held", "--json")).json == {"records": 0, "causes": []}


async def test_replaying_what_succeeded_changes_nothing(made, cli):
    _, done = await held_and_done(made)
    before = await made.books()

    await cli("replay", "--record", "Pumps", "--yes")
    await made.settled(done)

    assert (await made.books()).by_reference == before.by_reference
    assert (await made.row(done)).outcome == "unchanged"


@pytest.mark.parametrize("name", ["{id}", "pumps", "PUMPS", "pum", "{number}", "SO/{number}"])
async def test_a_record_is_found_by_either_sides_id_number_or_name(made, cli, name):
    _, done = await held_and_done(made)
    number = (await made.order_of(done))["OrderNbr"]

    found = (await cli("records", "show", name.format(id=done, number=number), "--json")).json

    assert [match["record"] for match in found["matches"]] == [str(done)]


async def test_the_story_of_a_record_has_every_part(made, cli):
    held, done = await held_and_done(made)
    order = (await made.order_of(done))["OrderNbr"]

    story = await story_with(cli, done, "SalesOrder.create")
    shown = (await cli("records", "show", str(done))).out
    waiting = (await cli("records", "show", str(held))).out

    assert story["record"]["state"] == "done"
    assert {run["outcome"] for run in story["runs"]} <= {"written", "unchanged"}
    assert "sales_order_created" in [entry["event"] for entry in story["entries"]]
    assert {link["kind"] for link in story["links"]} >= {"deal:sales_order"}
    for words in ("started by poll deals", "PUT SalesOrder.create -> 200", order):
        assert words in shown
    assert "Acumatica has no item GHOST-1" in waiting
    assert "way out" in waiting


async def test_an_unknown_record_is_told_with_how_to_find_out_why(made, cli):
    await held_and_done(made)

    ended = await cli("records", "show", "no such thing", code=1)

    assert ended.err.startswith("error: no record is known by 'no such thing'")
    assert f"ml-connector run {FLOW} --record ID --dry-run" in ended.err
    assert len(ended.err.splitlines()) == 1


async def test_a_dry_run_tells_field_by_field_and_writes_nothing(made, cli):
    await made.items("PUMP-40")
    pump = await made.product("PUMP-40")
    await made.apply()
    org = await made.organization("Nordwerk GmbH")
    deal = await made.deal(
        [{"product_id": pump, "quantity": 3, "item_price": 19.99}], title="Pumps", org_id=org
    )
    await made.win(deal)
    before = {vendor: len(await made.calls(vendor)) for vendor in ("acumatica", "pipedrive")}

    found = (await cli("run", FLOW, "--record", str(deal), "--dry-run", "--json")).json
    shown = (await cli("run", FLOW, "--record", str(deal), "--dry-run")).out

    assert found["outcome"] == "planned"
    assert [(write["action"], write["kind"]) for write in found["writes"]] == [
        ("create", "customer"),
        ("change", "organization"),
        ("create", "sales_order"),
        ("change", "deal"),
    ]
    assert "+ create sales_order" in shown
    assert "details[1].unit_price" in shown
    assert "19.99" in shown
    calls = {vendor: await made.calls(vendor) for vendor in ("acumatica", "pipedrive")}
    writes = [
        call["operation"]
        for vendor, found_calls in calls.items()
        for call in found_calls[before[vendor] :]
        if call["method"] != "GET" and "/connect/token" not in call["target"]
    ]
    assert writes == []
    assert await made.rows() == []
    assert (await made.books()).orders == {}


async def test_a_dry_run_says_which_rule_stops_a_record(made, cli):
    await made.apply()
    org = await made.organization()
    deal = await made.deal(title="Open", org_id=org)

    ended = await cli("run", FLOW, "--record", str(deal), "--dry-run")

    assert f"nothing would be written: deal {deal} is open, not won" in ended.out


async def test_run_takes_one_record_before_others_and_waits_for_its_end(made, cli):
    await held_and_done(made)
    await announced_worker(made)
    org = await made.organization("Ostwerk AG")
    pump = await made.product("PUMP-40")
    deal = await made.deal([{"product_id": pump, "quantity": 1, "item_price": 7}], org_id=org)
    await made.win(deal)

    found = (await cli("run", FLOW, "--record", str(deal), "--json")).json

    assert (found["record"]["state"], found["record"]["outcome"]) == ("done", "written")
    assert found["record"]["trigger"]["by"] == "person"
    events = [entry["event"] for entry in found["entries"]]
    assert "sales_order_created" in events


async def test_run_of_a_held_record_ends_with_1_and_the_reason(made, cli):
    held, _ = await held_and_done(made)
    await announced_worker(made)

    ended = await cli("run", FLOW, "--record", str(held), code=1)

    assert "Acumatica has no item GHOST-1" in ended.out


async def test_run_raises_the_polls_now(made, cli):
    await held_and_done(made)
    await announced_worker(made)

    found = (await cli("run", FLOW, "--json")).json

    assert [poll["record"] for poll in found["polls"]] == ["deals"]
    assert found["polls"][0]["state"] == "done"


async def test_run_without_a_worker_says_so(made, cli):
    await made.apply()

    ended = await cli("run", FLOW, "--record", "1", code=3)

    assert "no worker runs" in ended.err
    assert len(await made.rows()) == 1  # it is wanted all the same


async def test_run_says_that_a_connection_is_out_of_service(made, cli):
    await made.apply()
    await announced_worker(made)
    await cli("connections", "pause", "erp", "--reason", "month end")

    ended = await cli("run", FLOW, "--record", "1", code=1)

    assert "connection erp is paused: month end; `connections resume erp`" in ended.err


async def test_status_counts_by_state_and_tells_when_the_next_thing_is_due(made, cli):
    await held_and_done(made)

    found = (await cli("status", "--json")).json
    shown = (await cli("status")).out

    (flow,) = found["installations"][0]["flows"]
    assert flow["counts"] == {
        "ready": 0,
        "queued": 0,
        "running": 0,
        "held": 1,
        "dead": 0,
        "done": 1,
    }
    assert (flow["late"], flow["waiting"]) == (0, 0)
    assert flow["next_due_at"] is not None
    assert found["next_due_at"] <= flow["next_due_at"]
    assert {one["name"]: one["state"] for one in found["connections"]} == {
        "crm": "ready",
        "erp": "ready",
    }
    assert found["connections"][0]["budget"]["used"] > 0
    assert [stream["stream"] for stream in found["streams"]] == ["deals"]
    assert "1 record is held: see `held`" in shown
    await cli("status", "--check", code=1)


async def test_a_record_later_than_its_cadence_is_counted_and_listed(made, cli):
    await made.apply()
    await cli("connections", "pause", "crm")
    await cli("run", FLOW, "--record", "42", "--wait", "0")
    made.services.clock.offset = timedelta(minutes=5)  # the cadence is a minute
    from ml_connector.app.sandbox_clock import set_offset  # noqa: PLC0415 - for this one line

    async with made.services.database.transaction() as db:
        await set_offset(db, made.services.clock.offset)

    found = (await cli("status", "--json")).json
    late = (await cli("records", "list", "--late", "--json")).json

    assert found["installations"][0]["flows"][0]["late"] == 1
    assert [row["record"] for row in late["records"]] == ["42"]


async def test_ping_is_all_right_against_the_sandbox(made, cli):
    await made.apply()

    found = (await cli("connections", "ping", "--all", "--json")).json

    assert found["is_good"] is True
    checks = {one["name"]: [line["check"] for line in one["lines"]] for one in found["connections"]}
    assert "right" in checks["crm"]
    assert "right" in checks["erp"]


async def test_ping_of_a_system_that_is_not_there_ends_with_3(made, cli):
    await made.apply()
    await made.sandbox.stop()

    ended = await cli("connections", "ping", code=3)

    assert "wrong" in ended.out


async def test_ping_of_a_refused_login_ends_with_1(made, cli):
    await made.apply()
    path = made.folder / "wrong.yaml"
    crm = made.sandbox.describe()["pipedrive"]
    path.write_text(
        f"connections: {{crm: {{vendor: pipedrive, settings: {{api_url: '{crm['url']}', "
        "api_token: wrong}}}\n"
    )
    await cli("apply", str(path), "--yes")

    ended = await cli("connections", "ping", "crm", code=1)

    assert "login" in ended.out


async def test_a_paused_connection_is_listed_with_its_reason_and_resumed(made, cli):
    await made.apply()

    await cli("connections", "pause", "erp", "--reason", "month end")
    listed = (await cli("connections", "list")).out
    resumed = (await cli("connections", "resume", "erp", "--json")).json

    assert "paused" in listed
    assert "month end" in listed
    assert resumed["state"] == "ready"


async def test_the_trail_tells_who_did_what_since_when_and_to_which_record(made, cli):
    held, done = await held_and_done(made)
    await cli("replay", "--record", str(held), "--yes")

    everything = (await cli("audit", "--since", "1h", "--json")).json["entries"]
    of_record = (await cli("audit", "--record", str(done), "--json")).json["entries"]
    orders = (await cli("audit", "--event", "sales_order*", "--json")).json["entries"]
    replays = (await cli("audit", "--event", "replay_requested", "--json")).json["entries"]

    assert {entry["event"] for entry in everything} >= {
        "configuration_applied",
        "customer_created",
        "sales_order_created",
        "replay_requested",
    }
    assert {entry["record"] for entry in of_record} == {str(done)}
    assert [entry["event"] for entry in orders] == ["sales_order_created"]
    assert replays[0]["record"] == str(held)
    assert "command line" in replays[0]["who"]


async def test_a_backfill_names_count_and_sums_and_then_takes_up_what_lies_before_go_live(
    made, cli
):
    await made.items("PUMP-40")
    pump = await made.product("PUMP-40")
    org = await made.organization("Nordwerk GmbH")
    line = {"product_id": pump, "quantity": 2, "item_price": 50}
    old = [await made.deal([line], title=f"Old {n}", org_id=org) for n in range(2)]
    await made.deal([line], title="Open", org_id=org)
    await made.win(*old)
    await made.apply(
        flows={FLOW: {"on": True, "when": {"every": "1m"}, "go_live": "2099-01-01T00:00:00Z"}}
    )

    counted = (await cli("backfill", FLOW, "--from", LONG_AGO, "--dry-run", "--json")).json
    assert (counted["records"], counted["sums"], counted["left_out"], counted["taken_up"]) == (
        2,
        {"USD": "200"},
        1,
        0,
    )
    assert await made.rows() == []

    refused = await cli("backfill", FLOW, "--from", LONG_AGO, code=2)
    assert "take up 2 records" in refused.err
    taken = (await cli("backfill", FLOW, "--from", LONG_AGO, "--yes", "--json")).json
    assert taken["taken_up"] == 2
    await made.work_inside()
    rows = await made.settled(*old)
    assert {row.outcome for row in rows.values()} == {"written"}
    assert {row.trigger["by"] for row in rows.values()} == {"backfill"}


async def test_a_replay_of_a_backfilled_record_passes_its_go_live_again(made, cli):
    ghost = await made.product("GHOST-1")
    org = await made.organization("Nordwerk GmbH")
    line = {"product_id": ghost, "quantity": 2, "item_price": 50}
    old = await made.deal([line], title="Old", org_id=org)
    await made.win(old)
    await made.apply(
        flows={FLOW: {"on": True, "when": {"every": "1m"}, "go_live": "2099-01-01T00:00:00Z"}}
    )
    await cli("backfill", FLOW, "--from", LONG_AGO, "--yes")
    await made.work_inside()
    assert (await made.settled(old))[old].state == "held"

    await made.items("GHOST-1")
    await cli("replay", "--held", "--yes")

    assert (await made.settled(old))[old].outcome == "written"


async def test_keys_are_listed_by_id_with_what_they_seal(made, cli):
    await made.apply()

    (key,) = (await cli("keys", "list", "--json")).json["keys"]
    shown = await cli("keys", "list")

    assert key["is_newest"] is True
    assert key["secrets"] > 0
    assert made.master_keys not in shown.out


async def test_keys_are_rotated_while_everything_runs(made, cli):
    await made.apply()
    new = (await cli("keys", "new", "--json")).json

    both = f"{new['key']},{made.master_keys}"
    rotated = (await cli("keys", "rotate", "--json", ML_CONNECTOR_MASTER_KEYS=both)).json

    assert rotated["key"] == new["id"]
    assert rotated["wrapped"] > 0
    after = (await cli("connections", "list", "--json", ML_CONNECTOR_MASTER_KEYS=new["key"])).json
    assert [one["name"] for one in after["connections"]] == ["crm", "erp"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["run", "nothing"],
            2,
            "there is no flow 'nothing'; there are: contact_to_person, customer_to_organization",
        ),
        (["connections", "ping", "nothing"], 2, "there is no connection 'nothing'; there are:"),
        (["held", "--installation", "nothing"], 2, "there is no installation 'nothing'"),
        (["audit", "--since", "soon"], 2, "'soon' is no moment; write 2h, 2026-11-20"),
        (["replay"], 2, "say what to replay: --record, --flow, --held, --dead or --cause"),
        (["run", FLOW, "--dry-run"], 2, "a dry run is of one record: name it with --record"),
        (["status", "--workspace", "other"], 2, "there is no workspace 'other'"),
        (["backfill", FLOW, "--from", "2h", "--to", "3h"], 2, "the range is empty"),
        (["apply", "nothing.yaml"], 2, "nothing.yaml: No such file or directory"),
        (["audit", "--record", "nothing"], 1, "no record is known by 'nothing'"),
    ],
)
async def test_a_wrong_command_is_told_in_one_line(made, cli, arguments, code, words):
    await made.apply()

    ended = await cli(*arguments, code=code)

    assert ended.err.splitlines()[-1].startswith("error: ")
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1


async def test_a_database_that_does_not_answer_ends_with_3(cli: CommandLine, tmp_path):
    nowhere = f"postgresql://nobody@/none?host={tmp_path}"

    ended = await cli("status", code=3, ML_CONNECTOR_DATABASE_URL=nowhere)

    assert ended.err.startswith("error: the database does not answer:")
    assert len(ended.err.splitlines()) == 1


async def test_no_secret_is_in_what_commands_show(made, cli):
    held, done = await held_and_done(made)
    shown = [
        await cli("export"),
        await cli("connections", "list", "--json"),
        await cli("connections", "ping", "--json"),
        await cli("status", "--json"),
        await cli("audit", "--json"),
        await cli("records", "show", str(done), "--json"),
        await cli("records", "show", str(held), "--json"),
    ]

    described = made.sandbox.describe()
    secrets = [
        described["pipedrive"]["api_token"],
        described["acumatica"]["client_secret"],
        described["acumatica"]["password"],
        made.master_keys,
    ]
    assert not [word for word in secrets for ended in shown if word in ended.out + ended.err]


async def test_report_lists_products_that_are_no_item_and_writes_nothing(made, cli):
    await made.items("PUMP-41")
    await made.product("PUMP-41")
    await made.product("pump-80")  # a default item of the site; order lines find it in any case
    ghost, nameless = await made.product("GHOST-1"), await made.product(None, name="Grease")
    spaced = await made.product("VALVE - 2")
    await made.apply()
    before = {vendor: len(await made.calls(vendor)) for vendor in ("pipedrive", "acumatica")}

    found = (await cli("report", "products-without-item", "--json")).json
    listed = (await cli("report", "list", "--json")).json["reports"]

    rows = {int(row["product"]): row for row in found["rows"]}
    assert set(rows) == {ghost, nameless, spaced}
    assert rows[ghost]["why"] == "Acumatica has no item GHOST-1"
    assert "no product code" in rows[nameless]["why"]
    assert "VALVE-2" in rows[spaced]["why"]
    assert [each["report"] for each in listed] == ["products-without-item"]
    calls = [call for vendor in before for call in (await made.calls(vendor))[before[vendor] :]]
    assert {call["method"] for call in calls if "identity" not in call["target"]} == {"GET"}


async def test_report_of_an_unknown_name_names_those_there_are(made, cli):
    await made.apply()

    ended = await cli("report", "sales", code=2)

    assert "products-without-item" in ended.err
