from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from ml_connector.core.clock import SystemClock
from ml_connector.core.errors import AuthenticationError, ConfigurationError, UnavailableError
from ml_connector.core.logins import Login, MemoryLogins
from ml_connector.core.secret import Secret
from ml_connector.vendors.pipedrive.auth import (
    CONSENT,
    LOGIN_NAME,
    authorize_url,
    exchange,
    parse_scopes,
    revoke,
)

TOKEN = "/oauth/token"
DEAL = {"id": 7, "status": "open"}


def login(
    pipedrive: Any, *, seconds: int = 3000, access: str = "v1u:old", refresh: str = "1:1:keep"
) -> Login:
    return Login(
        values={"access_token": Secret(access), "refresh_token": Secret(refresh)},
        facts={"api_domain": pipedrive.url, "scope": "base deals:full"},
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
        version=1,
    )


def token(pipedrive: Any, **more: Any) -> dict[str, Any]:
    return {
        "access_token": "v1u:new",
        "token_type": "Bearer",
        "expires_in": 3599,
        "refresh_token": "1:1:next",
        "scope": "base deals:full contacts:full",
        "api_domain": pipedrive.url,
    } | more


def form(call: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(call.body.decode()).items()}


def bearers(pipedrive: Any) -> list[str]:
    return [call.headers["authorization"] for call in pipedrive.calls if call.path != TOKEN]


async def test_api_token_travels_in_its_header_and_never_in_the_address(client, pipedrive):
    pipedrive.data("GET", "/api/v2/deals/7", DEAL)

    await client.deal(7)

    (call,) = pipedrive.calls
    assert call.headers["x-api-token"] == "0" * 40
    assert "api_token" not in call.query


async def test_bearer_of_a_stored_login_is_used_at_the_address_it_names(
    open_client, oauth_settings, pipedrive
):
    pipedrive.data("GET", "/api/v2/deals/7", DEAL)
    client = open_client(oauth_settings, MemoryLogins(user=login(pipedrive)))

    await client.deal(7)

    assert bearers(pipedrive) == ["Bearer v1u:old"]


async def test_login_that_ends_soon_is_renewed_once_however_many_calls_need_it(
    open_client, oauth_settings, pipedrive
):
    pipedrive.data("GET", "/api/v2/organizations/1", {"id": 1})
    pipedrive.data("GET", "/api/v2/persons/1", {"id": 1})
    pipedrive.on("POST", TOKEN, (200, token(pipedrive)))
    logins = MemoryLogins(user=login(pipedrive, seconds=30))
    client = open_client(oauth_settings, logins)

    await asyncio.gather(client.organization(1), client.person(1))

    assert pipedrive.paths().count(f"POST {TOKEN}") == 1
    assert set(bearers(pipedrive)) == {"Bearer v1u:new"}


async def test_refresh_sends_the_client_in_basic_and_the_token_in_the_form(
    open_client, oauth_settings, pipedrive
):
    pipedrive.data("GET", "/api/v2/persons/1", {"id": 1})
    pipedrive.on("POST", TOKEN, (200, token(pipedrive)))

    await open_client(oauth_settings, MemoryLogins(user=login(pipedrive, seconds=1))).person(1)

    call = pipedrive.calls[0]
    expected = base64.b64encode(b"3f9c0d5e:a client's secret").decode()
    assert call.headers["authorization"] == f"Basic {expected}"
    assert call.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert form(call) == {"grant_type": "refresh_token", "refresh_token": "1:1:keep"}


@pytest.mark.parametrize(
    ("answered", "kept"), [({}, "1:1:next"), ({"refresh_token": None}, "1:1:keep")]
)
async def test_refresh_token_is_replaced_only_by_another(
    open_client, oauth_settings, pipedrive, answered, kept
):
    pipedrive.data("GET", "/api/v2/persons/1", {"id": 1})
    pipedrive.on("POST", TOKEN, (200, token(pipedrive, **answered)))
    logins = MemoryLogins(user=login(pipedrive, seconds=1))

    await open_client(oauth_settings, logins).person(1)

    stored = await logins.current(LOGIN_NAME)
    assert stored is not None
    assert stored.values["refresh_token"].reveal() == kept
    assert stored.version == 2


async def test_refused_token_is_renewed_and_the_call_made_again(
    open_client, oauth_settings, pipedrive
):
    pipedrive.on(
        "GET",
        "/api/v2/persons/1",
        (401, {"success": False, "error": "unauthorized access"}),
        (200, {"success": True, "data": {"id": 1}}),
    )
    pipedrive.on("POST", TOKEN, (200, token(pipedrive)))

    found = await open_client(oauth_settings, MemoryLogins(user=login(pipedrive))).person(1)

    assert found.id == 1
    assert bearers(pipedrive) == ["Bearer v1u:old", "Bearer v1u:new"]


async def test_login_renewed_by_another_process_is_taken_over_without_a_renewal(
    open_client, oauth_settings, pipedrive
):
    logins = MemoryLogins(user=login(pipedrive))
    client = open_client(oauth_settings, logins)
    pipedrive.data("GET", "/api/v2/persons/1", {"id": 1})
    await client.person(1)

    async def elsewhere(_held):
        return login(pipedrive, access="v1u:elsewhere")

    await logins.renew(LOGIN_NAME, replacing=1, renewal=elsewhere)
    pipedrive.on(
        "GET",
        "/api/v2/persons/1",
        (401, {"success": False, "error": "unauthorized access"}),
        (200, {"success": True, "data": {"id": 1}}),
    )
    await client.person(1)

    assert bearers(pipedrive)[-1] == "Bearer v1u:elsewhere"
    assert TOKEN not in [call.path for call in pipedrive.calls]


async def test_revoked_consent_asks_for_a_person(open_client, oauth_settings, pipedrive):
    refused = {"success": False, "message": "Invalid grant: refresh_token is invalid"}
    pipedrive.on("POST", TOKEN, (400, refused))
    client = open_client(oauth_settings, MemoryLogins(user=login(pipedrive, seconds=-10)))

    with pytest.raises(AuthenticationError, match="give consent again"):
        await client.person(1)


async def test_connection_without_a_login_asks_for_a_person(open_client, oauth_settings):
    with pytest.raises(AuthenticationError, match="has not been connected yet"):
        await open_client(oauth_settings, MemoryLogins()).person(1)


async def test_outage_of_the_token_endpoint_is_harmless_while_the_login_is_good(
    open_client, oauth_settings, pipedrive
):
    pipedrive.data("GET", "/api/v2/persons/1", {"id": 1})
    pipedrive.on("POST", TOKEN, (503, b"<html>maintenance"))
    client = open_client(oauth_settings, MemoryLogins(user=login(pipedrive, seconds=60)))

    assert (await client.person(1)).id == 1


async def test_outage_of_the_token_endpoint_is_an_outage_once_the_login_has_ended(
    open_client, oauth_settings, pipedrive
):
    pipedrive.on("POST", TOKEN, (503, b"<html>maintenance"))
    client = open_client(oauth_settings, MemoryLogins(user=login(pipedrive, seconds=-10)))

    with pytest.raises(UnavailableError):
        await client.person(1)


def test_consent_is_asked_at_pipedrive_with_the_documented_parameters_only(oauth_settings):
    url = authorize_url(oauth_settings, "https://connector.example/oauth/callback", "k2J9", "v")

    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == oauth_settings.oauth_url
    assert parts.path == "/oauth/authorize"
    assert dict(parse_qsl(parts.query)) == {
        "client_id": "3f9c0d5e",
        "redirect_uri": "https://connector.example/oauth/callback",
        "state": "k2J9",
    }


async def test_code_becomes_a_login(oauth_settings, pipedrive, transport):
    pipedrive.on("POST", TOKEN, (200, token(pipedrive)))
    asked_at = datetime.now(UTC)

    won = await exchange(
        oauth_settings,
        code="10493.77.a1b2",
        redirect_uri="https://connector.example/oauth/callback",
        verifier="",
        transport=transport,
        clock=SystemClock(),
    )

    assert form(pipedrive.calls[0]) == {
        "grant_type": "authorization_code",
        "code": "10493.77.a1b2",
        "redirect_uri": "https://connector.example/oauth/callback",
    }
    assert won.values["access_token"].reveal() == "v1u:new"
    assert won.facts["api_domain"] == pipedrive.url
    assert won.expires_at is not None
    assert timedelta(seconds=3599) <= won.expires_at - asked_at < timedelta(seconds=3660)
    assert CONSENT.login_name == LOGIN_NAME


async def test_code_that_has_expired_asks_for_a_person(oauth_settings, pipedrive, transport):
    refused = {"message": "Invalid grant: authorization_code has expired"}
    pipedrive.on("POST", TOKEN, (400, refused))

    with pytest.raises(AuthenticationError):
        await exchange(
            oauth_settings,
            code="late",
            redirect_uri="https://connector.example/oauth/callback",
            verifier="",
            transport=transport,
            clock=SystemClock(),
        )


async def test_wrong_client_secret_is_a_matter_of_configuration(
    open_client, oauth_settings, pipedrive
):
    pipedrive.on("POST", TOKEN, (400, {"message": "Invalid client: client is invalid"}))
    client = open_client(oauth_settings, MemoryLogins(user=login(pipedrive, seconds=-10)))

    with pytest.raises(ConfigurationError, match="client secret"):
        await client.person(1)


async def test_revoking_gives_the_refresh_token_back(oauth_settings, pipedrive, transport):
    pipedrive.on("POST", "/oauth/revoke", (200, {"success": True}))

    await revoke(oauth_settings, login(pipedrive), transport=transport)

    assert form(pipedrive.calls[0]) == {
        "token": "1:1:keep",
        "token_type_hint": "refresh_token",
    }


@pytest.mark.parametrize("text", ["base deals:full", "deals:full,base", "deals:full, base"])
def test_scopes_are_separated_by_spaces_or_commas(text):
    assert parse_scopes(text) == {"base", "deals:full"}
