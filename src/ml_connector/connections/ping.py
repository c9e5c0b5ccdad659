"""Looks at a connection: address, login, version or tenant, and each right that is needed.

A person asks for it, and so does the service: for a connection whose pause has ended, to see
whether it can go back to work, and for one whose runs complain of its configuration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import structlog
from sqlalchemy import update

from ml_connector.connections.breaker import Trouble, trouble_of
from ml_connector.connections.rows import ConnectionRow, workspace_connection
from ml_connector.connections.tables import connection
from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ConnectorError,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.core.lanes import Lane
from ml_connector.storage.database import is_database_away
from ml_connector.transport.failures import AddressError, CertificateError
from ml_connector.transport.lanes import in_lane
from ml_connector.transport.vendor import PingLine

if TYPE_CHECKING:
    import random

    from ml_connector.connections.health import Turn
    from ml_connector.connections.opening import Connections
    from ml_connector.core.clock import Clock
    from ml_connector.storage.database import Database

PING_WITHIN = timedelta(seconds=60)
LOOK_EVERY = timedelta(seconds=1)

_CHECKS_OF_THE_CONNECTION = ("address", "certificate", "login", "version", "tenant")
_Check = Literal["address", "certificate", "login", "version", "tenant", "right", "fact"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PingReport:
    """What a ping found."""

    row: ConnectionRow
    """The connection after it, in the state that the ping showed."""
    lines: tuple[PingLine, ...]
    at: datetime
    elapsed_ms: float

    @property
    def is_good(self) -> bool:
        """Tell whether every line is."""
        return all(line.is_good for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """Return the report for a file, an answer or the connection's row."""
        return {
            "at": self.at.isoformat(),
            "is_good": self.is_good,
            "elapsed_ms": round(self.elapsed_ms),
            "lines": [_line_as_json(line) for line in self.lines],
        }


class Pings:
    """Pings connections and keeps what was found."""

    def __init__(
        self,
        *,
        connections: Connections,
        database: Database,
        clock: Clock,
        rng: random.Random,
        within: timedelta = PING_WITHIN,
    ) -> None:
        self._connections = connections
        self._health = connections.health
        self._database = database
        self._clock = clock
        self._rng = rng
        self._within = within

    async def ping(
        self, *, workspace_id: int, connection_id: int, needs: Sequence[str] = ()
    ) -> PingReport:
        """Look at a connection for a person and move it to the state that was found.

        ``needs`` are the rights that its flows need, in the vendor's words. Raises only
        NotFoundError: everything that is wrong with the connection is a line of the report.
        """
        async with self._database.transaction() as db:
            row = await workspace_connection(db, workspace_id, connection_id)
        report, trouble = await self._look(row, needs, failed_probes=0)
        await self._health.looked(row, trouble)
        async with self._database.transaction() as db:
            return replace(report, row=await workspace_connection(db, workspace_id, row.id))

    async def probe_due(self) -> int:
        """Look at the connections whose pause has ended; return how many there were."""
        turns = await self._health.take_turns()
        async with asyncio.TaskGroup() as group:
            for turn in turns:
                group.create_task(self._probe(turn))
        return len(turns)

    async def keep_probing(self) -> None:
        """Probe what is due until cancelled. One such task in each worker is enough."""
        while True:
            try:
                await self.probe_due()
            except* Exception as group:
                if not all(is_database_away(exc) for exc in _leaves(group)):
                    log.exception("probing_failed")
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def _probe(self, turn: Turn) -> None:
        was_trouble = not turn.row.is_ready
        report, trouble = await self._look(
            turn.row, (), failed_probes=turn.row.failed_probes + was_trouble
        )
        await self._health.end_turn(turn, trouble)
        log.debug("connection_probed", connection_id=turn.row.id, is_good=report.is_good)

    async def _look(
        self, row: ConnectionRow, needs: Sequence[str], *, failed_probes: int
    ) -> tuple[PingReport, Trouble | None]:
        began = self._clock.monotonic()
        lines, error = await self._lines(row, needs)
        report = PingReport(
            row=row,
            lines=tuple(lines),
            at=self._clock.now(),
            elapsed_ms=(self._clock.monotonic() - began) * 1000,
        )
        statement = (
            update(connection).where(connection.c.id == row.id).values(ping=report.as_json())
        )
        async with self._database.transaction() as db:
            await db.execute(statement)
        found = _error_of(lines, error)
        if found is None:
            return report, None
        now = self._clock.now()
        return report, trouble_of(found, now=now, failed_probes=failed_probes, rng=self._rng)

    async def _lines(
        self, row: ConnectionRow, needs: Sequence[str]
    ) -> tuple[list[PingLine], ConnectorError | None]:
        """Return what the client's ping says, and the last error that its calls met."""
        try:
            async with self._connections.open_to_look(row) as opened:
                try:
                    with in_lane(Lane.URGENT):
                        async with asyncio.timeout(self._within.total_seconds()):
                            lines = await opened.client.ping(needs)
                except ConnectorError as exc:
                    return [_line_of(exc)], exc
                met = opened.watch.last_error
                return [*_certificate_line(lines, met), *lines], met
        except TimeoutError:
            seconds = self._within.total_seconds()
            slow = UnavailableError(f"the ping of {row.vendor} took over {seconds:.0f} s")
            return [_line_of(slow)], slow
        except ConnectorError as exc:  # the stored settings or secrets are not good
            return [_line_of(exc)], exc
        except Exception as exc:  # edge: one vendor's fault must not end a ping of all
            if is_database_away(exc):
                raise
            log.exception("ping_failed", connection_id=row.id, vendor=row.vendor)
            message = f"the ping ended with {type(exc).__name__}, which is a fault of ours; see log"
            return [PingLine(check="fact", subject="ping", is_good=False, message=message)], None


def _error_of(lines: Sequence[PingLine], met: ConnectorError | None) -> ConnectorError | None:
    """Return the connection's own error, if the lines show one.

    A missing right is not: it holds the records that need it, and no others. For a passing
    trouble the error that the calls met says more than the line: how long to wait, and that a
    log-in failed for want of a seat, not for its password.
    """
    bad = [line for line in lines if not line.is_good and line.check in _CHECKS_OF_THE_CONNECTION]
    if not bad:
        return None
    if isinstance(met, (RateLimitedError, UnavailableError)):
        return met
    message = bad[0].message
    match bad[0].check:
        case "login":
            return AuthenticationError(message)
        case "address" if not isinstance(met, ConfigurationError):
            return UnavailableError(message)
        case _:
            return ConfigurationError(message)


def _line_of(error: ConnectorError) -> PingLine:
    """Return the line for an error that kept the client from looking any further."""
    check: _Check = "fact"
    match error:
        case CertificateError():
            check = "certificate"
        case AddressError() | UnavailableError():
            check = "address"
        case AuthenticationError():
            check = "login"
        case AccessDeniedError():
            check = "right"
        case ConfigurationError():
            check = "version"
        case _:
            pass
    return PingLine(check=check, subject="connection", is_good=False, message=error.message)


def _certificate_line(lines: Sequence[PingLine], met: ConnectorError | None) -> Sequence[PingLine]:
    """Say that it is the certificate, where the client could only say that nothing answered."""
    is_said = any(line.check == "certificate" for line in lines)
    if is_said or not isinstance(met, CertificateError):
        return ()
    return (_line_of(met),)


def _line_as_json(line: PingLine) -> dict[str, Any]:
    trip = line.round_trip_ms
    return asdict(line) | {"round_trip_ms": None if trip is None else round(trip)}


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for exc in group.exceptions:
        leaves += _leaves(exc) if isinstance(exc, BaseExceptionGroup) else [exc]
    return leaves
