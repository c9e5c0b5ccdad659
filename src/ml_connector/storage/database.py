"""One process's way to the database: a pool, short transactions, retries of what may be retried."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self, TypeVar

import asyncpg
import msgspec
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ml_connector.core.errors import ConfigurationError
from ml_connector.storage.urls import connection_arguments

T = TypeVar("T")

OLDEST_SERVER = 14  # the oldest PostgreSQL that we test the statements against

# A process that stops between two statements (SIGSTOP, a paused virtual machine) must not keep
# its row locks; leases are longer than this.
IDLE_IN_TRANSACTION = timedelta(seconds=15)
STATEMENT_TIMEOUT = timedelta(seconds=60)
# For a server that no longer answers at all; above the server's own limit, which says more.
_COMMAND_TIMEOUT = STATEMENT_TIMEOUT + timedelta(seconds=15)
_POOL_TIMEOUT = timedelta(seconds=30)
_MAX_REPEATS = 8
_REPEAT_CEILING = timedelta(milliseconds=50)

_SERIALIZATION_FAILURE = "40001"
_DEADLOCK_DETECTED = "40P01"
_CONNECTION_EXCEPTION_CLASS = "08"
_OPERATOR_INTERVENTION = {"57P01", "57P02", "57P03", "57P05"}  # shut down, crashed, starting, idle
_TOO_MANY_CONNECTIONS = "53300"

_decode_json = msgspec.json.Decoder(float_hook=Decimal).decode
_json_encoder = msgspec.json.Encoder(decimal_format="number")


class Database:
    """A pool of connections to one PostgreSQL database."""

    def __init__(self, url: str, engine: AsyncEngine) -> None:
        self.url = url
        self.engine = engine
        self._by_statement = engine.execution_options(isolation_level="AUTOCOMMIT")  # same pool

    @classmethod
    async def connect(
        cls, url: str, *, pool_size: int = 10, application_name: str = "ml-connector"
    ) -> Self:
        """Open the pool and one connection, so that a wrong URL shows here.

        Numbers in JSON come back as Decimal, never as float. Raises ConfigurationError for a
        server older than PostgreSQL 14.
        """
        engine = create_async_engine(
            "postgresql+asyncpg://",  # the driver reads the real one; see `urls`
            async_creator=lambda: open_connection(url, application_name=application_name),
            pool_size=pool_size,
            max_overflow=0,
            # An error's words go into logs; the values of a statement are people's and vendors'.
            hide_parameters=True,
            pool_timeout=_POOL_TIMEOUT.total_seconds(),
            json_serializer=_encode_json,
            json_deserializer=_decode_json,
        )
        event.listen(engine.sync_engine, "checkout", _refuse_closed)
        database = cls(url, engine)
        try:
            async with database.transaction() as db:
                await db.execute(text("SELECT 1"))
        except BaseException:
            await engine.dispose()
            raise
        return database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end and rolls back on an error."""
        async with self.engine.begin() as db:
            yield db

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Carry ``work`` out in a transaction, again when the database asks for a repeat.

        That is after a deadlock or a serialization failure, which leave nothing behind. A lost
        connection is never repeated: the commit may have happened.
        """
        return await _repeated(self.transaction, work)

    async def run_statement(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Carry out ``work`` that is one statement: the same, without a BEGIN and a COMMIT."""
        return await _repeated(self._by_statement.connect, work)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


async def _repeated(
    connect: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
    work: Callable[[AsyncConnection], Awaitable[T]],
) -> T:
    for repeat in range(_MAX_REPEATS):
        try:
            async with connect() as db:
                return await work(db)
        except DBAPIError as exc:
            if not is_worth_repeating(exc) or repeat == _MAX_REPEATS - 1:
                raise
        await asyncio.sleep(_repeat_delay(repeat))
    raise AssertionError("the last repeat returns or raises")


async def open_connection(
    url: str, *, application_name: str = "ml-connector", **arguments: Any
) -> asyncpg.Connection[asyncpg.Record]:
    """Open one asyncpg connection outside the pool: for LISTEN, PgQueuer and migrations.

    Raises ConfigurationError for a server older than PostgreSQL 14.
    """
    settings = {
        "application_name": application_name,
        "TimeZone": "UTC",
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION),
        "statement_timeout": _milliseconds(STATEMENT_TIMEOUT),
    }
    settings |= arguments.pop("server_settings", {})
    arguments.setdefault("command_timeout", _COMMAND_TIMEOUT.total_seconds())
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        **connection_arguments(url), server_settings=settings, **arguments
    )
    version = connection.get_server_version()
    if version.major < OLDEST_SERVER:
        await connection.close()
        raise ConfigurationError(
            f"the database server is PostgreSQL {version.major}; "
            f"PostgreSQL {OLDEST_SERVER} or newer is needed"
        )
    return connection


async def database_now(db: AsyncConnection) -> datetime:
    """Return the database's clock, which leases, heartbeats and fences go by."""
    now: datetime = (await db.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now


def sqlstate_of(error: BaseException) -> str | None:
    """Return PostgreSQL's five-character code of ``error``, through SQLAlchemy's wrapping."""
    cause: BaseException | None = error
    while cause is not None:
        code = getattr(cause, "sqlstate", None)
        if isinstance(code, str):
            return code
        cause = cause.orig if isinstance(cause, DBAPIError) else cause.__cause__
    return None


def is_worth_repeating(error: BaseException) -> bool:
    """Tell whether the same transaction may simply be tried again: a deadlock or a conflict."""
    return sqlstate_of(error) in {_SERIALIZATION_FAILURE, _DEADLOCK_DETECTED}


def is_database_away(error: BaseException) -> bool:
    """Tell whether ``error`` is about the way to the server and not about the statement."""
    # asyncpg calls it an internal error when a connection is used whose end has just been told.
    if isinstance(
        error, (OSError, PoolTimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    ):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    code = sqlstate_of(error)
    if code is not None:
        return (
            code.startswith(_CONNECTION_EXCEPTION_CLASS)
            or code in _OPERATOR_INTERVENTION
            or code == _TOO_MANY_CONNECTIONS
        )
    return isinstance(error, DBAPIError) and isinstance(
        error.orig and error.orig.__cause__, (OSError, asyncpg.InterfaceError)
    )


def _refuse_closed(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """Let the pool replace a connection whose server has gone, without asking it each time."""
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")


def _encode_json(value: Any) -> str:
    return _json_encoder.encode(value).decode()


def _milliseconds(duration: timedelta) -> str:
    return str(duration // timedelta(milliseconds=1))


def _repeat_delay(repeat: int) -> float:
    ceiling = _REPEAT_CEILING.total_seconds() * (repeat + 1)
    return random.uniform(0, ceiling)  # noqa: S311 - keeps two rivals apart; nothing secret
