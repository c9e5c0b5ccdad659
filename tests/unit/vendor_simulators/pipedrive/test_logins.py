import pytest
from tests.unit.vendor_simulators.pipedrive.conftest import Reply

UNAUTHORIZED = {
    "success": False,
    "error": "unauthorized access",
    "errorCode": 401,
    "error_info": "Please check developers.pipedrive.com",
}


@pytest.mark.parametrize("headers", [{}, {"x-api-token": "f" * 40}])
async def test_missing_or_wrong_token_is_the_gateways_401(pipedrive, headers):
    refused = await pipedrive.get("/v1/users/me", headers=headers)

    assert refused.status == 401
    assert refused.json == UNAUTHORIZED
    assert refused.headers["x-401-by-gw"] == "true"


async def test_token_in_the_query_works_unless_switched_off(pipedrive):
    path = f"/api/v2/deals?api_token={pipedrive.about['api_token']}"

    assert (await pipedrive.get(path, headers={})).status == 200
    await pipedrive.switch(token_in_query=False)
    assert (await pipedrive.get(path, headers={})).status == 401


async def test_rotated_token_is_dead_at_once(pipedrive):
    new = (await pipedrive.play("rotate_token"))["api_token"]

    assert (await pipedrive.get("/v1/users/me")).status == 401
    assert (await pipedrive.get("/v1/users/me", headers={"x-api-token": new})).status == 200


async def test_consent_exchange_and_call(pipedrive):
    tokens = await pipedrive.oauth()

    me = await pipedrive.get(
        "/api/v1/users/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )

    assert tokens.keys() == {
        "access_token", "token_type", "expires_in", "refresh_token", "scope", "api_domain",
    }  # fmt: skip
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3599)
    assert len(tokens["access_token"]) > 200
    assert tokens["api_domain"] == pipedrive.about["url"]
    assert me.data["company_domain"] == "acme-1a2b3c"


async def test_state_comes_back_and_denial_says_so(pipedrive):
    await pipedrive.switch(oauth_auto_allow=False)
    asked = {
        "client_id": pipedrive.about["client_id"],
        "redirect_uri": pipedrive.about["redirect_uri"],
        "state": "k2J9",
    }

    page = await pipedrive.get("/oauth/authorize", params=asked, headers={})
    denied = await pipedrive(
        "POST", "/oauth/authorize", data={**asked, "decision": "deny"}, headers={}
    )
    allowed = await pipedrive(
        "POST", "/oauth/authorize", data={**asked, "decision": "allow"}, headers={}
    )

    assert b"Allow" in page.body
    assert denied.headers["Location"].endswith("?error=access_denied&state=k2J9")
    assert "code=" in allowed.headers["Location"]


async def test_code_is_single_use_and_lives_five_minutes(pipedrive):
    async def exchange(code: str) -> Reply:
        answer: Reply = await pipedrive.token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=pipedrive.about["redirect_uri"],
        )
        return answer

    code = (await pipedrive.play("authorize"))["code"]
    first, second = await exchange(code), await exchange(code)
    late = (await pipedrive.play("authorize"))["code"]
    await pipedrive.advance(301)
    expired = await exchange(late)

    assert first.status == 200
    assert second.json["message"] == "Invalid grant: authorization_code is invalid"
    assert expired.json == {
        "success": False,
        "message": "Invalid grant: authorization_code has expired",
        "error": "invalid_grant",
    }


async def test_refresh_keeps_or_rotates_the_refresh_token(pipedrive):
    tokens = await pipedrive.oauth()
    old = tokens["refresh_token"]

    kept = await pipedrive.token(grant_type="refresh_token", refresh_token=old)
    await pipedrive.switch(rotate_refresh_tokens=True)
    rotated = await pipedrive.token(grant_type="refresh_token", refresh_token=old)
    dead = await pipedrive.token(grant_type="refresh_token", refresh_token=old)

    assert kept.json["refresh_token"] == old
    assert rotated.json["refresh_token"] != old
    assert (dead.status, dead.json["error"]) == (400, "invalid_grant")


async def test_refresh_token_dies_after_60_days_unused(pipedrive):
    refresh = (await pipedrive.oauth())["refresh_token"]
    await pipedrive.advance(59 * 86_400)
    used = await pipedrive.token(grant_type="refresh_token", refresh_token=refresh)
    await pipedrive.advance(59 * 86_400)
    again = await pipedrive.token(grant_type="refresh_token", refresh_token=refresh)
    await pipedrive.advance(60 * 86_400)
    late = await pipedrive.token(grant_type="refresh_token", refresh_token=refresh)

    assert [used.status, again.status, late.status] == [200, 200, 400]


async def test_expired_access_token_is_401_invalid_token(pipedrive):
    tokens = await pipedrive.oauth()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    assert (await pipedrive.get("/v1/users/me", headers=headers)).status == 200
    await pipedrive.play("expire_tokens")
    expired = await pipedrive.get("/v1/users/me", headers=headers)
    malformed = await pipedrive.get("/v1/users/me", headers={"Authorization": "Bearer"})

    assert expired.status == 401
    assert expired.json["error"].startswith("Invalid token: ")
    assert malformed.json["error"] == "Invalid request: malformed authorization header"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "Missing parameter: grant_type"),
        ({"grant_type": "password"}, "Unsupported grant type: grant_type is invalid"),
        ({"grant_type": "refresh_token"}, "Invalid grant: refresh_token is invalid"),
    ],
)
async def test_token_endpoint_refusals(pipedrive, form, message):
    refused = await pipedrive.token(**form)

    assert (refused.status, refused.json["message"]) == (400, message)


async def test_token_endpoint_wants_form_and_client(pipedrive):
    as_json = await pipedrive("POST", "/oauth/token", {"grant_type": "x"}, headers={})
    nobody = await pipedrive("POST", "/oauth/token", data={"grant_type": "x"}, headers={})
    await pipedrive.switch(oauth_error_form="rfc")
    rfc = await pipedrive("POST", "/oauth/token/", data={"grant_type": "x"}, headers={})

    wanted = "Invalid request: content must be application/x-www-form-urlencoded"
    assert as_json.json["message"] == wanted
    assert nobody.json["message"] == "Invalid client: cannot retrieve client credentials"
    assert rfc.json["error"] == "invalid_client"


async def test_missing_scope_and_unknown_path_look_alike_under_oauth(pipedrive):
    await pipedrive.switch(app_scopes="base deals:read")
    tokens = await pipedrive.oauth()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    read = await pipedrive.get("/api/v2/deals", headers=headers)
    write = await pipedrive("POST", "/api/v2/deals", {"title": "D"}, headers=headers)
    unknown = await pipedrive.get("/api/v2/users/1", headers=headers)

    assert read.status == 200
    assert write.status == unknown.status == 403
    assert write.json["error"] == unknown.json["error"] == "Scope and URL mismatch"
    assert (await pipedrive.get("/api/v2/users/1")).status == 404


async def test_revoked_refresh_token_takes_access_and_app_webhooks_along(pipedrive):
    tokens = await pipedrive.oauth()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    await pipedrive(
        "POST", "/v1/webhooks",
        {
            "subscription_url": "https://x.example/h", "event_action": "*", "event_object": "deal",
            "name": "n",
        },
        headers=headers,
    )  # fmt: skip

    pair = pipedrive.about["client_id"], pipedrive.about["client_secret"]
    form = {
        "token": tokens["refresh_token"], "token_type_hint": "refresh_token",
        "client_id": pair[0], "client_secret": pair[1],
    }  # fmt: skip
    revoked = await pipedrive("POST", "/oauth/revoke", data=form, headers={})

    assert revoked.status == 200
    assert (await pipedrive.get("/v1/users/me", headers=headers)).status == 401
    assert await pipedrive.records("webhooks") == []


async def test_uninstall_notice_is_a_delete_with_basic(pipedrive, receiver):
    await pipedrive.switch(redirect_uri=receiver.url)

    await pipedrive.play("revoke_login", notify=True)

    notice = (await receiver.wait_for(1))[0]
    assert notice.keys() == {"client_id", "company_id", "user_id", "timestamp"}
    assert receiver.seen[0][0]["Authorization"].startswith("Basic ")


async def test_other_users_see_neither_private_records_nor_admins_calls(pipedrive):
    await pipedrive.seed(deals=[{"title": "private", "visible_to": 1}, {"title": "shared"}])
    token = (await pipedrive.play("rotate_token", user_id=2002))["api_token"]
    headers = {"x-api-token": token}

    async def status(path: str) -> int:
        return int((await pipedrive.get(path, headers=headers)).status)

    listed = await pipedrive.get("/api/v2/deals?ids=1,2", headers=headers)
    found = await pipedrive.get("/api/v2/deals/search?term=private", headers=headers)

    assert [deal["id"] for deal in listed.data] == [2]
    assert found.data["items"] == []
    assert [await status(f"/{prefix}/deals/1") for prefix in ("api/v2", "v1")] == [404, 404]
    assert await status("/v1/webhooks") == 403
    assert len((await pipedrive.get("/api/v2/deals")).data) == 2
