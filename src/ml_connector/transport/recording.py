"""What is kept of each attempt: redacted, bounded, and counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from ml_connector.core.errors import ConnectorError
from ml_connector.transport.messages import FREE, CallRecord, Recorder, Request, Response
from ml_connector.transport.redaction import Redactor

LONGEST_BODY = 64 * 1024
"""Bytes kept of each body; the rest is cut off."""

_DECLINED = frozenset({401, 429})  # statuses of calls that were not carried out and cost nothing
_ID_HEADERS = ("x-correlation-id", "x-request-id", "request-id", "x-ms-request-id")
_log = structlog.get_logger(__name__)


class Recording:
    """Hands finished attempts to the recorder, and never fails a call for it."""

    def __init__(self, recorder: Recorder, redactor: Redactor) -> None:
        self._recorder = recorder
        self._redactor = redactor

    def keep(
        self,
        request: Request,
        response: Response | None,
        error: BaseException | None,
        *,
        started_at: datetime,
        elapsed: timedelta,
        purpose: str | None,
        has_left: bool,
    ) -> None:
        """Record one attempt."""
        clean = self._redactor
        status = None if response is None else response.status
        record = CallRecord(
            started_at=started_at,
            elapsed=elapsed,
            method=request.method,
            url=clean.text(request.url),
            operation=request.operation,
            is_safe=request.is_safe,
            status=status,
            error=None if error is None else clean.text(_described(error)),
            request_body=clean.bounded(request.body, LONGEST_BODY),
            response_body=None if response is None else clean.bounded(response.body, LONGEST_BODY),
            correlation_id=_correlation_id(response, error),
            cost=request.cost if has_left and status not in _DECLINED else FREE,
            purpose=purpose,
        )
        _guarded(self._recorder.record, record)


def _guarded(take: Callable[[CallRecord], None], record: CallRecord) -> None:
    try:
        take(record)
    except Exception:  # noqa: BLE001 - the call is over; keeping it must not change its outcome
        _log.exception("call_record_lost", operation=record.operation)


def _described(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _correlation_id(response: Response | None, error: BaseException | None) -> str | None:
    if isinstance(error, ConnectorError) and error.correlation_id:
        return error.correlation_id
    if response is None:
        return None
    return next((response.headers[name] for name in _ID_HEADERS if name in response.headers), None)
