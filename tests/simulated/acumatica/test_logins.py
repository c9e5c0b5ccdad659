"""Logging in, renewing, running out and giving seats back."""

import asyncio

import pytest

from ml_connector.core.errors import (
    AuthenticationError,
    ConfigurationError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.core.logins import MemoryLogins
from ml_connector.vendors.acumatica import Client
from ml_connector.vendors.acumatica.auth import consent_ends_at
from ml_connector.vendors.acumatica.models import Item

WAYS = ["oauth_password", "cookie"]


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_of_logging_in_reads_an_item(open_client, way):
    client = open_client(login_mode=way)

    found = await anyone(client)

    assert found


async def test_a_consent_is_exchanged_with_its_verifier(open_client, consent):
    login = await consent()
    client = open_client(MemoryLogins(user=login), login_mode="oauth_code")

    assert await anyone(client)
    assert consent_ends_at(login) is not None


async def test_without_a_consent_a_person_is_asked_for(open_client):
    client = open_client(login_mode="oauth_code")

    with pytest.raises(AuthenticationError) as refused:
        await anyone(client)

    assert refused.value.waits_for == "consent"


async def test_an_expired_token_is_renewed_by_one_of_many(hand, open_client):
    logins = MemoryLogins()
    client = open_client(logins)
    await anyone(client)
    before = await logins.current("user")
    since = (await hand.calls())[-1]["number"]

    await hand.play("expire_tokens")
    await asyncio.gather(*(client.customers_by_email(f"{n}@x.example") for n in range(8)))

    after = await logins.current("user")
    assert (await hand.operations(since=since)).count("POST token") == 1
    assert before is not None
    assert after is not None
    assert after.version == before.version + 1
    assert after.values["refresh_token"] != before.values["refresh_token"]
    assert after.facts["consented_at"] == before.facts["consented_at"]


async def test_every_rotated_refresh_token_is_the_one_used_next(hand, open_client, consent):
    client = open_client(MemoryLogins(user=await consent()), login_mode="oauth_code")

    for _ in range(4):
        await hand.play("expire_tokens")
        assert await anyone(client)


async def test_a_renewal_without_a_refresh_token_keeps_the_old_one(hand, open_client, consent):
    await hand.switch(renewal_without_refresh_token=True)
    client = open_client(MemoryLogins(user=await consent()), login_mode="oauth_code")

    for _ in range(2):
        await hand.play("expire_tokens")
        assert await anyone(client)


async def test_after_thirty_days_a_person_consents_again(hand, open_client, consent):
    client = open_client(MemoryLogins(user=await consent()), login_mode="oauth_code")

    await hand.pass_time(31 * 24 * 3600)

    with pytest.raises(AuthenticationError, match="consent has run out"):
        await anyone(client)


async def test_after_thirty_days_the_password_logs_in_anew(hand, client):
    await anyone(client)

    await hand.pass_time(31 * 24 * 3600)

    assert await anyone(client)


async def test_a_revoked_consent_needs_a_person(hand, open_client, consent):
    client = open_client(MemoryLogins(user=await consent()), login_mode="oauth_code")

    await hand.play("revoke_tokens")

    with pytest.raises(AuthenticationError):
        await anyone(client)


async def test_a_lost_answer_to_a_renewal_is_an_outage_and_then_the_password_helps(hand, client):
    await anyone(client)
    await hand.play("expire_tokens")
    await hand.fault("cut_after", path=".*/connect/token")

    with pytest.raises(UnavailableError):
        await anyone(client)

    assert await anyone(client)


async def test_a_session_that_ended_is_opened_again(hand, open_client):
    client = open_client(login_mode="cookie")
    await anyone(client)

    await hand.play("end_sessions")

    assert await anyone(client)


@pytest.mark.parametrize("way", WAYS)
async def test_a_wrong_password_is_told(open_client, way):
    client = open_client(login_mode=way, password="wrong")

    with pytest.raises(AuthenticationError, match="user name or password"):
        await anyone(client)


async def test_a_wrong_tenant_is_told_apart_in_the_cookie_login(open_client):
    client = open_client(login_mode="cookie", tenant="Nowhere")

    with pytest.raises(ConfigurationError, match="tenant"):
        await anyone(client)


async def test_a_wrong_tenant_in_the_client_id_is_told(told, open_client):
    generated = told["client_id"].partition("@")[0]
    client = open_client(client_id=f"{generated}@Nowhere")

    with pytest.raises(AuthenticationError, match="after @ must be the tenant"):
        await anyone(client)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [500, 429])
async def test_a_taken_seat_is_waited_for(hand, open_client, way, status):
    await hand.switch(api_users=1, seat_limit_status=status)
    first, second = open_client(login_mode=way), open_client(login_mode=way)
    await anyone(first)

    with pytest.raises(RateLimitedError) as full:
        await anyone(second)

    assert full.value.scope is QuotaScope.SEATS
    assert full.value.retry_after is not None
    assert full.value.retry_after.total_seconds() >= 60


async def test_a_seat_that_is_taken_at_the_first_call_is_told_too(hand, open_client):
    await hand.switch(api_users=1, seat_taken_at="call")
    await anyone(open_client())

    with pytest.raises(RateLimitedError) as full:
        await anyone(open_client())

    assert full.value.scope is QuotaScope.SEATS


@pytest.mark.parametrize("way", WAYS)
async def test_logging_out_frees_the_seat(hand, open_client, way):
    await hand.switch(api_users=1)
    first, second = open_client(login_mode=way), open_client(login_mode=way)
    await anyone(first)

    await first.log_out()

    assert await anyone(second)


@pytest.mark.parametrize("way", WAYS)
async def test_after_logging_out_the_next_call_logs_in(open_client, way):
    client = open_client(login_mode=way)
    await anyone(client)

    await client.log_out()

    assert await anyone(client)


async def test_logging_out_without_a_login_calls_nothing(hand, client):
    await client.log_out()

    assert await hand.operations() == []


async def test_logging_out_of_a_session_that_ended_is_no_error(hand, open_client):
    client = open_client(login_mode="cookie")
    await anyone(client)
    await hand.play("end_sessions")

    await client.log_out()

    assert await anyone(client)


async def test_two_clients_with_one_store_share_a_seat(hand, open_client):
    await hand.switch(api_users=1)
    logins = MemoryLogins()
    first, second = open_client(logins), open_client(logins)

    assert await anyone(first)
    assert await anyone(second)


async def anyone(client: Client) -> Item:
    """Make the cheapest call that needs a login."""
    return await client.item("PUMP-40")
