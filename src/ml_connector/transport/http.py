"""One connection's outbound HTTP.

A vendor's client asks its ``HTTP`` for one call at a time. What every call needs stands here
once: a turn from the pacer, the login, a deadline, the guard over writes, the vendor's error
told from its answer, another try where that does no harm, and the record of what was said.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import Enum

from ml_connector.core.clock import Clock
from ml_connector.core.profile import Limits
from ml_connector.transport.messages import (
    Authenticator,
    Cost,
    ErrorReader,
    Method,
    Pacer,
    RateReader,
    Recorder,
    Response,
)
from ml_connector.transport.redaction import Redactor

PATIENCE = timedelta(seconds=60)


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
    its attempts; each attempt then has the call's own deadline.
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
        self.limits = profile_limits
        self.clock = clock
        self.redactor = redactor or Redactor()

    def http(
        self,
        *,
        base_url: str,
        error_of: ErrorReader,
        authenticator: Authenticator | None = None,
        read_rates: RateReader | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTTP:
        """Return the caller for one API of the vendor. ``headers`` go with every call."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close every socket."""
        raise NotImplementedError


class HTTP:
    """Makes calls to one API under one base address, with one login."""

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
        transport's; zero means one attempt).

        Raises the error that the vendor's ``error_of`` reads from the answer, and:
        UnavailableError (`failures`: unreachable, timed out, dropped), ConfigurationError for a
        wrong address or certificate, OutcomeUnknownError when an unsafe call may have been
        carried out, RateLimitedError when its turn would come too late, WriteWindowClosedError
        when the permit ended before it was sent.
        """
        raise NotImplementedError
