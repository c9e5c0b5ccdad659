"""Sage Intacct's answers, translated into our error tree, level by level.

`error_of` reads what a whole answer means: HTTP, control, login. `result_error` reads one
function. Numbers say little (``XL03000006`` and ``BL01001973`` are catch-alls), so the words
decide, the most telling first (NOTES.md, "Errors"). What refuses a repeated control id is not
published: no text is matched for it, `writing.py` looks instead.
"""

from __future__ import annotations

import re
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
    RateLimitedError,
    TransientError,
    UnavailableError,
)
from ml_connector.transport.messages import Request, Response
from ml_connector.vendors.sage_intacct import answers
from ml_connector.vendors.sage_intacct.answers import Answer, Faults, Result, UnreadableError
from ml_connector.vendors.sage_intacct.requests import OPEN_SESSION, Function

LONGEST_WAIT = timedelta(seconds=120)
"""A Retry-After beyond it is not waited for in one go."""

_WAIT_DIGITS = 6  # a number of more digits is far beyond it, and int() refuses very long ones

TIMED_OUT_BEHIND = 524
"""The content network gave up waiting; the gateway goes on with the request."""

CLOSED_BOOKS = "closed_books"
"""What a record waits for whose date lies in a closed period."""

_GATEWAY = re.compile(r"GW-(\d{4})")
_LAST_PASSING = 9  # GW-0001 to GW-0009 come with 5xx
_THROTTLED = 10  # GW-0010

_THROTTLED_WORDS = ("GW-0010", "API rate limit exceeded")
_OFFLINE_WORDS = ("Temporarily Off-line", "Please Try Again Later")
_SESSION_WORDS = ("Invalid session",)
_ROLLED_BACK = "XL03000009"
_NOT_FOUND = re.compile(r"Object definition (?P<object>\S+) not found", re.IGNORECASE)


class SessionEndedError(AuthenticationError):
    """The session does not count any more; no function of the request was carried out."""


class TakenError(InvalidRecordError):
    """A value that only one record may carry is another record's already."""


class PartlyDoneError(DuplicateRecordError):
    """The gateway reported a failure, and names the record among those that it created."""


class ClosedPeriodError(ConfigurationError):
    """The date lies in a period whose books are closed."""


class RolledBackError(TransientError):
    """The function was undone because another one of its transaction failed."""


def error_of(request: Request, response: Response) -> ConnectorError | None:
    """Return the error that a whole answer is, or None where its functions tell."""
    try:
        answer = answers.read(response.body)
    except UnreadableError as exc:
        return _no_answer(request, response, exc)
    except ContractError as exc:
        return exc
    if not answer.is_good:
        return _refused(request, response, answer)
    if request.operation == OPEN_SESSION:
        return _session_refused(answer)
    return _put_off(response, answer)


def result_error(function: Function, result: Result) -> ConnectorError | None:
    """Return the error that one function's result is, or None for a good one."""
    if result.is_good:
        return None
    created = _created(result)
    if created:
        return PartlyDoneError(
            f"Intacct reports a failure of {function.operation} ({result.faults.words}), but "
            f"created {', '.join(created)}",
            correlation_id=result.faults.support_id,
        )
    error = _of_words(function, result)
    error.correlation_id = result.faults.support_id
    return error


# --- HTTP: what came is no answer of the gateway ---------------------------------------------


def _no_answer(request: Request, response: Response, why: UnreadableError) -> ConnectorError:
    status = response.status
    if status == TIMED_OUT_BEHIND and request.is_safe and request.operation != OPEN_SESSION:
        # Asking again at once would only have the gateway do the same twice.
        return TransientError("Intacct took too long over a reading (HTTP 524)")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _throttled(response)
    if status in _PERMANENT:
        return _PERMANENT[status](status)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ContractError(f"Intacct's gateway refuses the request (HTTP {status}) without XML")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError(
            f"Intacct is not answering for the moment (HTTP {status})",
            retry_after=_retry_after(response),
        )
    # Cut short, empty, or a page of something before the gateway: what was done is not known.
    return UnavailableError(f"{why.message} (HTTP {status})", is_connection_wide=False)


def _no_gateway(status: int) -> ConnectorError:
    return ConfigurationError(
        f"There is no Intacct gateway at this address (HTTP {status}): check the gateway address"
    )


def _kept_out(status: int) -> ConnectorError:
    # Logins are in the body, and the gateway refuses them with XML: this is somebody before it.
    return ConfigurationError(
        f"Something before Intacct's gateway lets us not through (HTTP {status}): check the "
        "gateway address and what lies between"
    )


_PERMANENT: dict[int, Callable[[int], ConnectorError]] = {
    HTTPStatus.UNAUTHORIZED: _kept_out,
    HTTPStatus.FORBIDDEN: _kept_out,
    HTTPStatus.NOT_FOUND: _no_gateway,
    HTTPStatus.METHOD_NOT_ALLOWED: _no_gateway,
}


def _throttled(response: Response) -> RateLimitedError:
    return RateLimitedError(
        "Intacct is asked too much at once (API rate limit exceeded)",
        retry_after=_retry_after(response),
    )


def _retry_after(response: Response) -> timedelta | None:
    told = response.headers.get("retry-after", "").strip()
    if not (told.isascii() and told.isdigit()):
        return None
    return min(timedelta(seconds=int(told[:_WAIT_DIGITS])), LONGEST_WAIT)


# --- control and login -----------------------------------------------------------------------


def _refused(request: Request, response: Response, answer: Answer) -> ConnectorError:
    if answer.status != "success" or answer.faults:
        error = _control_refused(response, answer.faults)
        error.correlation_id = answer.faults.support_id
    else:
        error = _login_refused(request, answer.login_faults)
        error.correlation_id = answer.login_faults.support_id
    return error


def _control_refused(response: Response, faults: Faults) -> ConnectorError:
    gateway = _gateway_number(faults)
    if gateway == _THROTTLED or faults.has(*_THROTTLED_WORDS):
        return _throttled(response)
    is_passing = gateway is not None and gateway <= _LAST_PASSING
    is_down = gateway is None and response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if is_passing or is_down or faults.has(*_OFFLINE_WORDS):
        return UnavailableError(
            f"Intacct is not answering for the moment: {faults.words}",
            retry_after=_retry_after(response),
        )
    if gateway is not None or faults.has("invalidRequest"):
        return ConfigurationError(
            f"Intacct's gateway refuses us ({faults.words}): the sender ID may be unknown or "
            "inactive, or the company ID wrong"
        )
    return _control_words(faults)


def _control_words(faults: Faults) -> ConnectorError:
    if faults.has("Partner ID or password"):
        return AuthenticationError(
            "Intacct refuses sender ID or sender password; in both case counts"
        )
    if faults.has("demo company and has expired"):
        return AuthenticationError(f"Intacct has closed the company: {faults.words}")
    if faults.has("transport policy"):
        return ConfigurationError(f"Intacct refuses the request: {faults.words}")
    return ContractError(f"Intacct does not take the request: {faults.words}")


def _gateway_number(faults: Faults) -> int | None:
    found = (_GATEWAY.search(number) for number in faults.numbers())
    return next((int(each[1]) for each in found if each), None)


def _login_refused(request: Request, faults: Faults) -> ConnectorError:
    if faults.has("not authorized to make Web Services requests", "Web Services Authorization"):
        return AuthenticationError(
            f"The company has not authorised our sender ID: {faults.words} An administrator adds "
            "it under Company > Security > Web Services authorizations"
        )
    if request.operation != OPEN_SESSION:
        # Whatever it says: nothing was carried out, and a new login tells what is wrong.
        said = "it is over" if faults.has(*_SESSION_WORDS) else faults.words
        return SessionEndedError(f"Intacct does not accept the session any more: {said}")
    return AuthenticationError(
        f"Intacct refuses the login ({faults.words}): company ID, user ID, password or entity is "
        "wrong, or the user may not use Web Services"
    )


def _session_refused(answer: Answer) -> ConnectorError | None:
    """Return why a login brought no session, although it was accepted."""
    bad = next((each for each in answer.results if not each.is_good), None)
    if bad is None:
        return None
    if bad.faults.has(*_OFFLINE_WORDS):
        return UnavailableError(f"Intacct gives no session for the moment: {bad.faults.words}")
    return AuthenticationError(
        f"Intacct gives no session ({bad.faults.words}): check the entity, which must be the ID "
        "of an entity and not of a location below one",
        correlation_id=bad.faults.support_id,
    )


def _put_off(response: Response, answer: Answer) -> ConnectorError | None:
    """Return the error of an answer whose every function was put off, so that it is repeated."""
    results = answer.results
    if results and all(_is_throttled(each) for each in results):
        return _throttled(response)
    if results and all(not each.is_good and each.faults.has(*_OFFLINE_WORDS) for each in results):
        return UnavailableError(
            f"Intacct is not answering for the moment: {results[0].faults.words}"
        )
    return None


def _is_throttled(result: Result) -> bool:
    return not result.is_good and result.faults.has(*_THROTTLED_WORDS)


# --- one function ----------------------------------------------------------------------------


def _created(result: Result) -> list[str]:
    """Name the records that a failed create made all the same."""
    if result.function != "create" or result.status == "aborted" or result.data is None:
        return []
    return [
        f"{each.tag} {each.findtext('RECORDNO')}" for each in result.data if len(each)
    ]  # fmt: skip


def _of_words(function: Function, result: Result) -> ConnectorError:
    faults = result.faults
    for hints, error_for in _BY_WORDS:
        if faults.has(*hints):
            return error_for(function, faults)
    is_only_undone = all(number == _ROLLED_BACK for number in faults.numbers())
    if result.status == "aborted" and is_only_undone:
        return RolledBackError(
            f"Intacct undid {function.operation}, because another part of its transaction failed"
        )
    if not faults:
        return ContractError(
            f"Intacct answers {function.operation} with the status {result.status!r} and no reason"
        )
    return InvalidRecordError(f"Intacct refuses {function.operation}: {faults.words}")


def _limited(function: Function, faults: Faults) -> ConnectorError:
    return RateLimitedError(f"Intacct put {function.operation} off: {faults.words}")


def _offline(function: Function, faults: Faults) -> ConnectorError:
    return UnavailableError(f"Intacct cannot do {function.operation} just now: {faults.words}")


def _failed_inside(function: Function, faults: Faults) -> ConnectorError:
    return UnavailableError(
        f"Intacct failed inside over {function.operation}: {faults.words}",
        is_connection_wide=False,
    )


def _denied(function: Function, faults: Faults) -> ConnectorError:
    return AccessDeniedError(
        f"The user has no right to {function.operation} in Intacct: {faults.words} Add it to the "
        "role of the Web Services user",
        right=function.subject,
        waits_for=f"right:{function.subject}",
    )


def _unknown_object(function: Function, faults: Faults) -> ConnectorError:
    found = _NOT_FOUND.search(faults.words)
    name = found["object"] if found else function.subject
    return ConfigurationError(
        f"The company has no object {name} in Intacct: its application is not subscribed, or the "
        "name is wrong",
        waits_for=f"object:{name}",
    )


def _unknown_field(function: Function, faults: Faults) -> ConnectorError:
    return ConfigurationError(
        f"{function.subject} lacks a field that was asked for: {faults.words}",
        waits_for=f"field:{function.subject}",
    )


def _closed(function: Function, faults: Faults) -> ConnectorError:
    return ClosedPeriodError(
        f"The books are closed for this date of {function.subject}: {faults.words}",
        waits_for=CLOSED_BOOKS,
    )


def _taken(function: Function, faults: Faults) -> ConnectorError:
    return TakenError(f"Intacct has such a {function.subject} already: {faults.words}")


def _missing(function: Function, faults: Faults) -> ConnectorError:
    return NotFoundError(f"Intacct has no such {function.subject}: {faults.words}")


_BY_WORDS: tuple[
    tuple[tuple[str, ...], Callable[[Function, Faults], ConnectorError]], ...
] = (
    (_THROTTLED_WORDS, _limited),
    (_OFFLINE_WORDS, _offline),
    (("do not have permission", "don't have permission"), _denied),
    (("Object definition",), _unknown_object),
    (("cannot be queried", "Invalid fields list"), _unknown_field),
    (("period that's been closed", "period that has been closed", "Date must be on or after"),
     _closed),
    (("BL34000061", "already exists"), _taken),
    (("Cannot find",), _missing),
    (("DL02000001",), _failed_inside),
)  # fmt: skip
"""The most telling first. Texts are the vendor's English ones; dimension names in them are the
company's own terms, so none is matched."""
