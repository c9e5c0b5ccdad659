"""From a call to its answer: log in, wait for a turn, send, read the error, maybe once more."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from multidict import CIMultiDict
from opentelemetry import trace
from yarl import URL

from ml_connector.core.clock import Clock
from ml_connector.core.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    OutcomeUnknownError,
    UnavailableError,
)
from ml_connector.core.permits import WritePermit
from ml_connector.transport.failures import UnreadableAnswerError
from ml_connector.transport.lanes import current_lane
from ml_connector.transport.messages import (
    Authenticator,
    ErrorReader,
    Pacer,
    RateReader,
    Request,
    Response,
)
from ml_connector.transport.recording import Recording
from ml_connector.transport.redaction import Redactor
from ml_connector.transport.retries import wait_before_repeat
from ml_connector.transport.sending import Departure, Sender

_UNAUTHORIZED = 401
# A token that another worker just renewed may end before this call gets there; so may the next.
# Each renewal was granted, so no password is being guessed at.
MOST_RENEWALS = 3
_tracer = trace.get_tracer("ml_connector.transport")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What all calls of one connection share."""

    clock: Clock
    pacer: Pacer | None
    redactor: Redactor
    recording: Recording | None
    sender: Sender
    rng: random.Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call with all that bounds it."""

    request: Request
    url: URL
    headers: CIMultiDict[str]
    permit: WritePermit | None
    within: float
    """Seconds for each attempt, from connecting to the last byte."""
    last_start: float
    """No attempt begins later (monotonic)."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one attempt brought: an answer, an error, or an answer that is an error."""

    response: Response | None
    error: ConnectorError | None

    @property
    def is_unauthorized(self) -> bool:
        return (
            isinstance(self.error, AuthenticationError)
            and self.response is not None
            and self.response.status == _UNAUTHORIZED
        )


class Caller:
    """Carries out the calls to one API with one login."""

    def __init__(
        self,
        line: Line,
        *,
        error_of: ErrorReader,
        authenticator: Authenticator | None,
        read_rates: RateReader | None,
    ) -> None:
        self._line = line
        self._error_of = error_of
        self._authenticator = authenticator
        self._read_rates = read_rates

    async def carry_out(self, call: Call) -> Response:
        """Return the good answer, or raise what the call came to."""
        # The span stays with us: no trace header goes to the vendor, to whom it says nothing.
        span = _tracer.start_span(call.request.operation, kind=trace.SpanKind.CLIENT)
        if not span.is_recording():
            return await self._until_answered(call)
        with trace.use_span(span, end_on_exit=True, record_exception=False):
            span.set_attributes(
                {
                    "http.request.method": call.request.method,
                    "server.address": call.url.host or "",
                    "url.path": self._line.redactor.text(call.url.path),
                    "ml_connector.tokens": call.request.cost.tokens,
                }
            )
            response = await self._until_answered(call)
            span.set_attribute("http.response.status_code", response.status)
            return response

    async def _until_answered(self, call: Call) -> Response:
        attempt = 0
        renewals = 0
        while True:
            login = await self._login()
            answer = await self._attempt(call, login)
            if answer.error is None and answer.response is not None:
                return answer.response
            can_renew = renewals < MOST_RENEWALS and answer.is_unauthorized
            if can_renew and await self._renewed(login):
                renewals += 1
                continue
            await self._wait_before_repeat(call, answer.error, attempt)
            attempt += 1

    async def _wait_before_repeat(
        self, call: Call, error: ConnectorError | None, attempt: int
    ) -> None:
        """Wait, or raise the error when there is to be no other attempt."""
        if error is None:
            raise ContractError(f"{call.request.operation} came to neither an answer nor an error")
        seconds = wait_before_repeat(
            error,
            attempt=attempt,
            is_safe=call.request.is_safe,
            time_left=call.last_start - self._line.clock.monotonic(),
            rng=self._line.rng,
        )
        if seconds is None:
            raise error
        await asyncio.sleep(seconds)

    async def _login(self) -> Mapping[str, str]:
        if self._authenticator is None:
            return {}
        try:
            login = await self._authenticator.headers()
        except OutcomeUnknownError as exc:
            raise _log_in_unanswered(exc) from exc
        for name, value in login.items():
            if "\n" in value or "\r" in value:
                raise ConfigurationError(
                    f"the login's {name} contains a line break; enter it again without"
                )
        self._line.redactor.learn_headers(login)
        return login

    async def _renewed(self, login: Mapping[str, str]) -> bool:
        if self._authenticator is None:
            return False
        try:
            return await self._authenticator.renew(login)
        except OutcomeUnknownError as exc:
            raise _log_in_unanswered(exc) from exc

    async def _attempt(self, call: Call, login: Mapping[str, str]) -> _Answer:
        pacer = self._line.pacer
        cost = call.request.cost
        not_after = None if call.permit is None else call.permit.not_after
        if pacer is None:
            departure = Departure(clock=self._line.clock, not_after=not_after)
            return await self._recorded(call, login, departure)
        await pacer.acquire(cost, lane=current_lane(), deadline=call.last_start)
        departure = Departure(
            clock=self._line.clock, not_after=not_after, on_leaving=lambda: pacer.sent(cost)
        )
        try:
            answer = await self._recorded(call, login, departure)
        finally:
            departure.end()
            pacer.release(cost)
        return answer

    async def _recorded(
        self, call: Call, login: Mapping[str, str], departure: Departure
    ) -> _Answer:
        clock = self._line.clock
        recording = self._line.recording
        if recording is None:
            return await self._exchange(call, login, departure)
        started_at, started = clock.now(), clock.monotonic()
        answer = _Answer(None, None)
        error: BaseException | None = None
        try:
            answer = await self._exchange(call, login, departure)
            error = answer.error
        except BaseException as exc:  # also a cancelled call was made
            error = exc
            raise
        finally:
            recording.keep(
                call.request,
                answer.response,
                error,
                started_at=started_at,
                elapsed=timedelta(seconds=clock.monotonic() - started),
                purpose=None if call.permit is None else call.permit.purpose,
                has_left=departure.has_left,
            )
        return answer

    async def _exchange(
        self, call: Call, login: Mapping[str, str], departure: Departure
    ) -> _Answer:
        headers = call.headers
        if login:
            headers = headers.copy()
            headers.update(login)
        try:
            response = await self._line.sender.send(
                call.request, call.url, headers, departure=departure, within=call.within
            )
        except ConnectorError as exc:
            return _Answer(None, self._outcome(call, exc, departure))
        error = self._error_of(call.request, response)
        self._tell_pacer(call, response, error)
        return _Answer(response, None if error is None else self._outcome(call, error, departure))

    def _tell_pacer(self, call: Call, response: Response, error: ConnectorError | None) -> None:
        pacer = self._line.pacer
        if pacer is not None:
            reading = None if self._read_rates is None else self._read_rates(response)
            pacer.observe(call.request.cost, reading, error, elapsed=response.elapsed)

    def _outcome(self, call: Call, error: ConnectorError, departure: Departure) -> ConnectorError:
        """Return what the error means for this call, without secrets."""
        clean = self._line.redactor.text(error.message)
        if clean != error.message:
            error.message = clean
            error.args = (clean,)
        is_answered = not isinstance(error, UnavailableError | UnreadableAnswerError)
        if call.request.is_safe or not departure.has_left or is_answered:
            return error
        unknown = OutcomeUnknownError(
            f"whether {call.request.operation} was carried out is not known: {error.message}; "
            "it is looked for before it is sent again",
            correlation_id=error.correlation_id,
        )
        unknown.__cause__ = error
        return unknown


def _log_in_unanswered(error: OutcomeUnknownError) -> UnavailableError:
    """Return the log-in's unknown outcome as what it is for the call, which was not sent."""
    return UnavailableError(f"the log-in got no answer: {error.message}")
