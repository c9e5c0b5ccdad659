from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ContractError,
    InvalidRecordError,
    NotFoundError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.transport.messages import Request, Response
from ml_connector.vendors.pipedrive.errors import error_of, oauth_error_of

HINT = "Please check developers.pipedrive.com"
DENIED = {
    "success": False, "error": "You do not have permissions to do this.", "error_info": HINT,
    "data": None, "additional_data": None,
}  # fmt: skip
CAPPED = {
    "success": False, "error": "Couldn't add the deal. Open deals limit reached.",
    "error_info": HINT, "data": None, "additional_data": None,
    "code": "feature_capping_deals_limit",
}  # fmt: skip
MISMATCH = {
    "success": False, "error": "Scope and URL mismatch", "errorCode": 403, "error_info": HINT,
}  # fmt: skip
INVALID = {
    "success": False,
    "error": "Validation failed: foo: Parameter 'foo' is not allowed for this request; "
    "title: must be a string",
    "code": "ERR_SCHEMA_VALIDATION_FAILED",
}
KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"


def request(method="POST", operation="deals.create", *, is_safe=False) -> Request:
    return Request(method=method, url="https://a/b", operation=operation, is_safe=is_safe)


READ = request("GET", "deals.get", is_safe=True)
WRITE = request()


def answer(status, body, content_type="application/json", **headers) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status=status,
        headers={"content-type": content_type, "x-correlation-id": "e0bf767e", **named},
        cookies={},
        body=raw,
        url="https://api/api/v2/deals",
        elapsed=timedelta(),
    )


@pytest.mark.parametrize(
    ("asked", "status", "body", "expected"),
    [
        (READ, 401, {"success": False, "error": "unauthorized access", "errorCode": 401},
         AuthenticationError),
        (READ, 402, {"success": False, "error": "Required suites missing"}, ConfigurationError),
        (WRITE, 403, DENIED, AccessDeniedError),
        (WRITE, 403, CAPPED, ConfigurationError),
        (WRITE, 403, MISMATCH, AccessDeniedError),
        (request("GET", "users.me", is_safe=True), 403, MISMATCH, ConfigurationError),
        (WRITE, 400, INVALID, InvalidRecordError),
        (READ, 400, INVALID, ContractError),
        (WRITE, 400, {"success": False, "error": "Bad request", "error_info": HINT},
         InvalidRecordError),
        (READ, 404, {"success": False, "error": "Entity was not found"}, NotFoundError),
        (READ, 204, b"", NotFoundError),
        (request("DELETE", "persons.delete"), 410, {"success": True, "data": {"id": 11}},
         NotFoundError),
        (READ, 405, {"success": False}, ContractError),
        (READ, 415, {"success": False, "error": "feature"}, ConfigurationError),
        (request("POST", "webhooks.create"), 422, {"success": False}, ConfigurationError),
        (WRITE, 422, {"success": False, "error": "no"}, InvalidRecordError),
        (READ, 500, {"success": False, "error": "oops"}, UnavailableError),
        (READ, 501, {"success": False}, ContractError),
        (READ, 503, {"success": False, "error": "Requested service is not available"},
         UnavailableError),
        (WRITE, 200, {"success": False, "error": "no"}, InvalidRecordError),
        (READ, 302, b"", ConfigurationError),
    ],
)  # fmt: skip
def test_every_documented_answer_has_its_class_and_correlation_id(asked, status, body, expected):
    error = error_of(asked, answer(status, body))

    assert error is not None
    assert type(error) is expected
    assert error.correlation_id == "e0bf767e"


@pytest.mark.parametrize("status", [200, 201])
def test_good_answer_is_no_error(status):
    assert error_of(WRITE, answer(status, {"success": True, "data": {"id": 1}})) is None


def test_missing_scope_is_named():
    error = error_of(WRITE, answer(403, MISMATCH))

    assert isinstance(error, AccessDeniedError)
    assert error.right == "deals:full"


def test_refused_fields_are_named_each_with_its_words():
    error = error_of(WRITE, answer(400, INVALID))

    assert isinstance(error, InvalidRecordError)
    assert error.fields == {
        "foo": "Parameter 'foo' is not allowed for this request",
        "title": "must be a string",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "error": f"Validation failed: custom_fields.{KEY}: unknown"},
        {"success": False, "error": "Validation failed", "field_code": KEY},
    ],
)
def test_refused_custom_field_is_named_by_its_key(body):
    error = error_of(WRITE, answer(400, body))

    assert isinstance(error, InvalidRecordError)
    assert any(KEY in field for field in error.fields)


def test_unreachable_webhook_address_is_a_matter_of_configuration():
    body = {
        "status": "error",
        "success": False,
        "errors": {"subscription_url": ["invalid or non-reachable URL"]},
    }

    error = error_of(request("POST", "webhooks.create"), answer(400, body))

    assert isinstance(error, ConfigurationError)
    assert "invalid or non-reachable URL" in error.message


def test_burst_waits_for_the_window():
    error = error_of(READ, answer(429, {"success": False}, x_ratelimit_reset="7"))

    assert isinstance(error, RateLimitedError)
    assert (error.scope, error.retry_after) == (QuotaScope.BURST, timedelta(seconds=7))


def test_burst_without_headers_waits_for_a_whole_window():
    error = error_of(READ, answer(429, b"", content_type=""))

    assert isinstance(error, RateLimitedError)
    assert error.retry_after == timedelta(seconds=2)


@pytest.mark.parametrize("header", ["x_daily_ratelimit_token_remaining", "x_daily_requests_left"])
def test_used_up_budget_is_not_a_burst_whatever_retry_after_says(header):
    error = error_of(READ, answer(429, {"success": False}, retry_after="3", **{header: "0"}))

    assert isinstance(error, RateLimitedError)
    assert (error.scope, error.retry_after) == (QuotaScope.DAILY, None)


def test_firewall_page_blocks_for_an_hour():
    error = error_of(READ, answer(403, b"<!DOCTYPE html><title>Attention", "text/html"))

    assert isinstance(error, RateLimitedError)
    assert (error.scope, error.retry_after) == (QuotaScope.BLOCKED, timedelta(hours=1))


def test_page_instead_of_an_answer_leaves_a_write_unknown_and_a_read_broken():
    page = answer(200, b"<html>", "text/html")

    assert isinstance(error_of(WRITE, page), UnavailableError)
    assert isinstance(error_of(READ, page), ContractError)


def test_gateway_page_with_a_server_status_is_an_outage():
    error = error_of(READ, answer(502, b"<html>Bad gateway", "text/html"))

    assert isinstance(error, UnavailableError)
    assert error.is_connection_wide


def test_500_may_be_one_records_fault():
    error = error_of(READ, answer(500, {"success": False}))

    assert isinstance(error, UnavailableError)
    assert not error.is_connection_wide


def test_address_without_an_api_is_a_matter_of_configuration():
    error = error_of(READ, answer(404, b"<html>Not here", "text/html"))

    assert isinstance(error, ConfigurationError)
    assert "address" in error.message


def test_message_is_bounded():
    error = error_of(WRITE, answer(400, {"success": False, "error": "x" * 10_000}))

    assert error is not None
    assert len(error.message) < 500


TOKEN_CALL = request("POST", "oauth.refresh_token")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"success": False, "message": "Invalid grant: refresh_token is invalid",
               "error": "invalid_grant"}, AuthenticationError),
        (400, {"message": "Invalid grant: authorization_code has expired"}, AuthenticationError),
        (400, {"error": "invalid_grant"}, AuthenticationError),
        (400, {"message": "Invalid client: client is invalid", "error": "invalid_client"},
         ConfigurationError),
        (400, {"message": "Invalid request: redirect_uri is invalid"}, ConfigurationError),
        (429, {"success": False}, RateLimitedError),
        (500, {"success": False}, UnavailableError),
        (503, b"<html>maintenance", UnavailableError),
        (200, b"<html>portal", UnavailableError),
    ],
)  # fmt: skip
def test_every_answer_of_the_token_endpoint_has_its_class(status, body, expected):
    assert type(oauth_error_of(TOKEN_CALL, answer(status, body))) is expected


def test_good_token_is_no_error():
    assert oauth_error_of(TOKEN_CALL, answer(200, {"access_token": "v1u:x"})) is None
