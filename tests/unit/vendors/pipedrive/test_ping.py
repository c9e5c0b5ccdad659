from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ml_connector.core.logins import Login, MemoryLogins
from ml_connector.core.secret import Secret
from ml_connector.transport.vendor import PingLine
from ml_connector.vendors.pipedrive.settings import Settings

ME = "/api/v1/users/me"
USER = {
    "id": 2001,
    "name": "Rep One",
    "email": "rep@acme.example",
    "company_id": 54235233,
    "company_name": "Acme",
    "company_domain": "acme-1a2b3c",
    "access": [{"app": "global", "admin": True, "permission_set_id": "x"}],
}


def said(lines: list[PingLine]) -> list[tuple[str, bool]]:
    return [(line.check, line.is_good) for line in lines]


async def test_good_account_tells_address_login_company_and_each_right(client, pipedrive):
    pipedrive.data("GET", ME, USER)
    pipedrive.data("GET", "/api/v2/deals", [])
    pipedrive.data("GET", "/api/v1/webhooks", [])

    lines = await client.ping(["deals:full", "admin"])

    assert said(lines) == [
        ("address", True),
        ("login", True),
        ("tenant", True),
        ("right", True),
        ("right", True),
    ]
    assert lines[0].round_trip_ms is not None
    assert "Acme" in lines[2].message
    assert "only when it is" in lines[3].message


async def test_refused_login_is_told_with_the_address_that_answered(client, pipedrive):
    pipedrive.on("GET", ME, (401, {"success": False, "error": "unauthorized access"}))

    lines = await client.ping(["deals:full"])

    assert said(lines) == [("address", True), ("login", False)]
    assert "API token" in lines[1].message


async def test_address_where_nobody_listens_is_told(open_client):
    settings = Settings.model_validate({"api_token": "0" * 40, "api_url": "http://127.0.0.1:1"})

    lines = await open_client(settings, MemoryLogins()).ping(["deals:full"])

    assert said(lines) == [("address", False)]
    assert lines[0].subject == "http://127.0.0.1:1"


async def test_address_of_something_else_is_told(client, pipedrive):
    pipedrive.on("GET", ME, (404, b"<html>not here"))

    assert said(await client.ping([])) == [("address", False)]


async def test_login_of_another_company_is_told(pipedrive, open_client):
    pipedrive.data("GET", ME, USER)
    settings = Settings.model_validate(
        {"api_token": "0" * 40, "api_url": pipedrive.url, "company_domain": "other"}
    )

    lines = await open_client(settings, MemoryLogins()).ping([])

    assert said(lines)[-1] == ("tenant", False)
    assert "acme-1a2b3c" in lines[-1].message
    assert "other" in lines[-1].message


async def test_right_that_is_missing_is_told_and_the_others_too(client, pipedrive):
    pipedrive.data("GET", ME, USER)
    pipedrive.on(
        "GET",
        "/api/v1/webhooks",
        (403, {"success": False, "error": "You do not have permissions to do this."}),
    )
    pipedrive.data("GET", "/api/v2/deals", [])

    lines = await client.ping(["admin", "deals:read"])

    assert said(lines)[-2:] == [("right", False), ("right", True)]
    assert lines[-2].subject == "admin"


async def test_scopes_of_an_app_are_known_without_a_call(open_client, oauth_settings, pipedrive):
    pipedrive.data("GET", ME, USER)
    login = Login(
        values={"access_token": Secret("v1u:x"), "refresh_token": Secret("1:1:y")},
        facts={"api_domain": pipedrive.url, "scope": "base deals:full"},
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )

    lines = await open_client(oauth_settings, MemoryLogins(user=login)).ping(
        ["deals:read", "contacts:full"]
    )

    assert said(lines)[-2:] == [("right", True), ("right", False)]
    assert "Developer Hub" in lines[-1].message
    assert pipedrive.paths() == [f"GET {ME}"]


async def test_connection_without_consent_is_told(open_client, oauth_settings):
    lines = await open_client(oauth_settings, MemoryLogins()).ping(["deals:full"])

    assert said(lines) == [("login", False)]
    assert "consent" in lines[0].message


async def test_unreachable_token_endpoint_is_told(open_client, pipedrive):
    settings = Settings.model_validate(
        {
            "login": "oauth",
            "client_id": "c",
            "client_secret": "a secret",
            "oauth_url": "http://127.0.0.1:1",
        }
    )
    login = Login(
        values={"access_token": Secret("v1u:x"), "refresh_token": Secret("1:1:y")},
        facts={"api_domain": pipedrive.url},
        expires_at=datetime.now(UTC) - timedelta(hours=1),
    )

    lines = await open_client(settings, MemoryLogins(user=login)).ping([])

    assert said(lines) == [("address", False)]
    assert lines[0].subject == "http://127.0.0.1:1"


async def test_account_that_asks_for_payment_is_told(client, pipedrive):
    pipedrive.on("GET", ME, (402, {"success": False, "error": "Payment required"}))

    lines = await client.ping([])

    assert not lines[-1].is_good
    assert "payment" in lines[-1].message
