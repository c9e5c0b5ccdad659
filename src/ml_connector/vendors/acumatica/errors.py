"""Acumatica's answers, translated into our error tree.

HTTP 500 says little: bad logins, missing records, refused records and a full site all come as
500, told apart by ``exceptionType`` and, where that is too general, by the text (NOTES.md,
"Errors"). HTML instead of JSON is the site starting or publishing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    DuplicateRecordError,
    InvalidRecordError,
    NotFoundError,
    QuotaScope,
    RateLimitedError,
    TransientError,
    UnavailableError,
)
from ml_connector.transport.messages import Request, Response
from ml_connector.vendors.acumatica.answers import Answer, FieldError, member

SEAT_WAIT = timedelta(minutes=3)
"""A seat comes free when somebody logs out or a session of 10 minutes dies."""

SCREENS = {
    "Account": "GL202500",
    "BusinessAccount": "CR303000",
    "Contact": "CR302000",
    "Customer": "AR303000",
    "Invoice": "AR301000",
    "Ledger": "GL201500",
    "NonStockItem": "IN202000",
    "Payment": "AR302000",
    "SalesInvoice": "SO303000",
    "SalesOrder": "SO301000",
    "Shipment": "SO302000",
    "StockItem": "IN202500",
}
"""The form behind each entity: where an administrator grants the right."""

_NO_SEAT = b"API Login Limit"
_SEARCHED = 4096  # bytes of an answer in which the text above may stand
_MOST_FIELDS = 5  # named in a message; all are in the error's ``fields``
_LABELS = {"InventoryID": "item", "CustomerID": "customer", "Customer": "customer"}


class LockedError(TransientError):
    """Somebody else was writing the same record, or a long operation runs on its form.

    The call was *not* carried out: the same write may be sent again.
    """


class UnknownAddressError(ConfigurationError):
    """HTTP 404. Whether version, entity, action or record is missing, `endpoint.py` finds out."""


def error_of(request: Request, response: Response) -> ConnectorError | None:
    """Return the error that an answer of the API is, or None for a good one."""
    answer = Answer(request, response)
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _page(answer) if answer.is_html else None
    if _NO_SEAT in response.body[:_SEARCHED]:
        return _no_seat(answer)
    if status < HTTPStatus.BAD_REQUEST:
        return _redirected(answer)
    if status in _BY_STATUS:
        return _BY_STATUS[status](answer)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _gone_away(answer)
    return ContractError(f"Acumatica answered HTTP {status}: {answer.words}")


def token_error_of(request: Request, response: Response) -> ConnectorError | None:
    """Return the error that an answer of the token endpoint is, or None for a good one."""
    answer = Answer(request, response)
    if _NO_SEAT in response.body[:_SEARCHED]:
        return _no_seat(answer)
    if response.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        return _token_refused(member(answer.json, "error"))
    if response.status == HTTPStatus.NOT_FOUND:
        return ConfigurationError(
            "Acumatica has no token endpoint at this address: check the instance URL, with the "
            "site's folder where it has one",
            waits_for="setting:instance_url",
        )
    return error_of(request, response)


# --- by status -----------------------------------------------------------------------------


def _bad_request(answer: Answer) -> ConnectorError:
    return ContractError(f"Acumatica does not understand the request: {answer.words}")


def _unauthorized(answer: Answer) -> ConnectorError:
    return AuthenticationError(f"Acumatica refuses the login: {answer.words}")


def _forbidden(answer: Answer) -> ConnectorError:
    entity = answer.entity
    form = f" (form {SCREENS[entity]})" if entity in SCREENS else ""
    return AccessDeniedError(
        f"The user has no right to {entity}{form} in Acumatica, or its feature is off: "
        f"{answer.words}",
        right=entity,
        waits_for=f"right:{entity}",
    )


def _not_found(answer: Answer) -> ConnectorError:
    return UnknownAddressError(f"Acumatica knows nothing at {answer.path}")


def _conflict(answer: Answer) -> ConnectorError:
    return LockedError(f"Acumatica is busy with an earlier operation on {answer.entity}")


def _precondition(answer: Answer) -> ConnectorError:
    if "if-none-match" in {name.lower() for name in answer.request.headers}:
        return DuplicateRecordError(f"Acumatica has a {answer.entity} with this key already")
    return NotFoundError(f"Acumatica has no {answer.entity} with this key")


def _refused_record(answer: Answer) -> ConnectorError:
    errors = answer.field_errors
    if not errors:
        return _fault(answer)
    # The record's own error says only that there are errors below; alone it is all there is.
    told = [one for one in errors if one.path] or errors
    shown = "; ".join(_told(one) for one in told[:_MOST_FIELDS])
    return InvalidRecordError(
        f"Acumatica refuses the {answer.entity}: {shown}",
        fields={one.path: one.text for one in errors},
    )


def _told(error: FieldError) -> str:
    name = error.path.rpartition("/")[2]
    label = f"{_LABELS[name]} {error.value!r} ({error.path})" if name in _LABELS else error.path
    return f"{label or 'the record'}: {error.text}"


def _throttled(answer: Answer) -> ConnectorError:
    return RateLimitedError(
        "Acumatica's licence limits declined the call", retry_after=answer.retry_after
    )


def _server_error(answer: Answer) -> ConnectorError:
    if answer.fault.types or answer.fault.texts or _mentioned(answer) is not None:
        return _fault(answer)
    if answer.field_errors:
        return _refused_record(answer)
    return UnavailableError(
        "Acumatica answered HTTP 500 without saying why",
        is_connection_wide=answer.is_html,
        retry_after=answer.retry_after,
    )


def _gone_away(answer: Answer) -> ConnectorError:
    return UnavailableError(
        f"Acumatica is not answering for the moment (HTTP {answer.response.status})",
        retry_after=answer.retry_after,
    )


_BY_STATUS: dict[int, Callable[[Answer], ConnectorError]] = {
    HTTPStatus.BAD_REQUEST: _bad_request,
    HTTPStatus.UNAUTHORIZED: _unauthorized,
    HTTPStatus.FORBIDDEN: _forbidden,
    HTTPStatus.NOT_FOUND: _not_found,
    HTTPStatus.CONFLICT: _conflict,
    HTTPStatus.PRECONDITION_FAILED: _precondition,
    HTTPStatus.UNPROCESSABLE_ENTITY: _refused_record,
    HTTPStatus.TOO_MANY_REQUESTS: _throttled,
    HTTPStatus.INTERNAL_SERVER_ERROR: _server_error,
}


# --- HTTP 500, by what the exception mentions ----------------------------------------------


def _fault(answer: Answer) -> ConnectorError:
    if (error_for := _mentioned(answer)) is not None:
        return error_for(answer)
    if answer.path.lower().endswith("/entity/auth/login"):
        return AuthenticationError(f"Acumatica refuses the login: {answer.fault.words}")
    if answer.fault.types and "PX." not in answer.fault.types:
        # Not one of Acumatica's own exceptions: the server failed, not the record.
        return _gave_up(answer)
    return InvalidRecordError(f"Acumatica refuses the {answer.entity}: {answer.words}")


def _mentioned(answer: Answer) -> Callable[[Answer], ConnectorError] | None:
    for hints, error_for in _FAULTS:
        if answer.fault.mentions(*hints):
            return error_for
    return None


def _no_such_record(answer: Answer) -> ConnectorError:
    return NotFoundError(f"Acumatica has no {answer.entity} {answer.record}".rstrip())


def _unknown_tenant(answer: Answer) -> ConnectorError:
    return ConfigurationError(
        f"Acumatica does not know the tenant ({answer.fault.words}): enter the tenant's login "
        "name (SM203520)",
        waits_for="setting:tenant",
    )


def _bad_credentials(answer: Answer) -> ConnectorError:
    return AuthenticationError(f"Acumatica refuses user name or password: {answer.fault.words}")


def _cannot_list(answer: Answer) -> ConnectorError:
    return ContractError(
        f"Acumatica cannot list {answer.entity} with these fields: {answer.fault.words}"
    )


def _bad_condition(answer: Answer) -> ConnectorError:
    return ContractError(f"Acumatica refuses a condition on {answer.entity}: {answer.fault.words}")


def _not_set_up(answer: Answer) -> ConnectorError:
    return ConfigurationError(f"Acumatica is not set up for this: {answer.fault.words}")


def _locked(answer: Answer) -> ConnectorError:
    return LockedError(f"The record is being changed in Acumatica: {answer.words}")


def _gave_up(answer: Answer) -> ConnectorError:
    return UnavailableError(
        f"Acumatica failed inside: {answer.fault.words}", is_connection_wide=False
    )


_FAULTS: tuple[tuple[tuple[str, ...], Callable[[Answer], ConnectorError]], ...] = (
    (("NoEntitySatisfiesTheCondition", "No entity satisfies the condition"), _no_such_record),
    (("PXUndefinedCompany", "proper company ID cannot be determined"), _unknown_tenant),
    (("Invalid credentials",), _bad_credentials),
    (("CannotOptimize", "Optimization cannot be performed"), _cannot_list),
    (("incompatible types", "Microsoft.Data.OData", "Could not find a property"), _bad_condition),
    (("PXSetupNotEntered", "required configuration data is not entered"), _not_set_up),
    (("PXLockViolation", "Another process has"), _locked),
    (("long operation is running", "operation is still running"), _locked),
    (("insufficient rights", "insufficient access rights", "AccessRights"), _forbidden),
    (("Execution Timeout", "Timeout expired", "TimeoutException", "deadlock"), _gave_up),
)
"""The most telling first. Texts are the vendor's English ones: see NOTES.md, "Labels"."""


# --- not an answer of the API --------------------------------------------------------------


def _no_seat(answer: Answer) -> ConnectorError:
    return RateLimitedError(
        "All of Acumatica's API logins are taken (API Login Limit): another program must log out, "
        "or the licence needs more API users",
        scope=QuotaScope.SEATS,
        retry_after=max(SEAT_WAIT, answer.retry_after or SEAT_WAIT),
    )


def _token_refused(code: str) -> ConnectorError:
    match code:
        case "invalid_grant":
            return AuthenticationError(
                "Acumatica refuses the login (invalid_grant): user name or password are wrong, or "
                "the consent has run out or was revoked"
            )
        case "invalid_client" | "unauthorized_client":
            return AuthenticationError(
                f"Acumatica does not accept the client ID or its secret ({code}). The part after "
                "@ must be the tenant's login name, and the application must be active under "
                "Connected Applications (SM303010) of that tenant",
                waits_for="setting:client_id",
            )
        case "invalid_scope" | "unsupported_grant_type":
            return ConfigurationError(
                f"Acumatica does not grant this kind of login ({code}): check the flow of the "
                "connected application (SM303010)"
            )
        case _:
            return AuthenticationError(f"Acumatica refuses the login ({code or 'no reason given'})")


def _redirected(answer: Answer) -> ConnectorError:
    target = answer.location
    if "login" in target.lower() or "/frames/" in target.lower():
        return UnavailableError("Acumatica sends calls to its sign-in page: the site is starting")
    return ConfigurationError(
        f"Acumatica says that the site is elsewhere ({target}): enter that address",
        waits_for="setting:instance_url",
    )


def _page(answer: Answer) -> ConnectorError:
    return UnavailableError(
        "Acumatica answered with a page instead of data: the site is starting",
        retry_after=answer.retry_after,
    )
