"""One connection's outbound HTTP.

A vendor's client asks its ``HTTP`` for one call at a time. What every call needs stands here
once: the guard over writes, the login, a turn from the pacer, a deadline, the vendor's error
told from its answer, another try where that does no harm, and the record of what was said.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from urllib.parse import urlencode

from multidict import CIMultiDict
from yarl import URL

from ml_connector.core.clock import Clock
from ml_connector.core.permits import WritePermit, current_permit
from ml_connector.core.profile import Limits
from ml_connector.transport.addresses import Base
from ml_connector.transport.calling import Call, Caller, Line
from ml_connector.transport.failures import AddressError, PlanOnlyError, WriteNotPermittedError
from ml_connector.transport.messages import (
    Authenticator,
    Cost,
    ErrorReader,
    Method,
    Pacer,
    RateReader,
    Recorder,
    Request,
    Response,
)
from ml_connector.transport.recording import Recording
from ml_connector.transport.redaction import Redactor
from ml_connector.transport.sending import Sender
from ml_connector.transport.targets import origin_of

PATIENCE = timedelta(seconds=60)
_ORDINARY = Cost()


class Writes(Enum):
    """Which calls may leave that are not declared ``reads_only``."""

    FREE = "free"
    """All: a REPL, a test of a client."""
    PERMITTED = "permitted"
    """Those under a `core.permits` permit that has not ended: the service."""
    REFUSED = "refused"
    """None: a plan."""


class Transport:
    """One connection's outbound HTTP resources: sockets, pacing, recording, redaction.

    Open one for each connection and close it at the end. ``tls`` names certificates to trust
    other than the system's. ``patience`` bounds how long a call waits for its turn and between
    its attempts; each attempt then has the call's own deadline. The pacer and the recorder
    belong to the caller, who may share and has to close them.
    """

    def __init__(
        self,
        *,
        profile_limits: Limits,
        clock: Clock,
        pacer: Pacer | None = None,
        recorder: Recorder | None = None,
        redactor: Redactor | None = None,
        writes: Writes = Writes.FREE,
        allow_private_targets: bool = False,
        patience: timedelta = PATIENCE,
        tls: ssl.SSLContext | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.redactor = redactor or Redactor()
        self._bounds = Bounds(
            clock=clock,
            writes=writes,
            within=profile_limits.call_deadline,
            patience=patience,
            allow_private_targets=allow_private_targets,
        )
        self._line = Line(
            clock=clock,
            pacer=pacer,
            redactor=self.redactor,
            recording=None if recorder is None else Recording(recorder, self.redactor),
            sender=Sender(
                allow_private_targets=allow_private_targets,
                tls=tls,
                largest_answer=profile_limits.largest_answer,
            ),
            rng=rng or random.Random(),  # noqa: S311 - jitter, not a secret
        )

    def http(
        self,
        *,
        base_url: str,
        error_of: ErrorReader,
        authenticator: Authenticator | None = None,
        read_rates: RateReader | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTTP:
        """Return the caller for one API of the vendor. ``headers`` go with every call.

        A base address that calls may not go to is told by the first call, not here.
        """
        return HTTP(
            Caller(
                self._line,
                error_of=error_of,
                authenticator=authenticator,
                read_rates=read_rates,
            ),
            bounds=self._bounds,
            base_url=base_url,
            headers=headers or {},
        )

    async def close(self) -> None:
        """Close every socket."""
        await self._line.sender.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a connection's calls may do, and how long they may take."""

    clock: Clock
    writes: Writes
    within: timedelta
    patience: timedelta
    allow_private_targets: bool


class HTTP:
    """Makes calls to one API under one base address, with one login; see Transport.http."""

    def __init__(
        self, caller: Caller, *, bounds: Bounds, base_url: str, headers: Mapping[str, str]
    ) -> None:
        self._caller = caller
        self._bounds = bounds
        self._headers = headers
        self._base: Base | AddressError
        try:
            self._base = Base(origin_of(base_url, allow_private=bounds.allow_private_targets))
        except AddressError as exc:
            self._base = exc

    async def call(
        self,
        method: Method,
        path: str,
        *,
        operation: str,
        params: Sequence[tuple[str, str]] | None = None,
        json: bytes | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cost: Cost | None = None,
        is_safe: bool | None = None,
        reads_only: bool | None = None,
        deadline: timedelta | None = None,
        patience: timedelta | None = None,
    ) -> Response:
        """Return the good answer to one call.

        ``path`` is appended to the base address (a leading slash makes no difference), or is a
        whole address of the same origin, such as a next page's. What is not yet percent-encoded
        in it is encoded, except ``/``, ``?``, ``&``, ``=`` and ``%``: quote keys beforehand.
        ``params`` are encoded here and keep their order. One of ``json`` (encoded already),
        ``form`` and ``body`` at most.

        ``is_safe``: sending it twice does no harm; only then it is repeated after an outage. True
        for GET, otherwise False unless said. An update that only sets values may say so.
        ``reads_only``: it changes no business record, so it needs no permit and is allowed in a
        plan: a search by POST, a log-in, a token refresh. True for GET, otherwise False unless
        said.
        ``deadline`` bounds each attempt from connecting to the last byte (default: the
        profile's); ``patience`` the waiting before the last attempt begins (default: the
        transport's).

        Raises the error that the vendor's ``error_of`` reads from the answer, and:
        UnavailableError (`failures`: unreachable, timed out, dropped), ConfigurationError for a
        wrong address or certificate, OutcomeUnknownError when an unsafe call may have been
        carried out, RateLimitedError when its turn would come too late, WriteWindowClosedError
        when the permit ended before it was sent.
        """
        if isinstance(self._base, AddressError):
            raise type(self._base)(self._base.message)
        is_get = method == "GET"
        content, content_type = _content(json, form, body)
        own_headers = CIMultiDict(self._headers)
        if content_type:
            own_headers["Content-Type"] = content_type
        if headers:
            own_headers.update(headers)
        url = self._base.address_of(path, params)
        request = Request(
            method=method,
            url=url,
            operation=operation,
            is_safe=is_get if is_safe is None else is_safe,
            headers=own_headers,
            body=content,
            cost=cost or _ORDINARY,
        )
        permit = None
        if not (is_get if reads_only is None else reads_only):
            permit = self._permit_for(request)
        call = Call(
            request=request,
            url=URL(url, encoded=True),
            headers=own_headers,
            permit=permit,
            within=(deadline or self._bounds.within).total_seconds(),
            last_start=self._last_start(patience, permit),
        )
        return await self._caller.carry_out(call)

    def _permit_for(self, request: Request) -> WritePermit | None:
        """Return the permit of a call that writes; raise when it may not leave at all."""
        writes = self._bounds.writes
        if writes is Writes.REFUSED:
            raise PlanOnlyError(
                f"{request.operation} would write while only a plan is made; nothing was sent"
            )
        permit = current_permit()
        if permit is None and writes is Writes.PERMITTED:
            raise WriteNotPermittedError(
                f"{request.operation} would write without a permit; nothing was sent, "
                "the flow must write through the writing-once primitive"
            )
        return permit

    def _last_start(self, patience: timedelta | None, permit: WritePermit | None) -> float:
        waits = self._bounds.patience if patience is None else patience
        last = self._bounds.clock.monotonic() + waits.total_seconds()
        return last if permit is None else min(last, permit.not_after)


def _content(
    json: bytes | None, form: Mapping[str, str] | None, body: bytes | None
) -> tuple[bytes | None, str | None]:
    if sum(each is not None for each in (json, form, body)) > 1:
        raise ValueError("a call has one of json, form and body")
    if json is not None:
        return json, "application/json"
    if form is not None:
        return urlencode(form).encode(), "application/x-www-form-urlencoded"
    return body, None
