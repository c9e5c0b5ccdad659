from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.unit.vendor_simulators.sage_intacct.conftest import query

from vendor_simulators.kit import Effect, Rule

JOURNALS = query("JOURNAL", "SYMBOL")
INVALID = "Invalid session"


async def test_a_session_is_given_with_the_address_it_is_tied_to(books):
    answer = await books.open_session()

    assert answer.text("operation/result/data/api/endpoint") == books.url
    assert (await books.call(JOURNALS)).statuses == ["success"]


async def test_an_unknown_session_leaves_user_and_company_empty(books):
    books.session = "nobodys"

    answer = await books.call(JOURNALS)

    assert answer.text("control/status") == "success"
    assert answer.text("operation/authentication/status") == "failure"
    assert answer.text("operation/authentication/userid") == ""
    assert answer.results == []
    assert answer.numbers == ["XL03000006"]
    assert answer.cause.startswith(INVALID)


async def test_use_slides_the_end_until_the_absolute_one(books):
    books.switch(session_idle_minutes=30, session_minutes=50)
    await books.open_session()
    statuses = []
    for minutes in (20, 25, 4):
        books.clock.advance(timedelta(minutes=minutes))
        statuses.append((await books.call(JOURNALS)).statuses)

    books.clock.advance(timedelta(minutes=2))
    over = await books.call(JOURNALS)

    assert statuses == [["success"]] * 3
    assert over.cause.startswith(INVALID)


async def test_an_idle_session_ends_earlier(books):
    books.switch(session_idle_minutes=30, session_minutes=None)
    await books.open_session()
    books.clock.advance(timedelta(minutes=31))

    assert (await books.call(JOURNALS)).cause.startswith(INVALID)


async def test_the_answer_tells_now_and_the_nearer_end(books):
    books.switch(session_idle_minutes=30, session_minutes=50)
    await books.open_session()
    books.clock.advance(timedelta(minutes=29))
    answer = await books.call(JOURNALS)
    block = answer.root.find("operation/authentication")

    began, ends = (
        datetime.fromisoformat(block.findtext(name))
        for name in ("sessiontimestamp", "sessiontimeout")
    )

    assert abs((ends - began) - timedelta(minutes=21)) <= timedelta(seconds=2)
    books.switch(session_timeout_told=False)
    assert (await books.call(JOURNALS)).root.find("operation/authentication/sessiontimeout") is None


async def test_a_wrong_password_echoes_user_and_company(books):
    answer = await books.call(JOURNALS, login=books.login(password="wrong"))

    assert answer.text("operation/authentication/userid") == "xml_ml"
    assert answer.root.find("operation/authentication/locationid") is None
    assert answer.texts == ["Sign-in information is incorrect"]


async def test_an_unauthorized_sender_is_told_what_to_do(books):
    await books.play("revoke_sender", sender="ml_connector_mpp")

    answer = await books.call(JOURNALS)
    error = answer.root.find("operation/errormessage/error")

    assert error.findtext("description") == "Invalid Web Services Authorization"
    assert "is not authorized to make Web Services requests" in error.findtext("description2")
    assert error.findtext("correction").startswith("Contact the company administrator")


async def test_get_api_session_must_be_alone(books):
    answer = await books.call("<getAPISession/>", JOURNALS)

    assert answer.text("control/status") == "failure"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("end_sessions", {}),
        ("change_password", {"user": "xml_ml", "password": "new"}),
        ("lock_user", {"user": "xml_ml"}),
    ],
)
async def test_an_administrator_can_end_a_session_early(books, action, body):
    await books.open_session()

    await books.play(action, **body)

    assert (await books.call(JOURNALS)).cause.startswith(INVALID)


async def test_a_session_belongs_to_its_sender(books):
    await books.open_session()
    await books.seed(senders=[{"sender_id": "other", "password": "p"}])
    books.described = {**books.described, "sender_id": "other", "sender_password": "p"}

    assert (await books.call(JOURNALS)).cause.startswith(INVALID)


async def test_a_session_of_a_pod_works_only_at_its_endpoint(books):
    books.switch(pod="na12")
    endpoint = (await books.open_session()).text("operation/result/data/api/endpoint")
    assert endpoint is not None

    elsewhere = await books.call(JOURNALS)
    there = await books.call(JOURNALS, url=endpoint)

    assert endpoint.endswith("/na12/ia/xml/xmlgw.phtml")
    assert elsewhere.cause.startswith(INVALID)
    assert there.statuses == ["success"]


async def test_an_endpoint_may_be_foreign(books):
    books.switch(foreign_endpoint="https://evil.example/ia/xml/xmlgw.phtml")

    answer = await books.open_session()

    assert answer.text("operation/result/data/api/endpoint") == (
        "https://evil.example/ia/xml/xmlgw.phtml"
    )


async def test_entities_are_entered_by_login_or_session_and_left_with_an_empty_one(books):
    books.switch(multi_entity=True)

    by_login = await books.call(JOURNALS, login=books.login(locationid="E100"))
    child = await books.call(JOURNALS, login=books.login(locationid="L110"))
    await books.open_session("E200")
    inside = await books.call(JOURNALS)
    back = await books.open_session("")

    assert by_login.text("operation/authentication/locationid") == "E100"
    assert child.texts == ["Sign-in information is incorrect"]
    assert inside.text("operation/authentication/locationid") == "E200"
    assert back.text("operation/result/data/api/locationid") == ""
    assert (await books.call(JOURNALS)).text("operation/authentication/locationid") == ""


async def test_a_scripted_expiry_ends_the_session_that_a_call_uses(books):
    await books.open_session()
    books.simulator.faults.add(Rule(effect=Effect(kind="expire_login"), times=1))

    assert (await books.call(JOURNALS)).cause.startswith(INVALID)
    assert books.simulator.faults.injected["expire_login"] == 1
