"""Every level at which the gateway fails, told apart; texts are recorded or documented ones."""

from datetime import timedelta
from typing import Any, cast

import pytest
from tests import specifications

from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ContractError,
    InvalidRecordError,
    NotFoundError,
    RateLimitedError,
    TransientError,
    UnavailableError,
)
from ml_connector.transport.messages import Request, Response
from ml_connector.vendors.sage_intacct import answers, errors, wire
from ml_connector.vendors.sage_intacct.answers import Result
from ml_connector.vendors.sage_intacct.errors import (
    ClosedPeriodError,
    PartlyDoneError,
    RolledBackError,
    SessionEndedError,
    TakenError,
)
from ml_connector.vendors.sage_intacct.nodes import parent
from ml_connector.vendors.sage_intacct.requests import OPEN_SESSION, Function

CREATE = Function(operation="GLBATCH.create", subject="GLBATCH", content=parent("create"))


def answered(
    body: str | bytes,
    *,
    status: int = 200,
    operation: str = "GLBATCH.query",
    is_safe: bool = True,
    **headers: Any,
) -> Any:
    request = Request(method="POST", url="https://x.test/", operation=operation, is_safe=is_safe)
    raw = body if isinstance(body, bytes) else body.encode()
    response = Response(
        status=status, headers=headers, cookies={}, body=raw, url="", elapsed=timedelta()
    )
    return errors.error_of(request, response)


def error(number: str, text: str, *, description: str = "", correction: str = "") -> str:
    return (
        f"<error><errorno>{number}</errorno><description>{description}</description>"
        f"<description2>{text}</description2><correction>{correction}</correction></error>"
    )


def control_failure(*faults: str) -> str:
    return (
        "<response><control><status>failure</status></control>"
        f"<errormessage>{''.join(faults)}</errormessage></response>"
    )


def login_failure(*faults: str) -> str:
    return (
        "<response><control><status>success</status><controlid>c</controlid></control><operation>"
        "<authentication><status>failure</status></authentication>"
        f"<errormessage>{''.join(faults)}</errormessage></operation></response>"
    )


def result(
    *faults: str, status: str = "failure", data: str = "", function: str = "create"
) -> Result:
    message = f"<errormessage>{''.join(faults)}</errormessage>" if faults else ""
    body = (
        "<response><control><status>success</status><controlid>c</controlid></control><operation>"
        "<authentication><status>success</status></authentication><result>"
        f"<status>{status}</status><function>{function}</function><controlid>1</controlid>{data}"
        f"{message}</result></operation></response>"
    )
    return answers.read(body.encode()).results[0]


def refusal(*faults: str, **shape: str) -> Any:
    return errors.result_error(CREATE, result(*faults, **shape))


# --- HTTP ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_a_page_of_a_load_balancer_is_an_outage(status):
    assert isinstance(answered("<html>down</html", status=status), UnavailableError)


@pytest.mark.parametrize("body", ["", "<response><control><status>succ", "{}"])
def test_an_answer_that_was_cut_leaves_open_what_was_done(body):
    found = answered(body)

    assert isinstance(found, UnavailableError)
    assert not found.is_connection_wide


def test_two_documents_in_a_row_are_no_answer():
    whole = login_failure(error("XL03000006", "Invalid session x"))

    assert isinstance(answered(whole + whole), UnavailableError)


def test_a_document_type_is_not_read():
    bomb = (
        '<!DOCTYPE r [<!ENTITY a "b">]><response><control><status>&a;</status></control></response>'
    )

    assert isinstance(answered(bomb), UnavailableError)


def test_a_reading_that_the_network_gave_up_is_not_repeated_at_once():
    reading = answered("<html/>", status=524)
    login = answered("", status=524, operation=OPEN_SESSION)
    write = answered("", status=524, is_safe=False)

    assert type(reading) is not UnavailableError
    assert isinstance(login, UnavailableError)
    assert isinstance(write, UnavailableError)  # which the transport makes an unknown outcome


def test_the_wait_that_the_gateway_asks_for_is_kept_within_bounds():
    def wait(told: str) -> timedelta | None:
        return cast(
            "timedelta | None",
            answered("", status=429, **dict[str, Any]({"retry-after": told})).retry_after,
        )

    assert wait("7") == timedelta(seconds=7)
    assert wait("86400") == errors.LONGEST_WAIT
    assert wait("9" * 5000) == errors.LONGEST_WAIT
    assert wait("Wed, 21 Oct 2026 07:28:00 GMT") is None


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_wrong_address_is_told_as_such(status):
    assert isinstance(answered("<html>no</html", status=status), ConfigurationError)


# --- control and login -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text", "kind"),
    [
        ("GW-0001", "Unable to process request", UnavailableError),
        ("GW-0009", "anything", UnavailableError),
        ("GW-0010", "API rate limit exceeded", RateLimitedError),
        ("GW-0011", "Invalid Request [Request ID: 4f0c2b]", ConfigurationError),
        ("GW-0042", "anything", ConfigurationError),
        ("invalidRequest", "no such company", ConfigurationError),
        ("XL03000006", "Incorrect Intacct XML Partner ID or password.", AuthenticationError),
        ("XL03000006", "test is not a valid transport policy.", ConfigurationError),
        ("XL03000003", "XML Parse schema error: Fatal Error 76", ContractError),
        ("XL03000006", "The Service is Temporarily Off-line", UnavailableError),
        ("PL04000055", "This company is a demo company and has expired.", AuthenticationError),
        ("XX1", "whatever refuses a repeated control id", ContractError),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_a_control_failure_is_told_by_its_number_and_words(number, text, kind, status):
    assert type(answered(control_failure(error(number, text)), status=status)) is kind


def test_the_request_id_of_the_gateway_is_kept_for_support():
    found = answered(control_failure(error("GW-0011", "Invalid Request [Request ID: 4f0c2b]")))

    assert found.correlation_id == "4f0c2b"
    assert "4f0c2b" not in found.message


def test_throttling_inside_of_a_good_answer_is_throttling():
    body = control_failure(error("", "", description="API rate limit exceeded"))

    assert isinstance(answered(body), RateLimitedError)


def test_a_refused_session_is_not_a_refused_login():
    refused = login_failure(error("XL03000006", "Sign-in information is incorrect"))

    assert type(answered(refused)) is SessionEndedError
    assert type(answered(refused, operation=OPEN_SESSION)) is AuthenticationError


def test_a_sender_that_the_company_did_not_authorise_is_told_with_the_way_out():
    refused = login_failure(
        error(
            "XL03000006",
            "The sender ID 'X' is not authorized to make Web Services requests to company ID 'Y'.",
            description="Invalid Web Services Authorization",
        )
    )

    found = answered(refused)

    assert type(found) is AuthenticationError
    assert "Web Services authorizations" in found.message


@pytest.mark.parametrize(
    "body",
    [
        "<response/>",
        "<other/>",
        "<response><control/></response>",
        "<response><control><status>success</status></control></response>",
        "<response><control><status>success</status></control><operation/></response>",
        (
            "<response><control><status>success</status></control><operation><authentication/>"
            "</operation></response>"
        ),
    ],
)
def test_an_answer_that_lacks_what_every_answer_has_is_a_breach_of_contract(body):
    assert type(answered(body)) is ContractError


# --- one function ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Transactions do not balance for Location ,", InvalidRecordError),
        ("Account 16200 is not valid", InvalidRecordError),
        ("This transaction is missing the Department dimension for the Account 16200",
         InvalidRecordError),
        (("Your transaction date (10/26/2025) is within a period that&#039;s been closed. You can "
         "add, modify, or delete a transaction only if"), ClosedPeriodError),
        ("Your transaction date is within a period that&amp;#039;s been closed.",
         ClosedPeriodError),
        ("Date must be on or after 11/01/25", ClosedPeriodError),
        ("Cannot find vendor with key '99999' to delete.", NotFoundError),
        ("You do not have permission for API operation CREATE on objects of type glbatch",
         AccessDeniedError),
        ("The following fields cannot be queried: [VENDOR: [FOO, BAR] ]", ConfigurationError),
        ("Object definition SALES_REGION not found", ConfigurationError),
        ("Another Vendor with the given value(s) PD-9001  already exists", TakenError),
    ],
)  # fmt: skip
def test_a_function_s_failure_is_told_by_its_words(text, kind):
    found = refusal(error("BL01001973", text), error("BL01001973", "Could not create it!"))

    assert type(found) is kind


def test_the_cause_is_told_and_the_wrappers_are_not():
    found = refusal(
        error("BL34000061", "Another Vendor with the given value(s) A  already exists "
              "[Support ID: hQ3xB%7EZE]", correction="Use a unique value instead."),
        error("BL01001973", "Could not create Vendor record!"),
    )  # fmt: skip

    assert "Another Vendor with the given value(s) A already exists" in found.message
    assert "Use a unique value instead." in found.message
    assert "Could not create" not in found.message
    assert found.correlation_id == "hQ3xB%7EZE"
    assert "Support ID" not in found.message


def test_aborted_is_a_failure():
    undone = "The entire transaction in this operation has been rolled back due to an error."

    alone = refusal(error("XL03000009", undone), status="aborted")
    culprit = refusal(
        error("BL01001973", "Account 1 is not valid"), error("XL03000009", undone), status="aborted"
    )

    assert type(alone) is RolledBackError
    assert isinstance(alone, TransientError)
    assert type(culprit) is InvalidRecordError


@pytest.mark.parametrize("status", ["success", "SUCCESS", "", "queued"])
def test_a_fault_beside_any_status_is_a_failure(status):
    assert isinstance(refusal(error("X", "something"), status=status), InvalidRecordError)


@pytest.mark.parametrize("status", ["", "queued", "failure"])
def test_a_status_that_is_not_success_is_a_failure_without_any_reason_too(status):
    assert isinstance(refusal(status=status), ContractError)


def test_a_failure_that_names_what_it_created_tells_that_it_is_there():
    data = '<data listtype="objects" count="1"><glbatch><RECORDNO>6679</RECORDNO></glbatch></data>'

    found = refusal(error("BL01001973", "Error while saving"), data=data)

    assert type(found) is PartlyDoneError
    assert "6679" in found.message


def test_functions_that_were_all_put_off_make_the_whole_request_repeatable():
    put_off = (
        "<response><control><status>success</status><controlid>c</controlid></control><operation>"
        "<authentication><status>success</status></authentication><result><status>failure</status>"
        "<function>query</function><controlid>1</controlid><errormessage>{}</errormessage>"
        "</result></operation></response>"
    )

    throttled = answered(put_off.format(error("GW-0010", "API rate limit exceeded")))
    offline = answered(put_off.format(error("X", "The Service is Temporarily Off-line")))
    business = answered(put_off.format(error("BL01001973", "no")))

    assert isinstance(throttled, RateLimitedError)
    assert isinstance(offline, UnavailableError)
    assert business is None


# --- recorded answers ------------------------------------------------------------------------


def recorded(name: str) -> bytes:
    return (specifications.needed("sage_intacct") / "recorded" / name).read_bytes()


def test_recorded_invalid_session_ends_the_session():
    assert type(answered(recorded("sessionInvalid.xml"))) is SessionEndedError


def test_recorded_refused_login_is_a_matter_of_the_login():
    found = answered(recorded("execLoginInvalid.xml"), operation=OPEN_SESSION)

    assert type(found) is AuthenticationError
    assert "Sign-in information is incorrect" in found.message


def test_recorded_parse_error_is_a_breach_of_contract():
    found = answered(recorded("execXMLError.xml"))

    assert type(found) is ContractError
    assert "Line: 18, column: 62" in found.message


def test_recorded_partial_create_names_what_was_created():
    body = recorded("execFuncError.xml")

    assert answered(body) is None
    found = errors.result_error(CREATE, answers.read(body).results[0])
    assert type(found) is PartlyDoneError
    assert "project 1424" in found.message
    assert "Another Project with the given value(s) Fellow PD1 already exists" in found.message


def test_recorded_mixed_results_have_an_outcome_each():
    results = answers.read(recorded("functionErrorSuccess.xml")).results

    outcomes = [errors.result_error(CREATE, each) for each in results]

    assert [type(each) for each in outcomes] == [ConfigurationError, type(None), ConfigurationError]
    assert wire.rows(results[1])[0]["RECORDID"] == "E18-6465"


@pytest.mark.parametrize(
    ("name", "counts"), [("execProjectSuccess.xml", [5, 1]), ("vendorResponse.xml", [2, 1])]
)
def test_recorded_rows_are_read_whether_one_or_several(name, counts):
    results = answers.read(recorded(name)).results

    assert answered(recorded(name)) is None
    assert [len(wire.rows(each)) for each in results] == counts


def test_recorded_stamps_tell_how_long_a_session_lasts():
    login = answers.read(recorded("functionErrorSuccess.xml")).authentication
    old = answers.read(recorded("vendorResponse.xml")).authentication

    assert login is not None
    assert login.ends_in == timedelta(hours=6)
    assert old is not None
    assert old.ends_in is None
