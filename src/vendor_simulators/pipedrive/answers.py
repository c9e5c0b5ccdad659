"""What Pipedrive answers: envelopes of success, and refusals in its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

_SEE_DOCS = "Please check developers.pipedrive.com"
_SEE_DOCS_LONG = f"{_SEE_DOCS} for more information about Pipedrive API."
_NOTHING: Mapping[str, Any] = {"data": None, "additional_data": None}


@dataclass(slots=True)
class Answer:
    """A status and a body: a value that becomes JSON, or ready bytes."""

    body: Any
    status: int = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The call is not carried out; ``answer`` says so to the caller."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.answer = Answer(body, status, dict(headers or {}))


def single(data: Any, *, status: int = HTTPStatus.OK) -> Answer:
    """Return one v2 record."""
    return Answer({"success": True, "data": data}, status)


def page(data: Sequence[Any], next_cursor: str | None) -> Answer:
    """Return one page of a v2 list."""
    return Answer({"success": True, "data": data, "additional_data": {"next_cursor": next_cursor}})


def v1_single(
    data: Any, *, status: int = HTTPStatus.OK, related: Mapping[str, Any] | None = None
) -> Answer:
    """Return one v1 record."""
    body: dict[str, Any] = {"success": True, "data": data}
    if related is not None:
        body["related_objects"] = related
    return Answer(body, status)


def invalid(*problems: str) -> RefusedError:
    """Return v2's refusal of a request that does not fit its schema."""
    return RefusedError(
        HTTPStatus.BAD_REQUEST,
        {
            "success": False,
            "error": f"Validation failed: {'; '.join(problems)}",
            "code": "ERR_SCHEMA_VALIDATION_FAILED",
        },
    )


def not_allowed(name: str) -> str:
    """Return the problem of a parameter that the operation does not know."""
    return f"{name}: Parameter '{name}' is not allowed for this request"


def v2_missing() -> RefusedError:
    """Return v2's 404."""
    return RefusedError(
        HTTPStatus.NOT_FOUND,
        {
            "success": False,
            "error": "Entity was not found",
            "error_info": "Object was not found.",
            **_NOTHING,
        },
    )


def v1_missing(noun: str, *, status: int = HTTPStatus.NOT_FOUND) -> RefusedError:
    """Return v1's 404, or the empty 204 that old versions answered."""
    if status == HTTPStatus.NO_CONTENT:
        return RefusedError(status, b"")
    return RefusedError(
        status,
        {
            "success": False,
            "error": f"{noun} not found",
            "error_info": "Object was not found.",
            **_NOTHING,
        },
    )


def v1_bad_request(error: str = "Bad request") -> RefusedError:
    """Return v1's 400."""
    return RefusedError(
        HTTPStatus.BAD_REQUEST,
        {"success": False, "error": error, "error_info": _SEE_DOCS_LONG, **_NOTHING},
    )


def rejected(version: int, name: str, problem: str) -> RefusedError:
    """Return the 400 for a value that fits the schema but not the data, in either version."""
    return invalid(f"{name}: {problem}") if version > 1 else v1_bad_request(problem)


def forbidden(error: str = "You do not have permissions to do this.") -> RefusedError:
    """Return the 403 for a missing permission."""
    return RefusedError(
        HTTPStatus.FORBIDDEN,
        {"success": False, "error": error, "error_info": _SEE_DOCS, **_NOTHING},
    )


def capped(entity: str, plural: str) -> RefusedError:
    """Return the 403 for a plan's limit on records."""
    return RefusedError(
        HTTPStatus.FORBIDDEN,
        {
            "success": False,
            "error": f"Couldn't add the {entity}. Open {plural} limit reached.",
            "error_info": _SEE_DOCS_LONG,
            **_NOTHING,
            "code": f"feature_capping_{plural}_limit",
        },
    )


def unauthorized(error: str = "unauthorized access") -> RefusedError:
    """Return the gateway's 401."""
    return RefusedError(
        HTTPStatus.UNAUTHORIZED,
        {"success": False, "error": error, "errorCode": 401, "error_info": _SEE_DOCS},
        {"x-401-by-gw": "true"},
    )


def scope_mismatch() -> RefusedError:
    """Return the 403 for a missing scope, or for a path that is not there, under OAuth."""
    return RefusedError(
        HTTPStatus.FORBIDDEN,
        {
            "success": False,
            "error": "Scope and URL mismatch",
            "errorCode": 403,
            "error_info": _SEE_DOCS,
        },
    )


def unknown_path() -> RefusedError:
    """Return the 404 for a path that is not there, under an API token."""
    return RefusedError(
        HTTPStatus.NOT_FOUND,
        {"success": False, "error": "Unknown method .", "error_info": _SEE_DOCS, **_NOTHING},
    )


def wrong_method() -> RefusedError:
    """Return the 405."""
    return RefusedError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        {"success": False, "error": "Method not allowed", "error_info": _SEE_DOCS, **_NOTHING},
    )


def over_limit(headers: Mapping[str, str]) -> RefusedError:
    """Return the 429 of either budget."""
    return RefusedError(
        HTTPStatus.TOO_MANY_REQUESTS, {"success": False, "error": "request over limit"}, headers
    )


def scripted_failure(status: int) -> Any:
    """Return the body for a failure that a test asked for."""
    known: dict[int, RefusedError] = {
        HTTPStatus.BAD_REQUEST: v1_bad_request(),
        HTTPStatus.UNAUTHORIZED: unauthorized(),
        HTTPStatus.FORBIDDEN: forbidden(),
        HTTPStatus.NOT_FOUND: v2_missing(),
    }
    if status in known:
        return known[status].answer.body
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return {"success": False, "error": "Required suites missing"}
    error = "Requested service is not available"
    return {"success": False, "error": error, "error_info": _SEE_DOCS, **_NOTHING}


class UnchangedError(RefusedError):
    """v1's 410 for deleting what is deleted already; it says success nevertheless."""

    def __init__(self, record_id: int) -> None:
        super().__init__(HTTPStatus.GONE, {"success": True, "data": {"id": record_id}})
