"""Functions over the gateway: gathered where they read, alone where they write.

What concurrent runs ask for within some milliseconds goes out as one request of several
functions, and each has an outcome of its own. A write is one function in one request: its answer
then says what became of it and of nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_connector.core.clock import Clock
from ml_connector.core.errors import AuthenticationError, ConnectorError, ContractError
from ml_connector.core.ids import new_trace_id
from ml_connector.core.logins import LoginStore
from ml_connector.transport.http import HTTP, Transport
from ml_connector.transport.loaders import Loader
from ml_connector.vendors.sage_intacct import answers, errors, requests
from ml_connector.vendors.sage_intacct.answers import Answer, Result
from ml_connector.vendors.sage_intacct.auth import Session, Sessions
from ml_connector.vendors.sage_intacct.characters import Removed
from ml_connector.vendors.sage_intacct.errors import SessionEndedError
from ml_connector.vendors.sage_intacct.requests import Function, Numbered
from ml_connector.vendors.sage_intacct.settings import Settings

MOST_FUNCTIONS = 50
"""In one request; about 100 is what others send, and a slow one holds up those it came with."""

MOST_RENEWALS = 2
"""The session that replaces a refused one may be another worker's, and over as well."""

Outcome = Result | ConnectorError


class Doors:
    """One connection's HTTP by address, and its sessions."""

    def __init__(
        self, settings: Settings, *, transport: Transport, logins: LoginStore, clock: Clock
    ) -> None:
        self._transport = transport
        self._https: dict[str, HTTP] = {}
        self.sessions = Sessions(settings, http_at=self.http_at, logins=logins, clock=clock)

    def http_at(self, address: str) -> HTTP:
        """Return the caller for one address: the gateway's, or a session's."""
        http = self._https.get(address)
        if http is None:
            http = self._https[address] = self._transport.http(
                base_url=address,
                error_of=errors.error_of,
                headers={"Content-Type": "application/xml", "Accept": "*/*"},
            )
        return http


class Gateway:
    """One company's functions, in one of its entities or at its top level."""

    def __init__(self, settings: Settings, *, doors: Doors, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.entity_id = settings.entity_id
        self._doors = doors
        self._reads: Loader[Function, Outcome] = Loader(
            self._read_all, largest=MOST_FUNCTIONS, what="function"
        )

    async def ask(self, function: Function) -> Result:
        """Return the good result of a function that reads, or raise what it came to."""
        outcome = await self._reads.load(function)
        return _good(function, outcome)

    async def write(
        self, function: Function, *, control_id: str, is_unique: bool, is_safe: bool
    ) -> tuple[Result, tuple[Removed, ...]]:
        """Carry out a function that writes, alone in its request.

        Returns its good result and what was taken out of its text. ``is_unique``: refused when
        a function of this control id was carried out before. ``is_safe``: it only sets values.
        """
        numbered = [Numbered(control_id=requests.checked_control_id(control_id), function=function)]
        outcomes, removed = await self._send(
            numbered, is_unique=is_unique, is_safe=is_safe, reads_only=False
        )
        return _good(function, outcomes[0]), removed

    async def log_out(self) -> None:
        """Drop the session."""
        await self._doors.sessions.forget(self.entity_id)

    async def _read_all(self, functions: Sequence[Function]) -> Mapping[Function, Outcome]:
        numbered = [
            Numbered(control_id=str(number), function=function)
            for number, function in enumerate(functions, start=1)
        ]
        outcomes, _ = await self._send(numbered, is_unique=False, is_safe=True, reads_only=True)
        return dict(zip(functions, outcomes, strict=True))

    async def _send(
        self, numbered: Sequence[Numbered], *, is_unique: bool, is_safe: bool, reads_only: bool
    ) -> tuple[list[Outcome], tuple[Removed, ...]]:
        """Send a request, once more with another session where the first one was refused."""
        sessions = self._doors.sessions
        session = await sessions.current(self.entity_id)
        renewals = 0
        while True:
            try:
                answer, removed = await self._exchange(
                    session, numbered, is_unique=is_unique, is_safe=is_safe, reads_only=reads_only
                )
            except SessionEndedError as exc:
                if renewals == MOST_RENEWALS:
                    raise AuthenticationError(
                        f"Intacct refuses sessions that it has just given: {exc.message}"
                    ) from exc
                renewals += 1
                session = await sessions.renewed(session)
                continue
            return _outcomes(numbered, answer), removed

    async def _exchange(
        self,
        session: Session,
        numbered: Sequence[Numbered],
        *,
        is_unique: bool,
        is_safe: bool,
        reads_only: bool,
    ) -> tuple[Answer, tuple[Removed, ...]]:
        control_id = new_trace_id()
        request = requests.encode(
            numbered,
            settings=self.settings,
            authentication=requests.with_session(session.id),
            control_id=control_id,
            is_unique=is_unique,
        )
        response = await self._doors.http_at(session.endpoint).call(
            "POST",
            "",
            operation=_operation(numbered),
            body=request.body,
            is_safe=is_safe,
            reads_only=reads_only,
        )
        answer = answers.read(response.body)
        if answer.control_id != control_id:
            raise ContractError("Intacct answered another request than ours")
        if answer.authentication is not None:
            self._doors.sessions.saw(session, answer.authentication)
        return answer, request.removed


def _operation(numbered: Sequence[Numbered]) -> str:
    names = {each.function.operation for each in numbered}
    return names.pop() if len(names) == 1 else "functions.read"


def _outcomes(numbered: Sequence[Numbered], answer: Answer) -> list[Outcome]:
    """Return the outcome of each function; one without a result, or with two, has an error."""
    return [_outcome(each, answer) for each in numbered]


def _outcome(numbered: Numbered, answer: Answer) -> Outcome:
    found = [each for each in answer.results if each.control_id == numbered.control_id]
    if len(found) != 1:
        return ContractError(
            f"Intacct's answer has {len(found)} results of {numbered.function.operation}"
        )
    return found[0]


def _good(function: Function, outcome: Outcome) -> Result:
    if isinstance(outcome, ConnectorError):
        raise outcome
    error = errors.result_error(function, outcome)
    if error is not None:
        raise error
    return outcome
