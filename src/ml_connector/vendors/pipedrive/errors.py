"""Pipedrive's answers, translated into our error tree.

The status says which kind; the texts are not a contract and serve the message only, but for
three marks that documentation and recordings agree on: ``Scope and URL mismatch``, a ``code``
that begins with ``feature_capping``, and ``invalid_grant`` (NOTES.md, "Errors").
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    InvalidRecordError,
    NotFoundError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.vendors.pipedrive import costs, rates

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.transport.messages import Request, Response

_BURST_WAIT = timedelta(seconds=2)
"""The burst window's length: waiting less than this only costs another 429."""
_BLOCKED_WAIT = timedelta(hours=1)
"""Our choice. Pipedrive does not say how long a blocked token stays blocked; further calls
prolong it."""
_JSON = {"application/json", "text/json"}
_SHOWN = 300  # characters of the vendor's words in a message
_KEY = re.compile(r"\b[0-9a-f]{40}\b")
_NAMED_FAULT = re.compile(r"^\s*(?:data\.)?(?P<field>[A-Za-z0-9_.\[\]]+)\s*:\s*(?P<text>.+)$")


class _Problem(msgspec.Struct, frozen=True):
    """What an error answer may say, in any of its shapes."""

    success: Any = None
    error: Any = None
    message: Any = None
    error_info: Any = None
    code: Any = None
    field_code: Any = None
    errors: Any = None

    @property
    def words(self) -> str:
        """The vendor's own words, bounded."""
        said = next((s for s in (self.message, self.error) if isinstance(s, str) and s), "")
        if not said and isinstance(self.errors, dict):
            said = "; ".join(f"{field}: {_joined(text)}" for field, text in self.errors.items())
        return said[:_SHOWN]


def error_of(request: Request, response: Response) -> ConnectorError | None:
    """Return the error that an answer of the API is, or None for a good one."""
    problem = _problem(response)
    if 200 <= response.status < 300:  # noqa: PLR2004 - the HTTP classes are known by number
        return _error_in_success(request, response, problem)
    if response.status >= 500:  # noqa: PLR2004 - as above
        return _server_error(request, response, problem)
    if 300 <= response.status < 400:  # noqa: PLR2004 - as above
        return _redirected(request, response)
    translate = _BY_STATUS.get(response.status, _unknown)
    return translate(request, response, problem)


def oauth_error_of(request: Request, response: Response) -> ConnectorError | None:
    """Return the error that an answer of the OAuth endpoints is, or None for a good one."""
    problem = _problem(response)
    if response.status == 200 and problem is not None and problem.error is None:  # noqa: PLR2004
        return None
    said = _said(problem)
    if problem is not None and ("invalid_grant" in str(problem.error) or "Invalid grant" in said):
        return AuthenticationError(
            f"Pipedrive no longer accepts this login{said}: open the connection and give consent "
            "again",
            correlation_id=_correlation_id(response),
        )
    if response.status in {400, 401, 403, 404}:
        return ConfigurationError(
            f"Pipedrive refuses the app at {request.operation}{said}: compare client id, client "
            "secret and callback address with the app in Developer Hub",
            correlation_id=_correlation_id(response),
        )
    if response.status == 429:  # noqa: PLR2004 - the status is known by number
        return _too_many(request, response, problem)
    return UnavailableError(
        f"Pipedrive's OAuth answers {response.status}{said}",
        retry_after=rates.wait_asked_for(response),
        correlation_id=_correlation_id(response),
    )


def _problem(response: Response) -> _Problem | None:
    """Return what a JSON answer says; None for one that is not a JSON object."""
    if response.content_type not in _JSON and not response.body.lstrip().startswith(b"{"):
        return None
    try:
        return msgspec.json.decode(response.body, type=_Problem)
    except msgspec.DecodeError:
        return None


def _error_in_success(
    request: Request, response: Response, problem: _Problem | None
) -> ConnectorError | None:
    if response.status == 204:  # noqa: PLR2004 - no content
        # Old parts of API v1 answer so for what never existed.
        return _not_found(request, response, problem) if request.method == "GET" else None
    if problem is None:
        return _not_pipedrive(request, response)
    if problem.success is False:
        return _invalid(request, response, problem)
    return None


def _not_pipedrive(request: Request, response: Response) -> ConnectorError:
    """Judge a good status without JSON: a gateway or a portal has answered."""
    told = f"{request.operation}: {response.status} with {response.content_type or 'no content'}"
    if not request.is_safe:
        return UnavailableError(
            f"{told} instead of JSON; the write may have been carried out",
            is_connection_wide=False,
            correlation_id=_correlation_id(response),
        )
    return ContractError(f"{told} instead of JSON", correlation_id=_correlation_id(response))


def _server_error(request: Request, response: Response, problem: _Problem | None) -> ConnectorError:
    said = _said(problem)
    if response.status == 501:  # noqa: PLR2004 - not implemented
        return ContractError(
            f"Pipedrive does not know {request.operation} (501){said}",
            correlation_id=_correlation_id(response),
        )
    return UnavailableError(
        f"Pipedrive answers {response.status} to {request.operation}{said}",
        retry_after=rates.wait_asked_for(response),
        # A 500 may be one record's fault; a gateway's 502 to 504 and maintenance are everybody's.
        is_connection_wide=response.status != 500,  # noqa: PLR2004
        correlation_id=_correlation_id(response),
    )


def _redirected(request: Request, response: Response) -> ConnectorError:
    """Refuse to follow: the login would be carried to another address."""
    target = urlsplit(response.headers.get("location", ""))
    return ConfigurationError(
        f"Pipedrive's address sends {request.operation} elsewhere "
        f"({response.status}, to {target.netloc or 'another path'}): correct the API address or "
        "the company domain",
        correlation_id=_correlation_id(response),
    )


def _unauthorized(
    _request: Request, response: Response, problem: _Problem | None
) -> ConnectorError:
    return AuthenticationError(
        f"Pipedrive refuses the login{_said(problem)}: enter a valid API token, or give consent "
        "again",
        correlation_id=_correlation_id(response),
    )


def _payment_required(
    request: Request, response: Response, problem: _Problem | None
) -> ConnectorError:
    return ConfigurationError(
        f"Pipedrive asks for payment at {request.operation}{_said(problem)}: the company's "
        "account is not open, or lacks a paid part",
        correlation_id=_correlation_id(response),
    )


def _forbidden(request: Request, response: Response, problem: _Problem | None) -> ConnectorError:
    correlation_id = _correlation_id(response)
    if problem is None and response.body.lstrip().startswith(b"<"):
        return RateLimitedError(
            "Pipedrive's firewall has blocked this login, as it does after too many calls: "
            "nothing is sent for an hour",
            scope=QuotaScope.BLOCKED,
            retry_after=_BLOCKED_WAIT,
            correlation_id=correlation_id,
        )
    if problem is not None and "Scope and URL mismatch" in problem.words:
        return _scope_mismatch(request, correlation_id)
    if problem is not None and str(problem.code).startswith("feature_capping"):
        return ConfigurationError(
            f"Pipedrive's plan is at its limit{_said(problem)}: make room in Pipedrive or take a "
            "larger plan",
            correlation_id=correlation_id,
        )
    return AccessDeniedError(
        f"Pipedrive does not let this user do {request.operation}{_said(problem)}: give the user "
        "the permission, or connect with another user",
        right=costs.needed_scope(request.operation),
        correlation_id=correlation_id,
    )


def _scope_mismatch(request: Request, correlation_id: str | None) -> ConnectorError:
    """Tell apart the two meanings of this answer: a scope is missing, or the path is wrong."""
    scope = costs.needed_scope(request.operation)
    if scope is None:
        # Every app has what this operation needs, so it can only be the path.
        return ConfigurationError(
            f"Pipedrive does not know the path of {request.operation}: check the API address",
            correlation_id=correlation_id,
        )
    return AccessDeniedError(
        f"The app lacks the scope {scope} for {request.operation}: add it in Developer Hub and "
        "give consent again",
        right=scope,
        correlation_id=correlation_id,
    )


def _not_found(request: Request, response: Response, problem: _Problem | None) -> ConnectorError:
    correlation_id = _correlation_id(response)
    if response.content_type not in _JSON and response.status == 404:  # noqa: PLR2004
        return ConfigurationError(
            f"There is no Pipedrive API at this address (404 without JSON to "
            f"{request.operation}): check the API address and the company domain",
            correlation_id=correlation_id,
        )
    return NotFoundError(
        f"Pipedrive has no such record (any more) for {request.operation}{_said(problem)}",
        correlation_id=correlation_id,
    )


def _invalid(request: Request, response: Response, problem: _Problem | None) -> ConnectorError:
    correlation_id = _correlation_id(response)
    told = f"Pipedrive refuses {request.operation}{_said(problem)}"
    if request.method == "GET":
        # What we ask in a read is of our own making: no record can put it right.
        return ContractError(told, correlation_id=correlation_id)
    fields = {} if problem is None else faults_by_field(problem)
    if request.operation == "webhooks.create" and "subscription_url" in fields:
        return ConfigurationError(
            f"Pipedrive cannot reach our webhook address ({fields['subscription_url']}): it must "
            "be public, https with a trusted certificate, and must not redirect",
            correlation_id=correlation_id,
        )
    return InvalidRecordError(told, fields=fields, correlation_id=correlation_id)


def _unprocessable(
    request: Request, response: Response, problem: _Problem | None
) -> ConnectorError:
    if request.operation == "webhooks.create":
        return ConfigurationError(
            f"Pipedrive takes no further webhook of this user{_said(problem)}: it allows 40, "
            "remove some that are no longer needed",
            correlation_id=_correlation_id(response),
        )
    return _invalid(request, response, problem)


def _unsupported(request: Request, response: Response, problem: _Problem | None) -> ConnectorError:
    return ConfigurationError(
        f"Pipedrive has not switched on what {request.operation} needs{_said(problem)}",
        correlation_id=_correlation_id(response),
    )


def _too_many(request: Request, response: Response, _problem: _Problem | None) -> ConnectorError:
    asked = rates.wait_asked_for(response)
    if rates.is_daily_budget_gone(response):
        # When the budget is renewed is not told: at the midnight of a zone that is not named.
        return RateLimitedError(
            "Pipedrive's daily token budget is used up; it is renewed at midnight of "
            "Pipedrive's server",
            scope=QuotaScope.DAILY,
            correlation_id=_correlation_id(response),
        )
    return RateLimitedError(
        f"Too many calls to Pipedrive at once ({request.operation})",
        scope=QuotaScope.BURST,
        retry_after=max(asked or _BURST_WAIT, _BURST_WAIT),
        correlation_id=_correlation_id(response),
    )


def _unknown(request: Request, response: Response, problem: _Problem | None) -> ConnectorError:
    return ContractError(
        f"Pipedrive answers {response.status} to {request.operation}{_said(problem)}, which is "
        "not documented",
        correlation_id=_correlation_id(response),
    )


_BY_STATUS: dict[int, Callable[[Request, Response, _Problem | None], ConnectorError]] = {
    400: _invalid,
    401: _unauthorized,
    402: _payment_required,
    403: _forbidden,
    404: _not_found,
    410: _not_found,
    415: _unsupported,
    422: _unprocessable,
    429: _too_many,
}


def faults_by_field(problem: _Problem) -> dict[str, str]:
    """Return which fields an answer complains about, as far as it names them."""
    if isinstance(problem.errors, dict):
        return {str(field): _joined(text) for field, text in problem.errors.items()}
    said = problem.words.removeprefix("Validation failed:")
    named = [_NAMED_FAULT.match(part) for part in said.split(";")]
    faults = {found["field"]: found["text"].strip() for found in named if found}
    # A refused custom field is named by its key, in the text or beside it.
    keys = _KEY.findall(f"{said} {problem.field_code}")
    return faults | {key: said.strip() for key in keys if key not in faults}


def _joined(text: object) -> str:
    return ", ".join(map(str, text)) if isinstance(text, list) else str(text)


def _said(problem: _Problem | None) -> str:
    return f" ({problem.words})" if problem is not None and problem.words else ""


def _correlation_id(response: Response) -> str | None:
    return response.headers.get("x-correlation-id")
