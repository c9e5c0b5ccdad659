from __future__ import annotations

import asyncio
import random

import pytest
from tests.unit.vendor_simulators.sage_intacct.conftest import create, entry, query, vendor

from vendor_simulators.kit import ControlError, Effect, Rule, SimClock
from vendor_simulators.sage_intacct import SageIntacct
from vendor_simulators.sage_intacct.people import People

JOURNALS = query("JOURNAL", "SYMBOL")


def test_the_description_names_what_a_client_needs():
    described = SageIntacct(clock=SimClock(), rng=random.Random(1)).describe()

    assert list(described) == [
        "gateway_url",
        "sender_id",
        "sender_password",
        "company_id",
        "user_id",
        "user_password",
    ]


async def test_an_injected_failure_is_xml_of_the_layer_in_front(books):
    books.simulator.fail_next(503)

    answer = await books.call(JOURNALS)

    assert (answer.status, answer.numbers) == (503, ["GW-0001"])
    assert [one.tag for one in answer.root.find("control")] == ["status"]


@pytest.mark.parametrize(("status", "retry_after"), [(429, None), (429, "7"), (200, None)])
async def test_a_throttled_request_comes_in_all_known_forms(books, status, retry_after):
    books.switch(throttle_next=1, throttle_status=status, throttle_retry_after=retry_after)

    answer = await books.call(JOURNALS)

    assert (answer.status, answer.numbers) == (status, ["GW-0010"])
    assert answer.headers.get("Retry-After") == retry_after
    assert (await books.call(JOURNALS)).status == 200


async def test_requests_above_the_limit_wait_and_are_throttled_when_that_takes_too_long(books):
    books.switch(concurrent_requests=1, work_seconds=0.2)
    patient = await asyncio.gather(*(books.call(JOURNALS) for _ in range(2)))
    books.switch(queue_seconds=0.01)
    hasty = await asyncio.gather(*(books.call(JOURNALS) for _ in range(2)))

    assert [answer.status for answer in patient] == [200, 200]
    assert sorted(answer.status for answer in hasty) == [200, 429]


async def test_the_service_may_be_off_line_for_a_while(books):
    books.switch(offline_next=1)

    answer = await books.call(create("VENDOR", vendor()))

    assert answer.texts == ["The Service is Temporarily Off-line"]
    assert answer.text("errormessage/error/correction") == "Please Try Again Later"
    assert books.records("vendors") == []


async def test_an_html_page_of_a_network_in_front_can_stand_for_an_answer(books):
    books.simulator.faults.add(Rule(effect=Effect(kind="html", status=524), times=1))

    answer = await books.call(JOURNALS)

    assert (answer.status, answer.root) == (524, None)


async def test_reset_brings_the_company_back_to_its_beginning(books):
    await books.done(create("GLBATCH", entry()), create("VENDOR", vendor()), unique=True)

    await books.simulator.reset()

    assert books.records("journal_entries") == books.records("vendors") == []
    assert books.records("control_ids") == []
    assert (await books.call(JOURNALS)).statuses == ["success"]


async def test_a_seed_is_taken_whole_or_not_at_all(books):
    with pytest.raises(ControlError, match="already exists"):
        await books.seed(vendors=[vendor("V-1", "a"), vendor("V-1", "b")])
    with pytest.raises(ControlError, match="no records of kind nonsense"):
        await books.seed(nonsense=[{}])

    assert books.records("vendors") == []


async def test_a_seed_may_set_an_owner_rates_users_and_terms(books):
    books.switch(multi_entity=True)

    made = await books.seed(
        vendors=[vendor("V-1", MEGAENTITYID="E100")],
        rates={"Mine": {"SEK": "0.1"}},
        users=[{"user_id": "reader", "password": "p", "rights": {"Vendors": "List"}}],
        bills=[{"RECORDID": "B-1", "VENDORID": "V-1", "TOTALDUE": "5.00", "STATE": "Posted"}],
    )

    assert made["vendors"] == [{"RECORDNO": 1, "VENDORID": "V-1"}]
    assert books.records("vendors")[0]["MEGAENTITYID"] == "E100"
    assert books.records("bills")[0]["TOTALDUE"] == "5"
    assert (await books.call(JOURNALS, login=books.login(userid="reader", password="p"))).results


@pytest.mark.parametrize(
    ("action", "body", "text"),
    [
        ("dance", {}, "there is no action dance"),
        ("approve_entry", {"entry": 7}, "there is no GLBATCH 7"),
        ("reverse_entry", {"reference": "x"}, "no journal entry with reference x"),
        ("close_books", {"date": "soon"}, "soon is not a date"),
        ("close_books", {}, "date is missing"),
        ("set_status", {"kind": "vendors", "key": "x", "status": "active"}, "no VENDOR x"),
        ("set_journal_status", {"key": "GJ", "status": "asleep"}, "active or inactive"),
    ],
)
async def test_an_action_that_cannot_be_done_says_why(books, action, body, text):
    with pytest.raises(ControlError, match=text):
        await books.play(action, **body)


def test_every_action_is_built_and_described():
    simulator = SageIntacct(clock=SimClock(), rng=random.Random(1))

    assert set(simulator.people._plays) == set(People.ACTIONS)
    assert all(People.ACTIONS.values())


async def test_master_data_changes_by_hand(books):
    await books.play("set_rate", currency="EUR", rate="2")
    await books.play("set_journal_status", key="SJ", status="inactive")
    books.switch(multi_currency=True)
    rated = {"CURRENCY": "EUR", "EXCH_RATE_TYPE_ID": "Intacct Daily Rate"}
    lines = [
        {"ACCOUNTNO": "1150", "TR_TYPE": 1, "TRX_AMOUNT": 5, **rated},
        {"ACCOUNTNO": "4000", "TR_TYPE": -1, "TRX_AMOUNT": 5, **rated},
    ]

    refused = await books.call(create("GLBATCH", entry(*lines, JOURNAL="SJ")))
    await books.post(*lines)

    assert refused.cause == "Journal 'SJ' is inactive"
    assert {row["AMOUNT"] for row in books.records("GLENTRY")} == {"10"}
