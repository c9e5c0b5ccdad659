"""PostgreSQL as a part of the product: no installation, no network, no password.

`EmbeddedServer` owns the server of one home folder: it makes the database at the first start,
clears away what a killed predecessor left, starts the server on a unix socket that only this
account can reach, starts it again when it dies, and stops it cleanly. Other processes `join`
through the socket that the owner publishes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import quote

import psutil
import structlog

from ml_connector.core.errors import ConfigurationError, UnavailableError
from ml_connector.storage import cluster
from ml_connector.storage.accounts import Account, server_account
from ml_connector.storage.database import open_connection
from ml_connector.storage.leftovers import stop_leftovers
from ml_connector.storage.ownership import (
    Address,
    NotRunningError,
    OwnerLock,
    publish,
    published,
    withdraw,
)
from ml_connector.storage.programs import POLL, ended, reachable_programs
from ml_connector.storage.server_process import (
    EmbeddedServerError,
    ServerLog,
    ServerPlan,
    ServerProcess,
)
from ml_connector.storage.urls import with_database

_OWNER_ONLY = 0o700
_PORT = 5432  # only a part of the socket's name; the server listens on no network
_LONGEST_FOLDER = 88  # bytes; with "/.s.PGSQL.5432" within the 103 that the strictest system takes
_SHORT_LIFE = timedelta(seconds=30)  # a server that dies within is started again more slowly
_FIRST_PAUSE = timedelta(milliseconds=100)
_LONGEST_PAUSE = timedelta(seconds=5)
_LOOK_AT_LOG_SIZE = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class ServerChange(Enum):
    """What a watcher is told."""

    DIED = "died"
    RETURNED = "returned"


class EmbeddedServer:
    """The PostgreSQL server of one home folder, run by this process.

    Start it from a thread that lives as long as the server should, usually the main one: on
    Linux the server ends with the thread that started it, even if that is killed.
    ``settings`` go into the server's configuration, over our own. ``on_change`` is called in
    the event loop when the server has died and when it is back.
    """

    def __init__(
        self,
        home: Path,
        *,
        settings: Mapping[str, str] | None = None,
        on_change: Callable[[ServerChange], None] | None = None,
    ) -> None:
        self._home = home.absolute()
        self._folder = self._home / "database"
        self._data = self._folder / "data"
        self._log = ServerLog(self._folder / "server.log")
        self._settings = dict(settings or {})
        self._on_change = on_change
        self._lock = OwnerLock(self._home)
        self._temporary_folders: list[Path] = []
        self._plan: ServerPlan | None = None
        self._server: ServerProcess | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The database's URL; it stays the same when the server is started again."""
        if self._plan is None:
            raise RuntimeError("the embedded server has not been started")
        return _url_of(self._plan.socket_folder)

    @property
    def server_pid(self) -> int | None:
        """The server's pid, while it runs."""
        server = self._server
        return None if server is None or server.exit_code is not None else server.pid

    async def start(self) -> str:
        """Start the server, making the database if there is none, and return its URL.

        Raises AlreadyOwnedError when another process runs it, and EmbeddedServerError with
        the server's own words when it does not come up.
        """
        self._make_folder()
        self._lock.take()
        try:
            await self._begin()
        except BaseException:
            await self._clear_away()
            raise
        self._supervisor = asyncio.create_task(self._supervise(), name="embedded-database")
        return self.url

    async def stop(self) -> None:
        """Stop the server cleanly and let another process own it. Does nothing when not started."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        await self._clear_away()

    # Starting

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
            self._folder.chmod(_OWNER_ONLY)
        except OSError as exc:
            raise ConfigurationError(
                f"the database folder {self._folder} cannot be used: {exc.strerror}; "
                "ML_CONNECTOR_HOME must be a folder that this account may write to"
            ) from exc

    async def _begin(self) -> None:
        if self._data.exists():
            await stop_leftovers(self._data, server_account(self._data))
        self._remove_what_a_predecessor_left()
        account = server_account(self._data)
        programs, copy = await asyncio.to_thread(reachable_programs, account)
        if copy is not None:
            self._temporary_folders.append(copy)
        if not self._data.exists():
            await self._create(programs, account)
        cluster.check_version(self._data)
        socket_folder = _new_socket_folder(account)
        self._temporary_folders.append(socket_folder)
        self._plan = ServerPlan(
            data=self._data,
            programs=programs,
            socket_folder=socket_folder,
            log=self._log,
            account=account,
            settings=self._settings,
        )
        self._server = await ServerProcess.start(self._plan)
        await _ensure_database(self.url)
        self._publish(socket_folder)

    def _remove_what_a_predecessor_left(self) -> None:
        address = published(self._home)
        _remove(address.temporary_folders if address else [])
        withdraw(self._home)
        # An initdb whose owner was killed may still be ending in there; what cannot be removed
        # now can be at the next start.
        _remove(list(self._folder.glob("new-*")))

    async def _create(self, programs: Path, account: Account | None) -> None:
        staging = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        with self._log.path.open("wb") as output:
            initdb = cluster.begin_cluster(
                staging,
                programs=programs,
                output=output,
                is_durable=self._settings.get("fsync") != "off",
            )
        try:
            await ended(initdb)
        except BaseException:
            initdb.send_signal(signal.SIGINT)  # it removes what it made
            initdb.wait()
            raise
        if initdb.returncode != 0:
            raise EmbeddedServerError(f"the database could not be made: {self._log.words_since(0)}")
        await asyncio.to_thread(cluster.finish_cluster, staging, self._data, account)
        log.info("database_created", folder=str(self._data))

    def _publish(self, socket_folder: Path) -> None:
        address = Address(
            url=self.url,
            owner_pid=os.getpid(),
            socket=socket_folder / f".s.PGSQL.{_PORT}",
            temporary_folders=self._temporary_folders,
        )
        publish(self._home, address)

    # Running

    async def _supervise(self) -> None:
        """Start the server again whenever it ends."""
        pause = timedelta()
        while self._server is not None and self._plan is not None:
            started_at = time.monotonic()
            exit_code = await self._end_of(self._server)
            if time.monotonic() - started_at >= _SHORT_LIFE.total_seconds():
                pause = timedelta()
            log.error("database_server_died", exit_code=exit_code)
            self._tell(ServerChange.DIED)
            self._server, pause = await _brought_back(self._plan, pause)
            log.info("database_server_returned", pid=self._server.pid)
            self._tell(ServerChange.RETURNED)

    async def _end_of(self, server: ServerProcess) -> int:
        look_at_log = time.monotonic()
        while server.exit_code is None:
            if time.monotonic() >= look_at_log:
                look_at_log += _LOOK_AT_LOG_SIZE.total_seconds()
                self._log.keep_small()
            await asyncio.sleep(POLL.total_seconds())
        return server.exit_code

    def _tell(self, change: ServerChange) -> None:
        if self._on_change is not None:
            self._on_change(change)

    # Stopping

    async def _clear_away(self) -> None:
        try:
            if self._server is not None:
                await self._server.stop()
                self._server = None
            _remove(self._temporary_folders)
            self._temporary_folders = []
            withdraw(self._home)
            self._plan = None
        finally:
            self._lock.release()


async def join(home: Path, *, patience: timedelta = timedelta(seconds=10)) -> str:
    """Return the URL of the database that another process runs in ``home``.

    Waits up to ``patience`` while that process brings its server back. Raises NotRunningError
    when there is no such process.
    """
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        address = _address_of_living_owner(home)
        try:
            _, writer = await asyncio.open_unix_connection(address.socket)
        except PermissionError as exc:
            raise ConfigurationError(
                f"the database in {home} belongs to another account; run this as the account "
                f"of process {address.owner_pid}"
            ) from exc
        except OSError as exc:
            if time.monotonic() >= deadline:
                raise UnavailableError(
                    f"the database in {home} does not answer; the process "
                    f"{address.owner_pid} that runs it is bringing it back"
                ) from exc
            await asyncio.sleep(POLL.total_seconds())
        else:
            writer.close()
            return address.url


def _address_of_living_owner(home: Path) -> Address:
    try:
        address = published(home.absolute())
    except PermissionError as exc:
        raise ConfigurationError(
            f"the database in {home} belongs to another account; run this as that one"
        ) from exc
    if address is None or not psutil.pid_exists(address.owner_pid):
        raise NotRunningError(home)
    return address


async def _brought_back(plan: ServerPlan, pause: timedelta) -> tuple[ServerProcess, timedelta]:
    """Try until the server is ready; return it, and how long to pause if it dies again soon."""
    while True:
        await asyncio.sleep(pause.total_seconds())
        pause = min(_LONGEST_PAUSE, pause * 2 or _FIRST_PAUSE)
        try:
            return await ServerProcess.start(plan), pause
        except (EmbeddedServerError, OSError) as exc:
            log.exception("database_server_start_failed", error=str(exc))


async def _ensure_database(url: str) -> None:
    connection = await open_connection(with_database(url, "postgres"))
    try:
        exists = await connection.fetchval(
            "SELECT true FROM pg_database WHERE datname = $1", cluster.DATABASE
        )
        if not exists:
            await connection.execute(f'CREATE DATABASE "{cluster.DATABASE}"')
    finally:
        await connection.close()


def _url_of(socket_folder: Path) -> str:
    host = quote(str(socket_folder), safe="/")
    # TLS is for networks; said here so that no PGSSLMODE of the environment decides.
    return (
        f"postgresql://{cluster.SUPERUSER}@/{cluster.DATABASE}"
        f"?host={host}&port={_PORT}&sslmode=disable"
    )


def _new_socket_folder(account: Account | None) -> Path:
    """Make a folder for the socket that only the server's account (and root) can enter.

    It is not in the home folder, whose path may be longer than the name of a socket can be,
    nor in /run/user, which is emptied when the user logs out.
    """
    bases = [tempfile.gettempdir(), "/tmp"]  # noqa: S108 - mkdtemp makes an own folder there
    if account is not None:
        bases.insert(0, "/run")
    for base in bases:
        if not os.access(base, os.W_OK):
            continue
        folder = Path(tempfile.mkdtemp(prefix="mlc-", dir=base))
        if len(os.fsencode(folder)) <= _LONGEST_FOLDER:
            if account is not None:
                os.chown(folder, account.uid, account.gid)
            return folder
        folder.rmdir()
    raise ConfigurationError(
        f"no short folder for the database's socket: tried {', '.join(bases)}; set TMPDIR to a "
        f"writable folder of less than {_LONGEST_FOLDER} bytes"
    )


def _remove(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)  # cleaned by the machine before us, perhaps
