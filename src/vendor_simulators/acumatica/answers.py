"""Refusals in Acumatica's forms: the HttpError envelope, plain text and HTML."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

JSON = "application/json; charset=utf-8"
_encode = msgspec.json.Encoder(decimal_format="number").encode

PX_EXCEPTION = "PX.Data.PXException"
NOT_FOUND_TYPE = "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException"
_CONTRACT = "PX.Api.ContractBased"
TOO_MANY = "The custom error module does not recognize this error."


class RefusalError(Exception):
    """An answer that is not the one hoped for, with status, body and headers."""

    def __init__(
        self,
        status: int,
        content: Any = None,
        *,
        headers: dict[str, str] | None = None,
        text: str | None = None,
    ) -> None:
        super().__init__(f"{status} {content or text}")
        self.status = status
        self.content = content
        self.headers = headers or {}
        self.text = text

    def answer(self) -> web.Response:
        """Return it as a response."""
        if self.text is not None:
            return web.Response(status=self.status, text=self.text, headers=self.headers)
        if self.content is None:
            return web.Response(status=self.status, headers=self.headers)
        return json_response(self.content, status=self.status, headers=self.headers)


def json_response(
    content: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """Return ``content`` as JSON; decimals keep their digits."""
    return web.Response(
        body=_encode(content), status=status, headers={"Content-Type": JSON, **(headers or {})}
    )


def fault(text: str, exception_type: str = PX_EXCEPTION, *, status: int = 500) -> RefusalError:
    """Return a business exception: HTTP 500, whatever went wrong."""
    return RefusalError(
        status,
        {
            "message": "An error has occurred.",
            "exceptionMessage": text,
            "exceptionType": exception_type,
            "stackTrace": f"   at {exception_type.rpartition('.')[0] or _CONTRACT}.Simulated()",
        },
    )


def no_record() -> RefusalError:
    """Return the answer for a single record that does not exist."""
    return fault("No entity satisfies the condition.", NOT_FOUND_TYPE)


def lock_violation(table: str) -> RefusalError:
    """Return the answer of a save that met another one."""
    return fault(
        f"Another process has updated the '{table}' record. Your changes will be lost.",
        "PX.Data.PXLockViolationException",
    )


def timed_out() -> RefusalError:
    """Return the answer of a query that the database gave up on."""
    return fault(
        "Execution Timeout Expired. The timeout period elapsed prior to completion of the "
        "operation or the server is not responding.",
        "System.Data.SqlClient.SqlException",
    )


def invalid_request(text: str, member: str = "") -> RefusalError:
    """Return 400 for a body or parameter that cannot be read."""
    return RefusalError(400, {"message": "The request is invalid.", "modelState": {member: [text]}})


def no_route(url: str) -> RefusalError:
    """Return 404 for an endpoint, version, entity or action that is not there."""
    return RefusalError(
        404,
        {
            "message": f"No HTTP resource was found that matches the request URI '{url}'.",
            "messageDetail": "No route data was found for this request.",
        },
    )


def message(status: int, text: str) -> RefusalError:
    """Return a refusal with nothing but a message."""
    return RefusalError(status, {"message": text})


def declined() -> RefusalError:
    """Return 429 as the web server words it."""
    return RefusalError(429, text=TOO_MANY)
