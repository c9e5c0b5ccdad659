"""Sessions: one login each, renewed in time, and never sent to where they do not belong."""

import asyncio
from datetime import timedelta

import pytest
from tests.unit.vendors.sage_intacct.gateway import COMPANY, USER, Gateway, rows

from ml_connector.core.errors import AuthenticationError, ConfigurationError
from ml_connector.core.logins import MemoryLogins
from ml_connector.vendors.sage_intacct import Client
from ml_connector.vendors.sage_intacct.models import GLBatch

ENTRY = {"RECORDNO": "6679", "JOURNAL": "GJ", "STATE": "Posted"}


async def read_an_entry(client: Client) -> GLBatch:
    return await client.gl_batch("6679")


@pytest.fixture
def answering(gateway: Gateway) -> Gateway:
    gateway.on("query", rows("GLBATCH", ENTRY))
    return gateway


async def test_one_login_serves_all_requests(client, answering):
    await read_an_entry(client)
    await read_an_entry(client)

    assert len(answering.logins) == 1
    assert [each.text("operation/authentication/sessionid") for each in answering.business] == [
        "session-1..",
        "session-1..",
    ]


async def test_the_login_names_user_company_and_password_in_this_order(client, answering):
    await read_an_entry(client)

    assert [(each.tag, each.text) for each in answering.logins[0]][:2] == [
        ("userid", USER),
        ("companyid", COMPANY),
    ]
    assert answering.logins[0][2].tag == "password"


@pytest.mark.parametrize(
    ("later", "logins"), [(timedelta(minutes=44, seconds=59), 1), (timedelta(minutes=45), 2)]
)
async def test_a_session_is_renewed_at_45_of_50_minutes(client, answering, clock, later, logins):
    answering.idle = timedelta(hours=2)
    await read_an_entry(client)

    clock.move(seconds=later.total_seconds())
    await read_an_entry(client)

    assert len(answering.logins) == logins


async def test_a_session_at_44_minutes_59_that_is_over_all_the_same_costs_one_login(
    client, answering, clock
):
    await read_an_entry(client)

    clock.move(minutes=44, seconds=59)
    answering.revoke()
    found = await read_an_entry(client)

    assert found.key == "6679"
    assert len(answering.logins) == 2


async def test_a_session_ends_earlier_where_the_gateway_says_so(client, answering, clock):
    answering.idle = timedelta(minutes=10)
    await read_an_entry(client)

    clock.move(minutes=9, seconds=1)
    await read_an_entry(client)

    assert len(answering.logins) == 2
    assert len(answering.business) == 2  # none of them with a session that was over


async def test_use_keeps_a_session_that_would_have_ended(client, answering, clock):
    answering.idle = timedelta(minutes=10)

    for _ in range(6):
        await read_an_entry(client)
        clock.move(minutes=7)

    assert len(answering.logins) == 1


async def test_a_gateway_that_tells_no_timeout_leaves_the_cap(client, answering, clock):
    answering.tells_timeout = False
    await read_an_entry(client)

    clock.move(minutes=45)
    await read_an_entry(client)

    assert len(answering.logins) == 2


async def test_a_session_revoked_between_two_functions_of_one_run_costs_one_login(
    client, answering
):
    await read_an_entry(client)

    answering.revoke()
    found = await read_an_entry(client)

    assert found.key == "6679"
    assert len(answering.logins) == 2
    assert len(answering.business) == 3


async def test_runs_that_meet_a_revoked_session_at_once_share_one_login(open_client, answering):
    logins = MemoryLogins()
    workers = [open_client(logins), open_client(logins), open_client(logins)]
    await asyncio.gather(*map(read_an_entry, workers))
    before = len(answering.logins)

    answering.revoke()
    await asyncio.gather(*map(read_an_entry, workers))

    assert before == 1
    assert len(answering.logins) == 2


async def test_a_gateway_that_refuses_new_sessions_is_not_asked_for_ever(client, answering):
    answering.idle = timedelta()

    with pytest.raises(AuthenticationError, match="just given"):
        await read_an_entry(client)

    assert len(answering.logins) == 3


async def test_each_entity_has_a_session_of_its_own(client, answering):
    await read_an_entry(client)
    await read_an_entry(client.at("E100"))
    await read_an_entry(client.at("E100"))
    await read_an_entry(client.at(None))

    assert [each.findtext("locationid") for each in answering.logins] == [None, "E100"]


async def test_a_session_of_other_settings_is_not_used(open_client, answering):
    logins = MemoryLogins()
    await read_an_entry(open_client(logins))
    await read_an_entry(open_client(logins, user_id="xml_other"))

    assert [each.findtext("userid") for each in answering.logins] == [USER, "xml_other"]


async def test_the_session_is_used_at_its_own_address(client, answering):
    answering.endpoint = f"http://localhost:{answering.port}/ia/xml/xmlgw.phtml"
    with pytest.raises(ConfigurationError, match="localhost"):
        await read_an_entry(client)


async def test_an_allowed_host_gets_the_session_and_logins_go_to_the_gateway(
    open_client, answering
):
    answering.endpoint = f"http://localhost:{answering.port}/ia/xml/xmlgw.phtml"
    client = open_client(allowed_hosts=["localhost"])
    await read_an_entry(client)
    answering.revoke()
    await read_an_entry(client)

    hosts = [(each.names[0], each.host.partition(":")[0]) for each in answering.requests]
    assert hosts == [
        ("getAPISession", "127.0.0.1"),
        ("query", "localhost"),
        ("query", "localhost"),
        ("getAPISession", "127.0.0.1"),
        ("query", "localhost"),
    ]


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("api.intacct.com", True),
        ("na12.intacct.com", True),
        ("NA12.INTACCT.COM", True),
        ("intacct.com.example.net", False),
        ("evilintacct.com", False),
        ("127.0.0.1", True),
    ],
)
def test_only_the_vendors_hosts_and_the_gateways_own_get_a_session(make_settings, host, is_allowed):
    assert make_settings().allows_host(host) is is_allowed


async def test_a_wrong_password_is_told_as_what_it_is_and_tried_once(open_client, answering):
    client = open_client(user_password="wrong-one")

    with pytest.raises(AuthenticationError, match="user ID, password or entity"):
        await read_an_entry(client)

    assert len(answering.logins) == 1


async def test_logging_out_drops_the_session(client, answering):
    await read_an_entry(client)
    await client.log_out()
    await read_an_entry(client)

    assert len(answering.logins) == 2


@pytest.mark.usefixtures("answering")
async def test_no_secret_is_kept_of_what_was_said(client, recorded):
    await read_an_entry(client)

    kept = b"".join((call.request_body or b"") + (call.response_body or b"") for call in
                    recorded.calls)  # fmt: skip
    assert b"<controlid>" in kept
    for secret in (b"sender's", b"user&lt;secret", b"session-1", b"ml_connector_mpp"):
        assert secret not in kept
