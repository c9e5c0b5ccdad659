"""Actions: accepted with 202 and a Location, polled until 204, bound to their session."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vendor_simulators.acumatica.answers import RefusalError, message, no_route
from vendor_simulators.acumatica.erp import Erp
from vendor_simulators.acumatica.forms import Form
from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.sessions import Session

_KEPT = 5_000
_LONGEST = 30.0  # seconds after which an operation that nobody polls is over all the same
_FIRST_WITH_409 = 25


@dataclass
class Operation:
    """One action under way or done."""

    id: str
    session_id: str
    entity: str
    polls_left: int
    ready_at: float
    over_at: float
    refusal: RefusalError | None

    def is_running(self, now: float) -> bool:
        """Say whether the form is still busy."""
        return now < self.over_at and (self.polls_left > 0 or now < self.ready_at)


class Operations:
    """Runs actions and answers their polls."""

    def __init__(self, erp: Erp) -> None:
        self._erp = erp
        self._by_id: dict[str, Operation] = {}
        self._order: deque[str] = deque()
        self._failures: list[tuple[str, RefusalError]] = []

    def fail_next(self, action: str, refusal: RefusalError) -> None:
        """Let the next run of an action fail."""
        self._failures.append((action.lower(), refusal))

    def run(
        self,
        form: Form,
        record: Record,
        action: str,
        parameters: Mapping[str, Any],
        *,
        session: Session,
    ) -> Operation | None:
        """Run an action; return the operation to poll, None when it is done at once."""
        refusal = self._failure_of(action)
        if refusal is None:
            try:
                form.actions[action.lower()](record, parameters)
            except RefusalError as exc:
                refusal = exc
        switches, now = self._erp.switches, self._erp.clock.monotonic()
        polls, seconds = int(switches["action_polls"]), float(switches["action_seconds"])
        if polls == 0 and seconds == 0:
            if refusal is not None:
                raise refusal
            return None
        operation = Operation(
            id=self._erp.new_id(),
            session_id=session.id,
            entity=form.entity.name,
            polls_left=polls,
            ready_at=now + seconds,
            over_at=now + seconds + _LONGEST,
            refusal=refusal,
        )
        self._keep(operation)
        return operation

    def poll(self, operation_id: str, session: Session, url: str) -> bool:
        """Say whether an operation has ended; raise what it failed with."""
        operation = self._by_id.get(operation_id.lower())
        if operation is None:
            raise no_route(url)
        if operation.session_id != session.id:
            status = int(self._erp.switches["foreign_poll_status"])
            raise message(status, "The operation belongs to another session.")
        if operation.polls_left > 0:
            operation.polls_left -= 1
            return False
        if self._erp.clock.monotonic() < operation.ready_at:
            return False
        if operation.refusal is not None:
            raise operation.refusal
        return True

    def check_free(self, entity: str, session: Session, version: int) -> None:
        """Refuse a write to a form on which this session's operation still runs."""
        now = self._erp.clock.monotonic()
        for operation_id in reversed(self._order):
            operation = self._by_id[operation_id]
            if operation.over_at < now:
                break
            is_same = operation.entity == entity and operation.session_id == session.id
            if is_same and operation.is_running(now):
                text = "A long operation is running for this screen in the current session."
                raise message(409 if version >= _FIRST_WITH_409 else 500, text)

    def _failure_of(self, action: str) -> RefusalError | None:
        for at, (name, refusal) in enumerate(self._failures):
            if name == action.lower():
                del self._failures[at]
                return refusal
        return None

    def _keep(self, operation: Operation) -> None:
        self._by_id[operation.id] = operation
        self._order.append(operation.id)
        if len(self._order) > _KEPT:
            del self._by_id[self._order.popleft()]
