"""Answers as the vendor's documentation, code and recordings have them."""

import json
from datetime import timedelta

import pytest

from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ContractError,
    DuplicateRecordError,
    InvalidRecordError,
    NotFoundError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.transport.messages import Request, Response
from ml_connector.vendors.acumatica import errors

SITE = "https://erp.example.com/AcumaticaERP"
ENDPOINT = f"{SITE}/entity/Default/24.200.001"


def request(path: str = "/SalesOrder", method: str = "PUT", **headers: str) -> Request:
    return Request(
        method=method,  # type: ignore[arg-type] # tests give plain text
        url=f"{ENDPOINT}{path}" if not path.startswith("http") else path,
        operation="test",
        is_safe=method == "GET",
        headers=headers,
    )


def response(
    status: int, body: object = b"", *, content_type: str = "application/json", **headers: str
) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status=status,
        headers={"content-type": content_type, **named},
        cookies={},
        body=raw,
        url=ENDPOINT,
        elapsed=timedelta(),
    )


def fault(text: str, kind: str = "PX.Data.PXException", **more: object) -> dict[str, object]:
    return {
        "message": "An error has occurred.",
        "exceptionMessage": text,
        "exceptionType": kind,
        "stackTrace": "   at PX.Secret.Place(String x)",
        **more,
    }


NO_ENTITY = fault(
    "No entity satisfies the condition.",
    "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException",
)
CANNOT_OPTIMIZE = fault(
    "Optimization cannot be performed.The following fields cause the error:\r\n"
    "ApplicationHistory.DisplayRefNbr: View ARPost has BQL delegate\r\n",
    "PX.Api.ContractBased.OptimizedExport.CannotOptimizeException",
)
REFUSED_ORDER = {
    "id": "d3a7f610-6e2c-f111-9a35-0a58a9feac02",
    "rowNumber": 1,
    "error": "Inserting  'Sales Order' record raised at least one error. Please review the errors.",
    "CustomerID": {"value": "NOPE", "error": "'Customer' cannot be found in the system."},
    "Details": [
        {
            "id": "d5a7f610-6e2c-f111-9a35-0a58a9feac02",
            "rowNumber": 1,
            "note": {"value": ""},
            "OrderQty": {"value": 2.0},
            "InventoryID": {
                "value": "NOSUCHSKU",
                "error": "'Inventory ID' cannot be found in the system.",
            },
            "_links": {"files:put": "/AcumaticaERP/entity/files/{filename}"},
        }
    ],
    "OrderNbr": {"value": "<NEW>"},
    "_links": {"self": "/AcumaticaERP/entity/Default/24.200.001/SalesOrder/d3a7f610"},
}


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_good_answer_is_no_error(status):
    assert errors.error_of(request(), response(status, b"")) is None


def test_the_words_that_mean_a_full_site_are_nothing_in_a_good_answer():
    good = response(200, {"Description": {"value": "API Login Limit reached, call IT"}})

    assert errors.error_of(request(), good) is None


def test_a_missing_record_is_told_from_http_500():
    found = errors.error_of(request("/SalesOrder/SO/SO%209", "GET"), response(500, NO_ENTITY))

    assert isinstance(found, NotFoundError)
    assert found.message == "Acumatica has no SalesOrder SO/SO 9"


def test_a_bad_login_is_told_from_http_500():
    told = fault("Error: Invalid credentials. Please try again.")

    found = errors.error_of(request(f"{SITE}/entity/auth/login", "POST"), response(500, told))

    assert isinstance(found, AuthenticationError)


def test_any_other_refusal_of_the_login_is_a_refused_login():
    told = fault("You must change the password.")

    found = errors.error_of(request(f"{SITE}/entity/auth/login", "POST"), response(500, told))

    assert isinstance(found, AuthenticationError)
    assert "change the password" in found.message


def test_an_unknown_tenant_is_a_setting():
    told = fault("A proper company ID cannot be determined.", "PX.Data.PXUndefinedCompanyException")

    found = errors.error_of(request(f"{SITE}/entity/auth/login", "POST"), response(500, told))

    assert isinstance(found, ConfigurationError)
    assert found.waits_for == "setting:tenant"


def test_the_optimisers_error_is_ours():
    found = errors.error_of(request("/Payment", "GET"), response(500, CANNOT_OPTIMIZE))

    assert isinstance(found, ContractError)
    assert "ApplicationHistory" in found.message


def test_missing_set_up_is_a_setting_of_theirs():
    told = fault(
        "The required configuration data is not entered on the Company Branches form.",
        "PX.Data.PXSetupNotEnteredException",
    )

    assert isinstance(errors.error_of(request(), response(500, told)), ConfigurationError)


def test_a_lock_violation_was_not_carried_out_so_its_outcome_is_known():
    told = fault(
        "Another process has updated the 'SOOrder' record. Your changes will be lost.",
        "PX.Data.PXLockViolationException",
    )

    found = errors.error_of(request(), response(500, told))

    assert isinstance(found, errors.LockedError)
    assert not isinstance(found, UnavailableError)


def test_a_running_operation_is_waited_for():
    assert isinstance(errors.error_of(request(), response(409)), errors.LockedError)


@pytest.mark.parametrize(
    "text",
    [
        "A long operation is running.",
        "A long operation is running for this screen in the current session.",
    ],
)
def test_a_running_operation_that_only_the_message_of_http_500_tells_is_waited_for(text):
    found = errors.error_of(request(), response(500, {"message": text}))

    assert isinstance(found, errors.LockedError)
    assert text in found.message


@pytest.mark.parametrize("status", [429, 500])
def test_a_full_site_is_told_by_its_text_whatever_the_status(status):
    found = errors.error_of(request(), response(status, fault("API Login Limit")))

    assert isinstance(found, RateLimitedError)
    assert found.scope is QuotaScope.SEATS
    assert found.retry_after == errors.SEAT_WAIT


def test_a_declined_call_without_retry_after():
    body = b"The custom error module does not recognize this error."

    found = errors.error_of(request(), response(429, body, content_type="text/plain"))

    assert isinstance(found, RateLimitedError)
    assert (found.scope, found.retry_after) == (QuotaScope.BURST, None)


def test_a_declined_call_with_retry_after():
    in_seconds = errors.error_of(request(), response(429, retry_after="17"))
    at_a_moment = errors.error_of(
        request(),
        response(
            429,
            retry_after="Thu, 01 Jan 2026 00:01:00 GMT",
            date="Thu, 01 Jan 2026 00:00:00 GMT",
        ),
    )

    assert isinstance(in_seconds, RateLimitedError)
    assert in_seconds.retry_after == timedelta(seconds=17)
    assert isinstance(at_a_moment, RateLimitedError)
    assert at_a_moment.retry_after == timedelta(seconds=60)


def test_a_refused_order_names_customer_and_item():
    found = errors.error_of(request(), response(422, REFUSED_ORDER))

    assert isinstance(found, InvalidRecordError)
    assert found.message == (
        "Acumatica refuses the SalesOrder: "
        "customer 'NOPE' (CustomerID): 'Customer' cannot be found in the system.; "
        "item 'NOSUCHSKU' (Details[0]/InventoryID): 'Inventory ID' cannot be found in the system."
    )
    assert found.fields == {
        "": "Inserting 'Sales Order' record raised at least one error. Please review the errors.",
        "CustomerID": "'Customer' cannot be found in the system.",
        "Details[0]/InventoryID": "'Inventory ID' cannot be found in the system.",
    }


def test_a_refusal_of_the_record_alone_is_told():
    found = errors.error_of(request(), response(422, {"error": "Error: The document is closed."}))

    assert isinstance(found, InvalidRecordError)
    assert "the record: The document is closed." in found.message


def test_a_business_exception_is_the_records_fault_and_keeps_the_vendors_words():
    told = fault(
        "Error #12: Order total is zero.",
        innerException={"exceptionMessage": "Total must be positive", "exceptionType": "PX.X"},
    )

    found = errors.error_of(request(), response(500, told))

    assert isinstance(found, InvalidRecordError)
    assert "Order total is zero. Total must be positive" in found.message
    assert "PX.Secret.Place" not in found.message


def test_an_exception_inside_another_decides():
    told = fault("Something failed", innerException=NO_ENTITY)

    assert isinstance(errors.error_of(request(), response(500, told)), NotFoundError)


@pytest.mark.parametrize(
    "body", [b"", b"oops", {"message": "An error has occurred."}, b"<html></html>"]
)
def test_http_500_without_a_reason_may_have_been_carried_out(body):
    assert isinstance(errors.error_of(request(), response(500, body)), UnavailableError)


def test_an_exception_that_is_not_acumaticas_own_is_the_servers():
    told = fault("Object reference not set", "System.NullReferenceException")

    found = errors.error_of(request(), response(500, told))

    assert isinstance(found, UnavailableError)
    assert not found.is_connection_wide


@pytest.mark.parametrize("status", [502, 503, 504, 520])
def test_an_outage_is_connection_wide(status):
    found = errors.error_of(request(), response(status, b"<html>", content_type="text/html"))

    assert isinstance(found, UnavailableError)
    assert found.is_connection_wide


@pytest.mark.parametrize(
    "answer",
    [
        response(200, b"<html>Sign in</html>", content_type="text/html"),
        response(302, location="/AcumaticaERP/Frames/Login.aspx?ReturnUrl=%2f"),
        response(500, b"<html>starting</html>", content_type="text/html"),
    ],
)
def test_a_page_or_the_way_to_the_login_page_is_a_site_that_starts(answer):
    found = errors.error_of(request("/Customer", "GET"), answer)

    assert isinstance(found, UnavailableError)
    assert found.is_connection_wide


def test_a_site_that_moved_is_a_setting():
    found = errors.error_of(request(), response(301, location="https://new.example.com/"))

    assert isinstance(found, ConfigurationError)
    assert "https://new.example.com/" in found.message


def test_a_missing_right_names_entity_and_form():
    found = errors.error_of(
        request("/SalesInvoice?$top=1", "GET"), response(403, fault("Insufficient rights"))
    )

    assert isinstance(found, AccessDeniedError)
    assert found.right == "SalesInvoice"
    assert "SO303000" in found.message


def test_an_address_that_is_unknown_is_left_to_be_explained():
    assert isinstance(errors.error_of(request(), response(404)), errors.UnknownAddressError)


def test_conditions_on_a_write():
    exists = errors.error_of(request(**{"If-None-Match": "*"}), response(412))
    missing = errors.error_of(request(**{"If-Match": "*"}), response(412))

    assert isinstance(exists, DuplicateRecordError)
    assert isinstance(missing, NotFoundError)


def test_a_request_that_is_not_understood_is_ours():
    told = {
        "message": "The request is invalid.",
        "modelState": {"": ["The request body should not be empty."]},
    }

    found = errors.error_of(request(), response(400, told))

    assert isinstance(found, ContractError)
    assert "should not be empty" in found.message


@pytest.mark.parametrize("status", [401])
def test_a_session_that_is_over_is_a_login(status):
    found = errors.error_of(request(), response(status, {"message": "You are not logged in."}))

    assert isinstance(found, AuthenticationError)


@pytest.mark.parametrize("status", [405, 406, 411, 418])
def test_other_refusals_are_ours(status):
    assert isinstance(errors.error_of(request(), response(status)), ContractError)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("invalid_grant", AuthenticationError, "consent"),
        ("invalid_client", AuthenticationError, "after @"),
        ("unauthorized_client", AuthenticationError, "SM303010"),
        ("invalid_scope", ConfigurationError, "SM303010"),
        ("something_else", AuthenticationError, "something_else"),
    ],
)
def test_refusals_of_the_token_endpoint_are_told_apart(code, kind, words):
    token = request(f"{SITE}/identity/connect/token", "POST")

    found = errors.token_error_of(token, response(400, {"error": code}))

    assert isinstance(found, kind)
    assert words in found.message


def test_a_full_site_is_seen_at_the_token_endpoint_too():
    token = request(f"{SITE}/identity/connect/token", "POST")

    found = errors.token_error_of(token, response(400, fault("API Login Limit")))

    assert isinstance(found, RateLimitedError)
    assert found.scope is QuotaScope.SEATS


def test_no_token_endpoint_is_a_wrong_address():
    token = request(f"{SITE}/identity/connect/token", "POST")

    assert isinstance(errors.token_error_of(token, response(404)), ConfigurationError)
