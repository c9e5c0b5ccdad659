from __future__ import annotations

import asyncio

import pytest

from ml_connector.core.errors import AuthenticationError
from ml_connector.core.logins import MemoryLogins
from ml_connector.vendors.pipedrive.auth import LOGIN_NAME, revoke


async def test_api_token_logs_in_as_its_user(client):
    me = await client.me()

    assert me.company_domain
    assert me.is_account_admin


async def test_api_token_made_anew_in_pipedrive_ends_the_old_one(client, hand):
    await hand.play("rotate_token", user_id=2001)

    with pytest.raises(AuthenticationError, match="API token"):
        await client.me()


async def test_consent_logs_in_at_the_address_that_the_token_names(consented, open_with, sandbox):
    client = open_with(MemoryLogins(user=consented))

    me = await client.me()

    assert me.id == 2001
    assert consented.facts["api_domain"] == sandbox.urls["pipedrive"]


async def test_access_token_that_ends_in_the_middle_is_renewed_without_a_failed_call(
    consented, open_with, hand
):
    logins = MemoryLogins(user=consented)
    client = open_with(logins)
    await client.me()
    await hand.play("expire_tokens")

    found = await asyncio.gather(*(client.me() for _ in range(5)))

    assert {me.id for me in found} == {2001}
    refreshes = [call for call in await hand.calls() if call["target"].startswith("/oauth/token")]
    assert len(refreshes) == 2  # the consent's own, and one renewal for all five


async def test_rotated_refresh_token_is_stored_and_the_next_renewal_uses_it(
    consented, open_with, hand
):
    await hand.switch(rotate_refresh_tokens=True)
    logins = MemoryLogins(user=consented)
    client = open_with(logins)

    for _ in range(3):
        await hand.play("expire_tokens")
        assert (await client.me()).id == 2001

    stored = await logins.current(LOGIN_NAME)
    assert stored is not None
    assert stored.values["refresh_token"] != consented.values["refresh_token"]


async def test_uninstalled_app_asks_for_consent_again(consented, open_with, hand):
    client = open_with(MemoryLogins(user=consented))
    await hand.play("revoke_login", user_id=2001)

    with pytest.raises(AuthenticationError, match="consent"):
        await client.me()


async def test_revoking_ends_the_login(consented, open_with, oauth_settings, transport):
    await revoke(oauth_settings, consented, transport=transport)

    with pytest.raises(AuthenticationError, match="consent"):
        await open_with(MemoryLogins(user=consented)).me()


async def test_ping_of_a_good_account_is_good_throughout(client):
    lines = await client.ping(["deals:full", "contacts:full", "products:read", "admin"])

    assert all(line.is_good for line in lines), lines


async def test_ping_names_the_scope_that_the_app_lacks(open_with, consented):
    lines = await open_with(MemoryLogins(user=consented)).ping(["deals:full", "deal-fields:full"])

    assert [line.subject for line in lines if not line.is_good] == ["deal-fields:full"]
