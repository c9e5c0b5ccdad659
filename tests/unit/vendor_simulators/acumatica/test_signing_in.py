from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

VERIFIER = "a-verifier-of-more-than-forty-three-characters-0123"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)


async def authorize(site: Any, **changes: str) -> tuple[int, dict[str, str]]:
    query = {
        "response_type": "code",
        "client_id": site.described["client_id"],
        "redirect_uri": site.described["redirect_uri"],
        "scope": "api offline_access",
        "state": "n9Qe",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    answer = await site.raw("GET", "/identity/connect/authorize", params=query)
    location = answer.headers.get("Location", "")
    found = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    return answer.status, found or answer.content


async def code_call(site: Any, code: str, **changes: str) -> Any:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": site.described["redirect_uri"],
        "code_verifier": VERIFIER,
        **changes,
    }
    return await site.token_call(**form)


async def test_a_code_is_exchanged_with_pkce_once(anonymous):
    status, query = await authorize(anonymous)

    first = await code_call(anonymous, query["code"])
    second = await code_call(anonymous, query["code"])

    assert (status, query["state"], query["scope"]) == (302, "n9Qe", "api offline_access")
    assert first.content["expires_in"] == 3600
    assert "refresh_token" in first.content
    assert (second.status, second.content) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://127.0.0.1:8400/oauth/callback/"},
        {"client_id": "6B1F0C2E-9A44-4E57-BD13-2C7705A1D9E4@Other"},
        {"code_challenge_method": "plain"},
        {"scope": "openid"},
    ],
)
async def test_an_authorize_request_that_is_not_registered_is_refused(anonymous, changes):
    status, content = await authorize(anonymous, **changes)

    assert status == 400
    assert "error" in content


async def test_a_wrong_verifier_or_redirect_gets_no_token(anonymous):
    for changes in ({"code_verifier": "x"}, {"redirect_uri": "http://127.0.0.1/other"}):
        _, query = await authorize(anonymous)

        refused = await code_call(anonymous, query["code"], **changes)

        assert refused.content == {"error": "invalid_grant"}


async def test_consent_can_be_denied(anonymous):
    anonymous.switch(deny_consent=True)

    assert (await authorize(anonymous))[1] == {"error": "access_denied", "state": "n9Qe"}


async def test_without_auto_allow_a_page_asks_for_consent(anonymous):
    anonymous.switch(auto_allow=False)

    status, page = await authorize(anonymous)

    assert status == 200
    assert "<form" in page


async def test_a_refresh_token_works_once(anonymous):
    first = await anonymous.sign_in()

    renewed = await anonymous.token_call(
        grant_type="refresh_token", refresh_token=first["refresh_token"]
    )
    reused = await anonymous.token_call(
        grant_type="refresh_token", refresh_token=first["refresh_token"]
    )
    again = await anonymous.token_call(
        grant_type="refresh_token", refresh_token=renewed.content["refresh_token"]
    )

    assert (renewed.status, again.status) == (200, 200)
    assert (reused.status, reused.content) == (400, {"error": "invalid_grant"})


async def test_an_access_token_ends_after_an_hour_and_its_chain_after_thirty_days(site, clock):
    tokens = await site.sign_in()

    clock.advance(timedelta(minutes=61))
    expired = await site.get("Customer")
    renewed = await site.token_call(
        grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    clock.advance(timedelta(days=30))
    ended = await site.token_call(
        grant_type="refresh_token", refresh_token=renewed.content["refresh_token"]
    )

    assert (expired.status, expired.content) == (401, {"message": "You are not logged in."})
    assert (renewed.status, ended.status) == (200, 400)


async def test_a_renewal_may_come_without_a_new_refresh_token(anonymous):
    anonymous.switch(renewal_without_refresh_token=True)
    first = await anonymous.sign_in()

    for _ in range(2):
        renewed = await anonymous.token_call(
            grant_type="refresh_token", refresh_token=first["refresh_token"]
        )
        assert (renewed.status, "refresh_token" in renewed.content) == (200, False)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"password": "wrong"}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ],
)
async def test_a_refused_token_request_names_the_standard_error(anonymous, changes, error):
    form = {
        "grant_type": "password",
        "username": anonymous.described["username"],
        "password": anonymous.described["password"],
        "scope": "api",
        **changes,
    }

    answer = await anonymous.token_call(**form)

    assert (answer.status, answer.content["error"]) == (400, error)


async def login(site: Any, **changes: Any) -> Any:
    body = {
        "name": site.described["username"],
        "password": site.described["password"],
        "tenant": site.described["tenant"],
        **changes,
    }
    return await site.raw("POST", "/entity/auth/login", json=body)


def cookies_of(answer: Any) -> dict[str, str]:
    pairs = (line.split(";")[0].split("=", 1) for line in answer.headers.getall("Set-Cookie"))
    return {name: value for name, value in pairs if name.startswith((".ASPXAUTH", "ASP.NET"))}


async def test_a_cookie_session_reads_until_it_is_signed_out(anonymous):
    signed_in = await login(anonymous)
    cookies = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies_of(signed_in).items())}
    path = "/entity/Default/24.200.001/Customer"

    read = await anonymous.raw("GET", path, headers=cookies)
    signed_out = await anonymous.raw("POST", "/entity/auth/logout", headers=cookies)
    refused = await anonymous.raw("GET", path, headers=cookies)

    assert (signed_in.status, read.status, signed_out.status, refused.status) == (
        204,
        200,
        204,
        401,
    )
    assert "1970" in signed_out.headers.getall("Set-Cookie")[0]


async def test_a_wrong_password_is_500_with_an_exception(anonymous):
    answer = await login(anonymous, password="wrong")

    assert (answer.status, answer.exception_type) == (500, "PXException")
    assert answer.text == "Error: Invalid credentials. Please try again."


async def test_an_unknown_tenant_is_500_unless_there_is_only_one(anonymous):
    refused = await login(anonymous, tenant="Other")
    anonymous.switch(any_tenant=True)
    taken = await login(anonymous, tenant="Other")

    assert (refused.status, refused.exception_type) == (500, "PXUndefinedCompanyException")
    assert taken.status == 204


async def test_an_idle_session_is_over_after_ten_minutes(anonymous, clock):
    cookies = cookies_of(await login(anonymous))
    header = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    clock.advance(timedelta(minutes=11))
    answer = await anonymous.raw("GET", "/entity/Default/24.200.001/Customer", headers=header)

    assert answer.status == 401


async def test_a_post_without_length_is_411(anonymous):
    host, port = urlsplit(anonymous.origin).netloc.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /AcumaticaERP/entity/auth/logout HTTP/1.1\r\nHost: x\r\n\r\n")
    status = await asyncio.wait_for(reader.readline(), 5)
    writer.close()

    assert b"411" in status


async def test_seats_run_out_and_come_back_with_logout(anonymous):
    anonymous.switch(api_users=1)
    await anonymous.sign_in()

    refused = await login(anonymous)
    await anonymous.call("POST", "/entity/auth/logout")
    taken = await login(anonymous)

    assert (refused.status, refused.text) == (500, "API Login Limit")
    assert taken.status == 204


async def test_the_seat_may_be_taken_at_the_first_call(anonymous):
    anonymous.switch(api_users=0, seat_taken_at="call")
    await anonymous.sign_in()

    answer = await anonymous.get("Customer")

    assert (answer.status, answer.text) == (500, "API Login Limit")


async def test_one_grant_holds_one_seat_however_often_it_is_renewed(anonymous):
    anonymous.switch(api_users=1)
    tokens = await anonymous.sign_in()

    for _ in range(3):
        renewed = await anonymous.token_call(
            grant_type="refresh_token", refresh_token=tokens["refresh_token"]
        )
        tokens = renewed.content
        anonymous.token = tokens["access_token"]
        assert (await anonymous.get("Customer")).status == 200


async def test_concurrent_access_opens_a_session_for_every_call_without_its_cookie(anonymous):
    anonymous.switch(api_users=2)
    await anonymous.sign_in(scope="api:concurrent_access")

    first, second = await anonymous.get("Customer"), await anonymous.get("Customer")

    assert first.status == 200
    assert "ASP.NET_SessionId" in first.headers["Set-Cookie"]
    assert second.status == 500


async def test_revoked_tokens_need_a_new_consent(site):
    tokens = await site.sign_in()

    await site.play("revoke_tokens")
    refreshed = await site.token_call(
        grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )

    assert (await site.get("Customer")).status == 401
    assert refreshed.content == {"error": "invalid_grant"}


async def test_the_discovery_document_names_the_endpoints(anonymous):
    answer = await anonymous.raw("GET", "/identity/.well-known/openid-configuration")

    assert answer.content["token_endpoint"] == (
        f"{anonymous.origin}/AcumaticaERP/identity/connect/token"
    )
