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
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
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
from ml_connector.storage.programs import PROGRAMS, launch, reachable_programs
from ml_connector.storage.urls import with_database

_OWNER_ONLY = 0o700
_PORT = 5432  # only a part of the socket's name; the server listens on no network
_LONGEST_FOLDER = 88  # bytes; with "/.s.PGSQL.5432" within the 103 that the strictest system takes
_POLL = timedelta(milliseconds=20)
_LOOK_FOR_PROGRESS = timedelta(seconds=1)
_TELL_ABOUT_A_LONG_START = timedelta(seconds=10)
# Crash recovery may take as long as it likes while anything moves; this is only against hanging.
_STALLED_AFTER = timedelta(minutes=5)
_CLEAN_STOP = timedelta(seconds=60)
_SHORT_LIFE = timedelta(seconds=30)  # a server that dies within is started again more slowly
_LONGEST_PAUSE = timedelta(seconds=5)
_LOOK_AT_LOG_SIZE = timedelta(minutes=1)
_LARGEST_LOG = 16 * 1024 * 1024  # bytes; one older file is kept beside it
_TAIL = 2000  # characters of the server's log that an error message quotes

log = structlog.get_logger(__name__)


class ServerChange(Enum):
    """What a watcher is told."""

    DIED = "died"
    RETURNED = "returned"


class EmbeddedServerError(ConfigurationError):
    """The server does not start; its own words are in the message."""


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
        self._log_path = self._folder / "server.log"
        self._settings = dict(settings or {})
        self._on_change = on_change
        self._lock = OwnerLock(self._home)
        self._account: Account | None = None
        self._programs = PROGRAMS
        self._socket_folder: Path | None = None
        self._temporary_folders: list[Path] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The database's URL; it stays the same when the server is started again."""
        if self._socket_folder is None:
            raise RuntimeError("the embedded server has not been started")
        host = quote(str(self._socket_folder), safe="/")
        # TLS is for networks; said here so that no PGSSLMODE of the environment decides.
        return (
            f"postgresql://{cluster.SUPERUSER}@/{cluster.DATABASE}"
            f"?host={host}&port={_PORT}&sslmode=disable"
        )

    @property
    def server_pid(self) -> int | None:
        """The server's pid, while it runs."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

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
        self._account = server_account(self._data)
        self._programs, copy = await asyncio.to_thread(reachable_programs, self._account)
        if copy is not None:
            self._temporary_folders.append(copy)
        if not self._data.exists():
            await self._create()
        cluster.check_version(self._data)
        self._socket_folder = _new_socket_folder(self._account)
        self._temporary_folders.append(self._socket_folder)
        await self._launch()
        await self._ensure_database()
        publish(self._home, self._address())

    def _remove_what_a_predecessor_left(self) -> None:
        address = published(self._home)
        for folder in address.temporary_folders if address else ():
            shutil.rmtree(folder, ignore_errors=True)  # cleaned by the machine, perhaps
        withdraw(self._home)
        for staging in self._folder.glob("new-*"):
            # An initdb whose owner was killed may still be ending in there; the next start is soon
            # enough for what cannot be removed now.
            shutil.rmtree(staging, ignore_errors=True)

    async def _create(self) -> None:
        log.info("database_created", folder=str(self._data))
        staging = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        with self._log_path.open("wb") as output:
            initdb = cluster.begin_cluster(
                staging,
                programs=self._programs,
                output=output,
                is_durable=self._settings.get("fsync") != "off",
            )
            try:
                while initdb.poll() is None:
                    await asyncio.sleep(_POLL.total_seconds())
            except BaseException:
                initdb.send_signal(signal.SIGINT)
                initdb.wait()
                raise
        if initdb.returncode != 0:
            raise EmbeddedServerError(f"the database could not be made: {self._words_since(0)}")
        cluster.finish_cluster(staging, self._data, self._account)

    async def _launch(self) -> None:
        """Start the server on its folder, where nobody else runs any more, until it is ready."""
        await stop_leftovers(self._data, self._account)
        assert self._socket_folder is not None  # noqa: S101 - `_begin` made it
        cluster.configure(
            self._data,
            socket_folder=self._socket_folder,
            account=self._account,
            settings=self._settings,
        )
        with self._log_path.open("ab") as output:
            log_start = output.tell()
            self._process = launch(
                self._programs / "bin" / "postgres",
                "-D",
                cluster.data_argument(self._data, self._account),
                "-c",
                f"cluster_name={cluster.cluster_name(self._data)}",
                folder=self._data,
                account=self._account,
                output=output,
            )
        await self._until_ready(self._process, log_start)

    async def _until_ready(self, process: subprocess.Popen[bytes], log_start: int) -> None:
        progress = _Progress(process.pid, self._log_path)
        while cluster.state_of(self._data) != (process.pid, "ready"):
            if process.poll() is not None:
                raise EmbeddedServerError(
                    f"the database server ended with {process.returncode} while starting: "
                    f"{self._words_since(log_start)}"
                )
            if progress.has_stalled():
                process.kill()
                process.wait()
                raise EmbeddedServerError(
                    f"the database server did nothing for {_STALLED_AFTER} while starting: "
                    f"{self._words_since(log_start)}"
                )
            await asyncio.sleep(_POLL.total_seconds())

    async def _ensure_database(self) -> None:
        connection = await open_connection(with_database(self.url, "postgres"))
        try:
            exists = await connection.fetchval(
                "SELECT true FROM pg_database WHERE datname = $1", cluster.DATABASE
            )
            if not exists:
                await connection.execute(f'CREATE DATABASE "{cluster.DATABASE}"')
        finally:
            await connection.close()

    def _address(self) -> Address:
        assert self._socket_folder is not None  # noqa: S101 - `_begin` made it
        return Address(
            url=self.url,
            owner_pid=os.getpid(),
            socket=self._socket_folder / f".s.PGSQL.{_PORT}",
            temporary_folders=self._temporary_folders,
        )

    def _words_since(self, position: int) -> str:
        with self._log_path.open("rb") as words:
            words.seek(position)
            return words.read().decode(errors="replace").strip()[-_TAIL:]

    # Running

    async def _supervise(self) -> None:
        """Start the server again whenever it ends."""
        pause = timedelta()
        while True:
            started_at = time.monotonic()
            await self._end_of_server()
            if time.monotonic() - started_at >= _SHORT_LIFE.total_seconds():
                pause = timedelta()
            assert self._process is not None  # noqa: S101 - it has just ended
            log.error("database_server_died", exit_code=self._process.returncode)
            self._tell(ServerChange.DIED)
            pause = await self._bring_back(pause)
            log.info("database_server_returned", pid=self.server_pid)
            self._tell(ServerChange.RETURNED)

    async def _end_of_server(self) -> None:
        look_again = time.monotonic()
        while self.server_pid is not None:
            if time.monotonic() >= look_again:
                look_again += _LOOK_AT_LOG_SIZE.total_seconds()
                self._bound_log()
            await asyncio.sleep(_POLL.total_seconds())

    async def _bring_back(self, pause: timedelta) -> timedelta:
        """Try until the server is ready; return how long to pause if it dies again soon."""
        while True:
            await asyncio.sleep(pause.total_seconds())
            pause = min(_LONGEST_PAUSE, pause * 2 or timedelta(milliseconds=100))
            try:
                await self._launch()
            except (EmbeddedServerError, OSError) as exc:
                log.exception("database_server_start_failed", error=str(exc))
            else:
                return pause

    def _tell(self, change: ServerChange) -> None:
        if self._on_change is not None:
            self._on_change(change)

    def _bound_log(self) -> None:
        """Keep the server's log small; it goes on writing at the end of the emptied file."""
        if self._log_path.stat().st_size > _LARGEST_LOG:
            shutil.copyfile(self._log_path, self._log_path.with_suffix(".log.1"))
            os.truncate(self._log_path, 0)

    # Stopping

    async def _clear_away(self) -> None:
        try:
            if self._process is not None:
                await self._stop_server(self._process)
                self._process = None
            withdraw(self._home)
            for folder in self._temporary_folders:
                shutil.rmtree(folder, ignore_errors=True)  # cleaned by the machine, perhaps
            self._temporary_folders.clear()
            self._socket_folder = None
        finally:
            self._lock.release()

    async def _stop_server(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # fast: ends the sessions, writes a checkpoint
        deadline = time.monotonic() + _CLEAN_STOP.total_seconds()
        while process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(_POLL.total_seconds())
        await stop_leftovers(self._data, self._account)


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
            await asyncio.sleep(_POLL.total_seconds())
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


def _new_socket_folder(account: Account | None) -> Path:
    """Make a folder for the socket that only the server's account (and root) can enter.

    It is not in the home folder, whose path may be longer than the name of a socket can be,
    nor in /run/user, which is emptied when the user logs out.
    """
    bases = ([] if account is None else ["/run"]) + [tempfile.gettempdir(), "/tmp"]  # noqa: S108 - mkdtemp makes an own folder there
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


class _Progress:
    """Watches whether a starting server does anything."""

    def __init__(self, pid: int, log_path: Path) -> None:
        self._process = psutil.Process(pid)
        self._log_path = log_path
        self._started_at = self._looked_at = self._moved_at = time.monotonic()
        self._told_at = self._started_at
        self._figures: tuple[float, ...] = ()

    def has_stalled(self) -> bool:
        """Tell whether nothing has moved for too long; says in between that it takes long."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_FOR_PROGRESS.total_seconds():
            return False
        self._looked_at = now
        figures = (self._log_path.stat().st_size, *cluster.progress_of(self._process))
        if figures != self._figures:
            self._figures, self._moved_at = figures, now
        if now - self._told_at >= _TELL_ABOUT_A_LONG_START.total_seconds():
            self._told_at = now
            log.info("database_server_starting", seconds=round(now - self._started_at))
        return now - self._moved_at >= _STALLED_AFTER.total_seconds()
